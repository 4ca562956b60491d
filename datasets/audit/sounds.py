"""Trivial measures of sound: level, silence, bandwidth, noise floor. None of them hears what is said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio

_FRAME = 0.02
"""Seconds."""
_BELOW = 40.0
"""Decibels under the loud frames at which a frame counts as quiet."""

F32 = NDArray[np.float32]


def sound_measures(audio: Audio) -> dict[str, float]:
    """Return level, peak, silence at both ends, share of quiet, noise floor, bandwidth and resolution of `audio`."""
    mono = np.asarray(audio.mono(), np.float32)
    levels = frame_levels(mono, audio.rate)
    loud = float(np.percentile(levels, 95))
    heard = np.flatnonzero(levels > loud - _BELOW)
    spectrum, band = _long_term(mono, audio.rate)
    return {
        "level": float(10 * np.log10(np.mean(mono.astype(np.float64) ** 2) + 1e-12)),
        "peak": float(np.abs(mono).max(initial=0.0)),
        "offset": float(abs(mono.mean())) if mono.size else 0.0,
        "length": float(np.log2(max(audio.seconds, 1e-3))),
        "silence before": float(heard[0] * _FRAME) if heard.size else audio.seconds,
        "silence after": float((levels.size - 1 - heard[-1]) * _FRAME) if heard.size else audio.seconds,
        "share of quiet": float(np.mean(levels <= loud - _BELOW)),
        "noise floor": float(np.percentile(levels, 5) - loud),
        "digital silence": float(np.mean(mono == 0)),
        "bandwidth": band,
        "tilt": spectrum,
        "clipped": float(np.mean(np.abs(mono) > 0.999)),
        "resolution": _resolution(mono),
    }


def frame_levels(mono: F32, rate: int) -> NDArray[np.float64]:
    """Return the level of each 20 ms in decibels of full scale, one at least."""
    size = max(1, int(_FRAME * rate))
    whole = mono[: max(1, mono.size // size) * size] if mono.size >= size else np.resize(mono, size)
    power = np.mean(whole.reshape(-1, size).astype(np.float64) ** 2, axis=1) if mono.size else np.zeros(1)
    return np.asarray(10 * np.log10(power + 1e-12))


def quiet(audio: Audio) -> F32:
    """Return the quiet 20 ms pieces of `audio` end to end, mono float32 `[n]`, empty if there are none."""
    mono = np.asarray(audio.mono(), np.float32)
    levels = frame_levels(mono, audio.rate)
    size = max(1, int(_FRAME * audio.rate))
    chosen = np.flatnonzero(levels <= np.percentile(levels, 95) - _BELOW)
    parts = [mono[i * size : (i + 1) * size] for i in chosen]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _long_term(mono: F32, rate: int) -> tuple[float, float]:
    """Return the tilt of the long-term spectrum in decibels (low half over high half) and the bandwidth in hertz."""
    from scipy.signal import welch

    if mono.size < 64:
        return 0.0, 0.0
    hertz, power = welch(mono, rate, nperseg=min(1024, mono.size))
    decibels = 10 * np.log10(power + 1e-14)
    over = np.flatnonzero(decibels > decibels.max() - 60)
    half = power.size // 2
    tilt = float(10 * np.log10((power[:half].sum() + 1e-14) / (power[half:].sum() + 1e-14)))
    return tilt, float(hertz[over[-1]])


def _resolution(mono: F32) -> float:
    """Return the number of bits of the finest step that occurs: 8, 16 or so where samples lie on a grid, 24 else."""
    some = mono[mono != 0][:20_000].astype(np.float64)
    for bits in (8, 12, 16):
        steps = some * 2 ** (bits - 1)
        if some.size and np.abs(steps - np.round(steps)).max() < 1e-3:
            return float(bits)
    return 24.0
