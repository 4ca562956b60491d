"""What a stranger can do: read with another key, write without the key, learn the key from many marked files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...datasets.launder import Media
from ...media.audio import Audio, resample
from ...media.image import Still
from ...provenance import marks
from ...provenance.marks import MarkError
from .alarms import presence, scheme_of
from .ledger import Record
from .material import Piece, draw, load

Signal = NDArray[np.float64]

OTHERS = 3
"""Keys that every marked file is also read with."""
AVERAGED = 20
TARGETS = 10
SIDE = 512
SECONDS = 4.0
RATE = 16_000
STRENGTHS = (0.0, 1.0, 2.0, 4.0)
"""How many times what was learned is added or taken away; none, as a control."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A unit of work: a file marked under the shared key and under a stranger's, read with the other's."""

    piece: Piece
    seed: int

    @property
    def unit(self) -> str:
        """What this unit is called in the file of rows."""
        return f"keys|{self.piece.item}"


def other_key(*words: str) -> bytes:
    """Return a 32-byte key that `words` give."""
    return hashlib.sha256("|".join(("another key", *words)).encode()).digest()


def read_by_strangers(work: Stranger) -> Iterator[Record]:
    """Yield one row: ids read with other keys, and whether what a stranger wrote is read under the shared key."""
    piece = work.piece
    media = load(piece)
    about = {"kind": piece.kind, "item": piece.item, "group": piece.group}
    if media is None:
        yield {**about, "row": "left out", "why": "cannot be read, too small, too short or silent"}
        return
    scheme, payload = scheme_of(piece.kind), draw(work.seed, "id", piece.item)
    keys = [other_key(piece.item, str(number)) for number in range(OTHERS)]
    try:
        marked = _embedded(scheme, media, payload, marks.SHARED_KEY)
        forged = _embedded(scheme, media, payload, keys[0])
    except MarkError as error:
        yield {**about, "row": "left out", "why": f"not marked: {error}"[:200]}
        return
    read = sum(scheme.detect(marked, key) is not None for key in keys)
    passed = scheme.detect(forged, marks.SHARED_KEY) is not None
    yield {**about, "row": "keys", "tried": len(keys), "read": read, "forged": int(passed)}


def _embedded(scheme: Any, media: Media, payload: int, key: bytes) -> Any:  # noqa: ANN401
    plain = media.pixels if isinstance(media, Still) else media
    out = scheme.embed(plain, payload, key)
    return out if isinstance(media, Audio | Still) else tuple(out)


def averaging(kind: str, pieces: Sequence[Piece], seed: int) -> Record:
    """Return what the mean change of 20 marked files shows, and what can be written or wiped out with it.

    The attacker's best case: all of one size, from the same first sample, in one half of the figures even with the
    originals at hand. `alike` is the correlation of the means of two disjoint lots: near 0 where nothing is common.
    """
    signals = [one for one in map(_signal, _used(pieces, 2 * AVERAGED + TARGETS)) if one is not None]
    count = min(AVERAGED, (len(signals) - TARGETS) // 2)
    if count < 2:
        return {"row": "averaging", "kind": kind, "averaged": 0}
    rng = np.random.default_rng(draw(seed, "averaging", kind))
    lots = {"first": signals[:count], "second": signals[count : 2 * count]}
    stranger = other_key("averaging")
    known: dict[str, Signal] = {}
    blind: dict[str, Signal] = {}
    for name, lot, key in (
        ("first", lots["first"], marks.SHARED_KEY),
        ("second", lots["second"], marks.SHARED_KEY),
        ("stranger", lots["second"], stranger),
    ):
        marked = [_written(kind, one, int(rng.integers(2**62)), key) for one in lot]
        known[name] = np.mean([b - a for a, b in zip(lot, marked, strict=True)], axis=0)
        blind[name] = np.mean([b - _smooth(b) for b in marked], axis=0)
    record: Record = {"row": "averaging", "kind": kind, "averaged": count}
    for name, means in (("with originals", known), ("without originals", blind)):
        alike = {other: round(_alike(means["first"], means[other]), 4) for other in ("second", "stranger")}
        record[name] = {
            "alike": alike["second"],
            "alike under another key": alike["stranger"],
            **_used_against(kind, signals[2 * count :][:TARGETS], means["first"], rng),
        }
    record["copied"] = _copied(kind, lots["first"], signals[2 * count :][:TARGETS], rng)
    return record


def _used_against(kind: str, targets: Sequence[Signal], learned: Signal, rng: np.random.Generator) -> Record:
    """Return what adding `learned` to unmarked targets forges, and what taking it from marked ones wipes out."""
    out: Record = {"targets": len(targets)}
    marked = [_written(kind, one, int(rng.integers(2**62)), marks.SHARED_KEY) for one in targets]
    for strength in STRENGTHS:
        forged = [_read(kind, one + strength * learned) for one in targets]
        wiped = [_read(kind, one - strength * learned) for one in marked]
        out[f"x{strength:g}"] = {
            "ids read where none was written": sum(found is not None for found, _ in forged),
            "presence below 0.001": sum(p is not None and p < 1e-3 for _, p in forged),
            "marked files no longer read": sum(found is None for found, _ in wiped),
        }
    return out


def _copied(kind: str, sources: Sequence[Signal], targets: Sequence[Signal], rng: np.random.Generator) -> Record:
    """Return how often the change of one marked file, with its original known, carries its id to another file."""
    read = 0
    for source, target in zip(sources, targets, strict=False):
        payload = int(rng.integers(2**62))
        found, _ = _read(kind, target + _written(kind, source, payload, marks.SHARED_KEY) - source)
        read += found == payload
    return {"tried": min(len(sources), len(targets)), "read": read}


def _used(pieces: Sequence[Piece], most: int) -> Iterator[Media]:
    given = 0
    for piece in pieces:
        if given == most:
            return
        media = load(piece)
        if media is not None and (not isinstance(media, Audio) or media.seconds >= SECONDS):
            given += 1
            yield media


def _signal(media: Media) -> Signal | None:
    import cv2

    if isinstance(media, Audio):
        return resample(media.mono(), media.rate, RATE)[: int(SECONDS * RATE)].astype(np.float64)
    if isinstance(media, Still):
        return np.asarray(cv2.resize(media.pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float64)
    return None


def _media(kind: str, signal: Signal) -> Any:  # noqa: ANN401
    if kind == "audio":
        return Audio(samples=np.clip(signal, -1, 1)[None].astype(np.float32), rate=RATE)
    return np.clip(np.rint(signal), 0, 255).astype(np.uint8)


def _written(kind: str, signal: Signal, payload: int, key: bytes) -> Signal:
    out = scheme_of(kind).embed(_media(kind, signal), payload, key)
    return np.asarray(out.samples[0] if kind == "audio" else out, np.float64)


def _read(kind: str, signal: Signal) -> tuple[int | None, float | None]:
    scheme, media = scheme_of(kind), _media(kind, signal)
    mark = scheme.detect(media, marks.SHARED_KEY)
    return (None if mark is None else cast("int | None", mark.payload)), presence(scheme, media, marks.SHARED_KEY)


def _smooth(signal: Signal) -> Signal:
    """Return a guess of the unmarked signal: the mark is what is lost."""
    import cv2
    from scipy.signal import medfilt

    if signal.ndim == 1:
        return np.asarray(medfilt(signal, 5), np.float64)
    return np.asarray(cv2.medianBlur(np.clip(signal, 0, 255).astype(np.uint8), 5), np.float64)


def _alike(one: Signal, other: Signal) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
