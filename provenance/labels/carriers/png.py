"""PNG: XMP in an iTXt chunk (XMP specification part 3, 1.1.5); text chunks and EXIF are read too."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO

from ..fields import Disclosure, Found, found
from ..xmp import merge_packet, read_packet
from .interface import MalformedMetadata, Window
from .tiff import read_tags

_MAGIC = b"\x89PNG\r\n\x1a\n"
_XMP = "XML:com.adobe.xmp"
_TEXT = (b"iTXt", b"tEXt", b"zTXt")
_INFLATED = 4 * 1024**2  # bytes that one compressed text may grow to


class Png:
    """PNG files."""

    def read(self, window: Window) -> Iterator[Found]:
        """Yield what XMP, text and EXIF chunks say, wherever they stand."""
        for kind, start, length in chunks(window):
            if kind == b"eXIf":
                yield from read_tags(window.at(start, length))
            elif kind in _TEXT:
                keyword, text = _text(kind, window.at(start, length))
                if keyword == _XMP:
                    yield from read_packet(text)
                    continue
                thing = found("png text", keyword, text.decode("utf-8", errors="replace"))
                if thing is not None:
                    yield thing

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` with one XMP chunk that holds `fields`, right behind IHDR."""
        window = Window(BytesIO(data), budget=64 * len(data) + 65_536)
        out, packet, last = bytearray(_MAGIC), None, len(_MAGIC)
        for kind, start, length in chunks(window):
            last = start + length + 4
            if kind == b"iTXt":
                keyword, text = _text(kind, data[start : start + length])
                if keyword == _XMP:
                    packet = text
                    continue
            out += data[start - 8 : last]
        place = len(_MAGIC) + 25  # behind IHDR
        body = _XMP.encode() + b"\0\0\0\0\0" + merge_packet(packet, fields)
        chunk = len(body).to_bytes(4, "big") + b"iTXt" + body + zlib.crc32(b"iTXt" + body).to_bytes(4, "big")
        return bytes(out[:place]) + chunk + bytes(out[place:]) + data[last:]


def chunks(window: Window) -> Iterator[tuple[bytes, int, int]]:
    """Yield (type, start of the data, length) up to IEND."""
    if window.at(0, 8) != _MAGIC or window.at(12, 4) != b"IHDR":
        msg = "expected a PNG signature and an IHDR chunk"
        raise MalformedMetadata(msg)
    here = 8
    while True:
        head = window.at(here, 8)
        length = int.from_bytes(head[:4], "big")
        if here + 12 + length > window.size:
            msg = f"a PNG chunk at byte {here} claims {length} bytes, more than the file has"
            raise MalformedMetadata(msg)
        yield head[4:], here + 8, length
        if head[4:] == b"IEND":
            return
        here += 12 + length


def _text(kind: bytes, body: bytes) -> tuple[str, bytes]:
    """Return keyword and text of a text chunk, inflated where it is compressed."""
    keyword, _, rest = body.partition(b"\0")
    squeezed = kind == b"zTXt"
    if kind == b"iTXt":
        squeezed = rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    elif squeezed:
        rest = rest[1:]
    if squeezed:
        try:
            rest = zlib.decompressobj().decompress(rest, _INFLATED)
        except zlib.error:
            rest = b""
    return keyword.decode("latin-1"), rest
