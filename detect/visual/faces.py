"""How a face is shown to a learned network: the same way in training and in scanning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIDE, MARGIN = 256, 0.32
"""Pixels of the crops that are cut, and how far they reach beyond forehead and chin, in sides of the face."""


def shown(crop: NDArray[np.uint8], side: int, margin: float) -> NDArray[np.uint8]:
    """Return the middle of a crop (uint8 `[SIDE, SIDE, 3]`) with the narrower `margin`, `side` pixels wide."""
    return placed(crop, framing(side, margin), side)


def framing(
    side: int, margin: float, *, scale: float = 1.0, shift: Sequence[float] = (0.0, 0.0)
) -> NDArray[np.float64]:
    """Return the 2x3 matrix from a crop to what a network sees: enlarged by `scale`, moved by `shift` in its sides."""
    ratio = scale * side / (SIDE * (1 + 2 * margin) / (1 + 2 * MARGIN))
    middle = np.array([(SIDE - 1) / 2, (SIDE - 1) / 2])
    goal = np.array([(side - 1) / 2, (side - 1) / 2]) + np.asarray(shift) * side
    return np.column_stack([np.eye(2) * ratio, goal - ratio * middle])


def placed(crop: NDArray[np.uint8], matrix: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """Return what `matrix` takes out of `crop`, `[side, side, 3]`."""
    import cv2

    found = cv2.warpAffine(crop, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8)


def flat(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Return pictures of one size as rows of numbers in 0..1, colours first, `[n, 3 * side * side]`."""
    stacked = np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32) / 255
    return np.ascontiguousarray(stacked.reshape(len(pictures), -1))
