"""Writes a changed picture into the container it came from, as near to the original file as that allows.

JPEG keeps its own quantisation tables and chroma sampling, so that blocks without a change come out as they were, and
WebP stays lossless where it was. EXIF, ICC profile, XMP and the like are carried over byte for byte (JPEG, PNG, WebP);
a C2PA manifest is not, for it covers the old content. Pixels keep the file's own orientation, so EXIF stays true.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...media.encode import encode_image
from .carriers.interface import Window
from .carriers.jpeg import segments
from .carriers.png import chunks
from .carriers.riff import extended_header, join_riff, split_riff

KEEPING = ("jpeg", "png", "webp")
"""Containers whose other metadata is carried over."""
_COARSEST = 3800  # sum of the luminance table from which a JPEG is too coarse for legible letters (about quality 50)
_QUALITY = 95
_SUBSAMPLING = {0x11: 0, 0x21: 1, 0x22: 2}  # sampling factors of the luminance -> Pillow's 4:4:4, 4:2:2, 4:2:0
_DQT, _COM, _APP2, _APP13 = 0xDB, 0xFE, 0xE2, 0xED
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PNG_COLOUR = frozenset({b"iCCP", b"cICP", b"gAMA", b"cHRM"})
_PNG_KEPT = _PNG_COLOUR | {b"sRGB", b"pHYs", b"eXIf", b"iTXt", b"tEXt", b"zTXt", b"tIME"}
_WEBP_KEPT = {b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}  # chunk -> flag in VP8X
_ZIGZAG = sorted(
    range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8)
)  # natural place of each value in a JPEG table (ITU-T T.81, figure A.6)


def recode(data: bytes, container: str, pixels: NDArray[np.uint8], *, orientation: int = 1, rgb: bool = True) -> bytes:
    """Return `pixels` (uint8 `[h, w, 3]`, upright) as a file like `data` of the named container.

    `orientation` is what the old file's EXIF says; `rgb` tells whether its pixels were RGB: else its colour profile no
    longer fits and is left out.
    """
    if container not in KEEPING:
        return encode_image(pixels, container)
    keep = {"jpeg": _jpeg, "png": _png, "webp": _webp}[container]
    return keep(data, np.ascontiguousarray(_turned_back(pixels, orientation)), rgb=rgb)


def _turned_back(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Return upright `pixels` as a file of EXIF `orientation` holds them (Exif 2.32, tag 0x0112)."""
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return pixels.swapaxes(0, 1) if orientation >= 5 else pixels


def _jpeg(data: bytes, pixels: NDArray[np.uint8], *, rgb: bool) -> bytes:
    from PIL import Image

    window = Window(BytesIO(data), budget=2 * len(data) + 65_536)
    parts = [(marker, data[start:end]) for marker, start, end in segments(window)]
    out = BytesIO()
    image = Image.fromarray(pixels)
    fine = _fineness(parts)
    if fine is None:
        image.save(out, format="JPEG", quality=_QUALITY)
    else:
        image.save(out, format="JPEG", qtables=fine.tables, subsampling=fine.subsampling)
    kept = b"".join(part for marker, part in parts if _is_kept(marker, part, rgb=rgb))
    made = out.getvalue()
    head = 4 + int.from_bytes(made[4:6], "big")  # behind the start marker and the new JFIF segment
    return made[:head] + kept + made[head:]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fineness:
    """How finely a JPEG is quantised: tables of luminance and chrominance in natural order, Pillow's subsampling."""

    tables: list[list[int]]
    subsampling: int


def _fineness(parts: list[tuple[int, bytes]]) -> _Fineness | None:
    """Return how the file was quantised; `None` if that cannot be done again or is too coarse for a label."""
    tables: dict[int, list[int]] = {}
    frame = b""
    for marker, part in parts:
        if marker == _DQT:
            tables |= _tables(part[4:])
        elif marker in _FRAME_HEADERS:
            frame = part[4:]
    if len(frame) < 15 or frame[5] != 3 or frame[10] != 0x11 or frame[13] != 0x11:
        return None
    subsampling = _SUBSAMPLING.get(frame[7])
    chosen = [tables.get(frame[at]) for at in (8, 11)]
    if subsampling is None or frame[11] != frame[14]:
        return None
    found = [table for table in chosen if table is not None]
    if len(found) != 2 or sum(found[0]) > _COARSEST:
        return None
    return _Fineness(tables=found, subsampling=subsampling)


def _tables(body: bytes) -> dict[int, list[int]]:
    """Return the 8-bit tables of a DQT segment by number, in natural order (ITU-T T.81, B.2.4.1)."""
    tables, here = {}, 0
    while here + 65 <= len(body) and body[here] < 4:
        table = [0] * 64
        for value, place in zip(body[here + 1 : here + 65], _ZIGZAG, strict=True):
            table[place] = value
        tables[body[here]] = table
        here += 65
    return tables


def _is_kept(marker: int, part: bytes, *, rgb: bool) -> bool:
    """Return whether a segment goes over: EXIF, XMP, IPTC, comments and a colour profile that still fits."""
    if marker == _APP2:
        return rgb and part[4:].startswith(b"ICC_PROFILE\0")
    return marker in (0xE1, _APP13, _COM)


def _png(data: bytes, pixels: NDArray[np.uint8], *, rgb: bool) -> bytes:
    made = encode_image(pixels, "png")
    window = Window(BytesIO(data), budget=64 * len(data) + 65_536)
    place = 8 + 25  # behind IHDR, before the pixels, where profile and gamma must stand
    kept = b"".join(
        data[start - 8 : start + length + 4]
        for kind, start, length in chunks(window)
        if kind in _PNG_KEPT and (rgb or kind not in _PNG_COLOUR)
    )
    return made[:place] + kept + made[place:]


def _webp(data: bytes, pixels: NDArray[np.uint8], *, rgb: bool) -> bytes:
    from PIL import Image

    old = split_riff(data)
    options: dict[str, Any] = {"quality": _QUALITY}
    if any(kind == b"VP8L" for kind, _ in old):
        options = {"lossless": True}
    out = BytesIO()
    Image.fromarray(pixels).save(out, format="WEBP", **options)
    kept = [(kind, body) for kind, body in old if kind in _WEBP_KEPT and (rgb or kind != b"ICCP")]
    made = split_riff(out.getvalue())
    if not kept:
        return out.getvalue()
    picture = [pair for pair in made if pair[0] in (b"VP8 ", b"VP8L")]
    head = bytearray(extended_header(*picture[0]))
    head[0] |= sum({_WEBP_KEPT[kind] for kind, _ in kept})
    order = [*(pair for pair in kept if pair[0] == b"ICCP"), *picture, *(pair for pair in kept if pair[0] != b"ICCP")]
    return join_riff(b"WEBP", [(b"VP8X", bytes(head)), *order])
