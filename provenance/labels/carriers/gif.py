"""GIF: XMP in an application extension with its "magic trailer" (XMP specification part 3, 1.1.2)."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from ..fields import Disclosure, Found
from ..xmp import merge_packet, read_packet
from .interface import MalformedMetadata, Window

_XMP = b"\x21\xff\x0bXMP DataXMP"
_TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
_BLOCK = 1 << 16
_STEPS = 2_000_000  # blocks stepped over: half a gigabyte of full ones


class Gif:
    """GIF files."""

    def read(self, window: Window) -> Iterator[Found]:
        """Yield what the XMP extensions say."""
        for start, end in _extensions(window):
            if window.at(start, min(len(_XMP), end - start)) == _XMP:
                yield from read_packet(_packet(window.at(start, end - start)))

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` as GIF89a with one XMP extension that holds `fields`, behind the global colours."""
        window = Window(BytesIO(data), budget=64 * len(data) + 65_536)
        out, packet, here = bytearray(), None, 0
        for start, end in _extensions(window):
            if data[start:end].startswith(_XMP):
                packet = _packet(data[start:end])
                out += data[here:start]
                here = end
        out += data[here:]
        out[:6] = b"GIF89a"  # 87a has no extensions
        place = _after_colours(bytes(out[:13]))
        extension = _XMP + merge_packet(packet, fields) + _TRAILER
        return bytes(out[:place]) + extension + bytes(out[place:])


def _packet(extension: bytes) -> bytes:
    body = extension[len(_XMP) :]
    return body[: -len(_TRAILER)] if body.endswith(_TRAILER) else body


def _after_colours(head: bytes) -> int:
    if head[:3] != b"GIF" or len(head) < 13:
        msg = "expected a GIF header"
        raise MalformedMetadata(msg)
    return 13 + (3 << ((head[10] & 7) + 1) if head[10] & 0x80 else 0)


def _extensions(window: Window) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the application extensions; pictures are stepped over block by block."""
    reader = _Bytes(window)
    here = _after_colours(window.at(0, 13))
    while True:
        kind = reader[here]
        if kind == 0x3B:
            return
        if kind == 0x21:
            end = _after_blocks(reader, here + 2)
            if reader[here + 1] == 0xFF:
                yield here, end
            here = end
        elif kind == 0x2C:
            packed = reader[here + 9]
            here = _after_blocks(reader, here + 11 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0))
        else:
            msg = f"expected a GIF block at byte {here}, got {kind:#x}"
            raise MalformedMetadata(msg)


class _Bytes:
    """Single bytes of a file, read in large pieces that are not charged as metadata: a GIF must be walked whole."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._piece = b""
        self._start = 0
        self._steps = 0

    def __getitem__(self, offset: int) -> int:
        self._steps += 1
        if self._steps > _STEPS:
            msg = f"the GIF has more than {_STEPS} blocks"
            raise MalformedMetadata(msg)
        if not self._start <= offset < self._start + len(self._piece):
            self._start = offset
            self._piece = self._window.peek(offset, _BLOCK)
            if not self._piece:
                msg = "the GIF ends before its trailer"
                raise MalformedMetadata(msg)
        return self._piece[offset - self._start]


def _after_blocks(reader: _Bytes, here: int) -> int:
    while length := reader[here]:
        here += length + 1
    return here + 1
