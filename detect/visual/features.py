"""From one aligned face to numbers: what high-pass residuals, spectra and colours say inside, on and outside the face.

Blending a face into a picture leaves two histories in one frame: another noise, another sharpness, another compression
inside the face's outline than outside, and a seam between. Filters after the rich models of Fridrich & Kodovsky,
"Rich models for steganalysis of digital images", IEEE TIFS 7(3), 2012; azimuthal spectrum after Durall et al.,
"Unmasking DeepFakes with simple features", 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE = 256
"""Pixels a side of the aligned crop."""
MARGIN = 0.3
"""How far the crop reaches beyond forehead and chin, as a share of the face."""
BINS = (-1e9, -40, -24, -14, -7, -2, 2, 7, 14, 24, 40, 1e9)
"""Pixels of signed distance to the face's outline (negative inside) between which profiles are averaged."""
_INSIDE, _RING, _OUTSIDE = range(3)

F32 = NDArray[np.float32]

_KERNELS = (
    np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32) / 4,
    np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], np.float32) / 4,
    np.array(
        [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]], np.float32
    )
    / 12,
    np.array([[1, -3, 3, -1]], np.float32) / 3,
    np.array([[1], [-3], [3], [-1]], np.float32) / 3,
)
"""High-pass filters: Laplacian, the 3x3 and 5x5 square filters, third differences along each axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceCrop:
    """An aligned face: `pixels` uint8 `[SIZE, SIZE, 3]` RGB, and its landmarks in the crop, float32 `[n, 2]`."""

    pixels: NDArray[np.uint8]
    outline: F32


def features(crop: FaceCrop) -> F32:
    """Return the numbers of one face, float32 `[FEATURES]`, all finite."""
    import cv2

    distance = signed_distance(crop.outline)
    zones = np.digitize(distance, (-6.0, 6.0)).astype(np.int64)
    rings = np.digitize(distance, BINS[1:-1])
    lab = np.asarray(cv2.cvtColor(crop.pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    light = lab[..., 0]
    parts = [
        _residual_profiles(light, lab, (zones, rings)),
        _channels(crop.pixels, zones),
        _colours(lab, rings),
        _seam(light, distance),
        _spectrum(light, zones),
        _noise_map(light, zones),
    ]
    joined = np.concatenate(parts).astype(np.float32)
    return np.asarray(np.nan_to_num(joined, nan=0.0, posinf=0.0, neginf=0.0))


def signed_distance(outline: F32) -> F32:
    """Return pixels to the hull of the landmarks, negative inside, float32 `[SIZE, SIZE]`."""
    import cv2

    hull = cv2.convexHull(np.round(outline).astype(np.int32))
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillConvexPoly(mask, hull, 1)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    return np.asarray(np.clip(outside - inside, -SIZE, SIZE), np.float32)


def _means(values: NDArray[Any], labels: NDArray[np.int64], count: int) -> F32:
    """Return the mean of `values` for each label below `count`; the overall mean where a label has no pixel."""
    flat = labels.ravel()
    number = np.bincount(flat, minlength=count)
    total = np.bincount(flat, weights=values.ravel(), minlength=count)
    means = np.where(number > 0, total / np.maximum(number, 1), values.mean())
    return np.asarray(means, np.float32)


def _residual_profiles(light: F32, lab: F32, labels: tuple[NDArray[np.int64], NDArray[np.int64]]) -> F32:
    """Return log energies of the residuals by distance to the outline, relative to the whole, and their kurtosis."""
    import cv2

    zones, rings = labels
    out: list[F32] = []
    for kernel in _KERNELS:
        residual = np.clip(cv2.filter2D(light, -1, kernel), -8, 8)
        size = np.abs(residual)
        profile = np.log(_means(size, rings, len(BINS) - 1) + 1e-3)
        second = _means(residual**2, zones, 3)
        square = residual * residual
        fourth = _means(square * square, zones, 3)
        out += [profile - profile.mean(), profile.mean(keepdims=True), np.log(fourth / (second**2 + 1e-8) + 1e-3)]
    for channel in (1, 2):
        size = np.abs(cv2.filter2D(np.ascontiguousarray(lab[..., channel]), -1, _KERNELS[1]))
        profile = np.log(_means(size, rings, len(BINS) - 1) + 1e-3)
        out += [profile - profile.mean(), profile.mean(keepdims=True)]
    return np.concatenate(out)


def _channels(pixels: NDArray[np.uint8], zones: NDArray[np.int64]) -> F32:
    """Return how the residuals of red, green and blue go together inside, on and outside the outline.

    A camera's colour filter ties them; a generator or a paste ties them otherwise.
    """
    import cv2

    residual = cv2.filter2D(pixels.astype(np.float32), -1, _KERNELS[1])
    out = []
    for zone in range(3):
        chosen = residual[zones == zone]
        matrix = chosen.T @ chosen / max(1, len(chosen))
        sizes = np.sqrt(np.diag(matrix)) + 1e-3
        ties = matrix / np.outer(sizes, sizes)
        out += [ties[0, 1], ties[0, 2], ties[1, 2], *np.log(sizes[[0, 2]] / sizes[1])]
    values = np.array(out, np.float32)
    return np.concatenate([values, values[:5] - values[10:], values[5:10] - values[10:]])


def _colours(lab: F32, rings: NDArray[np.int64]) -> F32:
    """Return how colour and its spread change from ring to ring across the outline (Lab, scaled to about 1)."""
    out = []
    for channel in range(3):
        values = lab[..., channel] / 20
        mean = _means(values, rings, len(BINS) - 1)
        spread = np.sqrt(np.maximum(_means(values**2, rings, len(BINS) - 1) - mean**2, 1e-6))
        out += [np.diff(mean)[2:-1], np.diff(np.log(spread + 1e-2))[2:-1]]
    return np.concatenate(out)


def _seam(light: F32, distance: F32) -> F32:
    """Return slope across and along the outline by distance to it: a seam is a step across, not along."""
    import cv2

    across_y, across_x = np.gradient(cv2.GaussianBlur(distance, (0, 0), 2))
    slope_x = cv2.Sobel(light, cv2.CV_32F, 1, 0, ksize=3) / 8
    slope_y = cv2.Sobel(light, cv2.CV_32F, 0, 1, ksize=3) / 8
    across = np.abs(slope_x * across_x + slope_y * across_y)
    along = np.abs(slope_y * across_x - slope_x * across_y)
    bins = np.clip(np.floor((distance + 30) / 5), 0, 11).astype(np.int64)
    up = np.log(_means(across.astype(np.float32), bins, 12) + 1e-2)
    side = np.log(_means(along.astype(np.float32), bins, 12) + 1e-2)
    return np.concatenate([up - up.mean(), side - side.mean(), up - side])


def _spectrum(light: F32, zones: NDArray[np.int64]) -> F32:
    """Return the azimuthal mean of the log spectrum of the inner face, and 8x8 DCT bands inside against outside."""
    import cv2

    middle = light[64:192, 64:192] - light[64:192, 64:192].mean()
    window = np.hanning(128).astype(np.float32)
    power = np.fft.fftshift(np.log(np.abs(np.fft.fft2(middle * window[:, None] * window)) ** 2 + 1e-2))
    y, x = np.mgrid[-64:64, -64:64]
    radius = np.minimum(np.hypot(y, x), 63)
    ring = _means(power.astype(np.float32), (radius // 3).astype(np.int64), 22)
    blocks = light.reshape(SIZE // 8, 8, SIZE // 8, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    bands = np.stack([np.abs(cv2.dct(np.ascontiguousarray(block))) for block in blocks])
    where = zones[4::8, 4::8].ravel()
    order = (np.add.outer(np.arange(8), np.arange(8))).astype(np.int64)
    out = [ring - ring.mean()]
    profiles = []
    for zone in (_INSIDE, _OUTSIDE):
        chosen = bands[where == zone] if (where == zone).any() else bands
        profiles.append(np.log(_means(chosen.mean(axis=0), order, 15) + 1e-3)[1:])
    return np.concatenate([*out, profiles[0], profiles[0] - profiles[1]])


def _noise_map(light: F32, zones: NDArray[np.int64]) -> F32:
    """Return how noise varies over blocks of 16 pixels, inside and outside, and whether it follows the light."""
    import cv2

    residual = np.abs(cv2.filter2D(light, -1, _KERNELS[1]))
    tiles = residual.reshape(16, 16, 16, 16).swapaxes(1, 2).reshape(256, 256)
    noise = np.log(np.median(tiles, axis=1) + 1e-2)
    bright = light.reshape(16, 16, 16, 16).mean(axis=(1, 3)).ravel() / 50
    where = zones[8::16, 8::16].ravel()
    out = []
    for zone in (_INSIDE, _OUTSIDE):
        chosen = where == zone
        n, b = (noise[chosen], bright[chosen]) if chosen.sum() > 4 else (noise, bright)
        spread = float(np.std(n)) + 1e-3
        out += [float(np.mean(n)), spread, *np.percentile((n - n.mean()) / spread, (10, 50, 90))]
        out.append(float(np.mean((n - n.mean()) * (b - b.mean())) / (spread * (float(np.std(b)) + 1e-2))))
    values = np.array(out, np.float32)
    return np.concatenate([values, values[:6] - values[6:]])
