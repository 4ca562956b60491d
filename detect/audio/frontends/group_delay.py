"""Modified group delay: the phase spectrum's slope, tamed.

After Hegde, Murthy, Gadde, "Significance of the modified group delay feature in speech recognition", IEEE TASLP 15,
2007 (alpha 0.4, gamma 0.9). Vocoders that guess phases, or make them minimal, leave another group delay than a voice.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .cepstra import REACH, cosine, with_deltas
from .interface import F32, FrontEnd
from .lfcc import FFT, FRAME, STEP

ALPHA, GAMMA = 0.4, 0.9
LIFTER = 8
"""Cepstral coefficients that the smoothed spectrum keeps."""
BINS = 240
"""Of 31.25 Hz, up to 7.5 kHz."""


def modified_group_delay(frames: F32) -> NDArray[np.float64]:
    """Return the modified group delay of `frames` `[n, 320]` in `BINS` bins from 0 Hz, `[n, BINS]`."""
    shaped = frames * np.hamming(FRAME)
    spectrum = np.fft.rfft(shaped, FFT, axis=1)
    ramped = np.fft.rfft(shaped * np.arange(FRAME), FFT, axis=1)
    cepstrum = np.fft.irfft(np.log(np.abs(spectrum) + 1e-6), axis=1)
    cepstrum[:, LIFTER : FFT - LIFTER + 1] = 0.0
    smooth = np.exp(np.fft.rfft(cepstrum, axis=1).real)
    delay = (spectrum.real * ramped.real + spectrum.imag * ramped.imag) / smooth ** (2 * GAMMA)
    return np.asarray((np.sign(delay) * np.abs(delay) ** ALPHA)[:, :BINS])


class GroupDelay(FrontEnd):
    """20 cepstra of the modified group delay, 20 ms every 10 ms, with differences, `[frames, 60]`."""

    size: ClassVar[int] = FRAME
    step: ClassVar[int] = STEP
    width: ClassVar[int] = 60
    context: ClassVar[int] = REACH

    def rows(self, frames: F32) -> F32:
        """Return the cepstra of `frames` `[n, 320]`, `[n, 20]`."""
        return cosine(modified_group_delay(frames), self.width // 3).astype(np.float32)

    def joined(self, rows: F32) -> F32:
        """Return cepstra with their differences."""
        return with_deltas(rows)
