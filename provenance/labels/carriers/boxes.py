"""Walking and rewriting the boxes of ISO base media files (ISO/IEC 14496-12): MP4, MOV, M4A."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..interface import LabelError
from .interface import MalformedMetadata, Window

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mfra", b"mvex"}
_DEPTH = 8
_OWN_DATA = 0x1  # tfhd: a base data offset is present


@dataclass(frozen=True, slots=True)
class Box:
    """A box: `start` of its header, `body` start of its content and `end`, in bytes of the file."""

    kind: bytes
    start: int
    body: int
    end: int


def walk(window: Window, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes that fill `start` to `end`. Raises `MalformedMetadata` if one reaches beyond."""
    here = start
    while here + 8 <= end:
        size, kind = struct.unpack(">I4s", window.at(here, 8))
        lead = 8
        if size == 1:
            size, lead = int.from_bytes(window.at(here + 8, 8), "big"), 16
        elif size == 0:
            if kind == b"\0\0\0\0":  # QuickTime ends a user data list so
                return
            size = end - here
        if size < lead or here + size > end:
            msg = f"a box at byte {here} claims {size} bytes, more than its surroundings have"
            raise MalformedMetadata(msg)
        yield Box(kind, here, here + lead, here + size)
        here += size


def pack(kind: bytes, body: bytes) -> bytes:
    """Return one box."""
    if len(body) + 8 > 0xFFFFFFFF:
        return struct.pack(">I4sQ", 1, kind, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, kind) + body


def shift_offsets(box: bytes, moved: Callable[[np.ndarray], np.ndarray], *, depth: int = 0) -> bytes:
    """Return a `moov`, `moof` or `mfra` box whose absolute file offsets went through `moved` (int64 array -> same).

    Patched are stco, co64, saio (below moov), tfhd base data offsets and tfra. Raises `LabelError` if a 32-bit
    offset would overflow.
    """
    import io

    window = Window(io.BytesIO(box), budget=64 * len(box) + 65_536)
    whole = next(walk(window, 0, len(box)))
    out = bytearray(box[: whole.body])
    last = whole.body
    for child in walk(window, whole.body, whole.end):
        raw = box[child.start : child.end]
        lead = child.body - child.start
        if child.kind in _CONTAINERS and depth < _DEPTH:
            raw = shift_offsets(raw, moved, depth=depth + 1)
        elif child.kind in (b"stco", b"co64"):
            raw = _table(raw, lead + 8, ">u4" if child.kind == b"stco" else ">u8", moved)
        elif child.kind == b"saio" and whole.kind == b"stbl":
            raw = _table(raw, lead + 8 + 8 * (raw[lead + 3] & 1), ">u8" if raw[lead] else ">u4", moved)
        elif child.kind == b"tfhd" and raw[lead + 3] & _OWN_DATA:
            raw = raw[: lead + 8] + _table(raw[lead + 8 : lead + 16], 0, ">u8", moved) + raw[lead + 16 :]
        elif child.kind == b"tfra":
            raw = _random_access(raw, lead, moved)
        out += raw
        last = child.end
    return bytes(out) + box[last:]


def _table(raw: bytes, start: int, kind: str, moved: Callable[[np.ndarray], np.ndarray]) -> bytes:
    width = np.dtype(kind).itemsize
    count = (len(raw) - start) // width
    old = np.frombuffer(raw, kind, count=count, offset=start).astype(np.int64)
    new = moved(old)
    if new.size and int(new.max()) > np.iinfo(kind).max:
        msg = "the file's 32-bit offsets cannot reach that far: rewrite it with 64-bit offsets first"
        raise LabelError(msg)
    return raw[:start] + new.astype(kind).tobytes() + raw[start + count * width :]


def _random_access(raw: bytes, lead: int, moved: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """Return a tfra box with moved moof offsets (ISO/IEC 14496-12, 8.8.10)."""
    wide = raw[lead] == 1
    lengths, count = struct.unpack_from(">II", raw, lead + 8)
    extra = 3 + (lengths >> 4 & 3) + (lengths >> 2 & 3) + (lengths & 3)
    step = (16 if wide else 8) + extra
    out = bytearray(raw)
    form = ">Q" if wide else ">I"
    for index in range(min(count, (len(raw) - lead - 16) // step)):
        place = lead + 16 + index * step + (8 if wide else 4)
        (old,) = struct.unpack_from(form, out, place)
        struct.pack_into(form, out, place, int(moved(np.array([old], np.int64))[0]))
    return bytes(out)
