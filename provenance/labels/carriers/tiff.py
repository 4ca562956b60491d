"""TIFF (6.0 and BigTIFF): XMP in tag 700; the text tags of EXIF are read too, also where other containers embed it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from ..fields import Disclosure, Found, found
from ..interface import LabelError
from ..xmp import merge_packet, read_packet
from .interface import MalformedMetadata, Window

_XMP_TAG, _EXIF_TAG = 700, 0x8769
_TEXT_TAGS = {270: "ImageDescription", 0x9286: "UserComment", 305: "Software"}
_BYTE = 1
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_PAGES = 64  # directories looked at in one file
_ENTRIES = 4096  # entries of one directory
_EXIF_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Form:
    """How this file writes its numbers."""

    order: str
    big: bool

    def number(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self.order == "<" else "big")

    @property
    def word(self) -> int:
        return 8 if self.big else 4


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    kind: int
    count: int
    value: bytes  # the raw field of 4 or 8 bytes: the value itself or its offset


class Tiff:
    """TIFF files."""

    def read(self, window: Window) -> Iterator[Found]:
        """Yield what XMP and text tags of every page say."""
        form, here = _open(window)
        for _ in range(_PAGES):
            if not here:
                return
            entries, here = _directory(window, form, here)
            yield from _read_entries(window, form, entries)

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` with a new first directory at its end whose tag 700 holds `fields`; pixels stay in place."""
        window = Window(BytesIO(data), budget=2 * len(data) + 65_536)
        form, here = _open(window)
        entries, following = _directory(window, form, here)
        old = next((entry for entry in entries if entry.tag == _XMP_TAG), None)
        packet = merge_packet(None if old is None else _value(window, form, old), fields)
        out = bytearray(data + b"\0" * (-len(data) % form.word))
        place = len(out)
        out += packet + b"\0" * (-len(packet) % form.word)
        directory = len(out)
        if not form.big and directory + 12 * len(entries) + 64 > 0xFFFFFFFF:
            msg = "the TIFF would grow beyond the 4 GiB that its offsets can reach: convert it to BigTIFF"
            raise LabelError(msg)
        word = form.order + ("Q" if form.big else "I")
        entry = _Entry(_XMP_TAG, _BYTE, len(packet), struct.pack(word, place))
        kept = sorted([e for e in entries if e.tag != _XMP_TAG] + [entry], key=lambda e: e.tag)
        out += struct.pack(form.order + ("Q" if form.big else "H"), len(kept))
        for item in kept:
            out += struct.pack(f"{form.order}HH{word[1]}", item.tag, item.kind, item.count) + item.value
        out += struct.pack(word, following)
        struct.pack_into(word, out, 8 if form.big else 4, directory)
        return bytes(out)


def read_tags(exif: bytes) -> Iterator[Found]:
    """Yield what the XMP and text tags of an EXIF block (a TIFF in memory) say; nothing if it is broken."""
    try:
        yield from Tiff().read(Window(BytesIO(exif), budget=_EXIF_BYTES))
    except MalformedMetadata:
        return


def _open(window: Window) -> tuple[_Form, int]:
    head = window.upto(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        msg = "expected a TIFF byte order mark"
        raise MalformedMetadata(msg)
    magic = _Form(order, big=False).number(head[2:4])
    if magic == 43 and len(head) == 16:
        form = _Form(order, big=True)
        return form, form.number(head[8:16])
    form = _Form(order, big=False)
    return form, form.number(head[4:8])


def _directory(window: Window, form: _Form, here: int) -> tuple[list[_Entry], int]:
    """Return the entries of the directory at `here` and the offset of the next."""
    lead, size = (8, 20) if form.big else (2, 12)
    count = form.number(window.at(here, lead))
    if count > _ENTRIES:
        msg = f"a TIFF directory claims {count} entries, at most {_ENTRIES} are read"
        raise MalformedMetadata(msg)
    body = window.at(here + lead, count * size + form.word)
    entries = [
        _Entry(
            form.number(raw[:2]),
            form.number(raw[2:4]),
            form.number(raw[4 : 4 + form.word]),
            raw[4 + form.word :],
        )
        for raw in (body[i * size : (i + 1) * size] for i in range(count))
    ]
    return entries, form.number(body[count * size :])


def _value(window: Window, form: _Form, entry: _Entry) -> bytes:
    length = entry.count * _SIZES.get(entry.kind, 1)
    return entry.value[:length] if length <= form.word else window.at(form.number(entry.value), length)


def _read_entries(window: Window, form: _Form, entries: list[_Entry], *, nested: bool = False) -> Iterator[Found]:
    for entry in entries:
        if entry.tag == _XMP_TAG:
            yield from read_packet(_value(window, form, entry))
        elif entry.tag in _TEXT_TAGS:
            text = _value(window, form, entry)
            if entry.tag == 0x9286:
                text = text[8:]  # behind the name of its character code
            thing = found("exif", _TEXT_TAGS[entry.tag], text.decode("utf-8", errors="replace"))
            if thing is not None:
                yield thing
        elif entry.tag == _EXIF_TAG and not nested:
            inner, _ = _directory(window, form, form.number(entry.value[: _SIZES.get(entry.kind, 4)]))
            yield from _read_entries(window, form, inner, nested=True)
