"""Copies of real speech by cheap stand-ins for what synthesis does: smoothing, quantising, guessing, upsampling.

Each keeps words, speaker, room and microphone of its original, so that training can take one from the other. No one of
them is a modern system; together they cover what such systems have in common: a magnitude through a bottleneck, a phase
that is made up, frames out of a codebook, a band that is grown from the one below.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample

F64 = NDArray[np.float64]
C128 = NDArray[np.complex128]
RATE = 16_000
_LEAST = 4096
"""Samples that a copy needs to work on; shorter speech is padded with silence."""


def mel_bank(bins: int, rate: int, bands: int = 80) -> F64:
    """Return `bands` triangles spaced by the mel scale (O'Shaughnessy 1987), `[bands, bins]`."""
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    hertz = np.linspace(0, rate / 2, bins)
    up = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(up, down))


def through_mel(magnitude: F64, rng: np.random.Generator, *, rate: int = RATE) -> F64:
    """Return `magnitude` `[bins, frames]` as 40 to 128 mel bands leave it."""
    bank = mel_bank(magnitude.shape[0], rate, int(rng.choice([40, 60, 80, 80, 80, 100, 128])))
    bank = bank[bank.sum(axis=1) > 0]
    return np.asarray(np.maximum(np.linalg.pinv(bank) @ (bank @ magnitude), 1e-7))


def mel_blurred(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` with its magnitude through mel bands and its own phase, a little disturbed half the time."""
    spectrum, size = _spectrum(audio, rng)
    phase = np.angle(spectrum)
    if rng.random() < 0.5:
        phase = phase + rng.uniform(0.1, 0.8) * rng.standard_normal(phase.shape)
    return _back(through_mel(np.abs(spectrum), rng) * np.exp(1j * phase), size, audio)


def phase_made_up(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` with its magnitude and, from a drawn frequency on, a phase that is noise settled in few rounds."""
    spectrum, size = _spectrum(audio, rng)
    magnitude, phase = np.abs(spectrum), np.angle(spectrum)
    first = int(rng.uniform(0, 0.5) * len(phase))
    phase[first:] += rng.uniform(0.7, np.pi) * rng.standard_normal(phase[first:].shape)
    kept = np.exp(1j * phase)
    for _ in range(int(rng.integers(1, 9))):
        again = _stft(_istft(magnitude * kept, size), size)[:, : magnitude.shape[1]]
        kept[first:] = np.exp(1j * np.angle(again[first:]))
    return _back(magnitude * kept, size, audio)


def smoothed(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` with its magnitude smoothed over tens of milliseconds and its phase settled to that."""
    from scipy.ndimage import gaussian_filter1d

    spectrum, size = _spectrum(audio, rng)
    frame = size / 4 / RATE
    log = np.log(np.abs(spectrum) + 1e-6)
    wide = gaussian_filter1d(log, rng.uniform(0.015, 0.045) / frame, axis=1)
    share = rng.uniform(0.5, 1.0)
    magnitude = np.exp((1 - share) * log + share * wide)
    kept = np.exp(1j * np.angle(spectrum))
    for _ in range(int(rng.integers(2, 9))):
        kept = np.exp(1j * np.angle(_stft(_istft(magnitude * kept, size), size)[:, : magnitude.shape[1]]))
    return _back(magnitude * kept, size, audio)


def codebook(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` with each frame's spectrum taken from a small codebook in stages, as neural codecs do.

    The codewords are drawn from the speech itself; phase as it was, or settled to the new magnitude.
    """
    spectrum, size = _spectrum(audio, rng)
    magnitude = np.abs(spectrum)
    bank = mel_bank(len(magnitude), RATE, int(rng.choice([40, 64, 80])))
    bank = bank[bank.sum(axis=1) > 0]
    log = np.log(bank @ magnitude + 1e-5)
    left, found = log.copy(), np.zeros_like(log)
    for _ in range(int(rng.integers(1, 5))):
        words = left[
            :, rng.choice(left.shape[1], min(left.shape[1], int(rng.choice([16, 32, 64, 128]))), replace=False)
        ]
        far = (left**2).sum(axis=0) - 2 * words.T @ left + (words**2).sum(axis=0)[:, None]
        nearest = words[:, far.argmin(axis=0)]
        found, left = found + nearest, left - nearest
    ratio = np.linalg.pinv(bank) @ np.exp(found) / np.maximum(np.linalg.pinv(bank) @ np.exp(log), 1e-6)
    coded = magnitude * np.clip(ratio, 0.1, 10.0)
    kept = np.exp(1j * np.angle(spectrum))
    if rng.random() < 0.7:
        for _ in range(int(rng.integers(1, 6))):
            kept = np.exp(1j * np.angle(_stft(_istft(coded * kept, size), size)[:, : coded.shape[1]]))
    return _back(coded * kept, size, audio)


def upsampled(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` with the band above 2 to 4 kHz grown from mirror images of the one below, and a faint beat.

    Transposed convolutions leave both: images of the low band and a pattern that repeats with their stride.
    """
    from scipy.signal import butter, sosfiltfilt

    speech = _speech(audio)
    edge = float(rng.uniform(2000, 4000))
    low = sosfiltfilt(butter(8, edge, fs=RATE, output="sos"), speech)
    time = np.arange(speech.size) / RATE
    image = low * np.cos(2 * np.pi * 2 * edge * time)
    high = sosfiltfilt(butter(8, edge, "high", fs=RATE, output="sos"), image + 0.3 * np.abs(low))
    spectrum, wanted, grown = (_stft(one, 512) for one in (low, speech, high))
    bank = mel_bank(257, RATE, 60)
    gain = bank.T @ (bank @ np.abs(wanted)) / np.maximum(bank.T @ (bank @ np.abs(grown)), 1e-9)
    bins = np.arange(257) * RATE / 512 >= edge
    mixed = np.where(bins[:, None], grown * np.clip(gain, 0, 30), spectrum)
    stride = int(rng.choice([64, 80, 128, 160, 256, 320]))
    beat = np.resize(1 + rng.uniform(0.0, 0.04) * rng.standard_normal(stride), speech.size)
    return _sound(_istft(mixed, 512)[: speech.size] * beat, audio)


def lpc_vocoder(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` as linear prediction from frames of 20 ms, driven by its coarsened or guessed residual."""
    from scipy.signal import lfilter

    speech, frame, order = _speech(audio), 320, int(rng.choice([12, 16, 20, 24]))
    window = np.hanning(2 * frame + 1)[:-1]
    out = np.zeros(speech.size + 2 * frame)
    bits, flat = float(rng.uniform(1.5, 4)), bool(rng.random() < 0.5)
    for start in range(0, speech.size - 2 * frame, frame):
        piece = speech[start : start + 2 * frame] * window
        taps = predictor(piece, order)
        residual = lfilter(taps, [1.0], piece)
        size = residual.std() + 1e-9
        if flat:  # keep where the residual peaks, guess the rest
            strong = np.abs(residual) > 2 * size
            driven = np.where(strong, residual, 0.7 * size * rng.standard_normal(residual.size) * window)
        else:
            step = size * 2.0 ** (1 - bits)
            driven = np.round(residual / step) * step
        out[start : start + 2 * frame] += lfilter([1.0], taps, driven)
    return _sound(out[: speech.size], audio)


def predictor(piece: F64, order: int) -> F64:
    """Return the whitening filter of a frame by linear prediction, `[order + 1]`, the first tap 1."""
    from scipy.linalg import solve_toeplitz

    spectrum = np.abs(np.fft.rfft(piece, 2 * piece.size)) ** 2
    lags = np.fft.irfft(spectrum)[: order + 1]
    lags[0] = lags[0] * 1.001 + 1e-9
    return np.concatenate([[1.0], -solve_toeplitz(lags[:-1], lags[1:])])


def _speech(audio: Audio) -> F64:
    """Return `audio` as mono at `RATE`, at least `_LEAST` samples."""
    mono = resample(audio.mono(), audio.rate, RATE).astype(np.float64)
    return np.pad(mono, (0, max(0, _LEAST - mono.size)))


def _spectrum(audio: Audio, rng: np.random.Generator) -> tuple[C128, int]:
    """Return the short-time spectrum of `audio`, `[bins, frames]`, and its window: 512, 1024 or (once in four) 2048."""
    size = int(rng.choice([512, 1024, 1024, 2048]))
    return _stft(_speech(audio), size), size


def _stft(speech: F64, size: int) -> C128:
    from scipy.signal import stft

    return np.asarray(stft(speech, nperseg=size, noverlap=size - size // 4)[2], np.complex128)


def _istft(spectrum: C128, size: int) -> F64:
    from scipy.signal import istft

    return np.asarray(istft(spectrum, nperseg=size, noverlap=size - size // 4)[1], np.float64)


def _back(spectrum: C128, size: int, audio: Audio) -> Audio:
    return _sound(_istft(spectrum, size), audio)


def _sound(samples: F64, audio: Audio) -> Audio:
    """Return finite samples within full scale, at `RATE`, no longer than `audio`."""
    length = round(audio.seconds * RATE)
    clean = np.clip(np.nan_to_num(samples[:length].astype(np.float32)), -1, 1)
    return Audio(samples=np.ascontiguousarray(clean)[None], rate=RATE)
