"""The lattice of a picture: where on the canonical canvas the symbols sit, and how they are written and read.

Every picture is looked at as a canvas of 512 x 512 grey values, whatever its shape, so that plain resizing changes
nothing. Blocks of the canvas are transformed (DCT-II), low coefficients are joined by threes with signs of the key's,
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
STEP = 110.0
"""Distance of lattice points in units of an orthonormal DCT coefficient."""
SPREAD = 3
"""Coefficients in one sum."""
LOWEST, HIGHEST = 1.2, 9.0
"""Radius of the coefficients used, in half cycles a block: 0.6 to 4.5 cycles in 64 canvas pixels."""
BANDS = (8, 8, 7)
"""Sums from the lowest, middle and highest coefficients: what blurs takes the highest first and leaves the others."""
TILE = 4
"""Any TILE x TILE blocks carry every symbol at least once, so that a crop loses strength and no symbol."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What one key makes of the canvas: for each of the `[64 blocks, sums]` its coefficients, signs, dither, symbol."""

    coefficients: NDArray[np.intp]
    signs: NDArray[np.float32]
    dither: NDArray[np.float32]
    symbol: NDArray[np.intp]


def _rows_used() -> int:
    return int(HIGHEST) + 1


@lru_cache(maxsize=1)
def _basis() -> NDArray[np.float32]:
    """Return the first rows of the orthonormal DCT-II of length `BLOCK`."""
    k = np.arange(_rows_used())[:, None]
    n = np.arange(BLOCK)[None, :]
    rows = np.sqrt(2.0 / BLOCK) * np.cos(np.pi * (n + 0.5) * k / BLOCK)
    rows[0] /= np.sqrt(2.0)
    return np.asarray(rows, dtype=np.float32)


@lru_cache(maxsize=1)
def _usable() -> NDArray[np.intp]:
    u, v = np.meshgrid(np.arange(_rows_used()), np.arange(_rows_used()), indexing="ij")
    radius = np.hypot(u, v)
    chosen = np.flatnonzero((radius >= LOWEST) & (radius <= HIGHEST))
    rising = chosen[np.argsort(radius.ravel()[chosen], kind="stable")]
    return rising[: SPREAD * sum(BANDS)]


@lru_cache(maxsize=8)
def layout(key: bytes, scheme: str) -> Layout:
    """Return the layout of `key`."""
    usable = _usable()
    sums = sum(BANDS)
    stream = KeyStream(key, f"{scheme} layout")
    blocks = BLOCKS * BLOCKS
    edges = SPREAD * np.cumsum([0, *BANDS])
    coefficients = np.stack(
        [np.concatenate([usable[a:b][stream.permutation(b - a)] for a, b in pairwise(edges)]) for _ in range(blocks)]
    )
    in_tile = TILE * TILE * sums
    fill = np.concatenate([stream.permutation(SYMBOLS), stream.permutation(SYMBOLS)])[:in_tile].reshape(
        TILE, TILE, sums
    )
    symbol = np.empty((BLOCKS, BLOCKS, sums), dtype=np.intp)
    tiles_across = BLOCKS // TILE
    for row in range(BLOCKS):
        for column in range(BLOCKS):
            tile = row // TILE * tiles_across + column // TILE
            symbol[row, column] = np.roll(fill[row % TILE, column % TILE], tile * sums // tiles_across**2)
    return Layout(
        coefficients=coefficients.reshape(blocks, sums, SPREAD),
        signs=stream.signs(blocks * sums * SPREAD).reshape(blocks, sums, SPREAD) / np.float32(np.sqrt(SPREAD)),
        dither=stream.uniform(blocks * sums).reshape(blocks, sums).astype(np.float32),
        symbol=symbol.reshape(blocks, sums),
    )


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


def band_weights(*weights: float) -> NDArray[np.float32]:
    """Return a weight for each sum of a block from one for each of the three bands."""
    return np.repeat(np.array(weights, dtype=np.float32), BANDS)


def forward(canvas: NDArray[Any]) -> NDArray[np.float32]:
    """Return the low DCT coefficients `[64, rows * rows]` of the blocks of a float32 canvas."""
    rows, basis = _rows_used(), _basis()
    down = basis @ canvas.reshape(BLOCKS, BLOCK, SIDE)
    across = np.asarray(down.reshape(BLOCKS * rows * BLOCKS, BLOCK) @ basis.T, dtype=np.float32)
    return across.reshape(BLOCKS, rows, BLOCKS, rows).transpose(0, 2, 1, 3).reshape(BLOCKS * BLOCKS, rows * rows)


def backward(coefficients: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the canvas that has the low `coefficients` `[64, rows * rows]` and nothing else."""
    rows, basis = _rows_used(), _basis()
    across = coefficients.reshape(BLOCKS, BLOCKS, rows, rows).transpose(0, 2, 1, 3).reshape(-1, rows) @ basis
    down = basis.T @ across.reshape(BLOCKS, rows, SIDE)
    return np.asarray(down.reshape(SIDE, SIDE), dtype=np.float32)


def sums_of(coefficients: NDArray[np.float32], where: Layout) -> NDArray[np.float32]:
    """Return the signed sums `[64, sums]` of `coefficients`."""
    block = np.arange(len(coefficients))[:, None, None]
    out: NDArray[np.float32] = (coefficients[block, where.coefficients] * where.signs).sum(axis=2, dtype=np.float32)
    return out


def errors_to_lattice(
    sums: NDArray[np.float32], symbols: NDArray[np.float32], where: Layout, step: float
) -> NDArray[np.float32]:
    """Return what must be added to `sums` so that each lies on the lattice of its symbol, at most `step` / 2."""
    phase = sums / step - where.dither - np.where(symbols[where.symbol] > 0, 0.0, 0.5).astype(np.float32)
    out: NDArray[np.float32] = (np.round(phase) - phase) * np.float32(step)
    return out


def spread(errors: NDArray[np.float32], where: Layout) -> NDArray[np.float32]:
    """Return the coefficients `[64, rows * rows]` whose sums are `errors`."""
    out = np.zeros((len(errors), _rows_used() ** 2), dtype=np.float32)
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
