"""What people put on a picture: a line of words, a little yellow face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_WORDS = ("Wait for it...", "Is this real?", "share before it is gone", "BREAKING", "Monday, 8 a.m.", "look at this")


def words(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` with a line of words on a dark band, 8 to 12 % of the height, near the top or the bottom."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = pixels.shape[:2]
    band = max(4, int(height * rng.uniform(0.08, 0.12)))
    top = int(height * (0.04 if rng.random() < 0.5 else 0.84))
    out = pixels.copy()
    out[top : top + band] //= 4
    picture = Image.fromarray(out)
    font = ImageFont.load_default(size=0.7 * band)
    text = str(rng.choice(_WORDS))
    ImageDraw.Draw(picture).text((width / 2, top + band / 2), text, fill=(255, 255, 255), font=font, anchor="mm")
    return np.asarray(picture, np.uint8)


def sticker(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` with a yellow face, 15 to 25 % of the shorter side across, at a drawn place."""
    import cv2

    height, width = pixels.shape[:2]
    radius = max(3, int(min(height, width) * rng.uniform(0.15, 0.25) / 2))
    x, y = (int(rng.integers(radius, max(radius + 1, side - radius))) for side in (width, height))
    out = pixels.copy()
    cv2.circle(out, (x, y), radius, (255, 204, 51), -1, cv2.LINE_AA)
    for side in (-1, 1):
        eye = (x + side * radius * 2 // 5, y - radius // 4)
        cv2.circle(out, eye, max(1, radius // 7), (80, 50, 10), -1, cv2.LINE_AA)
    smile = (radius * 3 // 5, radius // 2)
    cv2.ellipse(out, (x, y + radius // 8), smile, 0, 20, 160, (80, 50, 10), max(1, radius // 10), cv2.LINE_AA)
    return out
