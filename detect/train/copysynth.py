"""Fakes for training that need no corpus: real speech through a vocoder and back, and a small text-to-speech voice.

Re-synthesis keeps speaker, words, room and microphone, so what differs from the original is the vocoder's trace alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample
from ...media.errors import MissingExtra
from .copies import codebook, lpc_vocoder, mel_blurred, phase_made_up, smoothed, through_mel, upsampled

F32 = NDArray[np.float32]


def world(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` through WORLD (Morise et al. 2016) at 16 or 24 kHz, half the time at another pitch."""
    rate = int(rng.choice([16_000, 24_000]))
    pyworld, pitch, envelope, breath = _analysed(audio, rate)
    moved = pitch * 2 ** (rng.uniform(-3, 3) / 12 if rng.random() < 0.5 else 0.0)
    return _sound(pyworld.synthesize(moved, envelope, breath, rate), rate)


def world_coded(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` through WORLD, envelope and breath in few coefficients and smoothed: statistical synthesis."""
    from scipy.ndimage import gaussian_filter1d

    rate = int(rng.choice([16_000, 24_000]))
    pyworld, pitch, envelope, breath = _analysed(audio, rate)
    size = (envelope.shape[1] - 1) * 2
    coded = pyworld.code_spectral_envelope(envelope, rate, int(rng.choice([24, 40, 60])))
    coded = np.ascontiguousarray(gaussian_filter1d(coded, rng.uniform(0.5, 4.0), axis=0))
    envelope = pyworld.decode_spectral_envelope(coded, rate, size)
    breath = pyworld.decode_aperiodicity(pyworld.code_aperiodicity(breath, rate), rate, size)
    pitch = np.where(pitch > 0, gaussian_filter1d(pitch, rng.uniform(0, 2)), 0.0) if rng.random() < 0.5 else pitch
    return _sound(pyworld.synthesize(pitch, envelope, breath, rate), rate)


def _analysed(audio: Audio, rate: int) -> tuple[Any, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the package pyworld, and pitch, envelope and breath of `audio` at `rate`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyworld 0.3.5 asks the deprecated pkg_resources for its own version
            import pyworld
    except ImportError as error:
        feature = "training on WORLD copies"
        raise MissingExtra(feature, "generate") from error
    speech = resample(audio.mono(), audio.rate, rate).astype(np.float64)
    coarse, times = pyworld.dio(speech, rate)
    pitch = pyworld.stonemask(speech, coarse, times, rate)
    return pyworld, pitch, pyworld.cheaptrick(speech, pitch, times, rate), pyworld.d4c(speech, pitch, times, rate)


def griffin_lim(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` with its phase guessed again from magnitudes, linear or through 40 to 128 mel bands.

    Griffin & Lim 1984 with the momentum of Perraudin et al. 2013; 4 to 60 rounds, windows of 32 or 64 ms.
    """
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    rate = 16_000
    speech = resample(audio.mono(), audio.rate, rate).astype(np.float64)
    size = int(rng.choice([512, 1024]))
    frames = ShortTimeFFT(hann(size, sym=False), hop=size // 4, fs=rate)
    speech = np.pad(speech, (0, max(0, 2 * size - speech.size)))
    wanted = np.abs(frames.stft(speech))
    if rng.random() < 0.5:
        wanted = through_mel(wanted, rng)
    phase = np.exp(2j * np.pi * rng.random(wanted.shape))
    before = np.zeros_like(phase)
    for _ in range(int(rng.integers(4, 60))):
        guess = frames.stft(frames.istft(wanted * phase, k1=speech.size))
        turned = guess - 0.99 / 1.99 * before
        phase = turned / np.maximum(np.abs(turned), 1e-12)
        before = guess
    return _sound(frames.istft(wanted * phase, k1=speech.size), rate)


SENTENCES = (
    "The train to the coast leaves from the second platform at a quarter past nine.",
    "Our neighbour grows tomatoes, beans and a single lemon tree on her balcony.",
    "They measured the river twice this week, and both times it had risen.",
    "I would like to change my appointment to Friday, if that is possible.",
    "A grey cat slept on the warm roof of the car until the rain began.",
    "The museum opens late on Wednesdays, when entrance is free for students.",
    "He wrote the address on a piece of paper and lost it on the way.",
    "Could you tell me whether the pharmacy near the station is still open?",
    "The orchestra played the last movement faster than anyone had expected.",
    "Every spring the lake floods the lower fields and the road beside them.",
    "We have enough flour for three loaves, but hardly any salt is left.",
    "Nobody noticed that the clock above the door had stopped in the night.",
)


def speak(rng: np.random.Generator) -> Audio:
    """Return two drawn sentences by the voice hibari at a drawn speed, half the time with WORLD after it."""
    first, second = rng.choice(len(SENTENCES), 2, replace=False)
    text = f"{SENTENCES[first]} {SENTENCES[second]}"
    voice = _voice()
    spoken = voice(text, speed=float(rng.uniform(0.8, 1.25)), seed=int(rng.integers(2**31)))
    said = _sound(np.asarray(spoken, np.float32), int(voice.sample_rate))
    return world(said, rng) if rng.random() < 0.5 else said


@cache
def _voice() -> Any:  # noqa: ANN401 - hibari ships no types
    try:
        from hibari import Hibari
    except ImportError as error:
        feature = "training on text to speech"
        raise MissingExtra(feature, "generate") from error
    return Hibari()


def _sound(samples: NDArray[np.floating], rate: int) -> Audio:
    """Return finite samples within full scale as sound."""
    clean = np.clip(np.nan_to_num(np.asarray(samples, np.float32)), -1, 1)
    return Audio(samples=clean[None], rate=rate)


COPIES: Mapping[str, Callable[[Audio, np.random.Generator], Audio]] = MappingProxyType(
    {
        "world": world,
        "world-coded": world_coded,
        "griffin-lim": griffin_lim,
        "mel-blurred": mel_blurred,
        "phase-made-up": phase_made_up,
        "smoothed": smoothed,
        "codebook": codebook,
        "upsampled": upsampled,
        "lpc": lpc_vocoder,
    }
)
"""Process of an item -> what copies it."""
