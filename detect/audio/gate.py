"""The gate that all speech passes before it is learned from or judged: windows of one rate, band, level and length.

One definition for training and scanning, the same for both classes: 16 kHz, nothing above 7.5 kHz, level of
the speech fixed, windows of one length that hold speech. So sample rate, band, loudness, leading silence and length,
which tell many corpora's classes apart, cannot be what is learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample
from .frontends.interface import F32, RATE
from .frontends.lfcc import BAND, FRAME, STEP, frames

WINDOW = 2.0
"""Seconds of one window, unless another length is asked for; the next begins half of it later."""
VOICED = 1.0
"""Seconds of active sound that a window needs."""
LEVEL = 0.05
"""Root mean square of the active frames after the level is fixed."""
SILENT = 1e-4
"""Root mean square (-80 dB of full scale) below which a recording counts as silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Windows of one recording: their `starts` in seconds and float32 `samples` `[windows, size]` at `RATE`."""

    starts: tuple[float, ...]
    samples: F32
    active: float
    """Seconds of active sound in the whole recording."""


def windows(audio: Audio, *, size: int = int(WINDOW * RATE)) -> Windows:
    """Return the windows of `audio` that hold at least `VOICED` seconds of active sound, of one band and level.

    Each is `size` samples long, the next begins half of that later.

    A recording shorter than a window but with enough active sound gives one window, repeated to length. None are
    returned for silence.
    """
    mono = resample(audio.mono(), audio.rate, RATE)
    mono = _band_limited(mono - mono.mean())
    active = active_frames(mono)
    seconds = float(active.sum()) * STEP / RATE
    level = _level(mono, active)
    if level < SILENT or seconds < VOICED:
        return Windows(starts=(), samples=np.zeros((0, size), np.float32), active=seconds)
    mono = mono * (LEVEL / level)
    first, last = int(np.argmax(active)), active.size - int(np.argmax(active[::-1]))
    begin, end = first * STEP, min(mono.size, last * STEP + FRAME)
    if end - begin < size:
        repeated = np.resize(mono[begin:end], size)
        return Windows(starts=(begin / RATE,), samples=repeated[None].astype(np.float32), active=seconds)
    starts = [*range(begin, end - size, size // 2), end - size]
    need = VOICED * RATE / STEP
    kept = [s for s in starts if active[s // STEP : (s + size) // STEP].sum() >= need] or [
        _fullest(starts, active, size)
    ]
    return Windows(
        starts=tuple(s / RATE for s in kept),
        samples=np.stack([mono[s : s + size] for s in kept]).astype(np.float32),
        active=seconds,
    )


def _fullest(starts: list[int], active: NDArray[np.bool_], size: int) -> int:
    """Return the start of the window that holds the most active sound."""
    return max(starts, key=lambda s: int(active[s // STEP : (s + size) // STEP].sum()))


def active_frames(samples: F32) -> NDArray[np.bool_]:
    """Return which 20 ms frames, every 10 ms, are within 30 dB of the loud ones (95th percentile of frame power)."""
    if samples.size < FRAME:
        return np.zeros(0, bool)
    power = np.mean(frames(samples) ** 2, axis=1)
    return np.asarray((power > np.percentile(power, 95) * 1e-3) & (power > SILENT**2 / 10))


def _level(samples: F32, active: NDArray[np.bool_]) -> float:
    """Return the root mean square of the active frames, 0 if there are none."""
    if not active.any():
        return 0.0
    return float(np.sqrt(np.mean(frames(samples)[active] ** 2)))


def _band_limited(samples: F32) -> F32:
    """Return `samples` (`[n]` at `RATE`) without what lies above `BAND`: zero phase, 40 dB down at 8 kHz."""
    return np.convolve(samples, _taps())[128:][: samples.size]


@cache
def _taps() -> F32:
    """Return a windowed sinc (Hamming) of gain 1 at 0 Hz: what `scipy.signal.firwin` gives, without its long import."""
    cut = 2.0 * BAND / RATE
    taps = cut * np.sinc(cut * np.arange(-128, 129)) * np.hamming(257)
    return np.asarray(taps / taps.sum(), np.float32)
