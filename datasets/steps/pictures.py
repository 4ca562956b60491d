"""What happens to pictures on their way: codecs, scaling, cuts, turns, blur, noise, curves, screenshots."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...media.video import Frame
from .. import codecs

Pixels = NDArray[np.uint8]


def jpeg(pixels: Pixels, _: np.random.Generator, *, quality: int, chroma: str = "4:2:0") -> Pixels:
    """Return `pixels` through JPEG, its colours at half the width and height unless `chroma` says otherwise."""
    return codecs.through_picture(pixels, "JPEG", quality, subsampling=chroma)


def webp(pixels: Pixels, _: np.random.Generator, *, quality: int) -> Pixels:
    """Return `pixels` through WebP."""
    return codecs.through_picture(pixels, "WEBP", quality)


def avif(pixels: Pixels, _: np.random.Generator, *, quality: int) -> Pixels:
    """Return `pixels` through AVIF, its colours at half the width and height."""
    return codecs.through_picture(pixels, "AVIF", quality, subsampling="4:2:0")


def gif(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Return `pixels` through GIF: 256 colours of its own, errors diffused."""
    return codecs.through_gif(pixels)


def intra(pixels: Pixels, _: np.random.Generator, *, crf: int) -> Pixels:
    """Return `pixels` as the only frame of an H.264 film."""
    return codecs.through_film([Frame(index=0, time=0.0, image=pixels)], codecs.h264(crf))[0].image


def chroma(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Return `pixels` with its colours at half the width and height (4:2:0) and nothing else lost."""
    import cv2

    luma, *colours = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb))
    small = [cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for one in colours]
    size = (pixels.shape[1], pixels.shape[0])
    back = [cv2.resize(one, size, interpolation=cv2.INTER_LINEAR) for one in small]
    return np.asarray(cv2.cvtColor(cv2.merge([luma, *back]), cv2.COLOR_YCrCb2RGB), np.uint8)


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


def area(pixels: Pixels, rng: np.random.Generator, *, share: float) -> Pixels:
    """Return `share` of the area of `pixels`, its own shape, from a drawn place."""
    height, width = (max(1, round(side * share**0.5)) for side in pixels.shape[:2])
    top, left = (
        int(rng.integers(whole - part + 1)) for whole, part in zip(pixels.shape, (height, width), strict=False)
    )
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def turned(pixels: Pixels, rng: np.random.Generator, *, degrees: float, inside: bool = False) -> Pixels:
    """Return `pixels` turned by `degrees` to a drawn side about its middle, corners black.

    `inside`: only the largest rectangle of the same shape that holds no corner.
    """
    import cv2

    height, width = pixels.shape[:2]
    turn = degrees * float(rng.choice([-1, 1]))
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), turn, 1.0)
    out = np.asarray(cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC), np.uint8)
    if not inside:
        return out
    sine, cosine = abs(np.sin(np.radians(turn))), abs(np.cos(np.radians(turn)))
    share = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    down, right = (int(np.ceil(side * (1 - share) / 2)) for side in (height, width))
    return np.ascontiguousarray(out[down : height - down, right : width - right])


def mirrored(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Return `pixels` with left and right exchanged."""
    return np.ascontiguousarray(pixels[:, ::-1])


def framed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` in a window: bars of one drawn grey around it, 4 to 12 % of a side each."""
    sides = [(int(side * rng.uniform(0.04, 0.12)), int(side * rng.uniform(0.04, 0.12))) for side in pixels.shape[:2]]
    return np.pad(pixels, (*sides, (0, 0)), constant_values=int(rng.choice([0, 32, 255])))


def blurred(pixels: Pixels, _: np.random.Generator, *, sigma: float) -> Pixels:
    """Return `pixels` blurred by a Gaussian of `sigma` pixels."""
    import cv2

    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def median(pixels: Pixels, _: np.random.Generator, *, side: int) -> Pixels:
    """Return `pixels` with each value the median of `side` by `side` around it."""
    import cv2

    return np.asarray(cv2.medianBlur(pixels, side), np.uint8)


def sharpen(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Return `pixels` sharpened by an unsharp mask (sigma 1, amount 0.8)."""
    import cv2

    return np.asarray(cv2.addWeighted(pixels, 1.8, cv2.GaussianBlur(pixels, (0, 0), 1.0), -0.8, 0), np.uint8)


def grey(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Return `pixels` without colour (BT.601 luma)."""
    import cv2

    return np.asarray(cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)


def line(pixels: Pixels, _: np.random.Generator, *, gain: float, about: float = 0.0) -> Pixels:
    """Return `pixels`, distances of values from `about` (0-255) times `gain`: brightness at 0, contrast at 128."""
    table: Pixels = np.clip(np.rint(about + gain * (np.arange(256) - about)), 0, 255).astype(np.uint8)
    return np.asarray(table[pixels])


def power(pixels: Pixels, _: np.random.Generator, *, exponent: float) -> Pixels:
    """Return `pixels` with its brightness bent by `exponent`."""
    table = np.round(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    return table[pixels]


def blur(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` blurred by a Gaussian of sigma 0.5 to 1.5 pixels."""
    return blurred(pixels, rng, sigma=rng.uniform(0.5, 1.5))


def grain(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` with Gaussian noise of sigma 2 to 8 of 255."""
    return noisy(pixels, rng, sigma=rng.uniform(2, 8))


def noisy(pixels: Pixels, rng: np.random.Generator, *, sigma: float) -> Pixels:
    """Return `pixels` with Gaussian noise of `sigma` of 255."""
    noisy = pixels + rng.normal(0, sigma, pixels.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def gamma(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` with its brightness bent by an exponent of 0.7 to 1.4."""
    return power(pixels, rng, exponent=rng.uniform(0.7, 1.4))


def screenshot(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return `pixels` as shown smaller on a screen, sharpened by the display's scaler and saved as JPEG 85."""
    import cv2

    shown = resized(pixels, rng, scale=rng.uniform(0.6, 0.95))
    soft = cv2.GaussianBlur(shown, (0, 0), 1.0)
    sharp = np.asarray(cv2.addWeighted(shown, 1.4, soft, -0.4, 0), np.uint8)
    return jpeg(sharp, rng, quality=85)
