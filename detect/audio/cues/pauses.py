"""What is between the words: how long and regular pauses are, how deep, digital silence, breaths.

People breathe in their pauses and rooms sound on in them; synthesis and editors sometimes leave pure zeros there.
Many honest recordings are gated or denoised too, so that none of it proves anything.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ....media.extent import Span
from ...cue import Measured, Untold
from .cue import F64, AudioCue, Needs, Recording, decibels, framed

LEAST_PAUSE = 0.12
"""Seconds of a pause between two stretches of speech."""
LEAST_ZEROS = 0.005
"""Seconds of one and the same value in a row that count as digital silence."""
BREATH = (0.1, 0.8)
"""Seconds that a breath lasts."""
BREATH_ABOVE = 6.0
"""Decibels that a breath stands above the quietest part of its pause."""
BREATH_BELOW = 8.0
"""Decibels that a breath stays below the speech."""
LEAST_FLATNESS = 0.05
"""Spectral flatness from 500 Hz to 6 kHz from which a sound is a hiss and no hum."""
MOST_PERIODIC = 0.45
"""Height of the autocorrelation from 70 to 400 Hz above which a sound is voiced."""
MOST_SPANS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """One pause: where, its level against the speech in decibels, the share of digital silence, its breaths."""

    span: Span
    level: float
    zeros: float
    breaths: int
    tilt: float
    """Decibels that 3 to 7 kHz lie above 0.2 to 1 kHz."""


def pauses(samples: F64, rate: int, speech: tuple[Span, ...]) -> tuple[Pause, ...]:
    """Return the pauses between the stretches of `speech` in `samples` `[n]`."""
    spoken = [samples[round(span.start * rate) : round(span.end * rate)] for span in speech]
    loud = float(np.mean(np.concatenate(spoken) ** 2)) if spoken else 0.0
    constant = constant_runs(samples, rate)
    found = []
    for before, after in itertools.pairwise(speech):
        if after.start - before.end < LEAST_PAUSE:
            continue
        part = slice(round(before.end * rate), round(after.start * rate))
        piece = samples[part]
        level = float(decibels(float(np.mean(piece**2))) - decibels(loud))
        zeros = float(constant[part].mean())
        found.append(
            Pause(
                span=Span(start=before.end, end=after.start),
                level=max(level, -120.0),
                zeros=zeros,
                breaths=0 if zeros > 0.5 else breaths(piece, rate, loud),
                tilt=_tilt(piece, rate),
            )
        )
    return tuple(found)


def constant_runs(samples: F64, rate: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which of `samples` `[n]` lie in a run of one and the same value of `LEAST_ZEROS` seconds or more."""
    same = np.concatenate([[0], (np.diff(samples) == 0.0).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(same)).reshape(-1, 2)
    out = np.zeros(len(samples), np.bool_)
    for start, end in edges:
        if end - start + 1 >= LEAST_ZEROS * rate:
            out[start : end + 1] = True
    return out


def breaths(piece: F64, rate: int, loud: float) -> int:
    """Return how many breaths a pause `[n]` holds: hisses above its floor and below the speech, whose power is `loud`.

    Frames of 20 ms every 10 ms.
    """
    size = round(0.02 * rate)
    frames = framed(piece, size, size // 2)
    if len(frames) < BREATH[0] * 100:
        return 0
    level = decibels(np.mean(frames**2, axis=1))
    floor, top = float(np.percentile(level, 10)), float(decibels(loud)) - BREATH_BELOW
    hissing = (level >= max(floor + BREATH_ABOVE, float(decibels(loud)) - 60.0)) & (level <= top)
    hissing &= (_flatness(frames, rate) >= LEAST_FLATNESS) & (_periodicity(piece, rate, len(frames)) <= MOST_PERIODIC)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hissing.astype(np.int8), [0]]))).reshape(-1, 2)
    lengths = (edges[:, 1] - edges[:, 0]) * 0.01
    return int(np.sum((lengths >= BREATH[0]) & (lengths <= BREATH[1])))


def _flatness(frames: F64, rate: int) -> F64:
    """Return the spectral flatness of each frame `[n, size]` from 500 Hz to 6 kHz: 1 is white noise."""
    power = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]), axis=1)) ** 2 + 1e-20
    hertz = np.fft.rfftfreq(frames.shape[1], 1.0 / rate)
    inner = power[:, (hertz >= 500.0) & (hertz <= 6000.0)]
    return np.asarray(np.exp(np.log(inner).mean(axis=1)) / inner.mean(axis=1))


def _periodicity(piece: F64, rate: int, count: int) -> F64:
    """Return the height of the autocorrelation around each of `count` frames, in windows of 40 ms."""
    size, step = round(0.04 * rate), round(0.02 * rate) // 2
    padded = np.pad(piece, (step, size + step))
    windows = framed(padded, size, step)[:count]
    spectrum = np.abs(np.fft.rfft(windows - windows.mean(axis=1, keepdims=True), 2 * size, axis=1)) ** 2
    lags = np.fft.irfft(spectrum, axis=1)
    return np.asarray(lags[:, rate // 400 : rate // 70].max(axis=1) / (lags[:, 0] + 1e-20))


def _tilt(piece: F64, rate: int) -> float:
    power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) ** 2
    hertz = np.fft.rfftfreq(len(piece), 1.0 / rate)
    high = power[(hertz >= 3000.0) & (hertz <= min(7000.0, 0.45 * rate))].mean()
    low = power[(hertz >= 200.0) & (hertz <= 1000.0)].mean()
    return float(np.clip(decibels(float(high)) - decibels(float(low)), -100.0, 100.0))


class PausesDetector(AudioCue):
    """Says how the pauses are."""

    name = "audio-pauses"
    version = "1"
    needs = Needs(seconds=2.0, speech=1.5)

    def measure(self, heard: Recording) -> Measured | Untold:
        """Return the statistics of the pauses; `Untold` without a pause."""
        found = pauses(heard.samples, heard.rate, heard.speech)
        if not found:
            return Untold(why=f"there is no pause of {LEAST_PAUSE:g} s or more between words")
        lengths = np.array([pause.span.end - pause.span.start for pause in found])
        minutes = (heard.speech[-1].end - heard.speech[0].start) / 60.0
        total = sum(pause.breaths for pause in found)
        figures = {
            "a_minute": len(found) / minutes,
            "length": float(np.median(lengths)),
            "level": float(np.median([pause.level for pause in found])),
            "zeros": float(np.average([pause.zeros for pause in found], weights=lengths)),
            "tilt": float(np.median([pause.tilt for pause in found])),
            "breaths_a_minute": total / minutes,
            "breaths_a_pause": total / len(found),
        }
        if len(found) >= 3:
            figures["regularity"] = float(lengths.std(ddof=1) / lengths.mean())
            figures["level_spread"] = float(np.std([pause.level for pause in found], ddof=1))
        spans = tuple(pause.span for pause in found if pause.zeros > 0.1)[:MOST_SPANS]
        several = "s" * (len(found) != 1)
        silent = f"; digital silence in {len(spans)} of them" if spans else ""
        return Measured(
            note=f"{len(found)} pause{several}, median {figures['length']:.2f} s and {figures['level']:.0f} dB against "
            f"the speech, {total} breath{'s' * (total != 1)}{silent}",
            figures=figures,
            spans=spans,
        )
