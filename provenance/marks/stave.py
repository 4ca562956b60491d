"""The stave of a sound: tiles of time and pitch, whose loudness against each other carries the symbols of the mark.

The sound is seen as 45 bands (31 of 100 Hz up to 3400 Hz, where a telephone ends, and 14 wider ones up to 7300 Hz) in
columns of 64 ms. A tile's level is the logarithm of its power. Four columns are a block; in it each band gives three
differences of levels, which a filter, a gain or a room changes little and a changed tempo or pitch only moves. Sums of
two or three differences, chosen by the key, lie on one of two interleaved lattices (spread-transform dither modulation,
Chen and Wornell 2001). Thirteen blocks hold all symbols.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .codes import SYMBOLS
from .keys import KeyStream

RATE = 16_000
"""Hertz at which the mark is written and read."""
HOP = 128
WINDOW = 512
"""Samples: how far the spectra lie apart, and how long each is."""
TILE = 8
"""Spectra in a tile: 64 ms."""
COLUMNS = 4
"""Columns of tiles in a block."""
BLOCK = COLUMNS * TILE * HOP
"""Samples in a block: 256 ms."""
EDGES = np.concatenate([np.linspace(300.0, 3400.0, 32), np.linspace(3400.0, 7300.0, 15)[1:]])
"""Hertz between which the bands lie."""
BANDS, LOW = len(EDGES) - 1, 31
"""Bands in all, and how many of them a telephone passes."""
DIFFERENCES: NDArray[np.float32] = np.array(
    [[-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 1.0], [-(0.5**0.5), -(0.5**0.5), 0.5**0.5, 0.5**0.5]], dtype=np.float32
)
"""The differences of the four levels of a band in a block; all have the same norm."""
LOW_SPREAD, HIGH_SPREAD, PILOT_SPREAD = 3, 2, 3
"""Differences in a sum."""
LOW_CHANNELS, CHANNELS = 3, 4
"""Pilot channels below 3400 Hz, and in all: bands whose first two differences are known, so that they can be found."""
BLOCKS = 13
PERIOD = BLOCKS * BLOCK
"""Samples after which the mark repeats: 3.328 s."""
STEP = 13.0
"""Distance of lattice points in decibels."""
NEAR = 15
"""Columns over which the mean power is taken that a tile is measured against."""
FLOORS = (0.01, 0.001, 0.015, 0.006)
"""Power added to a tile before the logarithm: shares of the mean of its band near it, of that of all bands, of the
tile before and the one before that. It keeps tiles that noise or a room fills from counting."""
HUSH = 1e-5
"""Level (full scale 1) below which sound counts as silent and is left alone."""
NOTHING = WINDOW * HUSH**2 / 4.0
"""Power of a band in a spectrum below which it counts as silent."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What one key makes of a period: which differences are joined, with what signs and dither, to which symbol.

    `members` and `signs` (their weights) are `[BLOCKS, sums, 3]`: places in a block's differences `[3 * BANDS]`, or
    `3 * BANDS` with weight 0 where a sum has only two. The last `2 * CHANNELS` sums are the pilot, whose `symbol` is
    `SYMBOLS`.
    """

    members: NDArray[np.intp]
    signs: NDArray[np.float32]
    dither: NDArray[np.float32]
    symbol: NDArray[np.intp]
    high: NDArray[np.bool_]
    pilot_bands: NDArray[np.intp]
    pilot_signs: NDArray[np.float32]


PILOTS = 2 * CHANNELS
"""Pilot sums in a block."""


@lru_cache(maxsize=8)
def layout(key: bytes, scheme: str) -> Layout:
    """Return the layout of `key`."""
    stream = KeyStream(key, f"{scheme} layout")
    low, high = stream.permutation(LOW), LOW + stream.permutation(BANDS - LOW)
    taken = LOW_CHANNELS * PILOT_SPREAD, (CHANNELS - LOW_CHANNELS) * PILOT_SPREAD
    pilots = np.concatenate([low[: taken[0]], high[: taken[1]]]).reshape(CHANNELS, PILOT_SPREAD)
    parts = [
        *_parts(low[taken[0] :], low, LOW_SPREAD),
        *_parts(high[taken[1] :], high, HIGH_SPREAD),
    ]
    counts = sum(count for _, count, _ in parts[:3]), sum(count for _, count, _ in parts[3:])
    members = np.full((BLOCKS, sum(counts) + PILOTS, LOW_SPREAD), 3 * BANDS, dtype=np.intp)
    signs = np.zeros(members.shape, dtype=np.float32)
    for block in range(BLOCKS):
        row = 0
        for places, count, spread in parts:
            used = places[stream.permutation(len(places))[: count * spread]]
            members[block, row : row + count, :spread] = used.reshape(count, spread)
            signs[block, row : row + count, :spread] = _BALANCED[spread]
            row += count
        members[block, row:] = np.concatenate([pilots, BANDS + pilots])
        signs[block, row:] = _BALANCED[PILOT_SPREAD]
    signs /= np.sqrt(np.square(signs).sum(axis=2, keepdims=True))
    return Layout(
        members=members,
        signs=signs,
        dither=stream.uniform(BLOCKS * members.shape[1]).reshape(BLOCKS, -1).astype(np.float32),
        symbol=_symbols(stream, counts),
        high=np.arange(members.shape[1]) >= counts[0],
        pilot_bands=pilots,
        pilot_signs=signs[0, -CHANNELS:],
    )


def _parts(free: NDArray[np.intp], bands: NDArray[np.intp], spread: int) -> list[tuple[NDArray[np.intp], int, int]]:
    """Return, for each kind of difference, the places free for symbols, how many sums they make, and of how many.

    Pilots leave the third kind of their bands free. Members of a sum are of one kind, so that a gain that changes
    with time, as a compressor's does, is the same in all of them.
    """
    places = [free, BANDS + free, 2 * BANDS + bands]
    return [(one, len(one) // spread, spread) for one in places]


_BALANCED: dict[int, NDArray[np.float32]] = {
    2: np.array([1.0, -1.0], dtype=np.float32),
    3: np.array([1.0, 1.0, -2.0], dtype=np.float32),
}
"""Weights of the members of a sum: together they are 0, so that what is common to all bands cancels."""


def _symbols(stream: KeyStream, counts: tuple[int, int]) -> NDArray[np.intp]:
    """Return the symbol of each sum `[BLOCKS, sums]`.

    The low bands hold every symbol once in a period; the high ones those of half a period later, so that three
    seconds hold nearly all.
    """
    low = np.concatenate([stream.permutation(SYMBOLS), stream.permutation(SYMBOLS)])
    low = low[: BLOCKS * counts[0]].reshape(BLOCKS, counts[0])
    high = np.stack([row[stream.permutation(counts[0])[: counts[1]]] for row in low])
    pilot = np.full((BLOCKS, PILOTS), SYMBOLS, dtype=np.intp)
    return np.concatenate([low, np.roll(high, BLOCKS // 2, axis=0), pilot], axis=1)


def spectra(mono: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Return the spectra `[frames, 257]` of `mono` at 16 kHz, windowed, one each `HOP` samples from the first on."""
    import scipy.fft

    padded = np.pad(np.asarray(mono, dtype=np.float32), (WINDOW // 2, WINDOW // 2 + HOP))
    views = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return np.asarray(scipy.fft.rfft(views * _window(), axis=1), dtype=np.complex64)


def sound(spectrum: NDArray[np.complex64], length: int) -> NDArray[np.float32]:
    """Return the `length` samples of `spectrum`, the inverse of `spectra`."""
    import scipy.fft

    pieces = scipy.fft.irfft(spectrum, WINDOW, axis=1) * _window()
    parts = WINDOW // HOP
    pieces = pieces.reshape(len(pieces), parts, HOP)
    out = np.zeros((len(pieces) + parts - 1, HOP), dtype=np.float32)
    for part in range(parts):
        out[part : part + len(pieces)] += pieces[:, part]
    return np.asarray(out.reshape(-1)[WINDOW // 2 : WINDOW // 2 + length] / 1.5, dtype=np.float32)


@lru_cache(maxsize=1)
def _window() -> NDArray[np.float32]:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@lru_cache(maxsize=128)
def bins_of(pitch: float) -> NDArray[np.float32]:
    """Return the share of each bin in each band, `[257, BANDS]`, when all pitches are `pitch` times as high."""
    width = RATE / WINDOW
    middle = (np.arange(WINDOW // 2 + 1) * width)[:, None]
    lower, upper = EDGES[:-1] * pitch, EDGES[1:] * pitch
    inside = np.minimum(middle + width / 2, upper) - np.maximum(middle - width / 2, lower)
    return np.asarray(np.clip(inside / width, 0.0, 1.0), dtype=np.float32)


def powers(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the power `[frames, 257]` of the spectra of `mono`."""
    spectrum = spectra(mono)
    return np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float32)


def tiles(bands: NDArray[np.float32], start: float, tempo: float) -> NDArray[np.float64]:
    """Return the power of each tile `[columns, BANDS]`, the first at frame `start`; `tempo` makes them shorter."""
    grown = np.concatenate([np.zeros((1, bands.shape[1])), np.cumsum(bands, axis=0, dtype=np.float64)])
    length = TILE / tempo
    edges = start + length * np.arange(int((len(bands) - start) // length) + 1)
    before = np.clip(np.floor(edges).astype(int), 0, len(bands) - 1)
    share = (edges - before)[:, None]
    between = grown[before] * (1.0 - share) + grown[before + 1] * share
    return np.asarray(np.maximum(np.diff(between, axis=0), 0.0), dtype=np.float64)


def floors(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power that is added to each tile of `power` `[columns, BANDS]` before the logarithm; never 0."""
    from scipy.ndimage import uniform_filter1d

    near = uniform_filter1d(power, NEAR, axis=0, mode="nearest")
    last = np.concatenate([power[:1], power[:-1]])
    older = np.concatenate([last[:1], last[:-1]])
    own, all_bands, tail, far_tail = FLOORS
    out = own * near + all_bands * near.mean(axis=1, keepdims=True) + tail * last + far_tail * older
    return np.asarray(np.maximum(out, 0.0) + NOTHING * TILE * FLOORS[0], dtype=np.float64)


def differences(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the differences `[blocks, 3 * BANDS]` of whole blocks of `levels` `[columns, BANDS]` in decibels."""
    count = len(levels) // COLUMNS
    blocks = levels[: count * COLUMNS].reshape(count, COLUMNS, BANDS)
    return np.asarray(np.einsum("ht,btn->bhn", DIFFERENCES, blocks).reshape(count, -1), dtype=np.float64)


def turns_of(count: int) -> NDArray[np.intp]:
    """Return which block of a period each of `count` blocks is."""
    return np.arange(count) % BLOCKS


def joined(values: NDArray[np.float64], where: Layout, weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return, for each sum `[blocks, sums]`, its members of `values` `[blocks, 3 * BANDS]` times `weights`, added."""
    turn = turns_of(len(values))
    padded = np.pad(values, ((0, 0), (0, 1)))
    taken = padded[np.arange(len(values))[:, None, None], where.members[turn]]
    return np.asarray((taken * weights[turn]).sum(axis=2), dtype=np.float64)


def sums_of(power: NDArray[np.float64], where: Layout) -> NDArray[np.float64]:
    """Return the sums `[blocks, sums]` in decibels of the tiles `power` `[columns, BANDS]`."""
    levels = 10.0 * np.log10(power + floors(power))
    return joined(differences(levels), where, where.signs)
