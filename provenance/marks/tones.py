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
    values = spectrum[these.cycles]
    size = np.abs(values)
    values = values / (size + 1e-9 + 0.1 * np.median(size)) * np.exp(-1j * these.phases)
    line = np.zeros(stave.PERIOD // 2 + 1, dtype=np.complex128)
    line[these.cycles] = np.conj(values)
    agreed = np.fft.irfft(line, stave.PERIOD) * stave.PERIOD / 2.0
    best = int(np.argmax(agreed))
    norm = float(np.sqrt((np.abs(values) ** 2).sum() / 2.0))
    return (stave.PERIOD - best) % stave.PERIOD, float(agreed[best]) / max(norm, 1e-9)


@lru_cache(maxsize=4)
def _speeds(key: bytes, scheme: str, size: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the speeds that are searched and, for each, the bins `[speeds, TONES]` of a spectrum of `size` samples."""
    step = 0.9 * stave.RATE / size / HIGHEST
    count = int(np.log(FASTEST) / step)
    speeds = np.exp(step * np.arange(-count, count + 1))
    hertz = tones(key, scheme).cycles * (stave.RATE / stave.PERIOD)
    bins = np.rint(np.outer(speeds, hertz * size / stave.RATE)).astype(np.int32)
    return speeds, bins


def speed(even: NDArray[np.float32], key: bytes, scheme: str) -> list[tuple[float, float]]:
    """Return the likeliest speeds of the evened sound, best first, with their scores in standard deviations."""
    size = int(min(PIECE, 1 << int(np.ceil(np.log2(max(len(even), 2))))))
    starts = np.unique(np.linspace(0, max(len(even) - size, 0), PIECES).astype(int))
    power = np.zeros(size // 2 + 1)
    for start in starts:
        piece = even[start : start + size]
        padded = np.zeros(size, dtype=np.float32)
        padded[: len(piece)] = piece * np.hanning(len(piece))
        power += np.abs(np.fft.rfft(padded)) ** 2
    around = np.convolve(power, np.ones(65) / 65.0, mode="same") + 1e-12
    flat = np.minimum(power / around, 8.0).astype(np.float32)
    speeds, bins = _speeds(key, scheme, size)
    scores = flat.take(bins).mean(axis=1)
    scores = (scores - np.median(scores)) / (1.4826 * np.median(np.abs(scores - np.median(scores))) + 1e-9)
    found: list[tuple[float, float]] = []
    for index in np.argsort(-scores)[:40]:
        if all(abs(speeds[index] / other - 1.0) > 4.0 * stave.RATE / size / HIGHEST for other, _ in found):
            found.append((float(speeds[index]), float(scores[index])))
    return found[:4]
