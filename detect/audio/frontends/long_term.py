"""Long-term spectral statistics: mean and spread of the log magnitude spectrum over a whole sound.

After Muckenhirn, Korshunov, Magimai-Doss, Marcel, "Long-term spectral statistics for voice presentation attack
detection", IEEE/ACM TASLP 25, 2017. The mean also tells microphone and room, so it must never be trained on alone.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .interface import F32, FrontEnd, Stream, framed
from .lfcc import FFT, FRAME, STEP

BINS = FFT // 2 + 1


class LongTerm(FrontEnd):
    """Mean, then standard deviation, of the log magnitude in 257 bins over all frames of 20 ms, `[1, 514]`."""

    size: ClassVar[int] = FRAME
    step: ClassVar[int] = STEP
    width: ClassVar[int] = 2 * BINS

    def rows(self, frames: F32) -> F32:
        """Return the log magnitude of `frames` `[n, 320]`, `[n, 257]`."""
        return np.log(np.abs(np.fft.rfft(frames * np.hamming(FRAME), FFT, axis=1)) + 1e-5).astype(np.float32)

    def joined(self, rows: F32) -> F32:
        """Return the one row of statistics of `rows` `[n, 257]`."""
        values = rows.astype(np.float64)
        return np.concatenate([values.mean(axis=0), values.std(axis=0)]).astype(np.float32)[None]

    def stream(self) -> Stream:
        """Return a stream that gives its one row at the end, in constant memory."""
        return _Pooled(self)


class _Pooled(Stream):
    """Running mean and squared deviation (Chan, Golub, LeVeque 1983)."""

    def __init__(self, front: FrontEnd) -> None:
        """Begin with nothing heard."""
        super().__init__(front)
        self._count = 0
        self._mean: NDArray[np.float64] = np.zeros(BINS)
        self._square: NDArray[np.float64] = np.zeros(BINS)

    def feed(self, block: F32) -> F32:
        """Take `block` `[n]` in; nothing is due before the end, `[0, 514]`."""
        self._samples = np.concatenate([self._samples, np.asarray(block, np.float32)])
        frames = framed(self._samples, self._front.size, self._front.step)
        if len(frames):
            self._add(self._front.all_rows(frames).astype(np.float64))
            self._samples = self._samples[len(frames) * self._front.step :].copy()
        return self._front.none()

    def _add(self, rows: NDArray[np.float64]) -> None:
        mean, total = rows.mean(axis=0), self._count + len(rows)
        away = mean - self._mean
        self._square += ((rows - mean) ** 2).sum(axis=0) + away**2 * (self._count * len(rows) / total)
        self._mean += away * (len(rows) / total)
        self._count = total

    def end(self) -> F32:
        """Return the one row, `[1, 514]`, or none if there was no whole frame."""
        if not self._count:
            return self._front.none()
        spread = np.sqrt(self._square / self._count)
        return np.concatenate([self._mean, spread]).astype(np.float32)[None]
