"""Reading the sound mark: decode what lies where the pilot shows, and say which seconds carry it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...media.extent import Span
from . import audio_search, codes, stave
from .audio_search import Place

WINDOW = 4 * audio_search.PERIOD_FRAMES
"""Frames over which a place is sought: 13.3 s."""
ROOMS = ((0.3, 0.8), (0.6, 0.3), (0.6, 0.8))
"""Rooms that are taken away: seconds in which they fall by 60 dB, and their power over that of the direct sound."""
LEFT = 0.05
"""Share of a band's power that is left at least where a room is taken away."""
LAG = 3
"""Frames after which a room can be told from the sound itself."""
PRESENT = 3.0
"""Agreement of a block and its neighbours with the id, in standard deviations, from which it counts as marked."""
AROUND = 3
"""Blocks that are judged together: 0.77 s."""
HEARD = 0.02
"""Power of a block over that of loud ones from which a missing mark is missing and not merely too quiet to tell."""
LOUD = 70.0
"""Percentile of the blocks' powers that counts as loud."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The soft values `[blocks, sums]` read at one place, and how much each is to be trusted in noise, 0 to 1."""

    agreed: NDArray[np.float64]
    trust: NDArray[np.float64]
    loudness: NDArray[np.float64]
    first: float
    tempo: float


def score_at(bands: NDArray[np.float32], place: Place, where: stave.Layout) -> Score:
    """Return what the bands `[frames, BANDS]` of a piece of sound give at `place`."""
    length = stave.TILE / place.tempo
    period = audio_search.PERIOD_FRAMES / place.tempo
    first = place.start - period
    skipped = int(np.ceil(-first / (stave.COLUMNS * length)))
    begin = first + skipped * stave.COLUMNS * length
    power = stave.tiles(bands, begin, place.tempo)
    noise = np.percentile(power, 10, axis=0) if len(power) else np.zeros(stave.BANDS)
    power = np.concatenate([np.zeros((skipped * stave.COLUMNS, stave.BANDS)), power])
    floor = stave.floors(power[skipped * stave.COLUMNS :])
    floor = np.concatenate([np.ones((skipped * stave.COLUMNS, stave.BANDS)), floor])
    where_turn = stave.turns_of(len(power) // stave.COLUMNS)
    sums = stave.joined(stave.differences(10.0 * np.log10(power + floor)), where, where.signs)
    agreed = np.cos(2.0 * np.pi * (sums / stave.STEP - where.dither[where_turn]))
    ratio = noise / (power + floor)
    errors = 10.0 / np.log(10.0) * 4.343 * (0.2 * ratio + ratio**2)
    doubt = stave.joined(_spread(errors), where, where.signs**2)
    loudness = power.sum(axis=1)[: len(agreed) * stave.COLUMNS].reshape(len(agreed), -1).sum(axis=1)
    agreed[:skipped] = 0.0
    return Score(
        agreed=agreed,
        trust=np.exp(-2.0 * np.pi**2 * doubt / stave.STEP**2) + 1e-4,
        loudness=loudness,
        first=first,
        tempo=place.tempo,
    )


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each difference `[blocks, 3 * BANDS]` what its four tiles have of `values` together."""
    count = len(values) // stave.COLUMNS
    blocks = values[: count * stave.COLUMNS].reshape(count, stave.COLUMNS, stave.BANDS)
    return np.asarray(np.einsum("ht,btn->bhn", stave.DIFFERENCES**2, blocks).reshape(count, -1), dtype=np.float64)


def dried(bands: NDArray[np.float32], room: tuple[float, float]) -> NDArray[np.float32]:
    """Return `bands` without the tail that a `room` (seconds to -60 dB, power over the direct sound) adds.

    The tail's power is taken to fall off exponentially after the direct sound's (Lebart et al. 2001); that is a
    filter of the powers in time, and is undone by its inverse.
    """
    from scipy.linalg import solve_banded  # scipy.signal takes two seconds to import

    falling = float(np.exp(-np.log(1e6) * stave.HOP / stave.RATE / room[0]))
    back = np.zeros(LAG + 1)
    back[0], back[1] = 1.0, -falling
    back[LAG] += room[1] * (1.0 - falling) * falling**LAG
    wet = bands.astype(np.float64)
    less = wet.copy()
    less[1:] -= falling * wet[:-1]
    dry = solve_banded((LAG, 0), np.repeat(back[:, None], len(less), axis=1), less, overwrite_b=True)
    return np.asarray(np.maximum(dry, LEFT * bands), dtype=np.float32)


def _rows(bands: NDArray[np.float32], place: Place, where: stave.Layout) -> Iterator[NDArray[np.float64]]:
    """Yield the 306 soft values of several ways to read what lies at `place`."""
    plain = score_at(bands, place, where)
    low = np.where(where.high, 1e-3, 1.0)
    yield _soft(plain, plain.agreed, where)
    yield _soft(plain, plain.agreed * plain.trust, where)
    yield _soft(plain, plain.agreed * low, where)
    for room in ROOMS:
        dry = score_at(dried(bands, room), place, where)
        yield _soft(dry, dry.agreed, where)


def _soft(score: Score, values: NDArray[np.float64], where: stave.Layout) -> NDArray[np.float64]:
    symbol = where.symbol[stave.turns_of(len(score.agreed))].ravel()
    added = np.bincount(symbol, weights=values.ravel(), minlength=codes.SYMBOLS + 1)
    return np.asarray(added[: codes.SYMBOLS], dtype=np.float64)


def read_block(mono: NDArray[np.float32], key: bytes, scheme: str) -> tuple[codes.Decoded | None, list[Span], int]:
    """Return the id in at most a minute of sound, the seconds that carry it, and how many decodings were tried."""
    if len(mono) < stave.BLOCK * 4 or float(np.abs(mono).max()) <= stave.HUSH:
        return None, [], 0
    power = stave.powers(mono)
    decoded, trials = _read(power, _places(power, key, scheme, 1.0, 1.0), key, scheme)
    tempo = pitch = 1.0
    if decoded is None:
        piece = _loudest(power)
        for place in audio_search.changed_places(piece, key, scheme):
            decoded, tried = _read(piece, [place], key, scheme)
            trials += tried
            if decoded is not None:
                tempo, pitch = place.tempo, place.pitch
                break
    if decoded is None:
        return None, [], trials
    return decoded, _spans(power, _places(power, key, scheme, tempo, pitch), decoded.symbols, key, scheme), trials


def _loudest(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the part of `WINDOW` frames that holds most of the sound, by the roots of its powers."""
    if len(power) <= WINDOW:
        return power
    grown = np.concatenate([[0.0], np.cumsum(np.sqrt(power.sum(axis=1)), dtype=np.float64)])
    start = int(np.argmax(grown[WINDOW:] - grown[:-WINDOW]))
    return power[start : start + WINDOW]


def _places(power: NDArray[np.float32], key: bytes, scheme: str, tempo: float, pitch: float) -> list[Place]:
    """Return the likely places at `tempo` and `pitch`, of the whole and of each window; starts as in the whole."""
    where = stave.layout(key, scheme)
    turned = audio_search.phasors(power, pitch, where)
    found = audio_search.places(turned, key, scheme, tempo, pitch)
    period = audio_search.PERIOD_FRAMES / tempo
    if len(turned) > WINDOW:
        for at in range(0, len(turned) - WINDOW // 2, WINDOW // 2):
            for one in audio_search.places(turned[at : at + WINDOW], key, scheme, tempo, pitch)[:1]:
                start = (one.start + at) % period
                gaps = [abs(start - other.start) for other in found]
                if all(min(gap, period - gap) > 2.0 for gap in gaps):
                    found.append(Place(start=start, tempo=tempo, pitch=pitch, score=one.score))
    return found


def _read(power: NDArray[np.float32], found: list[Place], key: bytes, scheme: str) -> tuple[codes.Decoded | None, int]:
    """Return the strongest id that lies at one of the places `found`, and how many decodings were tried."""
    where = stave.layout(key, scheme)
    rows = [row for place in found for row in _rows(power @ stave.bins_of(place.pitch), place, where)]
    decoded = [one for one in codes.decode(np.stack(rows), key, scheme) if one is not None] if rows else []
    return max(decoded, key=lambda one: one.strength, default=None), len(rows)


def _spans(
    power: NDArray[np.float32], found: list[Place], symbols: NDArray[np.float32], key: bytes, scheme: str
) -> list[Span]:
    """Return the seconds that carry `symbols`.

    Each block is judged with its neighbours. Where it is too quiet for the mark to be there, it goes with what lies
    around it: marked on both sides is marked.
    """
    where = stave.layout(key, scheme)
    sent = np.append(symbols, 1.0)
    known: dict[int, tuple[float, float, float]] = {}
    for place in found:
        score = score_at(power @ stave.bins_of(place.pitch), place, where)
        match = (score.agreed * sent[where.symbol[stave.turns_of(len(score.agreed))]]).sum(axis=1)
        joined = np.convolve(match, np.ones(AROUND), mode="same") / np.sqrt(AROUND * where.symbol.shape[1] / 2.0)
        share = score.loudness / (np.percentile(score.loudness, LOUD) + 1e-30)
        length = stave.COLUMNS * stave.TILE / place.tempo
        for number, (value, heard) in enumerate(zip(joined, share, strict=True)):
            at = score.first + number * length
            slot = round(at / length)
            if at > -0.5 * length and value > known.get(slot, (-np.inf, 0.0, 0.0))[0]:
                known[slot] = (float(value), float(heard), max(at, 0.0) * stave.HOP / stave.RATE)
    slots = sorted(known)
    there = np.array([known[slot][0] >= PRESENT for slot in slots])
    sure = [n for n, slot in enumerate(slots) if there[n] or known[slot][1] >= HEARD]
    for before, after in pairwise(sure):
        if there[before] and there[after]:
            there[before:after] = True
    seconds = stave.BLOCK / stave.RATE / (found[0].tempo if found else 1.0)
    starts = [known[slot][2] for n, slot in enumerate(slots) if there[n]]
    return [Span(start=start, end=start + seconds) for start in starts]


def together(spans: list[Span], seconds: float) -> list[Span]:
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
