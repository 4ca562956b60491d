"""MP4, MOV and M4A: keys in `moov/udta/meta`, XMP in a `uuid` box; HEIF and AVIF are read only."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import numpy as np

from ..fields import Disclosure, Found, found
from ..interface import LabelError
from ..xmp import merge_packet, read_packet
from .boxes import Box, pack, shift_offsets, walk
from .interface import MalformedMetadata, Window
from .items import read_items
from .mp4_tags import merge_tags, read_tags

_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_OFFSETS = (b"moov", b"moof", b"mfra")


class Mp4:
    """ISO base media files."""

    def read(self, window: Window) -> Iterator[Found]:
        """Yield what XMP boxes, keys and XMP items say; media data are stepped over."""
        for box in walk(window, 0, window.size):
            if box.kind == b"uuid" and box.end - box.body >= 16 and window.at(box.body, 16) == _XMP_UUID:
                yield from read_packet(window.at(box.body + 16, box.end - box.body - 16))
            elif box.kind == b"meta":
                yield from read_items(window, box)
            elif box.kind == b"moov":
                yield from _read_movie(window, box)

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` with keys in moov/udta/meta and an XMP box behind moov; chunk offsets follow.

        Raises `LabelError` for files without one moov, with items (HEIF) or with an index ahead of moov.
        """
        window = Window(BytesIO(data), budget=64 * len(data) + 65_536)
        boxes = list(walk(window, 0, len(data)))
        kinds = [box.kind for box in boxes]
        if kinds.count(b"moov") != 1 or b"meta" in kinds or b"sidx" in kinds[: kinds.index(b"moov")]:
            msg = "labels are written into films and sound with one moov box, no items and no index before it"
            raise LabelError(msg)
        packet, parts = None, []
        for box in boxes:
            raw = data[box.start : box.end]
            if box.kind == b"uuid" and data[box.body : box.body + 16] == _XMP_UUID:
                packet = data[box.body + 16 : box.end]
                raw = b""
            elif box.kind == b"moov":
                raw = _with_tags(raw, fields)
            parts.append(raw)
        place = kinds.index(b"moov") + 1
        parts.insert(place, pack(b"uuid", _XMP_UUID + merge_packet(packet, fields)))
        starts = np.cumsum([0] + [len(part) for part in parts])[:-1]
        starts = np.delete(starts, place)
        parts = [_followed(part, boxes, starts) if part[4:8] in _OFFSETS else part for part in parts]
        return b"".join(parts)


def _followed(part: bytes, boxes: list[Box], starts: np.ndarray) -> bytes:
    """Return `part` with its offsets moved as the boxes that they point into moved."""
    old = np.array([box.start for box in boxes], np.int64)

    def moved(offsets: np.ndarray) -> np.ndarray:
        index = np.clip(np.searchsorted(old, offsets, side="right") - 1, 0, len(old) - 1)
        return np.asarray(offsets - old[index] + starts[index], np.int64)

    return shift_offsets(part, moved)


def _read_movie(window: Window, movie: Box) -> Iterator[Found]:
    for box in walk(window, movie.body, movie.end):
        if box.kind == b"meta":
            yield from read_tags(window, box)
        elif box.kind == b"udta":
            for inner in walk(window, box.body, box.end):
                if inner.kind == b"meta":
                    yield from read_tags(window, inner)
                elif inner.kind == b"XMP_":  # QuickTime's place
                    yield from read_packet(window.at(inner.body, inner.end - inner.body))
                elif inner.kind[:1] == b"\xa9" and inner.end - inner.body > 4:
                    text = window.at(inner.body + 4, inner.end - inner.body - 4)
                    thing = found("mp4 user data", inner.kind[1:].decode("latin-1"), text.decode("utf-8", "replace"))
                    if thing is not None:
                        yield thing


def _with_tags(movie: bytes, fields: Disclosure) -> bytes:
    """Return the moov box with `fields` among the keys of udta/meta."""
    window = Window(BytesIO(movie), budget=64 * len(movie) + 65_536)
    whole = next(walk(window, 0, len(movie)))
    parts, user = [], b""
    for box in walk(window, whole.body, whole.end):
        if box.kind == b"udta" and not user:
            user = movie[box.body : box.end]
        else:
            parts.append(movie[box.start : box.end])
    if not parts:
        msg = "the film's moov box is empty"
        raise MalformedMetadata(msg)
    window = Window(BytesIO(user), budget=64 * len(user) + 65_536)
    meta, others = None, []
    for box in walk(window, 0, len(user)):
        if box.kind == b"meta" and meta is None:
            meta = user[box.start : box.end]
        else:
            others.append(user[box.start : box.end])
    others.append(merge_tags(meta, fields))
    return pack(b"moov", b"".join([*parts, pack(b"udta", b"".join(others))]))
