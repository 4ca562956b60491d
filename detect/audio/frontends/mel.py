"""Log power on the mel scale, and its cepstra (MFCC; Davis & Mermelstein, IEEE TASSP 28, 1980)."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .cepstra import REACH, cosine, with_deltas
from .interface import F32, RATE, FrontEnd

FRAME = 512
STEP = 160
_FLOOR = 1e-6
"""Power under which a band counts as silent, before the logarithm."""


@cache
def mel_filters(count: int) -> NDArray[np.float64]:
    """Return `count` triangles of equal area on Slaney's mel scale (Auditory Toolbox, 1998), `[FRAME // 2 + 1, count]`.

    The scale is linear to 1 kHz, logarithmic above; from 0 Hz to half of `RATE`.
    """
    edges = _hertz(np.linspace(0, _mel(RATE / 2), count + 2))
    bins = np.arange(FRAME // 2 + 1) * RATE / FRAME
    up = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    area = 2 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0, np.minimum(up, down)) * area)


def _mel(hertz: float) -> float:
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * float(np.log(hertz / 1000) / np.log(6.4))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def mel_power(frames: F32, count: int) -> NDArray[np.float64]:
    """Return the power of `frames` `[n, FRAME]` under a periodic Hann window in `count` mel bands, `[n, count]`."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    spectrum = np.fft.rfft(frames * window, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(power @ mel_filters(count))


class LogMel(FrontEnd):
    """Natural logarithm of the power in 80 mel bands, 32 ms every 10 ms, `[frames, 80]`."""

    size: ClassVar[int] = FRAME
    step: ClassVar[int] = STEP
    width: ClassVar[int] = 80

    def rows(self, frames: F32) -> F32:
        """Return the log power of `frames` `[n, 512]`, `[n, 80]`."""
        return np.log(mel_power(frames, self.width) + _FLOOR).astype(np.float32)


class Mfcc(FrontEnd):
    """20 cepstra of 40 mel bands in decibels, 32 ms every 10 ms, with differences, `[frames, 60]`."""

    size: ClassVar[int] = FRAME
    step: ClassVar[int] = STEP
    width: ClassVar[int] = 60
    context: ClassVar[int] = REACH

    def rows(self, frames: F32) -> F32:
        """Return the cepstra of `frames` `[n, 512]`, `[n, 20]`."""
        decibels = 10 * np.log10(np.maximum(mel_power(frames, 40), 1e-10))
        return cosine(decibels, self.width // 3).astype(np.float32)

    def joined(self, rows: F32) -> F32:
        """Return cepstra with their differences."""
        return with_deltas(rows)
