"""Noise and colour-filter traces of the face against those of what surrounds it.

A camera gives one picture one noise and one colour-filter pattern; a face from elsewhere brings its own or none. Noise
after Immerkaer, "Fast noise variance estimation", CVIU 64(2), 1996; colour filter after Ferrara et al., "Image forgery
localization via fine-grained analysis of CFA artifacts", IEEE TIFS 7(5), 2012, with the green lattice alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...cue import Measured, Untold
from .cue import F64
from .portrait import Portrait, PortraitCue, Zones, zones

TILE = 8
LEAST_TILES = 12
"""Smooth tiles of like brightness that either zone must have."""
SMOOTHEST = 0.4
"""Share of a zone's tiles, those with the least structure, whose noise counts."""
LEAST_NOISE = 0.1
"""Levels of 255 below which what is left is no camera's noise."""
LEAST_TRACE = 0.08
"""Log ratio of the two green lattices below which the surroundings show no colour filter."""
LEAST_PIXELS = 3000
_NOISE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_GREEN = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32) / 4


def _tiles(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return `values` `[h, w]` as rows of whole tiles, `[n, TILE * TILE]`."""
    height, width = (side // TILE for side in values.shape)
    cut = values[: height * TILE, : width * TILE].reshape(height, TILE, width, TILE)
    return cut.swapaxes(1, 2).reshape(-1, TILE * TILE)


def noise_of(seen: Zones) -> tuple[F64, F64] | None:
    """Return the noise (levels of 255) of smooth tiles in the face and beyond it, both as bright; `None` if too few."""
    import cv2

    residual = np.abs(cv2.filter2D(seen.light, -1, _NOISE))
    smooth = cv2.GaussianBlur(seen.light, (0, 0), 2)
    slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    level = np.asarray(_tiles(residual)).astype(float).mean(axis=1) * np.sqrt(np.pi / 2) / 6
    bright = np.asarray(_tiles(seen.light)).astype(float).mean(axis=1)
    rough = np.asarray(_tiles(slope)).astype(float).mean(axis=1)
    # Near black and white the sensor's noise is cut off.
    usable = (bright > 25) & (bright < 235)
    inside = np.asarray(_tiles(seen.face)).all(axis=1) & usable
    outside = np.asarray(_tiles(seen.beyond)).all(axis=1) & usable
    if min(inside.sum(), outside.sum()) < LEAST_TILES:
        return None
    low, high = np.percentile(bright[inside], (10, 90))
    alike = outside & (bright >= low - 10) & (bright <= high + 10)
    if alike.sum() < LEAST_TILES:
        return None
    picked = [level[zone & (rough <= np.quantile(rough[zone], SMOOTHEST))] for zone in (inside, alike)]
    return picked[0], picked[1]


def lattices(green: NDArray[np.floating], zone: NDArray[np.bool_], corner: int = 0) -> float:
    """Return the log ratio of the errors with which each pixel of either green lattice follows from its neighbours.

    `green` is `[h, w]`. Where a camera measured one lattice and made the other up, the made-up one follows better;
    0 means no trace. `corner` is 1 if the part begins on an odd diagonal.
    """
    import cv2

    error = np.abs(cv2.filter2D(np.asarray(green, np.float32), -1, _GREEN))
    even = (np.add.outer(np.arange(green.shape[0]), np.arange(green.shape[1])) + corner) % 2 == 0
    means = [float(np.minimum(error[zone & part], 8.0).mean()) + 1e-3 for part in (even, ~even)]
    return float(np.log(means[0] / means[1]))


class NoiseDetector(PortraitCue):
    """Compares the noise in the face with the noise around it."""

    name = "visual-noise"
    version = "1"
    side = 80.0

    def measure(self, face: Portrait) -> Measured | Untold:
        """Return how far the two noises are apart, in octaves; `Untold` without smooth surroundings as bright."""
        found = noise_of(zones(face))
        if found is None:
            return Untold(why="face and surroundings have no smooth parts of like brightness to compare")
        inside, outside = (float(np.median(zone)) for zone in found)
        if min(inside, outside) < LEAST_NOISE:
            return Untold(why="compression or a filter left no noise to compare")
        ratio = float(np.log2(inside / outside))
        note = f"noise in the face {inside:.2f} levels, around it {outside:.2f}"
        return Measured(score=abs(ratio), note=note, figures={"octaves": ratio, "inside": inside, "outside": outside})


class ColourFilterDetector(PortraitCue):
    """Looks for a colour-filter pattern around the face that the face does not share."""

    name = "visual-cfa"
    version = "1"
    side = 60.0

    def measure(self, face: Portrait) -> Measured | Untold:
        """Return how much of the pattern the face lacks; `Untold` where the surroundings show none."""
        seen = zones(face, reach=1.0)
        if min(seen.face.sum(), seen.beyond.sum()) < LEAST_PIXELS:
            return Untold(why=f"needs {LEAST_PIXELS} pixels in the face and around it")
        green = seen.colours[..., 1].astype(np.float32)
        inside, outside = lattices(green, seen.face), lattices(green, seen.beyond)
        if abs(outside) < LEAST_TRACE:
            return Untold(why="the picture shows no trace of a colour filter: scaled, compressed or none")
        shared = inside * np.sign(outside)
        score = (abs(outside) - shared) / abs(outside)
        note = f"colour-filter trace around the face {abs(outside):.2f}, in it {shared:+.2f} (negative: another phase)"
        return Measured(score=float(score), note=note, figures={"around": abs(outside), "inside": float(shared)})
