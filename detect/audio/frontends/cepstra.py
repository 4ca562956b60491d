"""What cepstral front ends share: the cosine transform and differences over time."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .interface import F32

REACH = 4
"""Rows on either side that second differences look at."""


def cosine(values: NDArray[Any], count: int) -> NDArray[Any]:
    """Return the first `count` coefficients of the orthonormal DCT-II along the rows of `values` `[n, k]`."""
    # In double precision, so that it does not matter how many rows come at once.
    return np.asarray(values.astype(np.float64) @ _cosines(values.shape[1], count), values.dtype)


@functools.cache
def _cosines(size: int, count: int) -> NDArray[np.float64]:
    """Return the first `count` rows of the transform as columns, `[size, count]`: importing scipy's costs 0.2 s."""
    turns = np.outer(np.arange(size) + 0.5, np.arange(count)) * (np.pi / size)
    table: NDArray[np.float64] = np.cos(turns) * np.sqrt(2.0 / size)
    table[:, 0] = np.sqrt(1.0 / size)
    return table


def delta(values: F32) -> F32:
    """Return the slope of `values` `[frames, k]` over 5 frames (least squares), ends repeated."""
    padded = np.pad(values, ((2, 2), (0, 0)), mode="edge")
    n = values.shape[0]
    return np.asarray((2 * (padded[4:] - padded[:n]) + padded[3 : n + 3] - padded[1 : n + 1]) / 10, np.float32)


def with_deltas(static: F32) -> F32:
    """Return `static` `[n, k]` with first and second differences over 5 frames, `[n, 3 * k]`."""
    first = delta(static)
    return np.concatenate([static, first, delta(first)], axis=1).astype(np.float32)
