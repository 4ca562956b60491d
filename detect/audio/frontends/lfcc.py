"""Linear-frequency cepstra with first and second differences.

After Sahidullah, Kinnunen, Hanilci, "A comparison of features for synthetic speech detection", Interspeech 2015.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import numpy as np

from .cepstra import REACH, cosine, with_deltas
from .interface import F32, RATE, FrontEnd, framed

BAND = 7500.0
"""Hertz: the top of what is looked at."""
FRAME = 320
STEP = 160
FFT = 512
FILTERS = 60
COEFFICIENTS = 20


class Lfcc(FrontEnd):
    """20 cepstra of 60 linear triangles up to 7.5 kHz, 20 ms every 10 ms, with differences, `[frames, 60]`."""

    size: ClassVar[int] = FRAME
    step: ClassVar[int] = STEP
    width: ClassVar[int] = 3 * COEFFICIENTS
    context: ClassVar[int] = REACH

    def rows(self, frames: F32) -> F32:
        """Return the cepstra of `frames` `[n, 320]`, `[n, 20]`."""
        return cosine(bands(frames)[0], COEFFICIENTS)

    def joined(self, rows: F32) -> F32:
        """Return cepstra with their differences."""
        return with_deltas(rows)


@cache
def filters() -> F32:
    """Return `FILTERS` triangles, evenly spaced from 0 Hz to `BAND`, float32 `[FFT // 2 + 1, FILTERS]`."""
    edges = np.linspace(0, BAND, FILTERS + 2)
    bins = np.arange(FFT // 2 + 1) * RATE / FFT
    up = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(up, down)).astype(np.float32)


def frames(samples: F32) -> F32:
    """Return a view of the frames of `samples` `[n]`, `[frames, FRAME]`."""
    return framed(samples, FRAME, STEP)


def bands(pieces: F32) -> tuple[F32, F32]:
    """Return of frames `[n, FRAME]` log power in the filters, `[n, FILTERS]`, and the power, `[n, FFT // 2 + 1]`."""
    shaped = pieces * np.hamming(FRAME).astype(np.float32)
    power = np.abs(np.fft.rfft(shaped, FFT, axis=1)).astype(np.float32) ** 2
    return np.log(power @ filters() + 1e-8), power


def spectra(window: F32) -> tuple[F32, F32]:
    """Return of `window` `[n]` what `bands` returns of its frames."""
    return bands(frames(window))


def lfcc(log_power: F32) -> F32:
    """Return the cepstra of log power in the filters `[n, FILTERS]` with their differences, `[n, 60]`."""
    return with_deltas(cosine(log_power, COEFFICIENTS))
