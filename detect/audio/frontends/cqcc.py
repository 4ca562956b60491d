"""Constant-Q cepstra.

After Todisco, Delgado, Evans, "Constant Q cepstral coefficients: a spoofing countermeasure for automatic speaker
verification", Computer Speech & Language 45, 2017. As in the authors' own transform, windows are shortened towards low
frequencies by Schoerkhuber's gamma (on the scale of equivalent rectangular bandwidths), so that one frame of 128 ms
holds them all; 24 bins an octave instead of 96, and straight lines instead of a spline between them.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .cepstra import REACH, cosine, with_deltas
from .interface import F32, RATE, FrontEnd

FRAME = 2048
STEP = 160
LOWEST = 62.5
"""Hertz: the first bin, seven octaves below 8 kHz."""
PER_OCTAVE = 24
BINS = 165
"""Up to 7.1 kHz."""
LINEAR = 224
"""Points on the linear scale."""


def frequencies() -> NDArray[np.float64]:
    """Return the bins' centres in hertz, `[BINS]`."""
    return np.asarray(LOWEST * 2 ** (np.arange(BINS) / PER_OCTAVE))


def lengths() -> NDArray[np.float64]:
    """Return the windows' lengths in samples, `[BINS]`: a bandwidth of alpha * (f + 228.7 Hz)."""
    square = 2 ** (2 / PER_OCTAVE)
    alpha = (square - 1) / (square + 1)
    return np.asarray(RATE / (alpha * (frequencies() + 24.7 / 0.108)))


@cache
def kernels() -> NDArray[np.complex128]:
    """Return the conjugate kernels: Hann windows on complex tones, each of sum of magnitudes 1, `[FRAME, BINS]`."""
    out = np.zeros((FRAME, BINS), np.complex128)
    for place, (centre, length) in enumerate(zip(frequencies(), lengths(), strict=True)):
        times = np.arange(-length // 2, length // 2)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(times.size) / times.size)
        tone = window * np.exp(2j * np.pi * times * centre / RATE)
        begin = FRAME // 2 + int(times[0])
        out[begin : begin + times.size, place] = (tone / np.abs(tone).sum()).conj()
    return out


@cache
def to_linear() -> NDArray[np.float64]:
    """Return the matrix that reads the bins at `LINEAR` evenly spaced frequencies, `[BINS, LINEAR]`."""
    centres = frequencies()
    wanted = np.linspace(centres[0], centres[-1], LINEAR)
    return np.stack([np.interp(wanted, centres, row) for row in np.eye(BINS)])


class Cqcc(FrontEnd):
    """20 cepstra of the constant-Q log power read on a linear scale, every 10 ms, with differences, `[frames, 60]`."""

    size: ClassVar[int] = FRAME
    step: ClassVar[int] = STEP
    width: ClassVar[int] = 60
    context: ClassVar[int] = REACH

    def rows(self, frames: F32) -> F32:
        """Return the cepstra of `frames` `[n, 2048]`, `[n, 20]`."""
        pieces, both = frames.astype(np.float64), kernels()
        power = (pieces @ both.real) ** 2 + (pieces @ both.imag) ** 2
        return cosine(np.log(power + 1e-10) @ to_linear(), self.width // 3).astype(np.float32)

    def joined(self, rows: F32) -> F32:
        """Return cepstra with their differences."""
        return with_deltas(rows)
