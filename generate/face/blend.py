"""Where the new face shows, and how it takes on the light of the old one.

The seam is removed as in Poisson image editing (Perez, Gangnet, Blake 2003): to the new face is added the smooth
membrane whose value at the border is the difference there. The membrane is solved on a coarse grid, on which it can
be followed through time, and which knows no trouble with a face at the edge of the picture; OpenCV's `seamlessClone`
moves such a face and needs thirty times as long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import canonical
from .warp import Box

GRID = 64
"""Cells along each side of the coarse grid laid over a face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Masks:
    """Shares 0..1 for each coarse cell.

    `face` is to be replaced; `skin` is that without eyes, brows, lips and nostrils; `sure` is skin well inside the
    outline; `coverable` is where hair or a hand may lie over the face, which is not told apart from brows and lips.
    """

    face: NDArray[np.float32]
    skin: NDArray[np.float32]
    sure: NDArray[np.float32]
    coverable: NDArray[np.float32]


def coarse(image: NDArray[np.uint8], *, side: int = GRID) -> NDArray[np.uint8]:
    """Return `image` averaged onto a square grid of `side` cells."""
    import cv2

    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def polygon(points: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return 1 inside the closed line through `points` `[n, 2]` and 0 outside, over `size` (width, height)."""
    import cv2

    canvas = np.zeros((size[1], size[0]), dtype=np.uint8)
    cv2.fillPoly(canvas, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return canvas.astype(np.float32) / np.float32(255.0)


def masks(points: NDArray[np.float64], box: Box) -> Masks:
    """Return the coarse masks of a face with the landmarks `points` `[468, 2]`, in the picture's pixels."""
    import cv2

    places = (points - box.corner + 0.5) * (GRID / np.array([box.width, box.height])) - 0.5
    outline = places[list(canonical.OVAL)]
    middle = outline.mean(axis=0)
    size = (GRID, GRID)
    face = polygon(middle + 0.95 * (outline - middle), size)
    core = cv2.GaussianBlur(polygon(middle + 0.68 * (outline - middle), size), (0, 0), 2.0)
    features = np.zeros_like(face)
    for part in (*canonical.EYES, *canonical.BROWS, canonical.LIPS, canonical.NOSTRILS):
        features = np.maximum(features, polygon(places[list(part)], size))
    features = np.asarray(cv2.dilate(features, np.ones((3, 3), dtype=np.uint8)), dtype=np.float32)
    around = cv2.GaussianBlur(cv2.dilate(features, np.ones((3, 3), dtype=np.uint8)), (0, 0), 1.0)
    skin = face * (1.0 - features)
    return Masks(
        face=face,
        skin=skin,
        sure=skin * polygon(middle + 0.80 * (outline - middle), size),
        coverable=(1.0 - np.maximum(core, around)).astype(np.float32),
    )


def seam(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 0..1 for each coarse cell: how much it lies along the inner side of the edge of `share` (0..1)."""
    import cv2

    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    inside = cv2.GaussianBlur(cv2.erode(share, disc, borderType=cv2.BORDER_REPLICATE), (0, 0), 1.0)
    return np.asarray(np.clip(share - inside, 0.0, 1.0), dtype=np.float32)


def shown(share: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    """Return the coarse `share` of the new face over the pixels of `box`, with a soft edge that ends inside it."""
    import cv2

    soft = cv2.GaussianBlur(share, (0, 0), 1.2)
    return spread_out(np.clip(2.0 * soft - 1.0, 0.0, 1.0) * 0.5 + 0.5 * np.minimum(soft, share), box)


def opening(points: NDArray[np.float64], box: Box, *, eyes: bool) -> NDArray[np.float32]:
    """Return 1 where the target shows through: between open lips and, if `eyes`, between the eyelids."""
    import cv2

    parts = [canonical.MOUTH, *(canonical.EYES if eyes else ())]
    span = float(np.ptp(points[list(canonical.OVAL), 0]))
    shown = np.zeros((box.height, box.width), dtype=np.float32)
    for part in parts:
        place = points[list(part)] - box.corner
        # A little more than the opening, so that no dark line of the source's closed lips is drawn around it.
        place = place.mean(axis=0) + 1.12 * (place - place.mean(axis=0))
        shown = np.maximum(shown, polygon(place, (box.width, box.height)))
    return np.asarray(cv2.GaussianBlur(shown, (0, 0), max(span * 0.006, 0.6)), dtype=np.float32)


def membrane(difference: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the smoothest field `[n, n, 3]` that follows `difference` where `weight` `[n, n]` (0..1) is high.

    Minimises the squared gradient plus ten times the weighted squared deviation, coarse to fine; the field's normal
    slope at the edge of the grid is zero.
    """
    import cv2

    sides = [8, 16, 32, difference.shape[0]]
    total = float(weight.sum())
    if total < 1e-3:
        return np.zeros_like(difference)
    field = np.empty((4, 4, 3), dtype=np.float32)
    field[:] = (difference * weight[..., None]).sum(axis=(0, 1)) / total
    kernel = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], dtype=np.float32)
    for side in sides:
        held = cv2.resize(weight, (side, side), interpolation=cv2.INTER_AREA)
        pulled = cv2.resize(difference * weight[..., None], (side, side), interpolation=cv2.INTER_AREA)
        field = np.asarray(cv2.resize(field, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
        strength = 2.5 * held[..., None]
        for _ in range(24):
            around = cv2.filter2D(field, -1, kernel, borderType=cv2.BORDER_REPLICATE)
            field = np.asarray((around + 2.5 * pulled) / (1.0 + strength), dtype=np.float32)
    return field


def spread_out(field: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    """Return a coarse `field` at the resolution of `box`."""
    import cv2

    return np.asarray(cv2.resize(field, (box.width, box.height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
