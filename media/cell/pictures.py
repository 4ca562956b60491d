"""Still pictures, inside the decoding process: Pillow under limits, upright, eight bits, RGB."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import LimitExceeded, UnreadableMedia
from ..limits import Limits
from ..wire import Body, Header

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = {
    "jpeg": ("JPEG",),
    "png": ("PNG",),
    "webp": ("WEBP",),
    "tiff": ("TIFF",),
    "gif": ("GIF",),
    "heif": ("HEIF",),
    "avif": ("AVIF",),
}
_TURNS = {2: "flip", 3: "rotate 180", 4: "flip 180", 5: "transpose", 6: "rotate 90", 7: "transverse", 8: "rotate 270"}


def inform(file: BinaryIO, limits: Limits, *, container: str) -> Iterator[tuple[Header, Body]]:
    """Send size, mode, orientation and number of pictures, from the header alone."""
    image, orientation = _opened(file, container, limits)
    width, height = image.size
    if orientation >= 5:
        width, height = height, width
    header = {
        "width": width,
        "height": height,
        "orientation": orientation,
        "frames": _pictures(image),
        "mode": image.mode,
    }
    yield header, b""


def decode(file: BinaryIO, limits: Limits, *, container: str) -> Iterator[tuple[Header, Body]]:
    """Send the first picture upright as RGB, uint8, and notes on what that changed."""
    image, orientation = _opened(file, container, limits)
    frames = _pictures(image)
    image.seek(0)
    notes = _depth_notes(image, file)
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError, RuntimeError) as error:
        text = " ".join(str(error).split())
        if "memory" in text.lower():
            raise
        cut = "truncated" in text or "incomplete" in text or "premature" in text.lower()
        why = "the picture is cut off (truncated): its end is missing" if cut else "the picture is damaged"
        msg = f"{why}; the decoder says: {text}"
        raise UnreadableMedia(msg) from error
    pixels = _flat(image, notes)
    if orientation > 1:
        pixels = upright(pixels, orientation)
        notes.append(f"turned upright as its EXIF orientation {orientation} says ({_TURNS[orientation]})")
    if frames > 1:
        notes.append(f"the first of {frames} pictures")
    pixels = np.ascontiguousarray(pixels)
    header = {"shape": pixels.shape, "orientation": orientation, "frames": frames, "notes": notes}
    yield header, pixels.data


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return `pixels` turned as EXIF orientation 1-8 asks (Exif 2.32, tag 0x0112)."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return pixels


def _opened(file: BinaryIO, container: str, limits: Limits) -> tuple[Image, int]:
    """Open the picture and check its size before a pixel is allocated; return it and its orientation."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # `Limits` decides, below
    if container == "heif":
        import pillow_heif

        pillow_heif.register_heif_opener()
        pillow_heif.options.DECODE_THREADS = 1
    _check_png(file, container, limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata
            image = Image.open(file, formats=_FORMATS[container])
    except (OSError, SyntaxError, TypeError, ValueError, EOFError) as error:
        msg = f"the file begins like {container} but its header does not decode: it is damaged or cut off"
        raise UnreadableMedia(msg) from error
    _check_size(*image.size, limits)
    return image, _orientation(image)


def _check_png(file: BinaryIO, container: str, limits: Limits) -> None:
    """Answer an oversized PNG from its first 24 bytes: Pillow would first read all chunks before the pixels."""
    if container == "png":
        head = file.read(24)
        file.seek(0)
        _check_size(int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"), limits)


def _check_size(width: int, height: int, limits: Limits) -> None:
    if max(width, height) > limits.side or width * height > limits.pixels:
        msg = (
            f"the picture says it is {width} x {height} pixels; "
            f"the most accepted is {limits.pixels} pixels and {limits.side} a side"
        )
        raise LimitExceeded(msg)
    if width <= 0 or height <= 0:
        msg = f"the picture says it is {width} x {height} pixels"
        raise UnreadableMedia(msg)


def _orientation(image: Image) -> int:
    """Return the EXIF orientation, 1 where there is none or it makes no sense."""
    try:
        value = image.getexif().get(0x0112, 1)
    except (OSError, ValueError, SyntaxError, TypeError, LookupError):
        return 1
    return int(value) if value in range(1, 9) else 1


def _pictures(image: Image) -> int:
    try:
        return max(1, int(getattr(image, "n_frames", 1)))
    except (OSError, ValueError, SyntaxError, EOFError):
        return 1


def _depth_notes(image: Image, file: BinaryIO) -> list[str]:
    """Say where Pillow reduces 16 bits to 8 by itself (PNG RGB, byte 24 of the file; TIFF tag 258)."""
    depth = 8
    if image.format == "PNG":
        place = file.tell()
        file.seek(24)
        depth = (file.read(1) or b"\x08")[0]
        file.seek(place)
    elif image.format == "TIFF":
        tags: Any = getattr(image, "tag_v2", {})
        depth = max(tags.get(258, (8,)))
    return [f"{depth} bits a channel reduced to 8"] if depth > 8 else []


def _flat(image: Image, notes: list[str]) -> NDArray[np.uint8]:
    """Return the picture as RGB, uint8, saying what that changed."""
    mode = image.mode
    if mode.startswith("I;16"):
        return _gray(np.asarray(image).astype(np.float64) / 257.0)
    if mode in {"I", "F"}:
        return _gray(_spread(np.asarray(image).astype(np.float64), notes))
    if mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info:
        from PIL import Image as PillowImage

        layer = image.convert("RGBA")
        if layer.getchannel("A").getextrema() != (255, 255):
            notes.append("transparency laid on white")
            white = PillowImage.new("RGBA", layer.size, (255, 255, 255, 255))
            layer = PillowImage.alpha_composite(white, layer)
        image = layer
    if mode in {"P", "PA"}:
        notes.append("palette expanded to RGB")
    elif mode not in {"RGB", "RGBA", "RGBa"}:
        notes.append(f"converted from {mode} to RGB")
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _spread(values: NDArray[np.float64], notes: list[str]) -> NDArray[np.float64]:
    """Map numbers without a fixed white to 0..255, saying how."""
    if not np.isfinite(values).all():
        msg = "the picture holds NaN or infinity"
        raise UnreadableMedia(msg)
    low, high = float(values.min()), float(values.max())
    if low >= 0.0 and high <= 1.0:
        white = 1.0
    elif low >= 0.0 and high <= 65535.0:
        white = 255.0 if high <= 255.0 else 65535.0
    else:
        notes.append(f"values {low:g} to {high:g} stretched to 0..255")
        return (values - low) * (255.0 / (high - low))
    notes.append(f"values 0 to {white:g} mapped to 0..255")
    return values * (255.0 / white)


def _gray(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.repeat(np.rint(values).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
