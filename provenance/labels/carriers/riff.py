"""RIFF: WebP (XMP chunk), WAV and AVI (`AIGC`, LIST/INFO and `_PMX` chunks)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO

from ..fields import Disclosure, Found, found
from ..interface import LabelError
from ..xmp import merge_packet, read_packet
from .interface import MalformedMetadata, Window
from .tiff import read_tags

_XMP_CHUNKS = (b"XMP ", b"_PMX", b"_pmx")
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10
_LARGEST = 0xFFFFFFFF


class Riff:
    """WAV and AVI files; RF64 and BW64 are read, not written."""

    def read(self, window: Window) -> Iterator[Found]:
        """Yield what XMP, AIGC, INFO and EXIF chunks of the outer level say."""
        for kind, start, length in _chunks(window):
            if kind in _XMP_CHUNKS:
                yield from read_packet(window.at(start, length))
            elif kind == b"AIGC":
                yield Found(carrier="riff", key="AIGC", value=_string(window.at(start, length)))
            elif kind == b"EXIF":
                exif = window.at(start, length)
                yield from read_tags(exif.removeprefix(b"Exif\0\0"))
            elif kind == b"LIST" and length >= 4 and window.at(start, 4) == b"INFO":
                for name, value in _info(window.at(start + 4, length - 4)):
                    thing = found("riff info", name.decode("latin-1"), _string(value))
                    if thing is not None:
                        yield thing

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` with AIGC, LIST/INFO and XMP chunks that hold `fields` behind the sound or the film."""
        if data[:4] != b"RIFF":
            msg = f"labels are written into RIFF files below 4 GiB, got {data[:4]!r}: convert the file first"
            raise LabelError(msg)
        packet, info, kept = None, [], []
        for kind, body in split_riff(data):
            if kind == b"_PMX":
                packet = body
            elif kind == b"LIST" and body[:4] == b"INFO":
                info += [pair for pair in _info(body[4:]) if pair[0] != b"AIGC"]
            elif kind != b"AIGC":
                kept.append((kind, body))
        aigc = fields.values().get("AIGC", "").encode()
        if aigc:
            kept.append((b"AIGC", aigc))
            info.append((b"AIGC", aigc + b"\0"))
        if info:
            kept.append((b"LIST", b"INFO" + b"".join(_chunk(name, value) for name, value in info)))
        kept.append((b"_PMX", merge_packet(packet, fields)))
        return join_riff(data[8:12], kept)


class Webp(Riff):
    """WebP files."""

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` in the extended form (VP8X) with an XMP chunk that holds `fields`."""
        packet, kept = None, []
        for kind, body in split_riff(data):
            if kind == b"XMP ":
                packet = body
            else:
                kept.append((kind, body))
        if not kept:
            msg = "the WebP file holds no picture"
            raise MalformedMetadata(msg)
        if kept[0][0] != b"VP8X":
            kept.insert(0, (b"VP8X", extended_header(*kept[0])))
        kind, body = kept[0]
        if len(body) < 10:
            msg = "the WebP file's VP8X chunk is shorter than 10 bytes"
            raise MalformedMetadata(msg)
        kept[0] = (kind, bytes((body[0] | _XMP_FLAG,)) + body[1:])
        kept.append((b"XMP ", merge_packet(packet, fields)))
        return join_riff(b"WEBP", kept)


def _chunks(window: Window) -> Iterator[tuple[bytes, int, int]]:
    """Yield (id, start of the data, length) of the outer chunks; a last chunk that claims too much ends at the end."""
    head = window.at(0, 12)
    if head[:4] not in (b"RIFF", b"RF64", b"BW64"):
        msg = "expected a RIFF header"
        raise MalformedMetadata(msg)
    here, wide = 12, 0
    while here + 8 <= window.size:
        kind, length = struct.unpack("<4sI", window.at(here, 8))
        if kind == b"ds64" and length >= 16:
            wide = struct.unpack("<Q", window.at(here + 16, 8))[0]
        if kind == b"data" and length == _LARGEST and head[:4] != b"RIFF":
            length = wide
        length = min(length, window.size - here - 8)
        yield kind, here + 8, length
        here += 8 + length + (length & 1)


def split_riff(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the outer chunks of a file in memory. Raises `LabelError` if something stands behind the RIFF form."""
    window = Window(BytesIO(data), budget=64 * len(data) + 65_536)
    claimed = struct.unpack("<I", window.at(4, 4))[0] + 8
    if claimed + 1 < len(data) and data[claimed : claimed + 4] in (b"RIFF", b"JUNK"):
        msg = "the file has several RIFF parts (OpenDML), into which labels cannot be written: convert it first"
        raise LabelError(msg)
    return [(kind, data[start : start + length]) for kind, start, length in _chunks(window)]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def join_riff(form: bytes, chunks: list[tuple[bytes, bytes]]) -> bytes:
    """Return a RIFF file of `form` that holds `chunks`. Raises `LabelError` beyond 4 GiB."""
    length = len(form) + sum(8 + len(part) + (len(part) & 1) for _, part in chunks)
    if length > _LARGEST:
        msg = "the file would grow beyond the 4 GiB that RIFF can hold"
        raise LabelError(msg)
    parts = [b"RIFF", struct.pack("<I", length), form]
    for kind, part in chunks:  # joined at once: a copy of each step would be as large as the file
        parts += [kind, struct.pack("<I", len(part)), part, b"\0" * (len(part) & 1)]
    return b"".join(parts)


def _info(body: bytes) -> list[tuple[bytes, bytes]]:
    pairs, here = [], 0
    while here + 8 <= len(body):
        kind, length = struct.unpack_from("<4sI", body, here)
        pairs.append((kind, body[here + 8 : here + 8 + length]))
        here += 8 + length + (length & 1)
    return pairs


def _string(body: bytes) -> str:
    return body.partition(b"\0")[0].decode("utf-8", errors="replace")


def extended_header(kind: bytes, body: bytes) -> bytes:
    """Return the VP8X chunk for a simple file: flags, then width - 1 and height - 1 in 24 bits (WebP container)."""
    if kind == b"VP8 " and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        flags = 0
    elif kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        flags = _ALPHA_FLAG if bits >> 28 & 1 else 0
    else:
        msg = f"expected a VP8 or VP8L chunk at the start of the WebP file, got {kind!r}"
        raise MalformedMetadata(msg)
    return bytes((flags, 0, 0, 0)) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
