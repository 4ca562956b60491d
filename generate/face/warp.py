"""Carrying the pixels of one face onto the shape of another: piecewise affine over the common triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...media.faces import moved, similarity
from .canonical import double_areas, triangles

_GRID = 160
"""Cells along the longer side of the coarse map; the map is smooth, so that more would not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Whole pixels of a picture: columns `left` to `right`, rows `top` to `bottom`, the ends excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def corner(self) -> NDArray[np.float64]:
        """The left top corner, x and y."""
        return np.array([self.left, self.top], dtype=np.float64)

    def of(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the part of `image` inside, a view."""
        return image[self.top : self.bottom, self.left : self.right]


def box_around(points: NDArray[np.float64], shape: tuple[int, ...], *, margin: float) -> Box:
    """Return the box around `points`, widened by `margin` of its longer side and cut to a picture of `shape`."""
    low, high = points.min(axis=0), points.max(axis=0)
    extra = margin * float((high - low).max())
    left, top = np.clip(np.floor(low - extra), 0, [shape[1], shape[0]]).astype(int)
    right, bottom = np.clip(np.ceil(high + extra) + 1, 0, [shape[1], shape[0]]).astype(int)
    return Box(left=int(left), top=int(top), right=int(right), bottom=int(bottom))


def dense_map(
    target: NDArray[np.float64], source: NDArray[np.float64], box: Box, *, depth: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return for each pixel of `box` the place in the source picture that it shows, float32 `[h, w, 2]` x, y.

    `target` and `source` are the landmarks `[468, 2]` of both faces in pixels of their pictures. `depth` `[468]` of the
    target, smaller is nearer, decides between triangles that lie over each other in a turned head. Outside the face the
    map goes on smoothly.
    """
    import cv2

    scale = min(1.0, _GRID / max(box.width, box.height))
    size = (max(2, round(box.width * scale)), max(2, round(box.height * scale)))
    ratio = np.array([size[0] / box.width, size[1] / box.height])
    places = (target - box.corner + 0.5) * ratio - 0.5
    whole = similarity(target, source)
    residual = _residuals(places, source - moved(target, whole), size, depth)
    residual = np.asarray(cv2.resize(residual, (box.width, box.height), interpolation=cv2.INTER_LINEAR))
    columns, rows = np.arange(box.left, box.right), np.arange(box.top, box.bottom)
    residual += (columns[None, :, None] * whole[:, 0] + rows[:, None, None] * whole[:, 1] + whole[:, 2]).astype(
        np.float32
    )
    return residual


def _residuals(
    places: NDArray[np.float64], shifts: NDArray[np.float64], size: tuple[int, int], depth: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return `shifts` of the landmarks at `places`, interpolated linearly in each triangle over a grid of `size`."""
    labels = _labels(places, size, depth)
    corners = np.concatenate([places[triangles()], np.ones((len(triangles()), 3, 1))], axis=2)
    flat = np.abs(double_areas(places, triangles())) < 1e-6
    corners[flat] = np.eye(3)
    planes = np.linalg.inv(corners) @ shifts[triangles()]
    inside = labels >= 0
    chosen = planes[labels[inside]]
    rows, columns = np.nonzero(inside)
    field = np.zeros((size[1], size[0], 2), dtype=np.float32)
    field[inside] = chosen[:, 0] * columns[:, None] + chosen[:, 1] * rows[:, None] + chosen[:, 2]
    return _continued(field, inside.astype(np.float32))


def _continued(field: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `field` with the creases between triangles rounded, going on smoothly where `weight` is 0."""
    import cv2

    result, filled = np.zeros_like(field), np.zeros_like(weight)
    size = (weight.shape[1], weight.shape[0])
    # Normalised blurs, the wider the further out; the wide ones on fewer cells, since they hold no detail.
    for sigma, coarser in ((1.2, 1), (6.0, 4), (30.0, 16)):
        cells = (max(2, size[0] // coarser), max(2, size[1] // coarser))
        total = cv2.GaussianBlur(cv2.resize(weight, cells, interpolation=cv2.INTER_AREA), (0, 0), sigma / coarser)
        smooth = cv2.GaussianBlur(cv2.resize(field, cells, interpolation=cv2.INTER_AREA), (0, 0), sigma / coarser)
        smooth = cv2.resize(smooth / np.maximum(total, 1e-6)[..., None], size, interpolation=cv2.INTER_LINEAR)
        share = (1.0 - filled) * np.clip(cv2.resize(total, size, interpolation=cv2.INTER_LINEAR) * 4.0 - 1.0, 0.0, 1.0)
        result += share[..., None] * smooth
        filled += share
    return result


def _labels(places: NDArray[np.float64], size: tuple[int, int], depth: NDArray[np.float64]) -> NDArray[np.int16]:
    """Return which triangle covers each cell, -1 for none; the nearest is drawn last, those turned away not at all."""
    import cv2

    faces = triangles()
    labels = np.full((size[1], size[0]), -1, dtype=np.int16)
    order = np.argsort(-depth[faces].mean(axis=1), kind="stable")
    facing = double_areas(places, faces)[order] > 0
    fixed = np.round(places * 16).astype(np.int32)[faces]
    for number in order[facing]:
        cv2.fillConvexPoly(labels, fixed[number], int(number), cv2.LINE_8, 4)
    return labels
