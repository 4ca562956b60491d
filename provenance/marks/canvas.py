"""The lattice of a picture: where on the canonical canvas the symbols sit, and how they are written and read.

Every picture is looked at as a canvas of 512 x 512 grey values, whatever its shape, so that plain resizing changes
nothing. Blocks of the canvas are transformed (DCT-II), some low coefficients are joined with signs of the key's,
and each sum is moved onto one of two interleaved lattices (spread-transform dither modulation, Chen & Wornell 2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .codes import SYMBOLS
from .keys import KeyStream

SIDE = 512
BLOCK = 64
BLOCKS = SIDE // BLOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Which coefficients of a block carry symbols, and how far apart the lattice points lie.

    `step` is the distance of lattice points in units of an orthonormal DCT coefficient, `spread` the coefficients in
    one sum, `lowest` and `highest` the radius of those used in half cycles a block. `bands` says how many sums come
    from the lowest, middle and highest coefficients: what blurs takes the highest first and leaves the others. Any
    `tile` x `tile` blocks carry every symbol at least once, so that a crop loses strength and no symbol. `pilot` is the
    strength of the template in grey levels where it may be, in a smooth and in a busy or partly closed picture. `soft`
    is the deviation in canvas pixels of the blur that keeps the borders of blocks from being seen.
    """

    step: float
    spread: int
    lowest: float
    highest: float
    bands: tuple[int, int, int]
    tile: int
    pilot: tuple[float, float]
    soft: float

    @property
    def sums(self) -> int:
        """Sums in one block."""
        return sum(self.bands)

    @property
    def rows(self) -> int:
        """Coefficients a side that hold all that are used."""
        return int(self.highest) + 1


PICTURES = Grid(step=110.0, spread=3, lowest=1.2, highest=9.0, bands=(8, 8, 7), tile=4, pilot=(0.85, 1.7), soft=1.2)
"""Many sums, so that half of a picture still has all symbols; 0.6 to 4.5 cycles in 64 canvas pixels."""
FILMS = Grid(step=254.0, spread=1, lowest=1.0, highest=3.2, bands=(2, 2, 1), tile=BLOCKS, pilot=(0.6, 1.0), soft=7.0)
"""Few sums, slow and strong: codecs at low rates drop small changes, and the groups of a film repeat the symbols.

Of the coefficients in reach the five slowest of each block: half to one cycle in 64 canvas pixels."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What one key makes of the canvas: for each of the `[64 blocks, sums]` its coefficients, signs, dither, symbol."""

    grid: Grid
    coefficients: NDArray[np.intp]
    signs: NDArray[np.float32]
    dither: NDArray[np.float32]
    symbol: NDArray[np.intp]


@lru_cache(maxsize=2)
def _basis(count: int) -> NDArray[np.float32]:
    """Return the first `count` rows of the orthonormal DCT-II of length `BLOCK`."""
    k = np.arange(count)[:, None]
    n = np.arange(BLOCK)[None, :]
    rows = np.sqrt(2.0 / BLOCK) * np.cos(np.pi * (n + 0.5) * k / BLOCK)
    rows[0] /= np.sqrt(2.0)
    return np.asarray(rows, dtype=np.float32)


def _usable(grid: Grid) -> NDArray[np.intp]:
    u, v = np.meshgrid(np.arange(grid.rows), np.arange(grid.rows), indexing="ij")
    radius = np.hypot(u, v)
    chosen = np.flatnonzero((radius >= grid.lowest) & (radius <= grid.highest))
    rising = chosen[np.argsort(radius.ravel()[chosen], kind="stable")]
    return rising[: grid.spread * grid.sums]


@lru_cache(maxsize=8)
def layout(key: bytes, scheme: str, grid: Grid) -> Layout:
    """Return the layout of `key` on `grid`."""
    usable, sums, spread = _usable(grid), grid.sums, grid.spread
    stream = KeyStream(key, f"{scheme} layout")
    blocks = BLOCKS * BLOCKS
    edges = spread * np.cumsum([0, *grid.bands])
    coefficients = np.stack(
        [np.concatenate([usable[a:b][stream.permutation(b - a)] for a, b in pairwise(edges)]) for _ in range(blocks)]
    )
    return Layout(
        grid=grid,
        symbol=_symbols_of(stream, grid),
        coefficients=coefficients.reshape(blocks, sums, spread),
        signs=stream.signs(blocks * sums * spread).reshape(blocks, sums, spread) / np.float32(np.sqrt(spread)),
        dither=stream.uniform(blocks * sums).reshape(blocks, sums).astype(np.float32),
    )


def _symbols_of(stream: KeyStream, grid: Grid) -> NDArray[np.intp]:
    """Return which symbol each sum of each block carries, `[64, sums]`."""
    tile, sums = grid.tile, grid.sums
    twice = np.concatenate([stream.permutation(SYMBOLS), stream.permutation(SYMBOLS)])
    fill = twice[: tile * tile * sums].reshape(tile, tile, sums)
    symbol = np.empty((BLOCKS, BLOCKS, sums), dtype=np.intp)
    tiles_across = BLOCKS // tile
    for row in range(BLOCKS):
        for column in range(BLOCKS):
            number = row // tile * tiles_across + column // tile
            symbol[row, column] = np.roll(fill[row % tile, column % tile], number * sums // tiles_across**2)
    return symbol.reshape(-1, sums)


def canvas_of(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return the luma of `pixels` on the canonical canvas, float32 `[512, 512]`, 0 to 255."""
    import cv2

    side = SIDE
    height, width = pixels.shape[:2]
    if height * width > 4 * side * side:
        small = cv2.resize(pixels, (max(side, width // 2), max(side, height // 2)), interpolation=cv2.INTER_AREA)
        return canvas_of(small)
    grey = np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY), dtype=np.float32)
    shrink = cv2.INTER_AREA if min(height, width) >= side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, (side, side), interpolation=shrink), dtype=np.float32)


def band_weights(where: Layout, *weights: float) -> NDArray[np.float32]:
    """Return a weight for each sum of a block from one for each of the three bands."""
    return np.repeat(np.array(weights, dtype=np.float32), where.grid.bands)


def forward(canvas: NDArray[Any], where: Layout) -> NDArray[np.float32]:
    """Return the low DCT coefficients `[64, rows * rows]` of the blocks of a float32 canvas."""
    rows = where.grid.rows
    basis = _basis(rows)
    down = basis @ canvas.reshape(BLOCKS, BLOCK, SIDE)
    across = np.asarray(down.reshape(BLOCKS * rows * BLOCKS, BLOCK) @ basis.T, dtype=np.float32)
    return across.reshape(BLOCKS, rows, BLOCKS, rows).transpose(0, 2, 1, 3).reshape(BLOCKS * BLOCKS, rows * rows)


def backward(coefficients: NDArray[np.float32], where: Layout) -> NDArray[np.float32]:
    """Return the canvas of the low `coefficients` `[64, rows * rows]`, blurred by `grid.soft`.

    Blocks that do not know of each other meet in steps, which are seen on a plain wall long before waves of the same
    strength. The blur takes a little of each coefficient with it: whoever writes has to look at what was reached.
    """
    import cv2

    rows = where.grid.rows
    basis = _basis(rows)
    across = coefficients.reshape(BLOCKS, BLOCKS, rows, rows).transpose(0, 2, 1, 3).reshape(-1, rows) @ basis
    down = np.asarray(basis.T @ across.reshape(BLOCKS, rows, SIDE), dtype=np.float32).reshape(SIDE, SIDE)
    return np.asarray(cv2.GaussianBlur(down, (0, 0), where.grid.soft, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def unblurred(where: Layout, across: float, down: float) -> NDArray[np.float32]:
    """Return for each coefficient `[rows * rows]` what a Gaussian blur of these canvas pixels took, at most 6 times."""
    turns = np.pi * np.arange(where.grid.rows) / BLOCK
    lost = 0.5 * np.add.outer((down * turns) ** 2, (across * turns) ** 2)
    return np.exp(np.minimum(lost, np.log(6.0))).astype(np.float32).ravel()


def sums_of(coefficients: NDArray[np.float32], where: Layout) -> NDArray[np.float32]:
    """Return the signed sums `[64, sums]` of `coefficients`."""
    block = np.arange(len(coefficients))[:, None, None]
    out: NDArray[np.float32] = (coefficients[block, where.coefficients] * where.signs).sum(axis=2, dtype=np.float32)
    return out


def roughness(coefficients: NDArray[np.float32], where: Layout) -> NDArray[np.float32]:
    """Return how large each of the sums `[64, sums]` is likely to be, told from what a mark does not change.

    That is what is left of the block's coefficients without the sums; natural pictures have less the finer it is.
    """
    left = coefficients - spread(sums_of(coefficients, where), where)
    size = np.sqrt(np.square(left[:, 1:]).sum(axis=1, keepdims=True))
    finer = np.hypot(*np.divmod(where.coefficients, where.grid.rows)).mean(axis=2)
    return np.asarray(size / finer, dtype=np.float32)


def errors_to_lattice(sums: NDArray[np.float32], symbols: NDArray[np.float32], where: Layout) -> NDArray[np.float32]:
    """Return what must be added to `sums` so that each lies on the lattice of its symbol, at most half a step."""
    step = np.float32(where.grid.step)
    phase = sums / step - where.dither - np.where(symbols[where.symbol] > 0, 0.0, 0.5).astype(np.float32)
    out: NDArray[np.float32] = (np.round(phase) - phase) * step
    return out


def spread(errors: NDArray[np.float32], where: Layout) -> NDArray[np.float32]:
    """Return the coefficients `[64, rows * rows]` whose sums are `errors`."""
    out = np.zeros((len(errors), where.grid.rows**2), dtype=np.float32)
    block = np.arange(len(errors))[:, None, None]
    out[block, where.coefficients] = errors[..., None] * where.signs
    return out


def soft_values(phases: NDArray[np.float32], where: Layout, weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the 306 soft values for `phases` `[64, sums]` (sums in lattice steps) with `weights` of the same shape."""
    values = np.cos(2.0 * np.pi * (phases - where.dither)) * weights
    return np.asarray(np.bincount(where.symbol.ravel(), weights=values.ravel(), minlength=SYMBOLS), dtype=np.float64)


def gain_scores(
    phases: NDArray[np.float32], where: Layout, weights: NDArray[np.float32], gains: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return for each gain how well `phases` over it lie on either lattice, in deviations of an unmarked picture."""
    used = weights > 0
    turned = phases[used][None, :] / gains.astype(np.float32)[:, None] - where.dither[used]
    turned -= np.rint(2.0 * turned) * np.float32(0.5)
    each = weights[used]
    values = np.cos(np.float32(4.0 * np.pi) * turned) @ each
    norm = np.sqrt((each**2).sum() / 2.0)
    out: NDArray[np.float32] = values / max(float(norm), 1e-9)
    return out
