"""Speech taken apart and put together by WORLD (Morise, Yokomori, Ozawa 2016): pitch, envelope, breath."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample
from ...media.errors import MissingExtra

RATE = 24_000
FFT = 1024
BINS = FFT // 2 + 1
FRAME_SECONDS = 0.005
LOWEST_PITCH, HIGHEST_PITCH = 60.0, 500.0
_ACTIVE_DECIBELS = 35.0  # a frame this far below the loud ones is a pause

Grid = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Voiceprint:
    """Speech as WORLD sees it, one row each 5 ms.

    `pitch` hertz `[n]`, 0 where there is none; `envelope` natural logarithm of amplitude `[n, 513]` from 0 Hz to
    12 kHz; `breath` share of noise 0..1 `[n, 513]`; `active` `[n]` where it is no pause.
    """

    pitch: Grid
    envelope: Grid
    breath: Grid
    active: NDArray[np.bool_]

    @property
    def sung(self) -> NDArray[np.bool_]:
        """Where the vocal folds swing."""
        return np.asarray(self.active & (self.pitch > 0))


def analyse(speech: Audio, *, breath: bool = True) -> Voiceprint:
    """Take `speech` apart (mono mix, 24 kHz); without `breath` none is measured and all of it is 0.

    Pitch is sought twice, first quickly and in the whole range, then carefully from an octave below where this voice
    lies (after De Looze, Hirst 2008): octave errors get rarer. The top stays: lively speech goes far up. Raises
    `MissingExtra` if pyworld is not installed.
    """
    world = _world()
    samples = resample(speech.mono(), speech.rate, RATE).astype(np.float64)
    lowest, highest = _range(world.dio(samples, RATE, f0_floor=LOWEST_PITCH, f0_ceil=HIGHEST_PITCH)[0])
    notes, times = world.harvest(samples, RATE, f0_floor=lowest, f0_ceil=highest)
    power = world.cheaptrick(samples, notes, times, RATE, fft_size=FFT)
    noise = world.d4c(samples, notes, times, RATE, fft_size=FFT) if breath else np.zeros_like(power)
    loudness = 10 * np.log10(power.mean(axis=1))
    active = loudness > np.percentile(loudness, 95) - _ACTIVE_DECIBELS
    return Voiceprint(pitch=notes, envelope=np.log(power) / 2, breath=noise, active=active)


def resynthesise(pitch: Grid, envelope: Grid, breath: Grid) -> NDArray[np.float32]:
    """Return samples at 24 kHz with this pitch, envelope and breath, as `Voiceprint` has them."""
    power = np.ascontiguousarray(np.exp(2 * envelope))
    made = _world().synthesize(np.ascontiguousarray(pitch), power, np.ascontiguousarray(breath), RATE)
    return np.asarray(made, np.float32)


def _range(notes: Grid) -> tuple[float, float]:
    """Return the lowest and highest pitch in hertz that a voice with these may reach: down to an octave below."""
    sung = notes[notes > 0]
    if sung.size == 0:
        return LOWEST_PITCH, HIGHEST_PITCH
    middle = float(np.median(sung))
    return max(LOWEST_PITCH, middle / 2), HIGHEST_PITCH


@cache
def _world() -> Any:  # noqa: ANN401 - pyworld ships no types
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyworld 0.3.5 asks the deprecated pkg_resources for its own version
            import pyworld
    except ImportError as error:
        feature = "converting voices (pyworld)"
        raise MissingExtra(feature, "generate") from error
    return pyworld
