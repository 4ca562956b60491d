"""Finding the sound mark: where its periods start and how much faster or higher it was made, by its pilot.

The pilot's sums turn, as phases on the lattice, into a keyed sequence; correlating with it (by FFT) gives a score for
every start. Tempo stretches the sequence, pitch moves the bands: those near the lines that matter are tried (tempo
alone, pitch alone, both as one speed).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import stave
from .keys import KeyStream

PERIOD_FRAMES = stave.PERIOD // stave.HOP
PAIR = 2 * stave.TILE
"""Frames from pilot sum to pilot sum."""
FASTEST = 1.11
"""Tempo and pitch from 1 / FASTEST to FASTEST are searched."""
PACE = 0.01
"""Steps of tempo and pitch in that search."""
SEEN = 4.4
"""Score in standard deviations below which a changed tempo or pitch is not tried."""
TRIED = 4
"""Changed tempos and pitches that are tried."""
STARTS = 3
"""Starts that are tried at each."""
RIVALS = 256
"""Other dithers that the pilot's score is compared with for its p-value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the mark may lie: the frame at which a period starts, the tempo, the pitch, and the pilot's score there."""

    start: float
    tempo: float = 1.0
    pitch: float = 1.0
    score: float = 0.0


def phasors(power: NDArray[np.float32], pitch: float, where: stave.Layout) -> NDArray[np.complex64]:
    """Return the pilot's sums `[frames, CHANNELS]` as phases on the lattice, for a block starting at each frame."""
    from scipy.ndimage import uniform_filter1d

    bands = power @ stave.bins_of(pitch)
    near = uniform_filter1d(bands, stave.NEAR * stave.TILE, axis=0, mode="nearest") * np.float32(stave.TILE)
    everywhere = near.mean(axis=1, keepdims=True)
    grown = np.concatenate([np.zeros((1, stave.BANDS)), np.cumsum(bands, axis=0, dtype=np.float64)])
    used = where.pilot_bands.ravel()
    tile = np.maximum(grown[stave.TILE :, used] - grown[: -stave.TILE, used], 0.0).astype(np.float32)
    count = len(tile)
    last = np.concatenate([tile[: stave.TILE], tile[: -stave.TILE]])[:count]
    older = np.concatenate([last[: stave.TILE], last[: -stave.TILE]])[:count]
    own, all_bands, tail, far_tail = (np.float32(one) for one in stave.FLOORS)
    floor = own * near[:count, used] + all_bands * everywhere[:count] + tail * last + far_tail * older
    floor += np.float32(stave.NOTHING * stave.TILE * stave.FLOORS[0])
    level = np.float32(10.0) * np.log10(tile + np.maximum(floor, np.float32(1e-30)))
    step = level[stave.TILE :] - level[: -stave.TILE]
    sums = (step.reshape(len(step), stave.CHANNELS, -1) * where.pilot_signs).sum(axis=2)
    loud = tile[: len(step)].reshape(len(step), stave.CHANNELS, -1).sum(axis=2) > stave.NOTHING * stave.TILE
    return np.asarray(np.exp(2j * np.pi / stave.STEP * sums) * loud, dtype=np.complex64)


def places(turned: NDArray[np.complex64], key: bytes, scheme: str, tempo: float, pitch: float) -> list[Place]:
    """Return the likeliest starts in `turned` (what `phasors` gives at `pitch`), best first."""
    import scipy.fft

    period = round(PERIOD_FRAMES / tempo)
    size = scipy.fft.next_fast_len(len(turned) + 2 * period)
    spectrum = scipy.fft.fft(turned, size, axis=0)
    return _best(spectrum, _template(key, scheme, tempo, len(turned), size), turned, period, (tempo, pitch))


def _best(
    spectrum: NDArray[np.complex64],
    template: NDArray[np.complex64],
    turned: NDArray[np.complex64],
    period: int,
    rates: tuple[float, float],
) -> list[Place]:
    import scipy.fft

    agreed = scipy.fft.ifft((spectrum * template).sum(axis=1))[:period].real
    norm = np.sqrt(float((np.abs(turned) ** 2).sum()) / PAIR * rates[0] / 2.0) + 1e-9
    found: list[Place] = []
    for start in np.argsort(-agreed)[: 4 * STARTS]:
        gaps = [abs(start - one.start) for one in found]
        if all(min(gap, period - gap) > 3 for gap in gaps):
            found.append(Place(start=float(start), tempo=rates[0], pitch=rates[1], score=float(agreed[start] / norm)))
        if len(found) == STARTS:
            break
    return found


@lru_cache(maxsize=64)
def _template(key: bytes, scheme: str, tempo: float, frames: int, size: int) -> NDArray[np.complex64]:
    """Return the spectrum `[size, CHANNELS]` by which that of phasors is multiplied to score every start."""
    import scipy.fft

    where = stave.layout(key, scheme)
    dither = where.dither[:, -stave.PILOTS :].reshape(2 * stave.BLOCKS, stave.CHANNELS)
    number = np.arange(-2 * stave.BLOCKS, int(frames * tempo / PAIR) + 2)
    at = np.rint(number * PAIR / tempo).astype(int)
    kept = at < frames
    line = np.zeros((size, stave.CHANNELS), dtype=np.complex64)
    line[at[kept] % size] = np.exp(2j * np.pi * dither[number[kept] % (2 * stave.BLOCKS)])
    return np.asarray(np.conj(scipy.fft.fft(line, axis=0)), dtype=np.complex64)


def _changes() -> dict[float, list[float]]:
    """Return, for each pitch that is searched, the tempos that are searched with it."""
    count = int(np.log(FASTEST) / PACE)
    steps = [float(np.exp(PACE * number)) for number in range(-count, count + 1)]
    out: dict[float, list[float]] = {}
    for number, pitch in enumerate(steps):
        near = {1.0, *steps[max(number - 1, 0) : number + 2]}
        out[pitch] = sorted(set(steps) if number == count else near)
    return out


def changed_places(power: NDArray[np.float32], key: bytes, scheme: str) -> list[Place]:
    """Return the likeliest places at another tempo or pitch than 1, best first, each at its exact tempo and pitch."""
    where = stave.layout(key, scheme)
    found: list[Place] = []
    for pitch, tempos in _changes().items():
        turned = phasors(power, pitch, where)
        for tempo in tempos:
            found += places(turned, key, scheme, tempo, pitch)[:1]
    best = [one for one in sorted(found, key=lambda one: -one.score) if one.score >= SEEN][:TRIED]
    return [_finer(power, one, key, scheme) for one in best]


def _finer(power: NDArray[np.float32], place: Place, key: bytes, scheme: str) -> Place:
    """Return the best place within half a step of `place` in tempo and pitch."""
    where = stave.layout(key, scheme)
    best = place
    for pitch in (-0.5, 0.0, 0.5):
        turned = phasors(power, place.pitch * float(np.exp(PACE * pitch)), where)
        for tempo in (-0.5, -0.25, 0.0, 0.25, 0.5):
            faster = place.tempo * float(np.exp(PACE * tempo))
            one = places(turned, key, scheme, faster, place.pitch * float(np.exp(PACE * pitch)))[0]
            best = max(best, one, key=lambda each: each.score)
    return best


def p_value(folded: NDArray[np.complex128], where: stave.Layout) -> float:
    """Return the p-value of the pilot in the phasors of all periods added up, `folded` `[PERIOD_FRAMES, CHANNELS]`.

    The sound and the pilot's bands given, the key's dither is as good as any other: its best score ranks among those
    of `RIVALS` other dithers, drawn anew for each sound, at a place drawn uniformly. Beyond all of them the tail of the
    normal law goes on. What does not change with time says nothing about any dither and is left out.
    """
    from scipy.stats import norm

    moving = folded - folded.mean(axis=0)
    size = (np.abs(moving) ** 2).sum(axis=1).reshape(-1, PAIR).sum(axis=0)
    if float(size.min()) <= 1e-9:
        return 1.0
    dither = where.dither[:, -stave.PILOTS :].reshape(1, 2 * stave.BLOCKS, stave.CHANNELS).astype(np.float64)
    lines = _line(np.concatenate([dither, _rivals(folded.tobytes())]))
    agreed = np.fft.ifft((np.fft.fft(moving, axis=0) * lines).sum(axis=2), axis=1).real
    best = (agreed.reshape(len(lines), -1, PAIR) / np.sqrt(size / 2.0)).max(axis=(1, 2))
    above = int((best[1:] >= best[0]).sum())
    if above:
        return (1 + above) / (RIVALS + 1)
    return float(np.exp(norm.logsf(best[0]) - norm.logsf(best[1:].max()))) / (RIVALS + 1)


def _line(dithers: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return the conjugate spectra `[n, PERIOD_FRAMES, CHANNELS]` of the pilots with `dithers`."""
    lines = np.zeros((len(dithers), PERIOD_FRAMES, stave.CHANNELS), dtype=np.complex128)
    lines[:, ::PAIR] = np.exp(2j * np.pi * dithers)
    return np.asarray(np.conj(np.fft.fft(lines, axis=1)), dtype=np.complex128)


def _rivals(seed: bytes) -> NDArray[np.float64]:
    """Return dithers that belong to no key, of their own for each `seed`."""
    shape = (RIVALS, 2 * stave.BLOCKS, stave.CHANNELS)
    return KeyStream(hashlib.sha256(seed).digest(), "rivals of the pilot").uniform(int(np.prod(shape))).reshape(shape)
