"""What happens to pictures and films on their way: codecs, scaling, blur, noise, screenshots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..media.video import Frame
from . import codecs

Pixels = NDArray[np.uint8]


def jpeg(pixels: Pixels, _: np.random.Generator, *, quality: int) -> Pixels:
    """Return `pixels` through JPEG."""
    return codecs.through_picture(pixels, "JPEG", quality)


def webp(pixels: Pixels, _: np.random.Generator, *, quality: int) -> Pixels:
    """Return `pixels` through WebP."""
    return codecs.through_picture(pixels, "WEBP", quality)


def resized(pixels: Pixels, _: np.random.Generator, *, scale: float) -> Pixels:
    """Return `pixels` scaled by `scale`, at least 1 pixel a side."""
    import cv2

    height, width = pixels.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)


def resized_at_random(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` scaled by 0.5 to 1.5."""
    return resized(pixels, rng, scale=float(np.exp(rng.uniform(np.log(0.5), np.log(1.5)))))


def crop(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` with up to a tenth cut off each side."""
    height, width = pixels.shape[:2]
    top, bottom = (int(height * rng.uniform(0, 0.1)) for _ in range(2))
    left, right = (int(width * rng.uniform(0, 0.1)) for _ in range(2))
    return np.ascontiguousarray(pixels[top : height - bottom, left : width - right])


def blur(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` blurred by a Gaussian of sigma 0.5 to 1.5 pixels."""
    import cv2

    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.5, 1.5)), np.uint8)


def grain(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` with Gaussian noise of sigma 2 to 8 of 255."""
    noisy = pixels + rng.normal(0, rng.uniform(2, 8), pixels.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def gamma(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` with its brightness bent by an exponent of 0.7 to 1.4."""
    table = np.round(255 * (np.arange(256) / 255) ** rng.uniform(0.7, 1.4)).astype(np.uint8)
    return table[pixels]


def screenshot(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` as shown smaller on a screen, sharpened by the display's scaler and saved as JPEG 85."""
    import cv2

    shown = resized(pixels, rng, scale=rng.uniform(0.6, 0.95))
    soft = cv2.GaussianBlur(shown, (0, 0), 1.0)
    sharp = np.asarray(cv2.addWeighted(shown, 1.4, soft, -0.4, 0), np.uint8)
    return jpeg(sharp, rng, quality=85)


def h264(frames: tuple[Frame, ...], _: np.random.Generator, *, crf: int) -> tuple[Frame, ...]:
    """Return `frames` through H.264."""
    return codecs.through_film(frames, crf)
