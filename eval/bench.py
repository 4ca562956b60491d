"""The fresh-fake benchmark: real files, fakes made of them now, one chain for both, every detector on each.

Reals and fakes are levelled alike (`level`), go through the same laundering chain with the same seed and carry no
mark; manifests and labels are withheld. So neither codec, length, loudness nor mark can be the label. Fakes stay in
memory. What a maker or detector cannot do is counted and never scored.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from ..datasets.corpus import CorpusError
from ..datasets.launder import launder, steps_of
from ..detect.finding import Evidence, Finding, Skipped
from ..detect.scan import examine
from ..generate.interface import GenerationError
from ..media.audio import Audio, resample
from ..media.errors import AssayError, InputError, NothingToExamine
from ..media.image import Still
from ..media.video import Film, Frame
from ..media.view import View
from .makers import Leave, Media, Real, maker
from .rows import Row

RATE = 16_000
SECONDS = 4.0
LEVEL_DB = -23.0
CLEAN = {"audio": "none", "image": "jpeg-90", "video": "h264-crf23"}
"""The chain behind the word "clean": an encoder all the same, because a real picture has been through one too."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run: makers, detectors, laundering chains by kind of media, and the seed of all that is random."""

    makers: tuple[str, ...]
    detectors: tuple[str, ...]
    chains: dict[str, tuple[str, ...]]
    seed: int


def chains_by_kind(chains: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return, for each kind of media, `clean` and those of `chains` that can happen to it.

    Raises `InputError` for a chain that happens to no kind at all.
    """
    chosen = {kind: ("clean", *(chain for chain in chains if _applies(chain, kind))) for kind in CLEAN}
    for chain in chains:
        if not any(chain in kept for kept in chosen.values()):
            msg = f"no laundering chain is named {chain!r}: join steps such as mp3-64k, jpeg-70 or h264-crf35 by '+'"
            raise InputError(msg)
    return chosen


def _applies(chain: str, kind: str) -> bool:
    try:
        return bool(steps_of(chain, "film" if kind == "video" else kind))
    except CorpusError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A bona fide item or a fake of it, levelled, in memory."""

    item: str
    kind: str
    group: str
    maker: str
    media: Media


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMade:
    """A fake that could not be made, and why."""

    item: str
    maker: str
    why: str


def run(
    reals: Sequence[Real], plan: Plan, leave: Leave, *, progress: Progress | None = None
) -> Iterator[Row | NotMade]:
    """Yield a row for every detector on every item under every chain, and what could not be made, in a fixed order.

    Raises `ConsentError` if somebody whose file is used did not consent to the benchmark.
    """
    tell = progress or (lambda _name: None)
    for real in reals:
        for made in _samples(real, reals, plan, leave):
            if isinstance(made, NotMade):
                yield made
                continue
            for chain in plan.chains[made.kind]:
                tell(f"{made.item} · {made.maker or 'bona fide'} · {chain}")
                yield from _examined(made, chain, plan)


def _samples(real: Real, cast: Sequence[Real], plan: Plan, leave: Leave) -> Iterator[Sample | NotMade]:
    yield Sample(item=real.id, kind=real.kind, group=real.subject, maker="", media=level(real.media))
    for name in plan.makers:
        engine = maker(name)
        if engine.kind != real.kind:
            continue
        item = f"{real.id}+{name}"
        try:
            media = level(engine.make(real, cast, leave=leave, seed=_seed(plan.seed, item)))
        except (GenerationError, NothingToExamine) as error:
            yield NotMade(item=item, maker=name, why=str(error))
        else:
            yield Sample(item=item, kind=real.kind, group=real.subject, maker=name, media=media)


def _examined(sample: Sample, chain: str, plan: Plan) -> Iterator[Row]:
    # The seed leaves the maker out: a real and its fake get the same noise and the same crop.
    rng = np.random.default_rng(_seed(plan.seed, f"{sample.item.partition('+')[0]}|{chain}"))
    try:
        view = View.of(_laundered(sample.media, CLEAN[sample.kind] if chain == "clean" else chain, rng))
    except AssayError as error:
        for name in plan.detectors:
            answer = Skipped(detector=name, why=f"laundering failed: {error}", failed=True)
            yield _row(sample, chain, name, answer, 0.0)
        return
    evidence = Evidence(view=view, verification=None)
    for name in plan.detectors:
        begun = time.perf_counter()
        answers = examine(name, evidence)
        yield _row(sample, chain, name, answers, time.perf_counter() - begun)


def _laundered(media: Media, chain: str, rng: np.random.Generator) -> Media:
    """Return `media` after `chain`; of a film the pictures are laundered, and its sound stays as it is."""
    if not isinstance(media, Film):
        return cast("Audio | Still", launder(media, chain, rng))
    frames = cast("tuple[Frame, ...]", launder(tuple(media.frames()), chain, rng))
    return Film(frames=lambda: iter(frames), rate=media.rate, audio=media.audio)


def _row(sample: Sample, chain: str, name: str, answer: tuple[Finding, ...] | Skipped, seconds: float) -> Row:
    skipped = answer if isinstance(answer, Skipped) else None
    # A detector may report several findings (a face each): the file is as suspect as its most suspect part.
    strongest = None if isinstance(answer, Skipped) else max(answer, key=lambda finding: finding.llr)
    return Row(
        item=sample.item,
        kind=sample.kind,
        group=sample.group,
        maker=sample.maker,
        laundering=chain,
        detector=name,
        version=strongest.version if strongest else "",
        llr=strongest.llr if strongest else None,
        why=skipped.why if skipped else "",
        failed=skipped.failed if skipped else False,
        seconds=round(seconds, 4),
    )


def level(media: Media) -> Media:
    """Return `media` without what could give its class away.

    Sound becomes mono at 16 kHz, without the silence at its ends, at most 4 s and at one loudness; of a film the
    pictures of at most 4 s are kept; a picture stays as it is. Raises `NothingToExamine` if the sound is silent.
    """
    if isinstance(media, Audio):
        return _level_audio(media)
    if isinstance(media, Film):
        return _level_film(media)
    return media


def _level_audio(audio: Audio) -> Audio:
    samples = resample(audio.mono(), audio.rate, RATE)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    if loud.size < RATE // 2:
        msg = "the sound is silent but for less than half a second"
        raise NothingToExamine(msg)
    samples = samples[loud[0] : loud[-1] + 1][: int(SECONDS * RATE)]
    gain = 10.0 ** (LEVEL_DB / 20.0) / float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    return Audio(samples=np.clip(samples * gain, -1.0, 1.0).astype(np.float32)[np.newaxis], rate=RATE)


def _level_film(film: Film) -> Film:
    def frames() -> Iterator[Frame]:
        for frame in film.frames():
            if frame.time >= SECONDS:
                return
            yield frame

    # The makers of films change the pictures alone: the sound of a fake is the real one, and would be scored as spoof.
    return Film(frames=frames, rate=film.rate)


def _seed(seed: int, name: str) -> int:
    """Return a seed of its own for `name`, the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{name}".encode()).digest()[:8], "big")
