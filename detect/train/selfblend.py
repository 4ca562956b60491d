"""Fakes for training made from real faces alone: a face blended into itself. Nobody's face is put on another's.

After Shiohara & Yamasaki, "Detecting deepfakes with self-blended images", CVPR 2022: a real face is taken twice, one
copy is changed (colour, sharpness, scale, compression, place), and put back under a soft mask shaped by landmarks. What
a detector can learn from such a pair is the blending, not the camera, the person or the file format.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """A face in its surroundings: `pixels` uint8 `[h, w, 3]` RGB, `mesh` and the finder's `points` in pixels of it."""

    pixels: Pixels
    mesh: F32
    points: F32


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """A fake with what only its maker knows: `mask` float32 `[h, w]`, 1 where the face was laid in, 0 around it."""

    portrait: Portrait
    mask: F32


def self_blend(real: Portrait, rng: np.random.Generator) -> Portrait:
    """Return `real` with its own face, changed a little, blended into it."""
    return self_blended(real, rng).portrait


def self_blended(real: Portrait, rng: np.random.Generator) -> Blend:
    """Return the same with its mask."""
    source, target = real.pixels, real.pixels
    changed = _changed(source, rng)
    if rng.random() < 0.3:  # the surroundings may be the changed copy
        changed, target = target, changed
    return _blended(real, target, _moved(changed, real, rng), rng)


def laid_in(real: Portrait, pixels: Pixels, rng: np.random.Generator) -> Portrait:
    """Return `real` with the face of `pixels`, a copy of the same size made in another way, blended into it."""
    return laid_over(real, pixels, rng).portrait


def laid_over(real: Portrait, pixels: Pixels, rng: np.random.Generator) -> Blend:
    """Return the same with its mask."""
    return _blended(real, real.pixels, pixels, rng)


def _changed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return a copy with another colour, sharpness, scale, noise or compression: one to four of them."""
    steps = [_shifted_colour, _sharper_or_softer, _rescaled, _noisy, _recompressed, _smoothed]
    for number in rng.permutation(len(steps))[: int(rng.integers(1, 5))]:
        pixels = steps[number](pixels, rng)
    return pixels


def _shifted_colour(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    values = pixels.astype(np.float32) * rng.uniform(0.9, 1.1, 3) + rng.uniform(-10, 10, 3)
    values = (values - 128) * rng.uniform(0.9, 1.1) + 128
    return _bytes(values)


def _sharper_or_softer(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    import cv2

    soft = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.5, 1.6)).astype(np.float32)
    amount = rng.choice([0.0, rng.uniform(1.2, 2.0)])
    return _bytes(soft + amount * (pixels - soft))


def _rescaled(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    import cv2

    ways = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_LANCZOS4, cv2.INTER_NEAREST)
    height, width = pixels.shape[:2]
    scale = rng.uniform(0.3, 0.9)
    small = cv2.resize(
        pixels, (max(8, int(width * scale)), max(8, int(height * scale))), interpolation=ways[rng.integers(4)]
    )
    return np.asarray(cv2.resize(small, (width, height), interpolation=ways[rng.integers(4)]), np.uint8)


def _noisy(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    grey = rng.normal(0, rng.uniform(1, 5), (*pixels.shape[:2], 1 if rng.random() < 0.5 else 3))
    return _bytes(pixels + grey)


def _recompressed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    from ...datasets.codecs import through_picture

    shift = rng.integers(0, 8, 2)  # another place of the 8 x 8 grid
    rolled = np.roll(pixels, shift, axis=(0, 1))
    return np.roll(through_picture(rolled, "JPEG", int(rng.integers(35, 92))), -shift, axis=(0, 1))


def _smoothed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    import cv2

    return np.asarray(cv2.bilateralFilter(pixels, 5, float(rng.uniform(10, 35)), 3), np.uint8)


def _moved(pixels: Pixels, real: Portrait, rng: np.random.Generator) -> Pixels:
    """Return `pixels` shifted, turned and scaled by a little about the face."""
    import cv2

    centre = real.mesh.mean(axis=0)
    side = float(np.ptp(real.mesh, axis=0).max())
    middle = (float(centre[0]), float(centre[1]))
    matrix = np.array(cv2.getRotationMatrix2D(middle, rng.uniform(-2, 2), rng.uniform(0.96, 1.04)), np.float64)
    matrix[:, 2] += rng.uniform(-0.02, 0.02, 2) * side
    height, width = pixels.shape[:2]
    how = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    return np.asarray(
        cv2.warpAffine(pixels, matrix, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _hull(real: Portrait, *, grow: float) -> F32:
    """Return 1 inside the landmarks' hull, scaled about its centre by `grow`, 0 elsewhere, float32 `[h, w]`."""
    import cv2

    centre = real.mesh.mean(axis=0)
    hull = cv2.convexHull(((real.mesh - centre) * grow + centre).astype(np.float32))
    mask = np.zeros(real.pixels.shape[:2], np.float32)
    cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), 1.0)
    return mask


def _mask(real: Portrait, rng: np.random.Generator) -> tuple[F32, float]:
    """Return a soft mask of the face: its hull grown or shrunk, bent, cut at the brow or mouth, and feathered.

    The number with it is how much of the face is laid in where the mask is 1.
    """
    import cv2

    mask = _hull(real, grow=rng.uniform(0.8, 1.08))
    side = float(np.ptp(real.mesh, axis=0).max())
    height, width = mask.shape
    if rng.random() < 0.3:  # the inner face only, from the brows or down to the upper lip
        low, high = real.mesh[:, 1].min(), real.mesh[:, 1].max()
        cut = int(low + (high - low) * rng.uniform(0.08, 0.3))
        mask[: max(0, cut)] = 0
    coarse = rng.normal(0, 0.02 * side, (2, 5, 5)).astype(np.float32)
    bend_x, bend_y = (cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in coarse)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    mask = np.asarray(cv2.remap(mask, x + bend_x, y + bend_y, cv2.INTER_LINEAR), np.float32)
    feather = max(0.5, side * float(np.exp(rng.uniform(np.log(0.004), np.log(0.06)))))
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), feather), np.float32)
    return soft, float(rng.choice([1.0, 1.0, 1.0, 0.85, 0.7]))


def _blended(real: Portrait, target: Pixels, source: Pixels, rng: np.random.Generator) -> Blend:
    """Return the fake: `source` in `target` under a drawn mask."""
    mask, share = _mask(real, rng)
    part = (mask * np.float32(share))[..., None]
    pixels = _bytes(target * (1 - part) + source * part)
    return Blend(portrait=Portrait(pixels=pixels, mesh=real.mesh, points=real.points), mask=mask)


def _bytes(values: NDArray[np.floating]) -> Pixels:
    """Return `values` rounded to 0..255."""
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
