"""The lattice of a sound: where in time and pitch the symbols sit, and how they are written and read.

The sound is looked at as 96 bands of 31.25 Hz (375 to 3375 Hz, inside the telephone band) in frames of 16 ms, each
coefficient over its surroundings' level. Eight frames are a segment; in it, 29 coefficients of the key's choice are
joined into one sum, which is moved towards one of two interleaved lattices. Twelve segments hold all symbols.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .codes import SYMBOLS
from .keys import KeyStream
from .mdct import mdct

RATE = 16_000
"""Hertz at which the mark is written and read."""
HOP = 256
"""Samples from frame to frame."""
LOW, BANDS = 12, 96
SEGMENT = 8
"""Frames in a segment."""
SEGMENTS = 12
"""Segments until every symbol was there once."""
SUMS = 26
SPREAD = SEGMENT * BANDS // SUMS
PERIOD = SEGMENTS * SEGMENT * HOP
"""Samples after which the mark repeats: 1.536 s."""
STEP = 1.4
"""Distance of lattice points, in units of a coefficient over its level times the root of `SPREAD`."""
BEND = 0.6
"""How much of a band's level, in decibels, the strength of the mark follows; codecs follow about as much."""
FLOOR = 0.01
"""Least level of a band, as power over that of all bands near it in time."""
NEAR = 31
"""Frames over which the level of all bands is taken."""
LOUD = 70.0
"""Percentile of the segments' levels that counts as loud."""
HUSH = 1e-5
"""Level (full scale 1) below which a frame counts as silent and is left alone."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What one key makes of a period: for each `[SEGMENTS, SUMS]` its coefficients, signs, dither and symbol."""

    coefficients: NDArray[np.intp]
    signs: NDArray[np.float32]
    dither: NDArray[np.float32]
    symbol: NDArray[np.intp]


@lru_cache(maxsize=8)
def layout(key: bytes, scheme: str) -> Layout:
    """Return the layout of `key`."""
    stream = KeyStream(key, f"{scheme} layout")
    used = SUMS * SPREAD
    coefficients = np.stack([stream.permutation(SEGMENT * BANDS)[:used] for _ in range(SEGMENTS)])
    symbol = np.concatenate([stream.permutation(SYMBOLS), stream.permutation(SYMBOLS)])
    return Layout(
        coefficients=coefficients.reshape(SEGMENTS, SUMS, SPREAD),
        signs=stream.signs(SEGMENTS * used).reshape(SEGMENTS, SUMS, SPREAD) / np.float32(np.sqrt(SPREAD)),
        dither=stream.uniform(SEGMENTS * SUMS).reshape(SEGMENTS, SUMS).astype(np.float32),
        symbol=symbol[: SEGMENTS * SUMS].reshape(SEGMENTS, SUMS),
    )


def whole(mono: NDArray[np.float32], before: int) -> NDArray[np.float32]:
    """Return `mono` after `before` zeros, with zeros to a whole number of hops and one more at the end."""
    length = before + len(mono)
    after = -length % HOP + HOP
    return np.pad(mono, (before, after)).astype(np.float32)


def bands_of(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Return the coefficients `[frames, 96]` of mono `samples` at 16 kHz, a whole number of hops long."""
    return mdct(samples, HOP)[:, LOW : LOW + BANDS]


def levels_of(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the level `[frames, 96]` that each coefficient is measured against; never 0."""
    from scipy.ndimage import uniform_filter, uniform_filter1d

    power = bands * bands
    near = uniform_filter(power, (5, 9), mode="nearest")
    loud = uniform_filter1d(power.mean(axis=1), NEAR, mode="nearest")[:, None] + np.float32(HUSH**2)
    bent = (np.maximum(near, 0.0) / loud) ** np.float32(BEND) * loud + loud * np.float32(FLOOR)
    return np.asarray(np.sqrt(bent), dtype=np.float32)


def whitened(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `bands` over their own nearest surroundings, clipped: what the pilot is sought in."""
    from scipy.ndimage import uniform_filter

    near = np.maximum(uniform_filter(bands * bands, (3, 3), mode="nearest"), 0.0)
    near += np.float32(1e-4) * near.mean(axis=1, keepdims=True) + np.float32(HUSH**2)
    return np.asarray(np.clip(bands / np.sqrt(near), -3.0, 3.0), dtype=np.float32)


def segment_levels(bands: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the root mean square of each whole segment."""
    count = len(bands) // SEGMENT
    power = (bands[: count * SEGMENT] ** 2).reshape(count, -1).mean(axis=1)
    return np.asarray(np.sqrt(power), dtype=np.float32)


def sums_of(even: NDArray[np.float32], where: Layout) -> NDArray[np.float32]:
    """Return the signed sums `[segments, SUMS]` of `even` `[frames, 96]` (coefficients over their levels)."""
    count = len(even) // SEGMENT
    turn = np.arange(count) % SEGMENTS
    flat = even[: count * SEGMENT].reshape(count, SEGMENT * BANDS)
    taken = np.take_along_axis(flat, where.coefficients.reshape(SEGMENTS, -1)[turn], axis=1)
    joined = (taken * where.signs.reshape(SEGMENTS, -1)[turn]).reshape(count, SUMS, SPREAD).sum(axis=2)
    return np.asarray(joined, dtype=np.float32)


def spread(errors: NDArray[np.float32], frames: int, where: Layout) -> NDArray[np.float32]:
    """Return the coefficients `[frames, 96]` whose sums are `errors` `[segments, SUMS]`."""
    count = len(errors)
    turn = np.arange(count) % SEGMENTS
    out = np.zeros((frames, BANDS), dtype=np.float32)
    flat = np.zeros((count, SEGMENT * BANDS), dtype=np.float32)
    each = (errors[..., None] * where.signs[turn]).reshape(count, -1)
    np.put_along_axis(flat, where.coefficients.reshape(SEGMENTS, -1)[turn], each, axis=1)
    out[: count * SEGMENT] = flat.reshape(count * SEGMENT, BANDS)
    return out


def errors_to_lattice(sums: NDArray[np.float32], symbols: NDArray[np.float32], where: Layout) -> NDArray[np.float32]:
    """Return what must be added to `sums` so that each lies on the lattice of its symbol."""
    turn = np.arange(len(sums)) % SEGMENTS
    half = np.where(symbols[where.symbol] > 0, 0.0, 0.5).astype(np.float32)
    phase = sums / np.float32(STEP) - (where.dither + half)[turn]
    return np.asarray((np.round(phase) - phase) * np.float32(STEP), dtype=np.float32)


def agreement(sums: NDArray[np.float32], where: Layout) -> NDArray[np.float32]:
    """Return for each sum its soft value, +1 on the lattice of the symbol +1, -1 on the other."""
    turn = np.arange(len(sums)) % SEGMENTS
    phase = sums / np.float32(STEP) - where.dither[turn]
    return np.asarray(np.cos(np.float32(2.0 * np.pi) * phase), dtype=np.float32)


def soft_values(agreed: NDArray[np.float32], weights: NDArray[np.float32], where: Layout) -> NDArray[np.float64]:
    """Return the 306 soft values of the segments `agreed` `[segments, SUMS]` with a weight for each segment."""
    turn = np.arange(len(agreed)) % SEGMENTS
    weighted = (agreed * weights[:, None]).ravel()
    return np.asarray(np.bincount(where.symbol[turn].ravel(), weights=weighted, minlength=SYMBOLS), dtype=np.float64)
