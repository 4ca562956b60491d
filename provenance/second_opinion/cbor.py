"""A small reader of CBOR (RFC 8949), for bytes that a stranger wrote: bounded in depth and in the number of items."""

from __future__ import annotations

import struct
from typing import Any, Final

_DEPTH_MOST: Final = 32  # C2PA's own structures nest five deep
_ITEMS_MOST: Final = 1_000_000  # a byte of CBOR can become eight of memory and more
_BREAK: Final = object()
_FLOATS: Final = {25: struct.Struct(">e"), 26: struct.Struct(">f"), 27: struct.Struct(">d")}
_SIMPLE: Final[dict[int, bool | None]] = {20: False, 21: True, 22: None, 23: None}


class CborError(ValueError):
    """The bytes are not one well-formed CBOR item."""


def decode(data: bytes) -> Any:  # noqa: ANN401 - CBOR is as open as JSON
    """Return the item that `data` holds: ints, floats, bytes, str, list, dict, bool, None; tags are dropped.

    Bytes after the item are ignored: signatures are padded. Raises `CborError` for anything malformed, and for a map
    that has a key twice, which two readers would understand in two ways.
    """
    return _Reader(data).item(0)


def encode(value: bytes | str | list[bytes | str]) -> bytes:
    """Return a byte string, a text or an array of them as CBOR: all that a signature is made over."""
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(encode(one) for one in value)
    data = value.encode() if isinstance(value, str) else value
    return _head(3 if isinstance(value, str) else 2, len(data)) + data


def _head(major: int, count: int) -> bytes:
    if count < 24:
        return bytes([major << 5 | count])
    info = next(info for info in range(24, 28) if count < 1 << (8 << (info - 24)))
    return bytes([major << 5 | info]) + count.to_bytes(1 << (info - 24), "big")


class _Reader:
    """Reads one item after another from the front of the data."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._items = 0

    def item(self, depth: int) -> Any:  # noqa: ANN401 - as open as JSON
        value = self._next(depth)
        if value is _BREAK:
            msg = "a break code stands where an item must"
            raise CborError(msg)
        return value

    def _next(self, depth: int) -> Any:  # noqa: ANN401 - as open as JSON
        """Return the next item, or `_BREAK`."""
        self._items += 1
        if depth > _DEPTH_MOST or self._items > _ITEMS_MOST:
            msg = f"items nest deeper than {_DEPTH_MOST}, or there are more than {_ITEMS_MOST}"
            raise CborError(msg)
        first = self._take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            return self._simple(info)
        if info == 31:
            return self._indefinite(major, depth)
        count = self._argument(info)
        if major < 2:
            return count if major == 0 else -1 - count
        if major < 4:
            return _text(self._take(count), major)
        if major == 6:
            return self.item(depth + 1)
        # every item takes a byte at least, so a false count ends at the end of the data
        return _built([self.item(depth + 1) for _ in range(count * (major - 3))], major)

    def _take(self, size: int) -> bytes:
        if self._at + size > len(self._data):
            msg = "the data ends within an item"
            raise CborError(msg)
        self._at += size
        return self._data[self._at - size : self._at]

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            msg = f"additional information {info} is reserved"
            raise CborError(msg)
        return int.from_bytes(self._take(1 << (info - 24)), "big")

    def _simple(self, info: int) -> Any:  # noqa: ANN401 - bool, None, float or the break code
        if info == 31:
            return _BREAK
        if info in _SIMPLE:
            return _SIMPLE[info]
        if info in _FLOATS:
            return _FLOATS[info].unpack(self._take(_FLOATS[info].size))[0]
        msg = f"simple value {info} is not known"
        raise CborError(msg)

    def _indefinite(self, major: int, depth: int) -> Any:  # noqa: ANN401 - as open as JSON
        if major not in (2, 3, 4, 5):
            msg = f"major type {major} has no indefinite length"
            raise CborError(msg)
        items: list[Any] = []
        while (value := self._next(depth + 1)) is not _BREAK:
            items.append(value)
        return _built(items, major)


def _text(part: bytes, major: int) -> bytes | str:
    if major == 2:
        return part
    try:
        return part.decode()
    except UnicodeDecodeError as error:
        msg = "a text is not UTF-8"
        raise CborError(msg) from error


def _built(items: list[Any], major: int) -> Any:  # noqa: ANN401 - as open as JSON
    if major == 4:
        return items
    if major in (2, 3):
        kind = bytes if major == 2 else str
        if not all(isinstance(part, kind) for part in items):
            msg = "a string of several parts holds something else"
            raise CborError(msg)
        return kind().join(items)
    keys = items[::2]
    if len(items) % 2 or not all(isinstance(key, (int, str, bytes)) for key in keys) or len(set(keys)) < len(keys):
        msg = "a map has a key without a value, a key twice, or a key that is no number or text"
        raise CborError(msg)
    return dict(zip(keys, items[1::2], strict=True))
