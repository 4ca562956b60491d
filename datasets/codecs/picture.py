"""Through a picture format and back, in memory."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def through_picture(pixels: Pixels, container: str, quality: int, *, subsampling: str = "") -> Pixels:
    """Return uint8 `[h, w, 3]` RGB encoded as `container` (Pillow's name) at `quality` (1-100) and decoded again.

    `subsampling` of the colours is `4:2:0`, `4:2:2` or `4:4:4`, the format's own usage where empty.
    """
    options: dict[str, Any] = {"quality": quality}
    if subsampling:
        options["subsampling"] = subsampling
    if container == "AVIF":
        options |= {"speed": 8, "max_threads": 1}
    return _through(pixels, container, options)


def through_gif(pixels: Pixels, colours: int = 256) -> Pixels:
    """Return `pixels` as GIF stores it: a palette of its own, at most `colours`, errors diffused (Floyd-Steinberg)."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    palette = picture.quantize(colours)
    return _through(np.asarray(picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).convert("RGB")))


def _through(pixels: Pixels, container: str = "GIF", options: dict[str, Any] | None = None) -> Pixels:
    from PIL import Image

    store = io.BytesIO()
    Image.fromarray(pixels).save(store, container, **(options or {}))
    store.seek(0)
    with Image.open(store) as picture:
        return np.asarray(picture.convert("RGB"))
