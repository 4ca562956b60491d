"""What happens to sound on its way: codecs, the telephone, noise, rooms, filters. Each keeps rate and channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..media.audio import Audio, resample
from . import codecs


def mp3(audio: Audio, _: np.random.Generator) -> Audio:
    """Return `audio` through MP3 at 64 kbit/s."""
    return codecs.through_audio(audio, codecs.MP3)


def aac(audio: Audio, _: np.random.Generator) -> Audio:
    """Return `audio` through AAC at 64 kbit/s."""
    return codecs.through_audio(audio, codecs.AAC)


def opus(audio: Audio, _: np.random.Generator) -> Audio:
    """Return `audio` through Opus at 24 kbit/s."""
    return codecs.through_audio(audio, codecs.OPUS)


def telephone(audio: Audio, _: np.random.Generator) -> Audio:
    """Return `audio` through a telephone: 300-3400 Hz, 8 kHz, 8-bit mu-law (ITU-T G.711, mu = 255)."""
    from scipy.signal import butter, sosfilt

    narrow = resample(audio.samples, audio.rate, 8000)
    band = sosfilt(butter(4, (300, 3400), "bandpass", fs=8000, output="sos"), narrow, axis=-1)
    band = np.clip(band, -1, 1)
    bent = np.sign(band) * np.log1p(255 * np.abs(band)) / np.log1p(255)
    steps = np.round(bent * 127) / 127
    straight = np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(255)) / 255
    return _same_length(resample(straight.astype(np.float32), 8000, audio.rate), audio)


def noise(audio: Audio, rng: np.random.Generator, *, decibels: float) -> Audio:
    """Return `audio` with pink noise added, `decibels` below the sound's own mean power."""
    n = audio.samples.shape[1]
    spectrum = np.fft.rfft(rng.standard_normal(audio.samples.shape), axis=1)
    spectrum /= np.sqrt(np.maximum(1.0, np.arange(spectrum.shape[1])))
    pink = np.fft.irfft(spectrum, n, axis=1)
    power = float(np.mean(audio.samples**2)) / 10 ** (decibels / 10)
    pink *= np.sqrt(power / max(float(np.mean(pink**2)), 1e-20))
    return _within(audio.samples + pink, audio.rate)


def resampled(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` converted to a lower rate and back, losing what lies above half of it."""
    low = int(rng.choice([11_025, 12_000, 16_000, 22_050, 24_000]))
    if low >= audio.rate:
        low = audio.rate * 3 // 4
    return _same_length(resample(resample(audio.samples, audio.rate, low), low, audio.rate), audio)


def gain(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` louder or softer by up to 12 dB, but never above full scale."""
    peak = float(np.abs(audio.samples).max())
    most = 20 * np.log10(1 / peak) if peak > 0 else 12.0
    return _within(audio.samples * 10 ** (min(rng.uniform(-12, 12), most) / 20), audio.rate)


def reverb(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` in a made room: direct sound plus noise that decays by 60 dB in 0.15 to 0.6 s."""
    from scipy.signal import fftconvolve

    decay = rng.uniform(0.15, 0.6)
    t = np.arange(int(decay * audio.rate)) / audio.rate
    tail = rng.standard_normal(t.size) * np.exp(-6.908 * t / decay)
    tail[: int(0.002 * audio.rate)] = 0.0
    tail *= 10 ** (rng.uniform(-10, 0) / 20) / max(np.sqrt(np.sum(tail**2)), 1e-12)
    tail[0] = 1.0
    wet = fftconvolve(audio.samples, tail[None], axes=1)[:, : audio.samples.shape[1]]
    return _within(wet, audio.rate)


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
    return _within(filtered, audio.rate)


def _same_length(samples: NDArray[np.float32], like: Audio) -> Audio:
    """Return `samples` cut or padded to the length of `like`, at its rate."""
    n = like.samples.shape[1]
    padded = np.pad(samples, ((0, 0), (0, max(0, n - samples.shape[1]))))
    return _within(padded[:, :n], like.rate)


def _within(samples: NDArray[np.floating], rate: int) -> Audio:
    """Return sound turned down as a whole where it would exceed full scale."""
    peak = float(np.abs(samples).max())
    scaled = samples / peak if peak > 1 else samples
    return Audio(samples=np.ascontiguousarray(scaled, dtype=np.float32), rate=rate)
