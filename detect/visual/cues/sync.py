"""Whether the lips go with the voice: mouth opening against loudness of speech, and how often chance does as well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....media.audio import Audio, resample
from ....media.errors import AssayError
from ....media.speech import voiced
from ...cue import Measured, Untold
from .cue import F64, CueDetector, Needs, Seen, evenly

RATE = 50.0
"""Hertz at which both are compared."""
REACH = 0.4
"""Seconds of offset that are tried either way; beyond it nobody would call a film in step."""
LEAST_SPEECH = 1.5
"""Seconds of speech below which nothing is told."""
LEAST_MOVEMENT = 0.01
"""Standard deviation of the mouth's opening, in shares of the face's height, below which the mouth is at rest."""
_SOUND = 16_000
_FASTEST, _SLOWEST = 8.0, 0.5  # hertz: syllables come at 2 to 8 a second


def opening(points: NDArray[np.floating]) -> F64:
    """Return how far the inner lips are apart, `[n]` in shares of the face's height, of landmarks `[n, 468, 3]`."""
    gaps = np.linalg.norm(points[:, (13, 82, 312), :2] - points[:, (14, 87, 317), :2], axis=2).mean(axis=1)
    height = np.linalg.norm(points[:, 10, :2] - points[:, 152, :2], axis=1)
    return np.asarray(gaps / np.maximum(height, 1e-6), np.float64)


def loudness(audio: Audio, *, start: float, times: F64) -> F64:
    """Return the level of the speech band (300 to 3400 Hz) at `times`, `[n]` in decibels above its own floor.

    `start` is when the first sample sounds, on the clock of `times`; where there is no sound it is the floor.
    """
    import cv2

    samples = resample(audio.mono(), audio.rate, _SOUND).astype(np.float64)
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1.0 / _SOUND)
    spectrum[(hertz < 300.0) | (hertz > 3400.0)] = 0.0
    power = np.fft.irfft(spectrum, len(samples)) ** 2
    smooth = np.asarray(cv2.GaussianBlur(power.reshape(-1, 1), (1, 0), 0.02 * _SOUND)).ravel()
    places = np.round((times - start) * _SOUND).astype(np.int64)
    inside = (places >= 0) & (places < len(smooth))
    level = np.zeros(len(times))
    level[inside] = smooth[places[inside]]
    floor = max(float(level.max()) * 1e-4, 1e-12)
    return np.asarray(10.0 * np.log10(np.maximum(level, floor) / floor))


def tie(mouth: F64, sound: F64, *, rate: float = RATE) -> tuple[float, float, float]:
    """Return the highest correlation of two signals `[n]`, its offset in seconds, and its p-value.

    A positive offset means that the sound comes after the picture. The null distribution is the highest correlation
    after each circular shift of the sound by more than twice `REACH`, which keeps both signals' own rhythm.
    """
    first, second = (_syllables(signal, rate) for signal in (mouth, sound))
    spectrum = np.conj(np.fft.rfft(first)) * np.fft.rfft(second)
    every = np.fft.irfft(spectrum, len(first)) / len(first)
    reach = round(REACH * rate)
    around = np.concatenate([every[-reach:], every[: reach + 1]])
    best = int(np.argmax(around))
    centres = np.arange(2 * reach + 1, len(every) - 2 * reach)
    if not len(centres):
        return float(around[best]), (best - reach) / rate, 1.0
    windows = (centres[:, None] + np.arange(-reach, reach + 1)) % len(every)
    chance = every[windows].max(axis=1)
    # Neighbouring shifts are not independent: one in `reach` counts.
    p_value = (float(np.sum(chance >= around[best])) / reach + 1.0) / (len(chance) / reach + 1.0)
    return float(around[best]), (best - reach) / rate, min(1.0, p_value)


def _syllables(signal: F64, rate: float) -> F64:
    """Return what moves at the pace of syllables, with mean 0 and standard deviation 1."""
    spectrum = np.fft.rfft(signal - signal.mean())
    hertz = np.fft.rfftfreq(len(signal), 1.0 / rate)
    spectrum[(hertz < _SLOWEST) | (hertz > _FASTEST)] = 0.0
    out = np.fft.irfft(spectrum, len(signal))
    return np.asarray(out / (out.std() + 1e-12))


class SyncDetector(CueDetector):
    """Compares the mouth's opening with the loudness of the speech."""

    name = "visual-sync"
    version = "1"
    needs = Needs(seconds=2.5, rate=15.0, side=60.0)

    def measure(self, seen: Seen) -> Measured | Untold:
        """Return how well lips and voice go together; `Untold` without speech or with a mouth at rest."""
        face = seen.followed
        if seen.audio is None or not seen.audio.samples.size:
            return Untold(why="there is no sound")
        start, end = float(face.times[0]), float(face.times[-1])
        try:
            spans = voiced(seen.audio)
        except AssayError as error:
            return Untold(why=str(error))
        spoken = sum(
            max(0.0, min(s.end + seen.audio_start, end) - max(s.start + seen.audio_start, start)) for s in spans
        )
        if spoken < LEAST_SPEECH:
            return Untold(why=f"needs {LEAST_SPEECH:g} s of speech while the face is seen, got {spoken:.1f} s")
        mouth = evenly(face.times, opening(face.points), RATE)
        if float(mouth.std()) < LEAST_MOVEMENT:
            return Untold(why="the mouth hardly moves: somebody else may be speaking")
        sound = loudness(seen.audio, start=seen.audio_start, times=start + np.arange(len(mouth)) / RATE)
        height, offset, p_value = tie(mouth, sound)
        return Measured(
            score=-height,
            note=f"lips against voice: correlation {height:.2f} at {offset:+.2f} s, by chance as high in {p_value:.0%}",
            figures={"correlation": height, "offset": offset, "p": p_value, "speech": spoken},
        )
