"""Ogg (Opus, RFC 7845; Vorbis): the comment header, one Vorbis comment a value."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from ..fields import Disclosure, Found
from ..interface import LabelError
from .interface import MalformedMetadata, Window
from .vorbis import merge_comments, read_comments

_HEADERS = {b"OpusTags": 1, b"\x03vorbis": 2}  # mark of the comment packet -> header packets behind the first
_PAGE = struct.Struct("<4sBBqIIIB")


class Ogg:
    """Ogg files with one Opus or Vorbis stream."""

    def read(self, window: Window) -> Iterator[Found]:
        """Yield what the comment header says."""
        here, serial, body = 0, None, b""
        while here < window.size:
            page, segments, data = _page(window, here)
            here += page.size
            if serial is None:
                serial = page.serial
                continue
            if page.serial != serial:
                continue
            body += data
            if any(segment < 255 for segment in segments):
                break
        for mark in _HEADERS:
            if body.startswith(mark):
                yield from read_comments(body[len(mark) :])

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` with a comment header that holds `fields`; pages behind it are renumbered where needed."""
        window = Window(BytesIO(data), budget=4 * len(data) + 65_536)
        first, _, _ = _page(window, 0)
        here, packets, count = first.size, [b""], 0
        wanted = 0
        while not wanted or len(packets) <= wanted:
            page, segments, body = _page(window, here)
            if page.serial != first.serial:
                msg = "labels are written into Ogg files with one stream, this one has several"
                raise LabelError(msg)
            here, count = here + page.size, count + 1
            offset = 0
            for segment in segments:
                packets[-1] += body[offset : offset + segment]
                offset += segment
                if segment < 255:
                    packets.append(b"")
            wanted = wanted or next((n for mark, n in _HEADERS.items() if packets[0].startswith(mark)), 0)
            if not wanted and len(packets) > 1:
                msg = "expected an Opus or Vorbis comment header in the Ogg file"
                raise LabelError(msg)
        if len(packets) != wanted + 1 or packets[-1]:
            msg = "expected the Ogg file's sound to begin on a fresh page behind its headers"
            raise MalformedMetadata(msg)
        mark = next(mark for mark in _HEADERS if packets[0].startswith(mark))
        tail = b"\x01" if mark == b"\x03vorbis" else b""
        packets[0] = mark + merge_comments(packets[0][len(mark) :], fields) + tail
        pages = _paginate(packets[:-1], first.serial)
        rest = data[here:]
        if len(pages) != count:
            rest = _renumbered(rest, first.serial, len(pages) - count)
        return data[: first.size] + b"".join(pages) + rest


@dataclass(frozen=True, slots=True)
class _Head:
    serial: int
    sequence: int
    size: int


def _page(window: Window, here: int) -> tuple[_Head, bytes, bytes]:
    """Return head, lacing values and body of the page at `here` (RFC 3533, section 6)."""
    head = window.at(here, _PAGE.size)
    magic, _, _, _, serial, sequence, _, count = _PAGE.unpack(head)
    if magic != b"OggS":
        msg = f"expected an Ogg page at byte {here}"
        raise MalformedMetadata(msg)
    segments = window.at(here + _PAGE.size, count)
    body = window.at(here + _PAGE.size + count, sum(segments))
    return _Head(serial, sequence, _PAGE.size + count + len(body)), segments, body


def _paginate(packets: list[bytes], serial: int) -> list[bytes]:
    """Return the pages, numbered from 1, that carry the header `packets`."""
    lacing: list[int] = []
    for packet in packets:
        lacing += [255] * (len(packet) // 255) + [len(packet) % 255]
    body, continued = b"".join(packets), False
    pages: list[bytes] = []
    for start in range(0, len(lacing), 255):
        part = lacing[start : start + 255]
        size = sum(part)
        ends = any(segment < 255 for segment in part)
        head = _PAGE.pack(b"OggS", 0, int(continued), 0 if ends else -1, serial, len(pages) + 1, 0, len(part))
        pages.append(_summed(head + bytes(part) + body[:size]))
        body = body[size:]
        continued = part[-1] == 255
    return pages


def _renumbered(data: bytes, serial: int, shift: int) -> bytes:
    window = Window(BytesIO(data), budget=64 * len(data) + 65_536)
    out, here = bytearray(), 0
    while here < len(data):
        page, _, _ = _page(window, here)
        raw = bytearray(data[here : here + page.size])
        if page.serial == serial:
            struct.pack_into("<I", raw, 18, page.sequence + shift)
            raw = bytearray(_summed(bytes(raw)))
        out += raw
        here += page.size
    return bytes(out)


def _summed(page: bytes) -> bytes:
    """Return `page` with its checksum: CRC-32 of polynomial 04c11db7, not reflected, start and end 0."""
    table = _table()
    value = 0
    blank = page[:22] + b"\0\0\0\0" + page[26:]
    for byte in blank:
        value = (value << 8 & 0xFFFFFFFF) ^ table[value >> 24 ^ byte]
    return blank[:22] + value.to_bytes(4, "little") + blank[26:]


@cache
def _table() -> list[int]:
    table = []
    for index in range(256):
        value = index << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
        table.append(value)
    return table
