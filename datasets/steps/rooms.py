"""Sound in rooms: a room made of noise, one made of mirror images, and a loudspeaker recorded in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio
from ...media.errors import MissingExtra
from .sounds import noise, within

SOUND_SPEED = 343.0
"""Metres a second, as pyroomacoustics assumes."""
_REFLECTIONS = 25
"""Most walls that one path meets: the tail of a hard room is cut there, 40 dB down and more."""


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
    return within(wet, audio.rate)


def room(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` as heard in a drawn rectangular room, the way of the direct sound left out.

    Image-source method (Allen and Berkley 1979) of pyroomacoustics, 3 to 8 m wide, decay time 0.2 to 0.6 s, mouth and
    microphone at least half a metre from every wall. Raises `MissingExtra` without pyroomacoustics.
    """
    from scipy.signal import fftconvolve

    response = _response(audio.rate, rng)
    return within(fftconvolve(audio.samples, response[None], axes=1)[:, : audio.samples.shape[1]], audio.rate)


def recorded(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` played by a small loudspeaker in a drawn room and recorded there, noise 25 dB below it.

    The loudspeaker passes 180 Hz to 7 kHz and bends its loudest peaks. Raises `MissingExtra` without pyroomacoustics.
    """
    from scipy.signal import butter, sosfilt

    edges = (180, min(7000, 0.45 * audio.rate))
    played = sosfilt(butter(2, edges, "bandpass", fs=audio.rate, output="sos"), audio.samples, axis=1)
    most = max(float(np.abs(played).max()), 1e-9)
    bent = np.tanh(1.2 * played / most) * (most / 1.2)
    return noise(room(within(bent, audio.rate), rng), rng, decibels=25.0)


def _response(rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the impulse response of a drawn room, float64 `[n]`, from its direct sound on, which is 1."""
    try:
        import pyroomacoustics as pra
    except ImportError as error:
        raise MissingExtra("a room of mirror images", "lab") from error
    size = rng.uniform((3, 3, 2.4), (8, 6, 3.2))
    absorption, reflections = pra.inverse_sabine(float(rng.uniform(0.2, 0.6)), size)
    box = pra.ShoeBox(size, fs=rate, materials=pra.Material(absorption), max_order=min(reflections, _REFLECTIONS))
    box.add_source(rng.uniform(0.5, size - 0.5))
    box.add_microphone(rng.uniform(0.5, size - 0.5))
    box.compute_rir()
    response = np.asarray(box.rir[0][0], np.float64)
    direct = int(np.argmax(np.abs(response)))
    return np.asarray(response[direct:] / response[direct])
