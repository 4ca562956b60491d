"""From sound to numbers: linear-frequency cepstra (LFCC) and what they do over two seconds of speech.

One definition for training and scanning. Both classes pass the same gate first: 16 kHz, nothing above 7.5 kHz, level of
the speech fixed, windows of one length that hold speech. So sample rate, band, loudness, leading silence and length,
which tell many corpora's classes apart, cannot be what is learned.
LFCC after Sahidullah, Kinnunen, Hanilci, "A comparison of features for synthetic speech detection", Interspeech 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample

RATE = 16_000
"""Hertz."""
BAND = 7500.0
"""Hertz: the top of what is looked at."""
WINDOW = 2.0
"""Seconds of one window."""
HOP = 1.0
"""Seconds from one window to the next."""
VOICED = 1.0
"""Seconds of active sound that a window needs."""
FRAME = 320
STEP = 160
_FFT = 512
FILTERS = 60
COEFFICIENTS = 20
LEVEL = 0.05
"""Root mean square of the active frames after the level is fixed."""
SILENT = 1e-4
"""Root mean square (-80 dB of full scale) below which a recording counts as silent."""

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Windows of one recording: their `starts` in seconds and float32 `samples` `[windows, WINDOW * RATE]`."""

    starts: tuple[float, ...]
    samples: F32
    active: float
    """Seconds of active sound in the whole recording."""


def windows(audio: Audio) -> Windows:
    """Return the windows of `audio` that hold at least `VOICED` seconds of active sound, conditioned for `features`.

    A recording shorter than a window but with enough active sound gives one window, repeated to length. None are
    returned for silence.
    """
    mono = resample(audio.mono(), audio.rate, RATE)
    mono = _band_limited(mono - mono.mean())
    active = active_frames(mono)
    seconds = float(active.sum()) * STEP / RATE
    level = _level(mono, active)
    if level < SILENT or seconds < VOICED:
        return Windows(starts=(), samples=np.zeros((0, int(WINDOW * RATE)), np.float32), active=seconds)
    mono = mono * (LEVEL / level)
    first, last = int(np.argmax(active)), active.size - int(np.argmax(active[::-1]))
    begin, end = first * STEP, min(mono.size, last * STEP + FRAME)
    size, hop = int(WINDOW * RATE), int(HOP * RATE)
    if end - begin < size:
        repeated = np.resize(mono[begin:end], size)
        return Windows(starts=(begin / RATE,), samples=repeated[None].astype(np.float32), active=seconds)
    starts = [*range(begin, end - size, hop), end - size]
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


def frames(samples: F32) -> F32:
    """Return a view of the frames, `[frames, FRAME]`."""
    return np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::STEP]


def _band_limited(samples: F32) -> F32:
    """Return `samples` (`[n]` at `RATE`) without what lies above `BAND`: zero phase, 40 dB down at 8 kHz."""
    from scipy.signal import oaconvolve

    return np.asarray(oaconvolve(samples, _taps(), mode="same"), np.float32)


@cache
def _taps() -> F32:
    from scipy.signal import firwin

    return np.asarray(firwin(257, BAND, fs=RATE), np.float32)


@cache
def filters() -> F32:
    """Return `FILTERS` triangles, evenly spaced from 0 Hz to `BAND`, float32 `[_FFT // 2 + 1, FILTERS]`."""
    edges = np.linspace(0, BAND, FILTERS + 2)
    bins = np.arange(_FFT // 2 + 1) * RATE / _FFT
    up = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(up, down)).astype(np.float32)


def spectra(window: F32) -> tuple[F32, F32]:
    """Return log power in the filters, `[frames, FILTERS]`, and the power spectrum, `[frames, _FFT // 2 + 1]`."""
    shaped = frames(window) * np.hamming(FRAME).astype(np.float32)
    power = np.abs(np.fft.rfft(shaped, _FFT, axis=1)).astype(np.float32) ** 2
    return np.log(power @ filters() + 1e-8), power


def lfcc(bands: F32) -> F32:
    """Return `COEFFICIENTS` cepstra with first and second differences over 5 frames, `[frames, 3 * COEFFICIENTS]`."""
    from scipy.fft import dct

    static = dct(bands, type=2, norm="ortho", axis=1)[:, :COEFFICIENTS]
    first = delta(static)
    return np.concatenate([static, first, delta(first)], axis=1).astype(np.float32)


def delta(values: F32) -> F32:
    """Return the slope of `values` `[frames, k]` over 5 frames (least squares), ends repeated."""
    padded = np.pad(values, ((2, 2), (0, 0)), mode="edge")
    n = values.shape[0]
    return np.asarray((2 * (padded[4:] - padded[:n]) + padded[3 : n + 3] - padded[1 : n + 1]) / 10, np.float32)
