"""A soft noise before and behind a short sound: it carries the mark that the sound itself has no room for.

The id of a mark needs about three seconds of sound. A word of half a second in front of which stands the audible
notice comes to little more than two, and tones and pauses carry next to nothing. The noise lies below the notice and
the pause after it and goes on behind the word; the word itself stays as it was. What is cut out without it carries
no id.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..media.audio import Audio

ENOUGH = 3.4
"""Seconds of sound that carry a mark by themselves."""
WHOLE = 3.7
"""Seconds that a short sound with its notice is brought to."""
LEVEL = -34.0
"""Decibels of the noise over the notice, which is as loud as the sound. At -40 it drowned in noise at -20 dB in half of
the tries, at -50 Opus at 24 kbit/s dropped it."""
FADE = 0.02
"""Seconds in which the noise swells and fades."""
LOWEST = 100.0
"""Hertz: the noise has none below; up to three times that it is even, then falls by 3 dB an octave, as speech does."""


def with_floor(noticed: Audio, start: int, end: int, *, seed: int) -> Audio:
    """Return `noticed` with noise around its samples `start` to `end`, longer if that is less than `WHOLE` seconds.

    A sound of `ENOUGH` seconds is returned as it is. The same `seed` gives the same noise.
    """
    if end - start >= ENOUGH * noticed.rate:
        return noticed
    total = max(end, round(WHOLE * noticed.rate))
    samples = np.pad(noticed.samples, ((0, 0), (0, total - noticed.samples.shape[1])))
    loudness = float(np.sqrt(2.0)) * _rms_of_tones(noticed.samples[:, :start])
    for first, last in ((0, start), (end, total)):
        if last > first:
            noise = _noise(last - first, noticed.rate, np.random.default_rng([seed, first]))
            samples[:, first:last] += noise * np.float32(loudness * 10.0 ** (LEVEL / 20.0))
    return Audio(samples=samples, rate=noticed.rate)


def _rms_of_tones(lead: NDArray[np.float32]) -> float:
    """Return the RMS of the notice where it sounds, which is about half of the time."""
    return float(np.sqrt(np.mean(np.square(lead, dtype=np.float64)))) if lead.size else 0.0


def _noise(count: int, rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return `count` samples of noise with RMS 1 in the slope of speech, faded in and out."""
    lines = np.fft.rfftfreq(count, 1.0 / rate)
    slope = np.maximum(lines, 3.0 * LOWEST) ** -0.5 * (lines >= LOWEST)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * slope, count)
    ends = np.minimum(np.arange(count), np.arange(count)[::-1]) / (FADE * rate)
    noise *= np.minimum(ends, 1.0) / max(float(np.sqrt(np.mean(noise**2))), 1e-12)
    return np.asarray(noise, dtype=np.float32)
