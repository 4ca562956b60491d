"""One piece of a benchmark's work: an item made, laundered by every chain, and judged by every detector."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from ..detect.finding import Evidence, Finding, Skipped
from ..detect.scan import examine
from ..generate.seal import ConsentError
from ..media.audio import Audio
from ..media.errors import AssayError
from ..media.image import Still
from ..media.view import View
from .executor import Payload
from .makers import Media, Real, maker
from .plan import Plan, leave_of, real_of
from .plugins import Answer, Card, Plugin, plugin
from .plugins.interface import WHY_MOST
from .quality import quality, thumbnail
from .rows import Facts, Row
from .samples import CLEAN, digest, file_bytes, hand_out, laundered, level, marked, seed_of

_PREFIX = "assay-items-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A bona fide item or a fake of it, levelled, in memory."""

    real: Real
    maker: str
    media: Media

    @property
    def item(self) -> str:
        """The item's id: that of the real file, and what was made of it."""
        return f"{self.real.id}+{self.maker}" if self.maker else self.real.id


def piece(payload: Payload) -> Payload:
    """Do one piece of work: return its rows and facts, what could not be made, or what was refused.

    Called by name, in whatever process the executor has.
    """
    plan = Plan.of(payload["plan"])
    real = real_of(payload["real"])
    try:
        sample = _sample(real, payload, plan)
    except ConsentError as error:
        return {"refused": str(error).partition(": ")[2], "reason": str(error.reason)}
    except AssayError as error:
        return _missed(payload, str(error))
    except Exception as error:  # noqa: BLE001 - one maker's fault must not end a run of days
        return _missed(payload, f"a fault: {type(error).__name__}: {error}")
    rows: list[Row] = []
    facts: list[Facts] = []
    chains = plan.chains[real.kind]
    for place in np.random.default_rng(seed_of(plan.seed, f"{sample.item}|order")).permutation(len(chains)):
        told, about = _judged(sample, chains[place], plan)
        rows += told
        facts.append(about)
    return {"rows": [row.to_json() for row in rows], "facts": [one.to_json() for one in facts]}


def _missed(payload: Payload, why: str) -> Payload:
    item = f"{payload['real']['id']}+{payload['maker']}" if payload["maker"] else payload["real"]["id"]
    return {"missed": {"item": item, "maker": payload["maker"], "why": why[:WHY_MOST]}}


def lost(payload: Payload, why: str) -> Payload:
    """Return the result of a piece of work that ended its worker: every answer is a crash."""
    plan = Plan.of(payload["plan"])
    sample = Sample(real=real_of(payload["real"]), maker=payload["maker"], media=_SILENCE)
    rows = [
        _row(sample, chain, Answer(outcome="crashed", why=why), name)
        for chain in plan.chains[sample.real.kind]
        for name in _asked(plan, sample.real.kind)
    ]
    return {"rows": [row.to_json() for row in rows], "facts": []}


_SILENCE = Audio(samples=np.zeros((1, 1), np.float32), rate=1)


def _sample(real: Real, payload: Payload, plan: Plan) -> Sample:
    name = payload["maker"]
    media: Media
    if name:
        cast = [real_of(other) for other in payload["cast"]]
        seed = seed_of(plan.seed, f"{real.id}+{name}")
        media = maker(name).make(real, cast, leave=leave_of(payload), seed=seed)
    else:
        media = real.media
    media = level(media)
    if plan.marked:
        # The same id in the real and in what is made of it: the mark's own bits are no label either.
        media = marked(media, seed_of(plan.seed, f"{real.id}|mark"))
    return Sample(real=real, maker=name, media=media)


def _asked(plan: Plan, kind: str) -> list[str]:
    return [*plan.detectors, *(card.name for card in plan.plugins if kind in card.kinds)]


def _judged(sample: Sample, chain: str, plan: Plan) -> tuple[list[Row], Facts]:
    """Return the rows of every detector on `sample` under `chain`, and what else is known of it."""
    kind = sample.real.kind
    # The seed leaves the maker out: a real and its fake get the same noise and the same crop.
    rng = np.random.default_rng(seed_of(plan.seed, f"{sample.real.id}|{chain}"))
    try:
        media = laundered(sample.media, CLEAN[kind] if chain == "clean" else chain, rng)
    except AssayError as error:
        none = Answer(outcome="no input", why=f"laundering failed: {error}")
        known = Facts(
            item=sample.item,
            real=sample.real.id,
            kind=kind,
            group=sample.real.subject,
            maker=sample.maker,
            laundering=chain,
        )
        return [_row(sample, chain, none, name) for name in _asked(plan, kind)], known
    cards = [card for card in plan.plugins if kind in card.kinds]
    handed = file_bytes(media) if cards else (b"", "")
    facts = _facts(sample, chain, media, plan, size=len(handed[0]))
    rows = list(_ours(sample, chain, media, plan, facts.digest))
    if cards:
        path = hand_out(*handed, _folder(), f"{plan.seed}|{sample.item}|{chain}")
        try:
            rows += [_row(sample, chain, _ask(card, path), card.name, card=card, seal=facts.digest) for card in cards]
        finally:
            path.unlink(missing_ok=True)
    return rows, facts


def _ours(sample: Sample, chain: str, media: Media, plan: Plan, seal: str) -> Iterator[Row]:
    evidence: Evidence | None = None
    for name in plan.detectors:
        begun = time.perf_counter()
        version = ""
        try:
            if evidence is None:
                # No manifest, no mark, no label: a forensic detector that is told would cheat itself.
                evidence = Evidence(view=View.of(media), verification=None)
            found = examine(name, evidence)
            answer, version = _answer(found)
        except Exception as error:  # noqa: BLE001 - whatever a detector raises is counted, and the run goes on
            answer = Answer(outcome="crashed", why=f"{type(error).__name__}: {error}"[:WHY_MOST])
        answer = replace(answer, seconds=time.perf_counter() - begun)
        yield replace(_row(sample, chain, answer, name, seal=seal), version=version, scale="llr")


def _answer(found: tuple[Finding, ...] | Skipped) -> tuple[Answer, str]:
    if isinstance(found, Skipped):
        return Answer(outcome="crashed" if found.failed else "skipped", why=found.why), ""
    # A detector may report several findings (a face each): the file is as suspect as its most suspect part.
    strongest = max(found, key=lambda finding: finding.llr)
    return Answer(outcome="scored", score=strongest.llr), strongest.version


def _ask(card: Card, path: Path) -> Answer:
    begun = time.perf_counter()
    answer = _opened(json.dumps(card.to_json())).ask(path)
    return replace(answer, seconds=time.perf_counter() - begun)


def _row(sample: Sample, chain: str, answer: Answer, detector: str, *, card: Card | None = None, seal: str = "") -> Row:
    return Row(
        item=sample.item,
        real=sample.real.id,
        kind=sample.real.kind,
        group=sample.real.subject,
        maker=sample.maker,
        laundering=chain,
        detector=detector,
        version=card.version if card else "",
        score=answer.score,
        scale="llr" if card and card.calibrated else "score",
        outcome=answer.outcome,
        # The folder that files are handed out in is another in each process: a reason must not differ by it.
        why=answer.why.replace(str(_folder()), "…"),
        seconds=round(answer.seconds, 4),
        digest=seal,
    )


def _facts(sample: Sample, chain: str, media: Media, plan: Plan, *, size: int) -> Facts:
    width = height = 0
    seconds = 0.0
    if isinstance(media, Audio):
        seconds = media.seconds
    elif isinstance(media, Still):
        height, width = media.pixels.shape[:2]
    else:
        frames = list(media.frames())
        (height, width), seconds = frames[0].image.shape[:2], len(frames) / float(media.rate)
    measured: dict[str, float] | None = None
    thumb = ""
    if chain == "clean":
        measured = quality(media, _levelled(sample.real) if sample.maker else None, judges=plan.judges)
        thumb = thumbnail(media, fake=bool(sample.maker))
    return Facts(
        item=sample.item,
        real=sample.real.id,
        kind=sample.real.kind,
        group=sample.real.subject,
        maker=sample.maker,
        laundering=chain,
        digest=digest(media),
        size=size,
        seconds=round(seconds, 4),
        width=width,
        height=height,
        quality=measured,
        thumb=thumb,
    )


def _levelled(real: Real) -> Media | None:
    try:
        return level(real.media)
    except AssayError:
        return None


@cache
def _opened(card: str) -> Plugin:
    """Return the plug-in of a card, one a process, ended with it."""
    found = plugin(Card.of(json.loads(card)))
    atexit.register(found.close)
    return found


@cache
def _folder() -> Path:
    """Return the folder of this process in which files are handed out: in memory where the system has such a place.

    What killed processes left behind is removed: nothing of a fake stays longer than until the next run.
    """
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of our own in it
    shelf = memory if memory.is_dir() else Path(tempfile.gettempdir())
    for left in shelf.glob(f"{_PREFIX}*"):
        owner = left.name.removeprefix(_PREFIX).partition("-")[0]
        if Path("/proc").is_dir() and not Path("/proc", owner).exists():
            shutil.rmtree(left, ignore_errors=True)
    place = tempfile.TemporaryDirectory(dir=shelf, prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True)
    atexit.register(place.cleanup)
    return Path(place.name)
