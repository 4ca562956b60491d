"""Reading the sound mark: find the pilot, at whatever speed, decode what lies there, say which seconds carry it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...media.audio import resample
from ...media.extent import Span
from . import codes, stave, tones
from .mdct import inverse

TRUST = 1.0
"""Power of a segment's level by which its soft values are weighed."""
SEEN = 4.5
"""Agreement of the pilot in standard deviations from which a position is decoded."""
WINDOW = 3 * stave.PERIOD
"""Samples over which a position is sought: 4.6 s."""
POSITIONS = 6
SPEEDS = 4
PRESENT = 3.0
"""Agreement of a segment and its neighbours with the id, in standard deviations, from which it counts as marked."""
AROUND = 5
"""Segments that are judged together: 0.64 s."""
HEARD = 0.7
"""Loudness of these, in loud segments, from which a missing mark is missing and not merely too quiet to tell."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The soft values of every segment when periods start at one position: `agreed` `[segments, SUMS]`.

    `levels` are the segments' levels, `starts` their first samples at 16 kHz.
    """

    agreed: NDArray[np.float32]
    levels: NDArray[np.float32]
    starts: NDArray[np.intp]


def _even(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `mono` with its spectrum made flat, in which the pilot is sought; as long as `mono`."""
    whole = stave.whole(mono, 0)
    bands = stave.whitened(stave.bands_of(whole))
    full = np.zeros((len(bands), stave.HOP), dtype=np.float32)
    full[:, stave.LOW : stave.LOW + stave.BANDS] = bands
    return inverse(full, stave.HOP)[: len(mono)]


def _positions(even: NDArray[np.float32], key: bytes, scheme: str) -> list[int]:
    """Return the likely starts of the first period, most votes first."""
    these = tones.tones(key, scheme)
    votes: dict[int, float] = {}
    windows = {(0, len(even))}
    if len(even) > WINDOW:
        windows |= {(at, at + WINDOW) for at in range(0, len(even) - WINDOW // 2, stave.PERIOD)}
    for start, end in sorted(windows):
        best, score = tones.position(tones.fold(even[start:end]), these)
        if score >= SEEN:
            place = (best + start) % stave.PERIOD
            near = next((one for one in votes if _apart(one, place) <= 1), place)
            votes[near] = votes.get(near, 0.0) + score
    return sorted(votes, key=lambda one: -votes[one])[:POSITIONS]


def _apart(one: int, other: int) -> int:
    gap = abs(one - other) % stave.PERIOD
    return min(gap, stave.PERIOD - gap)


def _grid(mono: NDArray[np.float32], position: int, key: bytes, scheme: str) -> Grid:
    before = (stave.PERIOD - position) % stave.PERIOD
    bands = stave.bands_of(stave.whole(mono, before))
    where = stave.layout(key, scheme)
    agreed = stave.agreement(stave.sums_of(bands / stave.levels_of(bands), where), where)
    starts = np.arange(len(agreed)) * stave.SEGMENT * stave.HOP - before
    return Grid(agreed, stave.segment_levels(bands), starts)


def _decode(grids: list[Grid], key: bytes, scheme: str) -> tuple[codes.Decoded | None, int]:
    """Decode each grid as a whole and in stretches of two, four and eight periods."""
    where = stave.layout(key, scheme)
    rows = []
    for grid in grids:
        weights = (grid.levels / (grid.levels.max() + 1e-12)) ** np.float32(TRUST)
        count = len(weights)
        stretches = {(0, count)}
        for periods in (2, 4, 8):
            length = periods * stave.SEGMENTS
            if count > length:
                stretches |= {(at, at + length) for at in range(0, count - length // 2, length // 2)}
        for start, end in sorted(stretches):
            part = np.zeros_like(weights)
            part[start:end] = weights[start:end]
            rows.append(stave.soft_values(grid.agreed, part, where))
    if not rows:
        return None, 0
    decoded = [one for one in codes.decode(np.stack(rows), key, scheme) if one is not None]
    return max(decoded, key=lambda one: one.strength, default=None), len(rows)


def read_block(mono: NDArray[np.float32], key: bytes, scheme: str) -> tuple[codes.Decoded | None, list[Span], int]:
    """Return the id in at most a minute of sound, the seconds that carry it, and how many decodings were tried."""
    if len(mono) < stave.PERIOD // 2 or float(np.abs(mono).max()) <= stave.HUSH:
        return None, [], 0
    even = _even(mono)
    trials = 0
    for speed in _speeds(even, key, scheme):
        played, at = mono, speed
        if speed != 1.0:
            at = speed * tones.finer(_even(_at_speed(mono, speed)), key, scheme)
            played = _at_speed(mono, at)
        flat = even if speed == 1.0 else _even(played)
        positions = _positions(flat, key, scheme)
        these = tones.tones(key, scheme)
        for straight in (False, True):
            sounds = [tones.straightened(played, flat, place, these) if straight else played for place in positions]
            grids = [_grid(sound, place, key, scheme) for sound, place in zip(sounds, positions, strict=True)]
            decoded, tried = _decode(grids, key, scheme)
            trials += tried
            if decoded is not None:
                return decoded, _spans(grids, decoded.symbols, at, key, scheme), trials
    return None, [], trials


def _speeds(even: NDArray[np.float32], key: bytes, scheme: str) -> Iterator[float]:
    """Yield the speeds to try: as it is, then, if that gave nothing, those at which the pilot shows."""
    yield 1.0
    yield from tones.speeds_of(even, key, scheme)[:SPEEDS]


def _at_speed(mono: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """Return `mono`, which was played at `speed`, as it was before."""
    return resample(mono, 1000 * stave.RATE, round(1000 * stave.RATE * speed))


def _spans(grids: list[Grid], symbols: NDArray[np.float32], speed: float, key: bytes, scheme: str) -> list[Span]:
    """Return the seconds that carry `symbols`.

    Each segment is judged with its neighbours, weighed by loudness. Where it is too quiet for the mark to be there,
    it goes with what lies around it: marked on both sides is marked.
    """
    where = stave.layout(key, scheme)
    length = stave.SEGMENT * stave.HOP
    total = max(int(grid.starts[-1]) for grid in grids) // length + 1
    best = np.full(total, -np.inf)
    loud = np.zeros(total)
    for grid in grids:
        turn = np.arange(len(grid.agreed)) % stave.SEGMENTS
        match = (grid.agreed * symbols[where.symbol[turn]]).sum(axis=1) / np.sqrt(stave.SUMS / 2.0)
        weight = np.minimum(grid.levels / (np.percentile(grid.levels, stave.LOUD) + stave.HUSH), 1.0) ** 2
        around = np.sqrt(np.convolve(weight**2, np.ones(AROUND), mode="same"))
        score = np.convolve(weight * match, np.ones(AROUND), mode="same") / (around + 1e-6)
        for at, value, heard in zip(np.rint(grid.starts / length).astype(int), score, around, strict=True):
            if 0 <= at < total:
                best[at], loud[at] = max(best[at], value), max(loud[at], heard)
    there = best >= PRESENT
    known = np.flatnonzero(there | (loud >= HEARD))
    for before, after in pairwise(known):
        if there[before] and there[after]:
            there[before:after] = True
    seconds = length / stave.RATE * speed
    return [Span(start=float(at * seconds), end=float((at + 1) * seconds)) for at in np.flatnonzero(there)]


def joined(spans: list[Span], seconds: float) -> list[Span]:
    """Return `spans` cut to the file, in order, joined where less than 0.2 s lies between them."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        end = min(span.end, seconds)
        if span.start >= end:
            continue
        if out and span.start - out[-1].end < 0.2:
            out[-1] = Span(start=out[-1].start, end=max(out[-1].end, end))
        else:
            out.append(Span(start=span.start, end=end))
    return out
