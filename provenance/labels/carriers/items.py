"""XMP and EXIF items of HEIF and AVIF pictures (ISO/IEC 14496-12, 8.11: meta box with iinf and iloc)."""

from __future__ import annotations

from collections.abc import Iterator

from ..fields import Found
from ..xmp import read_packet
from .boxes import Box, walk
from .interface import Window
from .tiff import read_tags

_ITEMS = 4096


def read_items(window: Window, meta: Box) -> Iterator[Found]:
    """Yield what the XMP and EXIF items of a file-level `meta` box say."""
    kinds: dict[int, bytes] = {}
    places: dict[int, list[tuple[int, int, int]]] = {}
    store = 0
    for box in walk(window, meta.body + 4, meta.end):
        if box.kind == b"iinf":
            kinds = _kinds(window, box)
        elif box.kind == b"iloc":
            places = _places(window.at(box.body, box.end - box.body))
        elif box.kind == b"idat":
            store = box.body
    for item, kind in kinds.items():
        data = b"".join(
            window.at(start if method == 0 else store + start, length)
            for start, length, method in places.get(item, [])
            if method == 0 or (method == 1 and store)
        )
        if kind == b"mime":
            yield from read_packet(data)
        elif kind == b"Exif" and len(data) > 4:
            yield from read_tags(data[4 + int.from_bytes(data[:4], "big") :])


def _kinds(window: Window, info: Box) -> dict[int, bytes]:
    """Return item id -> type for the items that may hold metadata."""
    wide = window.at(info.body, 1) != b"\0"
    kinds = {}
    for entry, _ in zip(walk(window, info.body + (8 if wide else 6), info.end), range(_ITEMS), strict=False):
        body = window.at(entry.body, entry.end - entry.body)
        if entry.kind != b"infe" or len(body) < 14 or body[0] < 2:
            continue
        width = 2 if body[0] == 2 else 4
        kind = body[6 + width : 10 + width]
        if kind == b"Exif" or (kind == b"mime" and b"application/rdf+xml" in body):
            kinds[int.from_bytes(body[4 : 4 + width], "big")] = kind
    return kinds


def _places(body: bytes) -> dict[int, list[tuple[int, int, int]]]:
    """Return item id -> (offset, length, construction method) of its extents."""
    version = body[0]
    widths = body[4] >> 4, body[4] & 15, body[5] >> 4, body[5] & 15 if version in (1, 2) else 0
    identity = 2 if version < 2 else 4
    reader = _Numbers(body, 6)
    places: dict[int, list[tuple[int, int, int]]] = {}
    for _ in range(min(reader.take(identity), _ITEMS)):
        item = reader.take(identity)
        method = reader.take(2) & 15 if version in (1, 2) else 0
        reader.take(2)
        base = reader.take(widths[2])
        extents = []
        for _ in range(min(reader.take(2), _ITEMS)):
            reader.take(widths[3])
            offset = reader.take(widths[0])
            extents.append((base + offset, reader.take(widths[1]), method))
        places[item] = extents
        if reader.spent:
            break
    return places


class _Numbers:
    """Big-endian numbers of chosen widths, one behind the other; 0 behind the end."""

    def __init__(self, data: bytes, here: int) -> None:
        self._data = data
        self._here = here

    @property
    def spent(self) -> bool:
        return self._here >= len(self._data)

    def take(self, width: int) -> int:
        self._here += width
        return int.from_bytes(self._data[self._here - width : self._here], "big")
