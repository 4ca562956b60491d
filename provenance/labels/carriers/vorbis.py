"""FLAC: a Vorbis comment (RFC 9639, section 8.6) each value; the comment header itself is shared with Ogg."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from ..fields import Disclosure, Found, found
from ..interface import LabelError
from .id3 import read_tag
from .interface import MalformedMetadata, Window

_COMMENT_BLOCK = 4
_LARGEST_BLOCK = (1 << 24) - 1
_COUNT = 65_536  # comments of one file


class Flac:
    """FLAC files; an ID3 tag in front is stepped over and kept."""

    def read(self, window: Window) -> Iterator[Found]:
        """Yield what the comment block says."""
        for kind, start, length in _blocks(window):
            if kind & 0x7F == _COMMENT_BLOCK:
                yield from read_comments(window.at(start, length))

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` with one comment block that holds `fields`, second behind STREAMINFO; other comments stay."""
        window = Window(BytesIO(data), budget=2 * len(data) + 65_536)
        old, blocks, first, last = b"", [], 0, 0
        for kind, start, length in _blocks(window):
            first = first or start - 4
            last = start + length
            if kind & 0x7F == _COMMENT_BLOCK:
                old = data[start:last]
            else:
                blocks.append((kind & 0x7F, data[start:last]))
        body = merge_comments(old, fields)
        if len(body) > _LARGEST_BLOCK or not blocks:
            msg = f"a FLAC file needs STREAMINFO and a comment block below 16 MiB, got {len(body)} bytes of comments"
            raise LabelError(msg)
        blocks.insert(1, (_COMMENT_BLOCK, body))
        out = bytearray(data[:first])
        for index, (kind, block) in enumerate(blocks):
            out += bytes((kind | (0x80 if index == len(blocks) - 1 else 0),)) + len(block).to_bytes(3, "big") + block
        return bytes(out) + data[last:]


def _blocks(window: Window) -> Iterator[tuple[int, int, int]]:
    """Yield (flag and type, start of the data, length) of a FLAC file's metadata blocks."""
    tag = read_tag(window)
    here = 0 if tag is None else tag[2]
    if window.at(here, 4) != b"fLaC":
        msg = "expected a FLAC marker"
        raise MalformedMetadata(msg)
    here += 4
    while True:
        head = window.at(here, 4)
        length = int.from_bytes(head[1:], "big")
        if here + 4 + length > window.size:
            msg = f"a FLAC block at byte {here} claims {length} bytes, more than the file has"
            raise MalformedMetadata(msg)
        yield head[0], here + 4, length
        if head[0] & 0x80:
            return
        here += 4 + length


def read_comments(body: bytes) -> Iterator[Found]:
    """Yield what the comments of a comment header say; what is broken at its end is left out."""
    for comment in _parse(body)[1]:
        name, _, value = comment.decode("utf-8", errors="replace").partition("=")
        thing = found("vorbis comment", name, value)
        if thing is not None:
            yield thing


def merge_comments(body: bytes, fields: Disclosure) -> bytes:
    """Return the comment header `body` (may be empty) with `fields` in place of older values; the rest stays."""
    vendor, comments = _parse(body)
    values = fields.values()
    ours = {key.lower().encode() for key in values}
    kept = [comment for comment in comments if comment.partition(b"=")[0].lower() not in ours]
    kept += [f"{key}={value}".encode() for key, value in values.items()]
    return _item(vendor or b"assay") + len(kept).to_bytes(4, "little") + b"".join(map(_item, kept))


def _parse(body: bytes) -> tuple[bytes, list[bytes]]:
    vendor = body[4 : 4 + int.from_bytes(body[:4], "little")]
    here = 4 + len(vendor)
    count = min(int.from_bytes(body[here : here + 4], "little"), _COUNT)
    here += 4
    comments: list[bytes] = []
    while here + 4 <= len(body) and len(comments) < count:
        length = int.from_bytes(body[here : here + 4], "little")
        if here + 4 + length > len(body):
            break
        comments.append(body[here + 4 : here + 4 + length])
        here += 4 + length
    return vendor, comments


def _item(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data
