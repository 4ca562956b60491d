"""How one frame of speech is described, so that frames of different people can be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .world import BINS, RATE, Grid, Voiceprint

BANDS = 64
_LOWEST = 40.0  # hertz
_KEPT = 20  # cepstral coefficients that tell speech sounds apart; finer ones tell harmonics and rooms
_BEFORE_THE_EDGE = 0.9  # a filter falls off before it is silent, and a gain must not copy its fall
_VELOCITY, _ACCELERATION, _SUNG = 6.0, 5.0, 3.0  # weights against the coefficients, whose spread is 1


@dataclass(frozen=True, slots=True)
class MelAxis:
    """64 frequencies from 40 Hz to `top` hertz, evenly spaced on the mel scale (O'Shaughnessy 1987)."""

    top: float

    @property
    def hertz(self) -> Grid:
        """The frequencies, `[64]`."""
        low, high = np.log1p(_LOWEST / 700), np.log1p(self.top / 700)
        return np.asarray(700 * np.expm1(np.linspace(low, high, BANDS)))

    def reduce(self, envelope: Grid, *, stretched: float = 1.0) -> Grid:
        """Return an envelope `[n, 513]`, stretched by a factor (see `stretch`), at these frequencies, `[n, 64]`."""
        return _pick(envelope, np.minimum(self.hertz / stretched / (RATE / 2) * (BINS - 1), BINS - 1))

    def widen(self, bands: Grid) -> Grid:
        """Return `[n, 64]` at WORLD's 513 frequencies; below and above the axis the outermost value goes on."""
        every = np.linspace(0, RATE / 2, BINS)
        return _pick(bands, np.interp(every, self.hertz, np.arange(BANDS)))


def stretch(envelope: Grid, factor: float) -> Grid:
    """Return an envelope `[n, 513]` with every formant at `factor` times its frequency: another vocal tract."""
    return _pick(envelope, np.minimum(np.arange(BINS) / factor, BINS - 1))


def levelled(bands: Grid) -> Grid:
    """Return `bands` `[n, 64]` without the loudness of each frame."""
    return np.asarray(bands - bands.mean(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Scale:
    """A speaker's mean and spread of each cepstral coefficient."""

    mean: Grid
    spread: Grid

    @classmethod
    def of(cls, bands: Grid, active: NDArray[np.bool_]) -> Scale:
        """Measure it over the `active` frames of `bands` `[n, 64]`."""
        chosen = _cepstrum(bands)[active]
        return cls(chosen.mean(axis=0), chosen.std(axis=0) + 1e-6)


def describe(bands: Grid, pitch: Grid, scale: Scale, lengths: tuple[int, ...]) -> NDArray[np.float32]:
    """Return what is being said in each frame, float32 `[n, 61]`: cepstrum against `scale`, its movement, phonation.

    `lengths` are the frames of each recording in `bands`: movement is not measured across their borders.
    """
    from scipy.ndimage import gaussian_filter1d

    normal = (_cepstrum(bands) - scale.mean) / scale.spread
    rows = []
    for part, sung in zip(_split(normal, lengths), _split((pitch > 0).astype(np.float64), lengths), strict=True):
        velocity = gaussian_filter1d(part, 4, axis=0, order=1) * _VELOCITY
        acceleration = gaussian_filter1d(part, 8, axis=0, order=1) * _ACCELERATION
        rows.append(np.hstack([part, velocity, acceleration, gaussian_filter1d(sung, 1)[:, None] * _SUNG]))
    return np.concatenate(rows).astype(np.float32)


def band_limit(voice: Voiceprint) -> float:
    """Return up to which frequency, in hertz, the recording holds speech: its rate, a codec or a telephone ends it."""
    power = np.exp(2 * voice.envelope[voice.active]).mean(axis=0)
    heard = np.flatnonzero(power > power.max() * 1e-7)
    edge = heard[-1] / (BINS - 1) * RATE / 2
    return float(np.clip(edge * _BEFORE_THE_EDGE, 3_000, 11_400))


def _cepstrum(bands: Grid) -> Grid:
    from scipy.fft import dct

    return np.asarray(dct(bands, norm="ortho", axis=1)[:, :_KEPT])


def _pick(rows: Grid, places: Grid) -> Grid:
    """Return `rows` at fractional columns `places`."""
    low = np.minimum(places.astype(np.intp), rows.shape[1] - 2)
    share = places - low
    return np.asarray(rows[:, low] * (1 - share) + rows[:, low + 1] * share)


def _split(values: Grid, lengths: tuple[int, ...]) -> list[Grid]:
    return np.split(values, np.cumsum(lengths)[:-1])
