"""Finds the manifest store in a file, by its container's own structure (C2PA 2.2, section 11.3 and appendix A)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from ...media.errors import LimitExceeded
from .jumbf import STORE_MARK

C2PA_UUID: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_PARTS_MOST: Final = 1_000_000  # segments or chunks: one of eight bytes could stand a thousand million times
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_TOP_BOXES: Final = (b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip", b"uuid", b"pnot")
_BARE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers without a length


class StoreError(ValueError):
    """The file's structure is damaged where a store might lie; `begun` tells that a part of one was found."""

    def __init__(self, message: str, *, begun: bool = False) -> None:
        """Say what is wrong, and whether a part of a store was found before it."""
        super().__init__(message)
        self.begun = begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A segment, chunk or top-level box: its type, where its header and its inside begin, and where it ends."""

    kind: bytes
    start: int
    inside: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A manifest store, the container it was found in, and the file's parts that it takes up."""

    container: str
    store: bytes = field(repr=False)
    parts: tuple[Part, ...]
    several: bool = False
    """There is more than one store, which the standard forbids."""


class Source:
    """An open file that is read by offsets: its size, and all that may be read of it as a store."""

    def __init__(self, file: BinaryIO, size: int, *, store_most: int) -> None:
        """Read `file`, of `size` bytes, and at most `store_most` bytes of it as a store."""
        self.file = file
        self.size = size
        self.store_most = store_most

    def read(self, start: int, length: int) -> bytes:
        """Return bytes from `start` on, fewer at the end of the file."""
        self.file.seek(start)
        return self.file.read(max(0, min(length, self.size - start)))

    def read_store(self, start: int, end: int) -> bytes:
        """Return a store, or a part of one. Raises `LimitExceeded` if it is larger than is read."""
        if end - start > self.store_most:
            msg = f"expected a manifest store of at most {self.store_most} bytes, got {end - start}"
            raise LimitExceeded(msg)
        return self.read(start, end - start)


def container_of(head: bytes) -> str | None:
    """Return `jpeg`, `png`, `bmff` (mp4, mov, heif ...) or `riff` (wav, webp, avi), `None` for any other kind."""
    if head.startswith(b"\xff\xd8"):
        return "jpeg"
    if head.startswith(_PNG):
        return "png"
    if head.startswith(b"RIFF"):
        return "riff"
    return "bmff" if head[4:8] in _TOP_BOXES else None


def find_store(source: Source) -> Located | None:
    """Return the manifest store of a file, `None` if it has none or is of a kind that is not read.

    Raises `StoreError` for a damaged structure, `LimitExceeded` for a store larger than is read.
    """
    container = container_of(source.read(0, 16))
    return _FINDERS[container](source) if container else None


def jpeg_parts(source: Source) -> Iterator[Part]:
    """Yield the marker segments of a JPEG up to the first scan, that one included. Raises `StoreError`."""
    at = 2
    for _ in range(_PARTS_MOST):
        head = source.read(at, 4)
        if len(head) < 2 or head[0] != 0xFF:
            msg = f"expected a marker at byte {at} of the jpeg"
            raise StoreError(msg)
        if head[1] == 0xFF:  # a fill byte
            at += 1
            continue
        if head[1] in _BARE_MARKERS or head[1] == 0xD9:
            yield Part(kind=head[1:2], start=at, inside=at + 2, end=at + 2)
            if head[1] == 0xD9:
                return
            at += 2
            continue
        length = int.from_bytes(head[2:], "big")
        end = at + 2 + length
        if len(head) < 4 or length < 2 or end > source.size:
            msg = f"a segment at byte {at} of the jpeg is cut short"
            raise StoreError(msg, begun=STORE_MARK in source.read(at, 64))
        yield Part(kind=head[1:2], start=at, inside=at + 4, end=end)
        if head[1] == 0xDA:
            return
        at = end
    raise StoreError(_too_many("jpeg"))


def png_parts(source: Source) -> Iterator[Part]:
    """Yield the chunks of a PNG up to its end. Raises `StoreError`."""
    at = len(_PNG)
    for _ in range(_PARTS_MOST):
        head = source.read(at, 8)
        if len(head) < 8:
            return
        end = at + 12 + int.from_bytes(head[:4], "big")
        if end > source.size:
            msg = f"a chunk at byte {at} of the png is cut short"
            raise StoreError(msg, begun=head[4:] == b"caBX")
        yield Part(kind=head[4:], start=at, inside=at + 8, end=end)
        if head[4:] == b"IEND":
            return
        at = end
    raise StoreError(_too_many("png"))


def riff_parts(source: Source) -> Iterator[Part]:
    """Yield the chunks of a RIFF file. Raises `StoreError`."""
    at, last = 12, min(source.size, 8 + int.from_bytes(source.read(4, 4), "little"))
    for _ in range(_PARTS_MOST):
        if at + 8 > last:
            return
        head = source.read(at, 8)
        size = int.from_bytes(head[4:], "little")
        end = at + 8 + size
        if end > source.size:
            msg = f"a chunk at byte {at} of the riff file is cut short"
            raise StoreError(msg, begun=head[:4] == b"C2PA")
        yield Part(kind=head[:4], start=at, inside=at + 8, end=end)
        at = end + size % 2
    raise StoreError(_too_many("riff"))


def bmff_parts(source: Source, start: int = 0, end: int | None = None) -> Iterator[Part]:
    """Yield the boxes that lie side by side in a range of a file, the whole by default. Raises `StoreError`."""
    at, end = start, source.size if end is None else end
    for _ in range(_PARTS_MOST):
        if at >= end:
            return
        head = source.read(at, 16)
        if len(head) < 8:
            msg = f"expected a box at byte {at}"
            raise StoreError(msg)
        size, inside = int.from_bytes(head[:4], "big"), at + 8
        if size == 1:
            size, inside = struct.unpack(">Q", head[8:])[0] if len(head) == 16 else 0, at + 16
        elif size == 0:
            size = end - at
        if at + size > end or at + size < inside:
            msg = f"a box at byte {at} claims {size} bytes"
            raise StoreError(msg, begun=head[4:8] == b"uuid" and source.read(inside, 16) == C2PA_UUID)
        yield Part(kind=head[4:8], start=at, inside=inside, end=at + size)
        at += size
    raise StoreError(_too_many("box"))


def _too_many(what: str) -> str:
    return f"expected at most {_PARTS_MOST} parts in a {what} structure"


def _in_jpeg(source: Source) -> Located | None:
    """Put the store together from APP11 segments (ISO 19566-5, annex D): a box instance number, then a sequence."""
    parts: list[Part] = []
    pieces: list[bytes] = []
    instance, sequence, several = b"", 0, False
    for part in jpeg_parts(source):
        head = source.read(part.inside, 24) if part.kind == b"\xeb" else b""
        if part.end - part.inside < 16 or head[:2] != b"JP":
            continue
        number = int.from_bytes(head[4:8], "big")
        body = part.inside + 8
        if STORE_MARK in source.read(body, 64)[: part.end - body]:
            several = bool(parts)
            instance = head[2:4]
        elif not parts or head[2:4] != instance or several or number != sequence + 1:
            continue
        else:  # the header of the box is repeated in every further segment
            body += 16 if head[8:12] == b"\0\0\0\1" else 8
        if not several:
            parts.append(part)
            pieces.append(source.read_store(body, part.end))
            sequence = number
        if sum(map(len, pieces)) > source.store_most:
            msg = f"expected a manifest store of at most {source.store_most} bytes, got more"
            raise LimitExceeded(msg)
    if not parts:
        return None
    return Located(container="jpeg", store=b"".join(pieces), parts=tuple(parts), several=several)


def _in_png(source: Source) -> Located | None:
    found = [part for part in png_parts(source) if part.kind == b"caBX"]
    if not found:
        return None
    store = source.read_store(found[0].inside, found[0].end - 4)  # the checksum stands behind it
    return Located(container="png", store=store, parts=(found[0],), several=len(found) > 1)


def _in_riff(source: Source) -> Located | None:
    found = [part for part in riff_parts(source) if part.kind == b"C2PA"]
    if not found:
        return None
    store = source.read_store(found[0].inside, found[0].end)
    return Located(container="riff", store=store, parts=(found[0],), several=len(found) > 1)


def _in_bmff(source: Source) -> Located | None:
    """Find the uuid box: version and flags, the purpose as text, the offset of a Merkle box, and the store."""
    found = []
    for part in bmff_parts(source):
        head = source.read(part.inside, 64) if part.kind == b"uuid" else b""
        if head.startswith(C2PA_UUID):
            purpose, end, _ = head[20:].partition(b"\0")
            if end and purpose in (b"manifest", b"original", b"update"):
                found.append((purpose, part, part.inside + 20 + len(purpose) + 1 + 8))
    if not found:
        return None
    purpose, part, start = found[-1]
    several = len(found) > (2 if purpose == b"update" else 1)
    return Located(
        container="bmff",
        store=source.read_store(start, part.end),
        parts=tuple(one for _, one, _ in found),
        several=several,
    )


_FINDERS: Final[dict[str, Callable[[Source], Located | None]]] = {
    "jpeg": _in_jpeg,
    "png": _in_png,
    "riff": _in_riff,
    "bmff": _in_bmff,
}
