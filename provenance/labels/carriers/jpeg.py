"""JPEG: XMP in an APP1 segment (XMP specification part 3, 1.1.3); EXIF comments are read too."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from ..fields import Disclosure, Found
from ..interface import LabelError
from ..xmp import merge_packet, read_packet
from .interface import MalformedMetadata, Window
from .tiff import read_tags

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF = b"Exif\0\0"
_LONGEST = 65_533  # payload of a segment: its length field counts itself
_APP0, _APP1, _START_OF_SCAN, _END = 0xE0, 0xE1, 0xDA, 0xD9


class Jpeg:
    """JPEG files."""

    def read(self, window: Window) -> Iterator[Found]:
        """Yield what the XMP and EXIF segments before the first scan say."""
        for marker, start, end in segments(window):
            if marker != _APP1:
                continue
            body = window.at(start + 4, end - start - 4)
            if body.startswith(_XMP):
                yield from read_packet(body[len(_XMP) :])
            elif body.startswith(_EXIF):
                yield from read_tags(body[len(_EXIF) :])

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` with one XMP segment that holds `fields`, behind JFIF and EXIF."""
        window = Window(BytesIO(data), budget=2 * len(data) + 65_536)
        out, packet, place = bytearray(data[:2]), None, 2
        last = 2
        for marker, start, end in segments(window):
            last = end
            if marker == _APP1 and data[start + 4 : end].startswith(_XMP):
                packet = data[start + 4 + len(_XMP) : end]
                continue
            out += data[start:end]
            if marker == _APP0 or (marker == _APP1 and data[start + 4 : end].startswith(_EXIF)):
                place = len(out)
        body = _XMP + merge_packet(packet, fields)
        if len(body) > _LONGEST:
            msg = f"the XMP metadata would take {len(body)} bytes, but a JPEG segment holds {_LONGEST}"
            raise LabelError(msg)
        segment = bytes((0xFF, _APP1)) + (len(body) + 2).to_bytes(2, "big") + body
        return bytes(out[:place]) + segment + bytes(out[place:]) + data[last:]


def segments(window: Window) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of the segments up to the first scan."""
    if window.at(0, 2) != b"\xff\xd8":
        msg = "expected a JPEG start marker"
        raise MalformedMetadata(msg)
    here = 2
    while True:
        head = window.upto(here, 4)
        if len(head) < 4 or head[0] != 0xFF:
            msg = f"expected a JPEG marker at byte {here}"
            raise MalformedMetadata(msg)
        marker = head[1]
        if marker == 0xFF:  # a fill byte
            here += 1
            continue
        if marker in (_START_OF_SCAN, _END):
            return
        length = int.from_bytes(head[2:], "big")
        if length < 2 or here + 2 + length > window.size:
            msg = f"a JPEG segment at byte {here} claims {length} bytes, more than the file has"
            raise MalformedMetadata(msg)
        yield marker, here, here + 2 + length
        here += 2 + length
