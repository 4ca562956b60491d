"""Trivial measures of pictures: brightness, sharpness, noise, block edges. None of them sees what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def picture_measures(pictures: Sequence[Pixels]) -> dict[str, float]:
    """Return the medians over `pictures` (uint8 RGB `[h, w, 3]`), and for several how much changes between them."""
    each = [_measured(picture) for picture in pictures]
    found = {name: float(np.median([one[name] for one in each])) for name in (each[0] if each else ())}
    if len(pictures) > 1 and len({picture.shape for picture in pictures}) == 1:
        steps = [np.abs(b[::4, ::4].astype(int) - a[::4, ::4]).mean() for a, b in pairwise(pictures)]
        found["motion"] = float(np.median(steps))
    return found


def _measured(picture: Pixels) -> dict[str, float]:
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    spread = picture.max(axis=2).astype(np.float32) - picture.min(axis=2)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1.0)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return {
        "width": float(picture.shape[1]),
        "height": float(picture.shape[0]),
        "brightness": float(grey.mean()),
        "contrast": float(grey.std()),
        "colour": float(spread.mean()),
        "sharpness": float(np.log(cv2.Laplacian(grey, cv2.CV_32F).var() + 1e-3)),
        "noise": float(np.log(1.4826 * np.median(np.abs(fine)) + 1e-3)),
        "block edges": block_edges(grey),
        "black or white": float(np.mean((grey < 4) | (grey > 251))),
        "even border": float(border.std()),
    }


def block_edges(grey: NDArray[np.float32]) -> float:
    """Return how much steeper pixels step at multiples of 8 than elsewhere (1 = not at all), as JPEG leaves behind."""
    steps = np.abs(np.diff(grey, axis=1)).mean(axis=0)
    if steps.size < 16:
        return 1.0
    at = np.arange(1, steps.size + 1) % 8 == 0
    return float(steps[at].mean() / (steps[~at].mean() + 1e-6))
