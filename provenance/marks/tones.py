"""The pilot of a sound: keyed tones, hidden under the sound, that give speed and position of the mark.

Some tens of tones at whole numbers of cycles in the mark's period, places and phases of the key's, as loud as the
surroundings allow. Played faster all move up by one factor: the spectrum shows it, wherever the cut lies. Their phases
then give the position to a fraction of a sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import stave
from .keys import KeyStream

TONES = 64
LOWEST, HIGHEST = 420.0, 3300.0
"""Hertz."""
LEVEL = 0.032
"""Level of the pilot over that of the sound."""
FASTEST = 1.115
"""Speeds from 1 / FASTEST to FASTEST are searched."""
PIECE = 1 << 17
"""Samples of the pieces whose spectra are searched for the speed: 8.2 s."""
PIECES = 3
SMOOTH = 11
"""Tones over which the phase of the way is smoothed; odd."""
TRIED = 24
"""Speeds whose phases are compared."""
SEEN = 4.9
"""Agreement of the phases in standard deviations below which a speed is not tried."""


@dataclass(frozen=True, slots=True)
class Tones:
    """Cycles in a period (whole numbers, rising) and phases in radians at its first sample."""

    cycles: NDArray[np.intp]
    phases: NDArray[np.float64]


@lru_cache(maxsize=8)
def tones(key: bytes, scheme: str) -> Tones:
    """Return the tones of `key`: one in each of `TONES` equal parts of the band."""
    stream = KeyStream(key, f"{scheme} tones")
    lowest = LOWEST * stave.PERIOD / stave.RATE
    width = (HIGHEST - LOWEST) * stave.PERIOD / stave.RATE / TONES
    cycles = lowest + width * (np.arange(TONES) + 0.15 + 0.7 * stream.uniform(TONES))
    return Tones(np.rint(cycles).astype(np.intp), 2.0 * np.pi * stream.uniform(TONES))


@lru_cache(maxsize=4)
def pattern(key: bytes, scheme: str) -> NDArray[np.float32]:
    """Return the coefficients `[frames of a period, 96]` of the tones, root mean square 1."""
    these = tones(key, scheme)
    spectrum = np.zeros(stave.PERIOD // 2 + 1, dtype=np.complex128)
    spectrum[these.cycles] = np.exp(1j * these.phases)
    period = np.fft.irfft(spectrum, stave.PERIOD).astype(np.float32)
    bands = stave.bands_of(np.concatenate([period, period[: stave.HOP]]))
    unit: NDArray[np.float32] = np.asarray(bands / bands.std(), dtype=np.float32)
    unit.setflags(write=False)
    return unit


def fold(even: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Return the spectrum of one period of the evened sound `[n]` at whole cycles, all periods added up."""
    count = -(-len(even) // stave.PERIOD)
    padded = np.zeros(count * stave.PERIOD, dtype=np.float32)
    padded[: len(even)] = even
    return np.asarray(np.fft.rfft(padded.reshape(count, stave.PERIOD).sum(axis=0)), dtype=np.complex128)


def position(spectrum: NDArray[np.complex128], these: Tones) -> tuple[int, float]:
    """Return the sample (0 to PERIOD - 1) at which a period starts, and the agreement in standard deviations."""
    best, score = _agreement(spectrum[these.cycles], these)
    return (stave.PERIOD - best) % stave.PERIOD, score


def _agreement(values: NDArray[np.complex128], these: Tones) -> tuple[int, float]:
    """Return at which sample of the period the tones have the phases of `values`, and how well they agree."""
    import scipy.fft

    size = np.abs(values)
    known = values / (size + 1e-9 + 0.1 * np.median(size)) * np.exp(-1j * these.phases)
    line = np.zeros(stave.PERIOD // 2 + 1, dtype=np.complex64)
    line[these.cycles] = np.conj(known)
    agreed = scipy.fft.irfft(line, stave.PERIOD) * (stave.PERIOD / 2.0)
    best = int(np.argmax(agreed))
    norm = float(np.sqrt((np.abs(known) ** 2).sum() / 2.0))
    return best, float(agreed[best]) / max(norm, 1e-9)


@lru_cache(maxsize=4)
def _speeds(key: bytes, scheme: str, size: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the speeds that are searched and, for each, the bins `[speeds, TONES]` of a spectrum of `size` samples."""
    step = 0.9 * stave.RATE / size / HIGHEST
    count = int(np.log(FASTEST) / step)
    speeds = np.exp(step * np.arange(-count, count + 1))
    hertz = tones(key, scheme).cycles * (stave.RATE / stave.PERIOD)
    bins = np.rint(np.outer(speeds, hertz * size / stave.RATE)).astype(np.int32)
    return speeds, bins


def speeds_of(even: NDArray[np.float32], key: bytes, scheme: str) -> list[float]:
    """Return the likeliest speeds of the evened sound, best first: by power, then by the phases of the best ones."""
    size = int(min(PIECE, 1 << int(np.ceil(np.log2(max(len(even), 2))))))
    starts = np.unique(np.linspace(0, max(len(even) - size, 0), PIECES).astype(int))
    spectra = [_middled(even[start : start + size], size) for start in starts]
    power = np.sum([np.abs(one) ** 2 for one in spectra], axis=0)
    around = np.convolve(power, np.ones(65) / 65.0, mode="same") + 1e-12
    flat = np.minimum(power / around, 8.0).astype(np.float32)
    speeds, bins = _speeds(key, scheme, size)
    scores = flat.take(bins).mean(axis=1)
    chosen: list[int] = []
    for index in np.argsort(-scores)[:120]:
        if all(abs(speeds[index] / speeds[other] - 1.0) > 2.5 * stave.RATE / size / HIGHEST for other in chosen):
            chosen.append(int(index))
        if len(chosen) == TRIED:
            break
    these = tones(key, scheme)
    found = [(max(_agreement(one[bins[index]], these)[1] for one in spectra), float(speeds[index])) for index in chosen]
    return [speed for score, speed in sorted(found, reverse=True) if score >= SEEN]


def _middled(piece: NDArray[np.float32], size: int) -> NDArray[np.complex128]:
    """Return the spectrum of the windowed piece with phases at its middle, where the window does not turn them."""
    half = len(piece) // 2
    windowed = piece * np.hanning(len(piece)).astype(np.float32)
    padded = np.zeros(size, dtype=np.float32)
    padded[: len(piece) - half] = windowed[half:]
    padded[size - half :] = windowed[:half]
    return np.asarray(np.fft.rfft(padded), dtype=np.complex128)


def finer(even: NDArray[np.float32], key: bytes, scheme: str) -> float:
    """Return the small speed, near 1, at which the periods of the evened sound agree best with each other.

    The search by whole bins leaves an error of a few parts in 100,000, which over some seconds is more samples than
    the lattice forgives. Each period's spectrum is turned by the drift of its tones before they are added up.
    """
    count = len(even) // stave.PERIOD
    if count < 2:
        return 1.0
    these = tones(key, scheme)
    periods = np.fft.rfft(even[: count * stave.PERIOD].reshape(count, stave.PERIOD), axis=1)[:, these.cycles]
    size = int(min(PIECE, 1 << int(np.ceil(np.log2(len(even))))))
    reach = 1.2 * stave.RATE / size / HIGHEST
    steps = int(np.ceil(reach * HIGHEST * len(even) / stave.RATE / 0.15))
    drift = -2.0 * np.pi * np.outer(np.arange(count), these.cycles)
    best = (-1.0, 1.0)
    for offset in np.linspace(-reach, reach, 2 * steps + 1):
        values = (periods * np.exp(1j * drift * offset)).sum(axis=0)
        best = max(best, (_agreement(values, these)[1], 1.0 + float(offset)))
    return best[1]


def straightened(
    mono: NDArray[np.float32], even: NDArray[np.float32], position: int, these: Tones
) -> NDArray[np.float32]:
    """Return `mono` with the phases undone that a filter on the way (telephone, equaliser, room) gave it.

    The tones say what the way did to the phase at their pitches when a period starts at `position`; between them,
    and against noise, it is taken to change slowly.
    """
    turns = np.exp(2j * np.pi * these.cycles * position / stave.PERIOD - 1j * these.phases)
    values = fold(even)[these.cycles] * turns
    values /= np.abs(values) + 1e-9
    bell = np.hanning(SMOOTH + 2)[1:-1]
    smooth = np.convolve(np.pad(values, SMOOTH // 2, mode="edge"), bell, mode="valid")
    phase = np.unwrap(np.angle(smooth))
    spectrum = np.fft.rfft(mono)
    hertz = np.arange(len(spectrum)) * (stave.RATE / len(mono))
    undo = np.interp(hertz, these.cycles * (stave.RATE / stave.PERIOD), phase)
    return np.asarray(np.fft.irfft(spectrum * np.exp(-1j * undo), len(mono)), dtype=np.float32)
