"""What a moment of speech looks like in numbers, every 20 ms: bands, fine structure, phase; to find which are made.

All numbers are relative to the recording's own mean: what a microphone, a room or a codec does to all of it is taken
out, and what one stretch does otherwise is left.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .frontends.interface import F32
from .frontends.lfcc import FFT, FILTERS, FRAME, STEP, bands, frames

HOP = 2 * STEP
"""Samples from one moment to the next: 20 ms."""
_BLOCKS, _BLOCK = 12, 20
"""Blocks of spectrum bins for fine structure and phase: 12 of 20 bins of 31.25 Hz, from 31 Hz to 7.5 kHz."""
WIDTH = FILTERS + 3 * _BLOCKS
"""Numbers of one moment."""
GROUP = 8
"""Moments that are judged together: 160 ms."""
COMPARED = 3 * WIDTH
"""Numbers of 160 ms beside the recording."""
_REACH = 28  # moments on either side of a middle
_LEAST = 1e-6
_AT_ONCE = 6000
"""Frames that are turned at once, a minute: bounds memory."""
_LEVEL = 0.05
_QUIET = 4.1  # natural log of power, 18 dB, of the mean over the bands: pauses lie below it


def moments(samples: F32) -> F32:
    """Return the numbers of each 20 ms of `samples` `[n]` (mono at 16 kHz), float32 `[n // HOP, WIDTH]`, finite.

    Below 40 ms there are none.
    """
    scaled = samples - samples.mean() if samples.size else samples
    level = float(np.sqrt(np.mean(np.square(scaled, dtype=np.float64)))) if samples.size else 0.0
    if samples.size < 2 * HOP or level < 1e-6:
        return np.zeros((samples.size // HOP, WIDTH), np.float32)
    scaled = np.pad(scaled * np.float32(_LEVEL / level), (0, FRAME))
    pieces = frames(scaled)[: 2 * (samples.size // HOP)]
    parts = [_rows(pieces[at : at + _AT_ONCE]) for at in range(0, len(pieces), _AT_ONCE)]
    paired = np.concatenate(parts).reshape(-1, 2, WIDTH).mean(axis=1)
    own = _own_mean(paired)
    return np.asarray(np.nan_to_num(paired - own), np.float32)


def _rows(pieces: F32) -> F32:
    """Return the numbers of frames `[k, FRAME]`, `[k, WIDTH]`."""
    log_bands, power = bands(pieces)
    used = _BLOCKS * _BLOCK
    log = np.log(power[:, : used + 8] + 1e-7)
    running = np.cumsum(log, axis=1)
    smooth = (running[:, 7:] - running[:, :-7])[:, : used - 3] / 7
    fine = np.zeros((len(log), used), np.float32)
    fine[:, 3:] = log[:, 4 : used + 1] - smooth
    rough = np.sqrt(np.mean(fine.reshape(len(fine), _BLOCKS, _BLOCK) ** 2, axis=2))
    return np.concatenate([log_bands, rough, *_phase(pieces)], axis=1, dtype=np.float32)


def _phase(pieces: F32) -> tuple[F32, F32]:
    """Return how steadily phase runs from the frame before, and from bin to bin, `[k, _BLOCKS]` each, -1 to 1."""
    spectrum = np.fft.rfft(pieces * np.hanning(FRAME).astype(np.float32), FFT, axis=1)[:, : 2 + _BLOCKS * _BLOCK]
    unit = (spectrum / (np.abs(spectrum) + 1e-9)).astype(np.complex64)
    turn, centre = _turns()
    along = np.ones_like(unit)
    along[1:] = unit[1:] * unit[:-1].conj() * turn
    across = unit[:, 1:] * unit[:, :-1].conj() * centre
    return _blocked(along[:, 1 : 1 + _BLOCKS * _BLOCK].real), _blocked(across[:, : _BLOCKS * _BLOCK].real)


@cache
def _turns() -> tuple[NDArray[np.complex64], np.complex64]:
    """Return what a steady tone of each bin turns by in a step, undone, and what the frame's middle adds per bin."""
    bins = np.arange(2 + _BLOCKS * _BLOCK)
    return np.exp(-2j * np.pi * bins * STEP / FFT).astype(np.complex64), np.complex64(np.exp(1j * np.pi * FRAME / FFT))


def _blocked(values: F32) -> F32:
    return np.asarray(values.reshape(len(values), _BLOCKS, _BLOCK).mean(axis=2))


def _own_mean(rows: F32) -> F32:
    """Return the mean of the moments that sound: those near the loud ones."""
    power = rows[:, :FILTERS].mean(axis=1)
    loud = power > np.percentile(power, 95) - _QUIET
    return np.asarray(rows[loud].mean(axis=0) if loud.any() else rows.mean(axis=0))


def compared(rows: F32) -> F32:
    """Return of `moments` `[n, WIDTH]` how each 160 ms differs from all of them, `[ceil(n / GROUP), COMPARED]`.

    Of the 1.1 s around its middle: the mean less the recording's, and the log ratios of spread and of flux to it.
    """
    count = -(-len(rows) // GROUP)
    if not count:
        return np.zeros((0, COMPARED), np.float32)
    flux = np.abs(np.diff(rows, axis=0, prepend=rows[:1]))
    middle = np.arange(count) * GROUP + GROUP // 2
    first, last = np.clip(middle - _REACH, 0, len(rows)), np.clip(middle + _REACH, 0, len(rows))
    mean, square, change = (_means(part, first, last) for part in (rows, rows * rows, flux))
    spread = np.sqrt(np.maximum(square - mean * mean, _LEAST))
    whole = np.sqrt(rows.var(axis=0) + _LEAST)
    least = np.float32(1e-3)
    ratio = np.log((change + least) / (flux.mean(axis=0) + least))
    return np.concatenate([mean - rows.mean(axis=0), np.log(spread / whole), ratio], axis=1).astype(np.float32)


def _means(rows: F32, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of the rows from each of `first` up to `last`."""
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
    return np.asarray((sums[last] - sums[first]) / np.maximum(last - first, 1)[:, None])
