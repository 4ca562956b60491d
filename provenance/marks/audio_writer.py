"""Writing the sound mark: gains of tiles that bring the sums onto the lattice at the least loss of sound.

The gains of the tiles of a sum share its way by what each costs: a decibel in a quiet tile costs less power than one
in a loud tile. What a sum may cost is limited, so that the whole keeps to `LOSS`: a sum among loud tiles alone is
left short of its lattice point, and the code carries it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import stave

LOSS = 25.6
"""Power of the sound over that of the change in decibels, which the limits are set to reach."""
MOST = 7.0
"""Decibels by which a tile is made louder or softer at most."""
EVEN = (0.02, 0.002)
"""Power, as shares of the means of the band and of all bands nearby, that a tile costs beyond its own."""
WIDE = 31
"""Columns over which these means are taken."""
ROUNDS = 7
STRIDE = 0.7
"""How much of what is missing a round corrects."""
NEPER = np.log(10.0) / 20.0
"""A gain of one decibel changes an amplitude by this share."""


def difference(mono: NDArray[np.float32], symbols: NDArray[np.float32], where: stave.Layout) -> NDArray[np.float32]:
    """Return what must be added to `mono` (16 kHz, starting with a block) to carry `symbols`; as long as `mono`."""
    spectrum = stave.spectra(mono)
    own = stave.bins_of(1.0)
    power = _tiles_of(spectrum, own)
    floor = stave.floors(power)
    share = power / (power + floor)
    pay = _prices(power)
    sums = stave.sums_of(power, where)
    wanted = sums + _to_lattice(sums, symbols, where)
    reach = stave.joined(_onto_differences(share**2 / pay), where, where.signs**2) + 1e-30
    loss = float(np.square(mono, dtype=np.float64).sum()) * 10.0 ** (-LOSS / 10.0)
    scale = float(power.sum()) / max(float(np.square(mono, dtype=np.float64).sum()), 1e-30) * NEPER**-2
    limit = _limit((wanted - sums) ** 2 / reach, loss * scale)
    pushes = np.zeros_like(sums)
    written = mono
    for _ in range(ROUNDS):
        most = np.sqrt(limit / reach)
        pushes = np.clip(pushes + STRIDE * (wanted - sums) / reach, -most, most)
        gains = np.clip(_onto_tiles(pushes, where, len(power)) * share / pay, -MOST, MOST)
        written = stave.sound(spectrum * _gain_of_bins(gains, own, len(spectrum)), len(mono))
        spent = float(np.square(written - mono, dtype=np.float64).sum())
        limit *= min(max((loss / max(spent, 1e-30)) ** 0.7, 0.3), 1.6)
        sums = stave.sums_of(_tiles_of(stave.spectra(written), own), where)
    return written - mono


def _tiles_of(spectrum: NDArray[np.complex64], own: NDArray[np.float32]) -> NDArray[np.float64]:
    power = np.asarray(spectrum.real**2 + spectrum.imag**2, dtype=np.float32)
    return stave.tiles(power @ own, 0.0, 1.0)


def _prices(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a decibel costs in each tile, up to a factor."""
    from scipy.ndimage import uniform_filter1d

    near = uniform_filter1d(power, WIDE, axis=0, mode="nearest")
    price = power + EVEN[0] * near + EVEN[1] * near.mean(axis=1, keepdims=True)
    return np.asarray(np.maximum(price, 0.0) + stave.NOTHING, dtype=np.float64)


def _to_lattice(sums: NDArray[np.float64], symbols: NDArray[np.float32], where: stave.Layout) -> NDArray[np.float64]:
    """Return what brings each sum onto the lattice of its symbol; the pilot's symbol is +1."""
    turn = stave.turns_of(len(sums))
    half = np.where(np.append(symbols, 1.0)[where.symbol] > 0, 0.0, 0.5)
    phase = sums / stave.STEP - (where.dither + half)[turn]
    return np.asarray((np.round(phase) - phase) * stave.STEP, dtype=np.float64)


def _onto_differences(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each difference `[blocks, 3 * BANDS]`, the values of its tiles by the squares of their shares."""
    count = len(values) // stave.COLUMNS
    blocks = values[: count * stave.COLUMNS].reshape(count, stave.COLUMNS, stave.BANDS)
    return np.asarray(np.einsum("ht,btn->bhn", stave.DIFFERENCES**2, blocks).reshape(count, -1), dtype=np.float64)


def _onto_tiles(pushes: NDArray[np.float64], where: stave.Layout, columns: int) -> NDArray[np.float64]:
    """Return the push on each tile `[columns, BANDS]` of the `pushes` `[blocks, sums]` on the sums."""
    count = len(pushes)
    turn = stave.turns_of(count)
    flat = np.zeros((count, 3 * stave.BANDS + 1))
    each = pushes[..., None] * where.signs[turn]
    np.put_along_axis(flat, where.members[turn].reshape(count, -1), each.reshape(count, -1), axis=1)
    of_differences = flat[:, :-1].reshape(count, 3, stave.BANDS)
    out = np.zeros((columns, stave.BANDS))
    tiles = np.einsum("ht,bhn->btn", stave.DIFFERENCES, of_differences)
    out[: count * stave.COLUMNS] = tiles.reshape(count * stave.COLUMNS, stave.BANDS)
    return out


def _gain_of_bins(gains: NDArray[np.float64], own: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Return the factor of each bin `[frames, 257]` for `gains` in decibels of the tiles."""
    by_frame = np.repeat(gains.astype(np.float32), stave.TILE, axis=0)[:frames]
    by_frame = np.pad(by_frame, ((0, frames - len(by_frame)), (0, 0)))
    return np.asarray(np.power(np.float32(10.0), by_frame @ own.T / np.float32(20.0)), dtype=np.float32)


def _limit(costs: NDArray[np.float64], total: float) -> float:
    """Return the limit for each of `costs` at which they come to `total`; infinite if they do not reach it."""
    if float(costs.sum()) <= total:
        return 1e30
    rising = np.sort(costs.ravel())
    grown = np.cumsum(rising)
    left = len(rising) - 1 - np.arange(len(rising))
    place = int(np.searchsorted(grown + rising * left, total))
    before = float(grown[place - 1]) if place else 0.0
    return (total - before) / (len(rising) - place)
