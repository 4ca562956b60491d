"""What happens to sound on its way: codecs, the telephone, noise, filters, cuts. Each keeps rate and channels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample
from .. import codecs


def coded(audio: Audio, _: np.random.Generator, *, codec: codecs.AudioCodec, bit_rate: int = 0) -> Audio:
    """Return `audio` through `codec` at `bit_rate` bits a second a channel, its usual one where 0."""
    return codecs.through_audio(audio, replace(codec, bit_rate=bit_rate) if bit_rate else codec)


def telephone(audio: Audio, _: np.random.Generator) -> Audio:
    """Return `audio` through a telephone: 300-3400 Hz, 8 kHz, 8-bit mu-law (ITU-T G.711, mu = 255)."""
    from scipy.signal import butter, sosfilt

    narrow = resample(audio.samples, audio.rate, 8000)
    band = sosfilt(butter(4, (300, 3400), "bandpass", fs=8000, output="sos"), narrow, axis=-1)
    band = np.clip(band, -1, 1)
    bent = np.sign(band) * np.log1p(255 * np.abs(band)) / np.log1p(255)
    steps = np.round(bent * 127) / 127
    straight = np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(255)) / 255
    return same_length(resample(straight.astype(np.float32), 8000, audio.rate), audio)


def noise(audio: Audio, rng: np.random.Generator, *, decibels: float) -> Audio:
    """Return `audio` with pink noise added, `decibels` below the sound's own mean power."""
    n = audio.samples.shape[1]
    spectrum = np.fft.rfft(rng.standard_normal(audio.samples.shape), axis=1)
    spectrum /= np.sqrt(np.maximum(1.0, np.arange(spectrum.shape[1])))
    pink = np.fft.irfft(spectrum, n, axis=1)
    power = float(np.mean(audio.samples**2)) / 10 ** (decibels / 10)
    pink *= np.sqrt(power / max(float(np.mean(pink**2)), 1e-20))
    return within(audio.samples + pink, audio.rate)


def resampled(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` converted to a drawn lower rate and back, losing what lies above half of it."""
    low = int(rng.choice([11_025, 12_000, 16_000, 22_050, 24_000]))
    return at_rate(audio, rng, rate=low if low < audio.rate else audio.rate * 3 // 4)


def at_rate(audio: Audio, _: np.random.Generator, *, rate: int) -> Audio:
    """Return `audio` converted to `rate` hertz and back where that is lower than its own."""
    low = min(rate, audio.rate)
    return same_length(resample(resample(audio.samples, audio.rate, low), low, audio.rate), audio)


def gain(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` louder or softer by up to 12 dB, but never above full scale."""
    peak = float(np.abs(audio.samples).max())
    most = 20 * np.log10(1 / peak) if peak > 0 else 12.0
    return within(audio.samples * 10 ** (min(rng.uniform(-12, 12), most) / 20), audio.rate)


def trim(audio: Audio, _: np.random.Generator) -> Audio:
    """Return `audio` without what is 40 dB below its loudest 20 ms at either end; digital silence stays whole."""
    step = max(1, audio.rate // 50)
    mono = audio.mono()
    blocks = mono[: mono.size // step * step].reshape(-1, step)
    power = np.mean(blocks**2, axis=1) if blocks.size else np.zeros(1)
    loud = np.flatnonzero(power > power.max() * 1e-4)
    if not loud.size:
        return audio
    kept = audio.samples[:, loud[0] * step : (loud[-1] + 1) * step]
    return Audio(samples=np.ascontiguousarray(kept), rate=audio.rate)


def lowpass(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` without what lies above a drawn edge of 3.4 to 7 kHz (at most 0.95 of half the rate)."""
    from scipy.signal import butter, sosfiltfilt

    edge = min(rng.uniform(3400, 7000), 0.475 * audio.rate)
    filtered = sosfiltfilt(butter(6, edge, fs=audio.rate, output="sos"), audio.samples, axis=1, padlen=0)
    return within(filtered, audio.rate)


def overdriven(audio: Audio, _: np.random.Generator, *, factor: float) -> Audio:
    """Return `audio` `factor` times as loud, cut at full scale."""
    return Audio(samples=np.clip(factor * audio.samples, -1, 1).astype(np.float32), rate=audio.rate)


def coarse(audio: Audio, _: np.random.Generator, *, bits: int) -> Audio:
    """Return `audio` in steps of `bits` bits."""
    steps = 2.0 ** (bits - 1)
    return within(np.round(audio.samples * steps) / steps, audio.rate)


def inverted(audio: Audio, _: np.random.Generator) -> Audio:
    """Return `audio` with its polarity turned: nobody hears it."""
    return Audio(samples=-audio.samples, rate=audio.rate)


def cut(audio: Audio, rng: np.random.Generator, *, seconds: float) -> Audio:
    """Return `seconds` of `audio` from a drawn place, all of it if it is shorter."""
    n = round(seconds * audio.rate)
    at = int(rng.integers(max(1, audio.samples.shape[1] - n + 1)))
    return Audio(samples=np.ascontiguousarray(audio.samples[:, at : at + n]), rate=audio.rate)


def same_length(samples: NDArray[np.float32], like: Audio) -> Audio:
    """Return `samples` cut or padded to the length of `like`, at its rate."""
    n = like.samples.shape[1]
    padded = np.pad(samples, ((0, 0), (0, max(0, n - samples.shape[1]))))
    return within(padded[:, :n], like.rate)


def within(samples: NDArray[np.floating], rate: int) -> Audio:
    """Return sound turned down as a whole where it would exceed full scale."""
    peak = float(np.abs(samples).max())
    scaled = samples / peak if peak > 1 else samples
    return Audio(samples=np.ascontiguousarray(scaled, dtype=np.float32), rate=rate)
