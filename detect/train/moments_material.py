"""What the search for synthetic stretches is trained on: spliced recordings as moments, in folds that share nobody.

A fold holds whole components of speakers and source pages, and a stretch comes from the fold of the recording that it
is put into; so a model trained on the others has heard neither the speakers nor, with `unseen_makers`, the makers.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ...datasets.corpus import Item
from ...datasets.groups import joined
from ...datasets.launder import launder
from ...datasets.splits import draw, group_folds
from ...media.asset import Asset
from ...media.audio import Audio, resample
from ...media.decode import decode_audio
from ...media.errors import AssayError
from ..audio.moments import HOP, moments
from . import copysynth
from .audio_material import CHAINS
from .splices import KINDS, RATE, Clip, Pantry, Splice, splice

F32 = NDArray[np.float32]

FOLDS = 3
VOICES = 40
"""Utterances by text to speech that stretches are taken from."""
HELD_OUT = (
    {"world", "world-coded", "lpc"},
    {"griffin-lim", "mel-blurred", "phase-made-up"},
    {"smoothed", "codebook", "upsampled", "hibari"},
)
"""The makers of one's own that a fold's training does not hear, so that its test can tell what unheard ones do."""
LAUNDERED = 0.5
"""Share of the recordings that are kept laundered too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A recording as moments `[n, WIDTH]` with the synthetic and the edited spans in seconds, and where it is from."""

    moments: F32
    spans: NDArray[np.float64]
    edited: NDArray[np.float64]
    kind: str
    maker: str
    chain: str
    fold: int
    group: str
    name: str

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.moments) * HOP / RATE


def clips(items: Sequence[Item]) -> list[tuple[int, Clip]]:
    """Return the sounds of `items` with their fold; what cannot be read is left out."""
    whole = joined([replace(item, groups=(item.group, f"speaker:{item.speaker}")) for item in items])
    folds = group_folds(whole, folds=FOLDS, seed=1)
    found = []
    for item, fold in zip(whole, folds, strict=True):
        try:
            audio = decode_audio(Asset.open(item.path))
        except AssayError:
            continue
        mono = resample(audio.mono(), audio.rate, RATE)[: 10 * RATE]
        found.append((fold, Clip(item=item, speaker=item.speaker or item.group, samples=mono)))
    return found


def pantries(found: Sequence[tuple[int, Clip]], *, seed: int) -> list[Pantry]:
    """Return for each fold what stretches are taken from; the made voices are dealt to the folds."""
    rng = np.random.default_rng(seed)
    said = [copysynth.speak(rng) for _ in range(VOICES)]
    voices = [resample(audio.mono(), audio.rate, RATE) for audio in said]
    return [
        Pantry(
            real=[clip for at, clip in found if at == fold and not clip.item.spoof],
            fake=[clip for at, clip in found if at == fold and clip.item.spoof],
            copies=tuple(sorted(copysynth.COPIES)),
            voices={"hibari": voices[fold::FOLDS]},
        )
        for fold in range(FOLDS)
    ]


def examples(
    items: Sequence[Item], *, seed: int, cache: Path, part: tuple[int, int] = (0, 1), done: Callable[[float], None]
) -> list[Example]:
    """Return the examples of each real recording among `items`, kept one file a recording in `cache`.

    Of `part` (k, n) only every n-th recording from the k-th on is made, so that several processes can share the work.
    """
    cache.mkdir(parents=True, exist_ok=True)
    found = clips(items)
    stocked = pantries(found, seed=seed)
    hosts = [(fold, clip) for fold, clip in found if not clip.item.spoof][part[0] :: part[1]]
    out: list[Example] = []
    for number, (fold, host) in enumerate(hosts):
        place = cache / f"{host.item.id}-{seed}.npz"
        if not place.exists():
            _keep(place, [e for kind in KINDS for e in _made(host, kind, fold, stocked[fold], seed)])
        out += read(place)
        done(number / len(hosts))
    return out


def _made(host: Clip, kind: str, fold: int, pantry: Pantry, seed: int) -> list[Example]:
    """Return the example of that kind, clean and perhaps laundered; none where nothing fits."""
    name = f"{host.item.id} {kind}"
    rng = np.random.default_rng([seed, int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])])
    made = splice(host, kind, pantry, rng)  # type: ignore[arg-type] # one of KINDS
    if made is None:
        return []
    found = [_example(made, made.samples, "none", fold, name)]
    if draw(f"wash {name}", seed) < LAUNDERED:
        chain = str(rng.choice(CHAINS))
        washed = cast("Audio", launder(Audio(samples=made.samples[None], rate=RATE), chain, rng))
        found.append(_example(made, resample(washed.mono(), washed.rate, RATE), chain, fold, name))
    return found


def _example(made: Splice, samples: F32, chain: str, fold: int, name: str) -> Example:
    return Example(
        moments=moments(samples),
        spans=np.array([[s.start, s.end] for s in made.spans], np.float64).reshape(-1, 2),
        edited=np.array([[s.start, s.end] for s in made.edited], np.float64).reshape(-1, 2),
        kind=made.kind,
        maker=made.maker,
        chain=chain,
        fold=fold,
        group=made.host.item.group,
        name=name,
    )


def _keep(place: Path, found: Sequence[Example]) -> None:
    """Write examples to `place`, whole or not at all."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for number, one in enumerate(found):
        arrays[f"{number} moments"] = one.moments.astype(np.float16)
        arrays[f"{number} spans"], arrays[f"{number} edited"] = one.spans, one.edited
        arrays[f"{number} facts"] = np.array([one.kind, one.maker, one.chain, str(one.fold), one.group, one.name])
    partial = place.with_suffix(f".{os.getpid()}.partial.npz")
    np.savez(partial, **arrays)  # type: ignore[arg-type] # the stub takes the keyword allow_pickle for one of them
    partial.replace(place)


def read(place: Path) -> list[Example]:
    """Return the examples that lie in `place`."""
    with np.load(place) as kept:
        count = len(kept.files) // 4
        out = []
        for number in range(count):
            kind, maker, chain, fold, group, name = (str(value) for value in kept[f"{number} facts"])
            out.append(
                Example(
                    moments=kept[f"{number} moments"].astype(np.float32),
                    spans=kept[f"{number} spans"],
                    edited=kept[f"{number} edited"],
                    kind=kind,
                    maker=maker,
                    chain=chain,
                    fold=int(fold),
                    group=group,
                    name=name,
                )
            )
    return out
