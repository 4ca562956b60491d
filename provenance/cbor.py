"""A small reader of CBOR (RFC 8949), for bytes that a stranger wrote: bounded in depth and by their own length."""

from __future__ import annotations

import struct
from typing import Any, Final

_DEPTH_MOST: Final = 32  # C2PA's own structures nest five deep
_BREAK: Final = object()
_FLOATS: Final = {25: ">e", 26: ">f", 27: ">d"}
_SIMPLE: Final[dict[int, bool | None]] = {20: False, 21: True, 22: None, 23: None}


class CborError(ValueError):
    """The bytes are not one well-formed CBOR item."""


def decode(data: bytes) -> Any:  # noqa: ANN401 - CBOR is as open as JSON
    """Return the item that `data` holds: ints, floats, bytes, str, list, dict, bool, None; tags are dropped.

    Bytes after the item are ignored: signatures are padded. Raises `CborError` for anything malformed.
    """
    value, _ = _item(data, 0, 0)
    if value is _BREAK:
        msg = "a break code stands outside of an item"
        raise CborError(msg)
    return value


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """Return the item at offset `at` and the offset behind it."""
    if depth > _DEPTH_MOST:
        msg = f"items nest deeper than {_DEPTH_MOST}"
        raise CborError(msg)
    if at >= len(data):
        msg = "the data ends within an item"
        raise CborError(msg)
    major, info = data[at] >> 5, data[at] & 31
    if major == 7:
        return _simple(data, at, info)
    if info == 31:
        return _indefinite(data, at + 1, major, depth)
    count, at = _argument(data, at, info)
    if major == 0:
        return count, at
    if major == 1:
        return -1 - count, at
    if major in (2, 3):
        return _text(_slice(data, at, count), major), at + count
    if major == 6:
        return _item(data, at, depth + 1)
    return _collection(data, at, major, count, depth)


def _argument(data: bytes, at: int, info: int) -> tuple[int, int]:
    if info < 24:
        return info, at + 1
    if info > 27:
        msg = f"additional information {info} is reserved"
        raise CborError(msg)
    size = 1 << (info - 24)
    return int.from_bytes(_slice(data, at + 1, size), "big"), at + 1 + size


def _slice(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        msg = "a length points behind the end of the data"
        raise CborError(msg)
    return data[at : at + size]


def _text(part: bytes, major: int) -> bytes | str:
    if major == 2:
        return part
    try:
        return part.decode()
    except UnicodeDecodeError as error:
        msg = "a text is not UTF-8"
        raise CborError(msg) from error


def _simple(data: bytes, at: int, info: int) -> tuple[Any, int]:
    if info == 31:
        return _BREAK, at + 1
    if info in _SIMPLE:
        return _SIMPLE[info], at + 1
    if info in _FLOATS:
        shape = struct.Struct(_FLOATS[info])
        return shape.unpack(_slice(data, at + 1, shape.size))[0], at + 1 + shape.size
    msg = f"simple value {info} is not known"
    raise CborError(msg)


def _collection(data: bytes, at: int, major: int, count: int, depth: int) -> tuple[Any, int]:
    items: list[Any] = []
    # every item takes a byte at least, so a false count ends at the end of the data
    for _ in range(count * (major - 3)):
        value, at = _item(data, at, depth + 1)
        items.append(value)
    return _built(items, major), at


def _indefinite(data: bytes, at: int, major: int, depth: int) -> tuple[Any, int]:
    if major not in (2, 3, 4, 5):
        msg = f"major type {major} has no indefinite length"
        raise CborError(msg)
    items: list[Any] = []
    while True:
        value, at = _item(data, at, depth + 1)
        if value is _BREAK:
            return _built(items, major), at
        items.append(value)


def _built(items: list[Any], major: int) -> Any:  # noqa: ANN401 - as open as JSON
    if _BREAK in items:
        msg = "a break code stands where an item must"
        raise CborError(msg)
    if major == 4:
        return items
    if major in (2, 3):
        kind = bytes if major == 2 else str
        if not all(isinstance(part, kind) for part in items):
            msg = "a string of several parts holds something else"
            raise CborError(msg)
        return kind().join(items)
    if len(items) % 2 or not all(isinstance(key, (int, str, bytes)) for key in items[::2]):
        msg = "a map has a key without a value, or a key that is no number or text"
        raise CborError(msg)
    return dict(zip(items[::2], items[1::2], strict=True))
