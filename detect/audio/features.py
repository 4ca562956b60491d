"""What two seconds of speech look like in numbers: LFCC spreads and rhythms, fine structure, excitation, phase.

No means over time are kept of what a microphone or a room sets (spectral level and tilt); spreads, slopes, rhythms and
relations are, because they are what synthesis changes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .frontends.interface import F32, RATE
from .frontends.lfcc import COEFFICIENTS, FRAME, STEP, frames, lfcc, spectra
from .gate import active_frames

_MODULATION = (0, 2, 4, 8, 12, 16, 24, 32, 48, 100)
"""Edges of the modulation bands in bins of half a hertz (two seconds, 100 frames a second)."""
_BLOCKS, _BLOCK = 24, 10
"""Blocks of spectrum bins (10 bins of 31.25 Hz each) for fine structure and phase, from 31 Hz to 7.5 kHz."""
_FFT = 512
_ORDER = 18
"""Order of linear prediction at 16 kHz."""


def features(window: F32) -> F32:
    """Return the numbers of one window (float32 `[n]` at `RATE`, from `gate.windows`), all finite, `[FEATURES]`."""
    bands, power = spectra(window)
    active = active_frames(window)
    if not active.any():
        active = np.ones_like(active)
    cepstra = lfcc(bands)
    parts = [
        cepstra[active].std(axis=0),
        _modulation(cepstra[:, :COEFFICIENTS]),
        _fine_structure(power[active]),
        _excitation(window),
        _phase(window, active),
    ]
    joined = np.concatenate(parts).astype(np.float32)
    return np.asarray(np.nan_to_num(joined, nan=0.0, posinf=0.0, neginf=0.0))


def heard(window: F32) -> F32:
    """Return what the shipped model hears of one window: its samples, then its `features`, `[n + FEATURES]`."""
    return np.concatenate([np.asarray(window, np.float32), features(window)])


def _modulation(static: F32) -> F32:
    """Return log power of each coefficient's course in bands from 0 to 50 Hz, relative to the coefficients' mean."""
    course = np.abs(np.fft.rfft(static - static.mean(axis=0), axis=0)) ** 2
    edges = [min(edge, course.shape[0] - 1) for edge in _MODULATION]
    bands = np.log(np.add.reduceat(course, edges[:-1], axis=0)[: len(edges) - 1] / np.diff(edges)[:, None] + 1e-6)
    return np.asarray((bands - bands.mean(axis=0)).ravel(), np.float32)


def _fine_structure(power: F32) -> F32:
    """Return, by blocks of bins, how far the log spectrum departs from its local mean, how lopsidedly, and its flux."""
    log = np.log(power[:, 1 : 1 + _BLOCKS * _BLOCK] + 1e-9)
    running = np.cumsum(np.pad(log, ((0, 0), (4, 3))), axis=1)
    fine = log - (running[:, 7:] - running[:, :-7]) / 7
    blocks = fine.reshape(len(fine), _BLOCKS, _BLOCK)
    flux = np.abs(np.diff(log, axis=0)).mean(axis=0) if len(log) > 1 else np.zeros(log.shape[1])
    skew = (fine * fine * fine).mean(axis=0).reshape(_BLOCKS, _BLOCK).mean(axis=1)
    return np.concatenate(
        [
            blocks.std(axis=(0, 2)),
            skew,
            flux.reshape(_BLOCKS, _BLOCK).mean(axis=1),
        ]
    )


def _excitation(window: F32) -> F32:
    """Return statistics of the linear-prediction residual in frames of 40 ms: peakiness, pitch, gain.

    The residual of a voice is a train of sharp, uneven pulses; vocoders make them too regular or too smooth.
    """
    size, step = 2 * FRAME, FRAME
    pieces = np.lib.stride_tricks.sliding_window_view(window, size)[::step]
    shaped = (pieces - pieces.mean(axis=1, keepdims=True)) * np.hanning(size).astype(np.float32)
    loud = shaped.std(axis=1) > 0.01
    if loud.sum() < 3:
        return np.zeros(24, np.float32)
    shaped, pieces = shaped[loud], pieces[loud]
    residual = _residual(shaped, pieces)
    sizes = residual.std(axis=1, keepdims=True) + 1e-9
    unit = residual / sizes
    square = unit * unit
    spectrum = np.abs(np.fft.rfft(unit, 2 * size, axis=1)) ** 2
    periodic = np.fft.irfft(spectrum, axis=1)[:, RATE // 500 : RATE // 50].max(axis=1) / unit.shape[1]
    numbers = np.stack(
        [
            (square * unit).mean(axis=1),
            (square * square).mean(axis=1),
            np.abs(unit).max(axis=1),
            periodic,
            np.log(sizes[:, 0]) - np.log(shaped.std(axis=1)),
            (square > 9).mean(axis=1),
        ]
    )
    return np.concatenate(
        [numbers.mean(axis=1), numbers.std(axis=1), *np.percentile(numbers, (10, 90), axis=1)]
    ).astype(np.float32)


def _residual(shaped: F32, pieces: F32) -> F32:
    """Return what linear prediction from `shaped` does not explain of `pieces` `[frames, n]`, `[frames, n - order]`."""
    spectrum = np.abs(np.fft.rfft(shaped, 2 * shaped.shape[1], axis=1)) ** 2
    lags = np.fft.irfft(spectrum, axis=1)[:, : _ORDER + 1].astype(np.float64)
    lags[:, 0] = lags[:, 0] * 1.0001 + 1e-9  # -40 dB of white noise keeps the equations solvable
    taps = _prediction(lags).astype(np.float32)
    count = pieces.shape[1] - _ORDER
    left = pieces[:, _ORDER:].copy()
    part = np.empty_like(left)
    for lag in range(1, _ORDER + 1):
        left -= np.multiply(pieces[:, _ORDER - lag : _ORDER - lag + count], taps[:, lag - 1, None], out=part)
    return left


def _prediction(lags: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the taps of linear prediction from autocorrelations `[frames, order + 1]` by Levinson's recursion."""
    taps = np.zeros((len(lags), lags.shape[1] - 1))
    error = lags[:, 0].copy()
    for order in range(taps.shape[1]):
        known = taps[:, :order].copy()
        mirror = (lags[:, order + 1] - (known * lags[:, order:0:-1]).sum(axis=1)) / error
        taps[:, :order] = known - mirror[:, None] * known[:, ::-1]
        taps[:, order] = mirror
        error *= 1 - mirror * mirror
    return taps


def _phase(window: F32, active: NDArray[np.bool_]) -> F32:
    """Return how steady phase runs from frame to frame and from bin to bin, by blocks of bins.

    Guessed phases (Griffin-Lim) and minimum phases (WORLD) run otherwise than a recorded voice's.
    """
    whole = np.fft.rfft(frames(window) * np.hanning(FRAME).astype(np.float32), _FFT, axis=1)
    spectrum = (whole / (np.abs(whole) + 1e-9)).astype(np.complex64)[:, : 2 + _BLOCKS * _BLOCK]
    turn = np.exp(-2j * np.pi * np.arange(spectrum.shape[1]) * STEP / _FFT)
    along = (spectrum[1:] * spectrum[:-1].conj() * turn).real[active[1:]]
    delay = (spectrum[:, 1:] * spectrum[:, :-1].conj() * np.exp(1j * np.pi * (FRAME - 1) / _FFT)).real[active]
    if not len(along):
        return np.zeros(3 * _BLOCKS, np.float32)
    mean = delay[:, : _BLOCKS * _BLOCK].mean(axis=0).reshape(_BLOCKS, _BLOCK).mean(axis=1)
    spread = delay[:, : _BLOCKS * _BLOCK].std(axis=0).reshape(_BLOCKS, _BLOCK).mean(axis=1)
    steady = along[:, 1 : 1 + _BLOCKS * _BLOCK].mean(axis=0).reshape(_BLOCKS, _BLOCK).mean(axis=1)
    return np.concatenate([steady, mean, spread]).astype(np.float32)
