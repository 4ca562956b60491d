"""Modulation spectrum: how fast the power in each band swells and ebbs.

After Wu, Xiao, Chng, Li, "Synthetic speech detection using temporal modulation feature", ICASSP 2013. Speech swells at
2 to 8 Hz; smoothed or framewise synthesis leaves other rhythms above.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from . import mel
from .interface import F32, FrontEnd, framed

BANDS = 24
ENVELOPE = 100
"""Values of a band's course in a frame: one second, 100 a second."""
SPEEDS = 20
"""Modulation frequencies that are kept, 1 to 20 Hz."""


class Modulation(FrontEnd):
    """Log power of 24 mel bands' courses at 1 to 20 Hz, a second every half, `[frames, 480]` (band by band)."""

    size: ClassVar[int] = (ENVELOPE - 1) * mel.STEP + mel.FRAME
    step: ClassVar[int] = 50 * mel.STEP
    width: ClassVar[int] = BANDS * SPEEDS

    def rows(self, frames: F32) -> F32:
        """Return the modulation spectrum of `frames` `[n, 16352]`, `[n, 480]`."""
        rows = [self._row(frame) for frame in frames]
        return np.stack(rows) if rows else self.none()

    def _row(self, frame: F32) -> F32:
        course = np.log(mel.mel_power(framed(frame, mel.FRAME, mel.STEP), BANDS) + 1e-6)
        window = np.hanning(ENVELOPE)[:, None]
        swell = np.abs(np.fft.rfft((course - course.mean(axis=0)) * window, axis=0)[1 : SPEEDS + 1]) ** 2
        return np.log(swell + 1e-6).T.ravel().astype(np.float32)
