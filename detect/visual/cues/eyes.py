"""Both eyes look at the same lamps: whether their highlights agree, and whether irises and pupils are round.

Highlights after Hu, Li & Lyu, "Exposing GAN-generated faces using inconsistent corneal specular highlights", ICASSP
2021; pupils after Guo et al., "Eyes tell all: irregular pupil shapes reveal GAN-generated faces", ICASSP 2022.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....media.faces.iris import Iris, iris_finder
from ...cue import Measured, Untold
from .cue import F64
from .portrait import Portrait, PortraitCue

LEAST_IRIS, LEAST_PUPIL = 7.0, 12.0
"""Pixels of an iris's radius below which highlights, and pupils, cannot be told."""
GRID = 41
"""Points a side of the map of one iris, from -1 to 1 radius."""
BRIGHT = 50.0
"""Levels by which a highlight exceeds its iris."""
SHIFT = 3
"""Points of the map by which highlights may lie apart: the eyes are not in one place."""
LEAST_CONTRAST = 10.0
"""Levels between pupil and iris below which the pupil cannot be told (dark eyes)."""
_STEPS = np.linspace(-1.0, 1.0, GRID)
_RADIUS = np.hypot(*np.meshgrid(_STEPS, _STEPS))
_LIDS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)


def unrolled(light: NDArray[np.floating], iris: Iris) -> F64:
    """Return the square around an iris, from -1 to 1 radius, float64 `[GRID, GRID]`, of a picture `[h, w]`."""
    import cv2

    x = (iris.centre[0] + _STEPS * iris.radius).astype(np.float32)
    y = (iris.centre[1] + _STEPS * iris.radius).astype(np.float32)
    across, down = np.meshgrid(x, y)
    part = cv2.remap(np.asarray(light, np.float32), across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(part, np.float64)


def open_part(portrait: Portrait, iris: Iris, eye: int) -> NDArray[np.bool_]:
    """Return which points of the map lie between the lids of `eye` (0: the picture's left) and in the iris."""
    import cv2

    lids = (portrait.points[list(_LIDS[eye])] - iris.centre) / iris.radius
    places = np.round((lids + 1.0) * (GRID - 1) / 2.0).astype(np.int32)
    mask = np.zeros((GRID, GRID), np.uint8)
    cv2.fillPoly(mask, [places], 1)
    return (mask > 0) & (_RADIUS <= 0.95)


def highlights(part: F64, seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask of the lamps mirrored in the iris `part` where it is `seen`."""
    if seen.sum() < 0.3 * (_RADIUS <= 0.95).sum():
        return np.zeros_like(seen)
    usual, most = float(np.median(part[seen])), float(part[seen].max())
    return seen & (part >= max(usual + BRIGHT, 0.5 * (usual + most)))


def overlap(first: NDArray[np.bool_], second: NDArray[np.bool_], seen: NDArray[np.bool_]) -> float:
    """Return the highest overlap, 0..1, of two highlights within `seen` at small shifts: intersection over union."""
    best = 0.0
    for down in range(-SHIFT, SHIFT + 1):
        for right in range(-SHIFT, SHIFT + 1):
            moved = np.roll(second, (down, right), axis=(0, 1)) & seen
            here = first & seen
            union = int((here | moved).sum())
            best = max(best, float((here & moved).sum()) / union if union else 0.0)
    return best


def pupil(part: F64, seen: NDArray[np.bool_], lamps: NDArray[np.bool_]) -> float | None:
    """Return how far the pupil is from an ellipse, 0..1, or `None` where none can be told."""
    import cv2

    within = seen & ~cv2.dilate(lamps.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & (_RADIUS < 0.8)
    if within.sum() < 300:
        return None
    levels = np.clip(part[within], 0, 255).astype(np.uint8)
    edge, _ = cv2.threshold(levels.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    dark, light = levels[levels <= edge], levels[levels > edge]
    if not (len(light) and len(dark)) or float(light.mean()) - float(dark.mean()) < LEAST_CONTRAST:
        return None
    # Lamps lie on the pupil as often as beside it: where they are it is not held against it.
    mask = ((part <= edge) & (_RADIUS < 0.8)).astype(np.uint8)
    count, labels = cv2.connectedComponents(mask)
    middle = labels[GRID // 2 - 4 : GRID // 2 + 5, GRID // 2 - 4 : GRID // 2 + 5]
    inside = np.bincount(middle.ravel(), minlength=count)
    inside[0] = 0
    if not inside.any():
        return None
    shape = (labels == int(np.argmax(inside))).astype(np.uint8)
    share = float(shape.sum()) / float((_RADIUS <= 1.0).sum())
    edges, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max(edges, key=len)
    if not 0.03 < share < 0.45 or len(longest) < 12:
        return None
    drawn = np.zeros_like(shape)
    cv2.ellipse(drawn, cv2.fitEllipse(longest), 1, -1)
    cv2.drawContours(shape, [longest], -1, 1, -1)
    counted = seen & ~lamps
    union = int(((drawn | shape) > 0)[counted].sum())
    return 1.0 - float(((drawn & shape) > 0)[counted].sum()) / union if union else None


class EyesDetector(PortraitCue):
    """Compares the highlights of both eyes, and looks at the shapes of irises and pupils."""

    name = "visual-eyes"
    version = "1"
    side = 90.0

    def measure(self, face: Portrait) -> Measured | Untold:
        """Return how little the highlights agree, which is the score; `Untold` where an eye shows no lamp."""
        irises = iris_finder().find(face.image, face.points)
        smallest = min(iris.radius for iris in irises)
        if smallest < LEAST_IRIS:
            return Untold(why=f"needs irises of {LEAST_IRIS:g} pixels radius, got {smallest:.1f}")
        light = np.asarray(face.image @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)
        parts = [unrolled(light, iris) for iris in irises]
        seen = [open_part(face, iris, eye) for eye, iris in enumerate(irises)]
        lamps = [highlights(part, shown) for part, shown in zip(parts, seen, strict=True)]
        sizes = [iris.radius for iris in irises]
        figures = {"irises": float(abs(np.log(sizes[0] / sizes[1])))}
        if smallest >= LEAST_PUPIL:
            bent = [pupil(*one) for one in zip(parts, seen, lamps, strict=True)]
            known = [value for value in bent if value is not None]
            figures |= {"pupil": float(np.mean(known))} if known else {}
        told = f"; pupils {figures['pupil']:.2f} from an ellipse" if "pupil" in figures else ""
        if not all(int(lamp.sum()) >= 4 for lamp in lamps):
            return Untold(why="an eye mirrors no lamp: closed, in the shade, or too small")
        shared = overlap(lamps[0], lamps[1], seen[0] & seen[1])
        note = f"highlights in both eyes overlap by {shared:.2f}, irises differ by {figures['irises']:.0%}{told}"
        return Measured(score=1.0 - shared, note=note, figures={**figures, "overlap": shared})
