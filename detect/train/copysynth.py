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

F32 = NDArray[np.float32]


def world(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` through WORLD (Morise et al. 2016) at 16 or 24 kHz, half the time at another pitch."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyworld 0.3.5 asks the deprecated pkg_resources for its own version
            import pyworld
    except ImportError as error:
        feature = "training on WORLD copies"
        raise MissingExtra(feature, "generate") from error
    rate = int(rng.choice([16_000, 24_000]))
    speech = resample(audio.mono(), audio.rate, rate).astype(np.float64)
    coarse, times = pyworld.dio(speech, rate)
    pitch = pyworld.stonemask(speech, coarse, times, rate)
    envelope = pyworld.cheaptrick(speech, pitch, times, rate)
    breath = pyworld.d4c(speech, pitch, times, rate)
    moved = pitch * 2 ** (rng.uniform(-3, 3) / 12 if rng.random() < 0.5 else 0.0)
    return _sound(pyworld.synthesize(moved, envelope, breath, rate), rate)


def griffin_lim(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` with its phase guessed again from magnitudes, linear or through 80 mel bands.

    Griffin & Lim 1984 with the momentum of Perraudin et al. 2013; 24 to 60 rounds, windows of 32 or 64 ms.
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
        bank = _mel(size // 2 + 1, rate)
        wanted = np.maximum(np.linalg.pinv(bank) @ (bank @ wanted), 0.0)
    phase = np.exp(2j * np.pi * rng.random(wanted.shape))
    before = np.zeros_like(phase)
    for _ in range(int(rng.integers(24, 60))):
        guess = frames.stft(frames.istft(wanted * phase, k1=speech.size))
        turned = guess - 0.99 / 1.99 * before
        phase = turned / np.maximum(np.abs(turned), 1e-12)
        before = guess
    return _sound(frames.istft(wanted * phase, k1=speech.size), rate)


def _mel(bins: int, rate: int, bands: int = 80) -> NDArray[np.float64]:
    """Return `bands` triangles spaced by the mel scale (O'Shaughnessy 1987), `[bands, bins]`."""
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    hertz = np.linspace(0, rate / 2, bins)
    up = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(up, down))


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
    {"world": world, "griffin-lim": griffin_lim}
)
"""Process of an item -> the vocoder that makes it."""
