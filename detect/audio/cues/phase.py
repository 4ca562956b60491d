"""Traces of a vocoder: the residual of linear prediction, phase, harmonics in the treble, tones, mirrored bands.

Residual after Makhoul, "Linear prediction: a tutorial review" (Proc. IEEE 63, 1975); steadiness of phase after
Stylianou, "Applying the harmonic plus noise model in concatenative speech synthesis" (IEEE TSAP 9, 2001); tones and
mirrored bands after Pons et al., "Upsampling artifacts in neural audio synthesis" (ICASSP 2021).
"""

from __future__ import annotations

import numpy as np

from ....media.audio import resample
from ....media.extent import Span
from ...cue import Measured, Untold
from .beats import beat
from .cue import F64, AudioCue, Needs, Recording, decibels, framed, inside

RATE = 16_000
"""Hertz at which the voice itself is looked at: the same for every file."""
TONE = 10.0
"""Decibels by which a steady tone stands out of its surroundings."""
BEAT = 3.5
"""Decibels by which a beat of the samples stands out, from which it is told."""
MIRROR = 0.25
"""Correlation of mirrored bands, less that of bands that are not, from which an image is told."""
FOLDS = (4000.0, 5512.5, 8000.0, 11_025.0, 12_000.0, 16_000.0)
"""Hertz: halves of the rates that sound is upsampled from; besides, a half and a quarter of the file's own band."""
MOST = 60.0
"""Seconds of speech that are looked at."""
_ORDER = 18
_SIZE, _STEP = 640, 320  # 40 ms every 20 ms


def voiced_frames(samples: F64, speech: tuple[Span, ...]) -> tuple[F64, F64]:
    """Return frames of 40 ms (at `RATE`) that hold a voice `[n, 640]`, and their pitch periods in samples `[n]`."""
    frames = framed(samples, _SIZE, _STEP)
    if not len(frames):
        return frames, np.zeros(0)
    times = (np.arange(len(frames)) * _STEP + _SIZE / 2) / RATE
    frames = frames[inside(times, speech)][: round(MOST * RATE / _STEP)]
    if not len(frames):
        return frames, np.zeros(0)
    centred = frames - frames.mean(axis=1, keepdims=True)
    lags = np.fft.irfft(np.abs(np.fft.rfft(centred, 2 * _SIZE, axis=1)) ** 2, axis=1)[:, :_SIZE]
    low, high = RATE // 400, RATE // 70
    # A longer lag overlaps less: divided out, so that low voices are not at a loss.
    fair = lags[:, low:high] / (1.0 - np.arange(low, high) / _SIZE) / (lags[:, :1] + 1e-12)
    voice = (fair.max(axis=1) > 0.6) & (centred.std(axis=1) > 0.1 * centred.std(axis=1).max())
    return frames[voice], (fair.argmax(axis=1) + low)[voice].astype(np.float64)


def residual(frames: F64) -> F64:
    """Return what linear prediction of order 18 does not explain of `frames` `[n, 640]`, of unit size `[n, 622]`."""
    shaped = (frames - frames.mean(axis=1, keepdims=True)) * np.hanning(frames.shape[1])
    lags = np.fft.irfft(np.abs(np.fft.rfft(shaped, 2 * frames.shape[1], axis=1)) ** 2, axis=1)[:, : _ORDER + 1]
    lags[:, 0] = lags[:, 0] * 1.0001 + 1e-9  # -40 dB of white noise keeps the equations solvable
    where = np.abs(np.subtract.outer(np.arange(_ORDER), np.arange(_ORDER)))
    taps = np.linalg.solve(lags[:, where], lags[:, 1:, None])[..., 0]
    past = np.lib.stride_tricks.sliding_window_view(frames, _ORDER + 1, axis=1)
    whole = np.concatenate([-taps[:, ::-1], np.ones((len(taps), 1))], axis=1)
    error = np.einsum("fnk,fk->fn", past, whole, optimize=True)
    return np.asarray(error / (error.std(axis=1, keepdims=True) + 1e-12))


def excitation(frames: F64) -> dict[str, float]:
    """Return how periodic and how peaked the residual of voiced `frames` is: medians, and the spread over frames."""
    unit = residual(frames)
    lags = np.fft.irfft(np.abs(np.fft.rfft(unit, 2048, axis=1)) ** 2, axis=1)[:, RATE // 400 : RATE // 70]
    periodic = lags.max(axis=1) / unit.shape[1]
    peaked = (unit**4).mean(axis=1)
    skew = np.abs((unit**3).mean(axis=1))
    return {
        "periodicity": float(np.median(periodic)),
        "periodicity_spread": float(periodic.std()),
        "kurtosis": float(np.median(np.log(peaked))),
        "skewness": float(np.median(skew)),
    }


def harmonics(frames: F64, periods: F64) -> dict[str, float]:
    """Return how deep the comb of harmonics is below 2 and from 3 to 7 kHz, and how steady their phase is.

    The comb's depth is the share of the log spectrum's fine structure that repeats at the pitch; steadiness is the
    mean resultant length of each harmonic's phase against the first one's, from frame to frame.
    """
    spectrum = np.fft.rfft(frames * np.hanning(frames.shape[1]), 2048, axis=1)
    log = np.log(np.abs(spectrum) + 1e-7)
    out = {
        f"comb_{name}": _comb(log[:, low:high], periods) for name, low, high in (("low", 38, 256), ("high", 384, 896))
    }
    out["comb_fall"] = out["comb_low"] - out["comb_high"]
    unit = spectrum / (np.abs(spectrum) + 1e-12)
    delay = unit[:, 1:] * unit[:, :-1].conj()
    for name, low, high in (("low", 38, 256), ("high", 384, 896)):
        out[f"delay_{name}"] = float(np.abs(delay[:, low:high].mean(axis=1)).mean())
    return out


def _comb(log: F64, periods: F64) -> float:
    """Return the median share of the variance of `log` `[n, bins]` of 7.8 Hz that repeats once a harmonic."""
    smooth = np.lib.stride_tricks.sliding_window_view(np.pad(log, ((0, 0), (32, 32)), mode="edge"), 65, axis=1).mean(
        axis=2
    )
    fine = (log - smooth) * np.hanning(log.shape[1])
    turns = np.exp(-2j * np.pi * np.arange(log.shape[1])[None] * periods[:, None] / 2048)
    wave = np.abs((fine * turns).sum(axis=1)) ** 2
    return float(np.median(wave / ((fine**2).sum(axis=1) * log.shape[1] / 2 + 1e-12)))


def tones(samples: F64, rate: int) -> tuple[tuple[float, float], ...]:
    """Return steady tones above 1 kHz: hertz, and decibels above their surroundings, strongest first.

    Looked for in the 30th percentile over time of each bin: what is there even while nobody speaks.
    """
    size = 4096
    frames = framed(samples[: round(MOST * rate)], size, size // 2)
    if len(frames) < 6:
        return ()
    level = np.percentile(decibels(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2 / size), 30, axis=0)
    level = np.maximum(level, -110.0)
    around = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(level, 15, mode="edge"), 31), axis=1)
    above = level - around
    hertz = np.fft.rfftfreq(size, 1.0 / rate)
    above[(hertz < 1000.0) | (hertz > 0.49 * rate)] = 0.0
    peaks = np.flatnonzero((above[1:-1] >= TONE) & (above[1:-1] >= above[:-2]) & (above[1:-1] > above[2:])) + 1
    return tuple(sorted(((float(hertz[n]), float(above[n])) for n in peaks), key=lambda one: -one[1]))


def mirror(samples: F64, rate: int) -> tuple[float, float]:
    """Return the frequency around which bands mirror each other best, and how much better than unmirrored ones do.

    Compared is the course over time of bands of 125 Hz or so, up to 2 kHz either side, after the common course of
    all is taken off. Upsampling without a filter mirrors the band; nothing in a voice does.
    """
    size = 1 << int(np.log2(rate / 100))
    frames = framed(samples[: round(MOST * rate)], size, size // 2)
    if len(frames) < 20:
        return 0.0, 0.0
    level = np.maximum(decibels(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2 / size), -100.0)
    level = level - level.mean(axis=0)
    level = level - level.mean(axis=1, keepdims=True)
    level = level / (level.std(axis=0) + 1.0)
    width = rate / size
    best = (0.0, 0.0)
    for fold in {*FOLDS, rate / 4, rate / 8}:
        reach = int(min(2000.0, 0.9 * fold, 0.48 * rate - fold) / width)
        if fold >= 0.45 * rate or reach < 6:
            continue
        below = np.round(fold / width - np.arange(2, reach)).astype(int)
        beyond = np.round(fold / width + np.arange(2, reach)).astype(int)
        ties = level[:, below].T @ level[:, beyond] / len(level)
        mirrored = float(np.diag(ties).mean())
        # As near to each other, or nearer, but not mirrored: what neighbouring bands share anyway.
        other = max(float(np.diag(ties, shift).mean()) for shift in (-3, 3))
        if mirrored - other > best[1]:
            best = (fold, mirrored - other)
    return best


def treble(samples: F64, rate: int, speech: tuple[Span, ...]) -> dict[str, float]:
    """Return how loud 8 to 11 kHz are against 4 to 8 kHz in speech, and their tie; nothing below a rate of 22 kHz."""
    if rate < 22_050:
        return {}
    size = round(0.02 * rate)
    frames = framed(samples[: round(MOST * rate)], size, size // 2)
    times = (np.arange(len(frames)) * (size // 2) + size / 2) / rate
    frames = frames[inside(times, speech)]
    if len(frames) < 20:
        return {}
    power = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2
    hertz = np.fft.rfftfreq(size, 1.0 / rate)
    low = decibels(power[:, (hertz >= 4000.0) & (hertz < 8000.0)].mean(axis=1))
    high = decibels(power[:, (hertz >= 8000.0) & (hertz < min(11_000.0, 0.48 * rate))].mean(axis=1))
    tie = float(np.corrcoef(low, high)[0, 1]) if low.std() > 0 and high.std() > 0 else 0.0
    return {"treble": float(np.median(high - low)), "treble_tie": tie}


class PhaseDetector(AudioCue):
    """Looks for what a vocoder leaves."""

    name = "audio-phase"
    version = "1"
    needs = Needs(seconds=1.0, speech=1.0)

    def measure(self, heard: Recording) -> Measured | Untold:
        """Return the figures; `Untold` without voiced speech."""
        slow = resample(heard.audio.samples[0], heard.rate, RATE).astype(np.float64)
        frames, periods = voiced_frames(slow, heard.speech)
        if len(frames) < 15:
            return Untold(why=f"needs 0.3 s of voiced speech, got {len(frames) * _STEP / RATE:.2f} s")
        found = tones(heard.samples, heard.rate)
        fold, image = mirror(heard.samples, heard.rate)
        figures = excitation(frames) | harmonics(frames, periods)
        sixteenths, above = beat(heard.samples[: round(MOST * heard.rate)])
        figures |= {"beat": above, "tones": float(len(found)), "tone": found[0][1] if found else 0.0, "mirror": image}
        figures |= treble(heard.samples, heard.rate, heard.speech)
        said = [
            f"residual of prediction periodic by {figures['periodicity']:.2f}",
            f"harmonics {figures['comb_low']:.2f} deep below 2 kHz and {figures['comb_high']:.2f} above 3 kHz",
        ]
        if found:
            said.append(
                "steady tones at " + ", ".join(f"{hertz:.0f} Hz (+{height:.0f} dB)" for hertz, height in found[:3])
            )
        if above >= BEAT:
            said.append(f"a beat every {16 / sixteenths:.3g} samples (+{above:.1f} dB), as upsampling layers leave")
        if image >= MIRROR:
            said.append(f"the bands beside {fold:.0f} Hz mirror each other: upsampled without a filter")
        return Measured(note="; ".join(said), figures=figures)
