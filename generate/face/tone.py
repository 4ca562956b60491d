"""The colour of a skin in CIELAB: measured, carried from one face to another, and used to tell skin from hair."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FLOOR = np.array([9.0, 4.0, 5.0], dtype=np.float32)
"""Least spread of L, a, b that counts as one skin: light falls unevenly on a face."""


def lab(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return `image` (uint8 RGB) as CIELAB float32, L 0..100."""
    import cv2

    return np.asarray(
        cv2.cvtColor(np.multiply(image, 1 / 255.0, dtype=np.float32), cv2.COLOR_RGB2LAB), dtype=np.float32
    )


def rgb(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return CIELAB `colours` as RGB float32 on the scale 0..255, not rounded."""
    import cv2

    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_LAB2RGB), dtype=np.float32) * np.float32(255.0)


def tone(colours: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return mean and spread `[2, 3]` of CIELAB `colours` `[h, w, 3]` under `weight` `[h, w]`."""
    total = float(weight.sum()) + 1e-6
    mean = (colours * weight[..., None]).sum(axis=(0, 1)) / total
    variance = (((colours - mean) ** 2) * weight[..., None]).sum(axis=(0, 1)) / total
    return np.stack([mean, np.sqrt(variance)]).astype(np.float32)


def matched(colours: NDArray[np.float32], own: NDArray[np.float32], goal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return CIELAB `colours` of a skin of the tone `own` as if the skin had the tone `goal` (Reinhard et al. 2001).

    The spread is changed by a third at most: more would carry shadows and make-up over as noise.
    """
    ratio = np.clip((goal[1] + 1.0) / (own[1] + 1.0), 0.75, 1.33)
    return np.asarray((colours - own[0]) * ratio + goal[0], dtype=np.float32)


def unlike_skin(colours: NDArray[np.float32], sample: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 0 (skin) to 1 (hair, hand, cloth) for CIELAB `colours` `[h, w, 3]`.

    `sample` `[h, w]` weighs the places that surely are skin; median and spread there say what this skin looks like.
    """
    import cv2

    sure = colours[sample > 0.5]
    if len(sure) < 16:
        return np.zeros(colours.shape[:2], dtype=np.float32)
    middle = np.median(sure, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(sure - middle), axis=0), _FLOOR)
    distance = np.sqrt((((colours - middle) / spread) ** 2).sum(axis=2))
    doubt = np.clip((distance - 2.6) / 1.6, 0.0, 1.0).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(cv2.medianBlur(doubt, 3), (0, 0), 1.0), dtype=np.float32)
