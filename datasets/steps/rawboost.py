"""RawBoost: three noises that raw speech meets between a mouth and a file.

Tak, Kamble, Patino, Todisco, Evans, "RawBoost: a raw data boosting and augmentation method applied to automatic
speaker verification anti-spoofing", ICASSP 2022, with the paper's ranges. Needs no recordings of noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio
from .sounds import within

F64 = NDArray[np.float64]
ORDERS = 5
"""Powers of the sound that a device adds: the first is linear, the others are its distortion."""
NOTCHES = 5
IMPULSES = 0.1
"""Most of the samples that impulses hit."""


def convolutive(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` through a drawn device: notches in it and in its powers 2 to 5, those 5 to 20 dB weaker each."""
    out = np.zeros(audio.samples.shape)
    peak = max(float(np.abs(audio.samples).max()), 1e-9)
    gain = 1.0
    for order in range(1, ORDERS + 1):
        gain *= 1.0 if order == 1 else 10 ** (-rng.uniform(5, 20) / 20)
        out += gain * _filtered((audio.samples.astype(np.float64) / peak) ** order, _notches(audio.rate, rng))
    out -= out.mean(axis=1, keepdims=True)
    return _at_level(out, audio)


def impulsive(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` with up to a tenth of its samples moved by up to twice their own size."""
    n = audio.samples.shape[1]
    hit = rng.permutation(n)[: int(n * rng.uniform(0, IMPULSES))]
    strength = 2.0 * rng.uniform(-1, 1, hit.size) * rng.uniform(-1, 1, hit.size)
    out = audio.samples.astype(np.float64)
    out[:, hit] *= 1 + strength
    return within(out, audio.rate)


def stationary(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` with steady noise of a drawn colour, 10 to 40 dB below the sound's own mean power."""
    noise = _filtered(rng.standard_normal(audio.samples.shape), _notches(audio.rate, rng))
    power = float(np.mean(audio.samples.astype(np.float64) ** 2)) / 10 ** (rng.uniform(10, 40) / 10)
    noise *= np.sqrt(power / max(float(np.mean(noise**2)), 1e-20))
    return within(audio.samples + noise, audio.rate)


def _notches(rate: int, rng: np.random.Generator) -> F64:
    """Return the taps of a chain of `NOTCHES` drawn band stops, of peak gain 1: 10 to 100 taps, 100 to 1000 Hz wide."""
    from scipy.signal import firwin, freqz

    taps = np.ones(1)
    for _ in range(NOTCHES):
        centre, width = rng.uniform(20, min(8000, rate / 2)), rng.uniform(100, 1000)
        low, high = max(centre - width / 2, 1.0), min(centre + width / 2, rate / 2 - 1)
        count = int(rng.integers(10, 101)) | 1
        if low < high:
            taps = np.convolve(taps, firwin(count, [low, high], window="hamming", fs=rate))
    return np.asarray(taps / np.abs(freqz(taps, 1, fs=rate)[1]).max())


def _filtered(samples: F64, taps: F64) -> F64:
    """Return `samples` `[channels, n]` through symmetric `taps`, neither longer nor later."""
    from scipy.signal import oaconvolve

    whole = oaconvolve(samples, taps[None], mode="full", axes=1)
    begin = (taps.size - 1) // 2
    return np.asarray(whole[:, begin : begin + samples.shape[1]])


def _at_level(samples: F64, audio: Audio) -> Audio:
    """Return `samples` at the mean power of `audio`, turned down where that exceeds full scale."""
    power, wanted = float(np.mean(samples**2)), float(np.mean(audio.samples.astype(np.float64) ** 2))
    return within(samples * np.sqrt(wanted / max(power, 1e-20)), audio.rate)
