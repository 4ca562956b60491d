"""Matroska and WebM (RFC 9559): a Tags element, one SimpleTag a value, at the end of the segment."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from ..fields import Disclosure, Found, found
from ..interface import LabelError
from .interface import MalformedMetadata, Window

_EBML, _SEGMENT, _TAGS = 0x1A45DFA3, 0x18538067, 0x1254C367
_TAG, _SIMPLE, _NAME, _STRING, _TARGETS = 0x7373, 0x67C8, 0x45A3, 0x4487, 0x63C0


class Matroska:
    """MKV and WebM files."""

    def read(self, window: Window) -> Iterator[Found]:
        """Yield what the tags say; clusters are stepped over."""
        _, start, end = _segment(window)
        for kind, body, stop in _elements(window, start, end):
            if kind == _TAGS:
                yield from _read_tags(window, body, stop)

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` with one more Tags element at its end that holds `fields`; an older one of ours goes.

        Raises `LabelError` unless the file is one segment of known size that ends the file.
        """
        window = Window(BytesIO(data), budget=64 * len(data) + 65_536)
        place, start, end = _segment(window)
        last, here = None, start
        for kind, body, stop in _elements(window, start, end):
            last, here = (kind, here, body), stop
        if end != len(data) or data[place] != 0x01:
            msg = "labels are written into Matroska files of one segment with a size of 8 bytes: remux the file first"
            raise LabelError(msg)
        values = fields.values()
        if last is not None and last[0] == _TAGS:
            old = {thing.key: thing.value for thing in _read_tags(window, last[2], end)}
            values = old | values
            end = last[1] if old else end
        simple = b"".join(
            _element(_SIMPLE, _element(_NAME, key.encode()) + _element(_STRING, value.encode()))
            for key, value in values.items()
        )
        tags = _element(_TAGS, _element(_TAG, _element(_TARGETS, b"") + simple))
        size = (1 << 56 | end - start + len(tags)).to_bytes(8, "big")
        return data[:place] + size + data[start:end] + tags


def _read_tags(window: Window, start: int, end: int) -> Iterator[Found]:
    for kind, body, stop in _elements(window, start, end):
        if kind == _TAG:
            yield from _read_tag(window, body, stop)


def _read_tag(window: Window, start: int, end: int) -> Iterator[Found]:
    for kind, body, stop in _elements(window, start, end):
        if kind != _SIMPLE:
            continue
        texts = {
            inner: window.at(inner_start, inner_end - inner_start).decode("utf-8", errors="replace")
            for inner, inner_start, inner_end in _elements(window, body, stop)
            if inner in (_NAME, _STRING)
        }
        thing = found("matroska tags", texts.get(_NAME, ""), texts.get(_STRING, ""))
        if thing is not None:
            yield thing


def _segment(window: Window) -> tuple[int, int, int]:
    """Return where the segment's size field, its content and its end are."""
    for kind, body, stop in _elements(window, 0, window.size):
        if kind == _SEGMENT:
            head = window.upto(0, 4096)
            place = head.find(_SEGMENT.to_bytes(4, "big")) + 4
            return place, body, stop
        if kind != _EBML:
            break
    msg = "expected an EBML header and a segment"
    raise MalformedMetadata(msg)


def _elements(window: Window, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (id, start, end of the content); an element of unknown or too large size ends with its surroundings."""
    here = start
    while here + 2 <= end:
        head = window.upto(here, 12)
        width = 9 - head[0].bit_length() if head[0] else 9
        if width > 4 or len(head) <= width or not head[width]:
            msg = f"expected an EBML element at byte {here}"
            raise MalformedMetadata(msg)
        kind = int.from_bytes(head[:width], "big")
        length = 9 - head[width].bit_length()
        raw = head[width : width + length]
        if len(raw) < length:
            return
        size = int.from_bytes(raw, "big") & ~(1 << 7 * length)
        body = here + width + length
        stop = end if size == (1 << 7 * length) - 1 else min(end, body + size)
        yield kind, body, stop
        here = stop


def _element(kind: int, body: bytes) -> bytes:
    width = (kind.bit_length() + 7) // 8
    return kind.to_bytes(width, "big") + (1 << 56 | len(body)).to_bytes(8, "big") + body
