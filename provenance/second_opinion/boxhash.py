"""The hash of named boxes (c2pa.hash.boxes) in jpeg and png: every part of the file is named, in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ..report import Codes, as_dict, as_list
from .hashes import Clock, hash_pieces
from .stores import Located, Source, StoreError, jpeg_parts, png_parts

_NAMES_MOST: Final = 100_000
_STORE: Final = "C2PA"
_MALFORMED: Final = Codes(failure=("assertion.boxesHash.malformed",))
_JPEG_NAMES: Final = {
    0xC4: "DHT",
    0xC8: "JPG",
    0xCC: "DAC",
    0xDA: "SOS",
    0xDB: "DQT",
    0xDC: "DNL",
    0xDD: "DRI",
    0xDE: "DHP",
    0xDF: "EXP",
    0xD9: "EOI",
    0xFE: "COM",
    **{0xE0 + n: f"APP{n}" for n in range(16)},
    **{0xC0 + n: f"SOF{n}" for n in range(16) if n not in (4, 8, 12)},
}

Named = tuple[str, int, int]
"""The name of a part of the file, where it begins and where it ends."""


def boxes_hash(
    source: Source, binding: dict[str, Any], located: Located | None, clock: Clock, *, default: object
) -> Codes:
    """Return the codes of a c2pa.hash.boxes assertion, nothing (the step is not done) for other containers."""
    container = located.container if located else ""
    if container not in ("jpeg", "png"):
        return Codes()
    listed = [as_dict(one) for one in as_list(binding.get("boxes"))]
    if sum(len(as_list(one.get("names"))) for one in listed) > _NAMES_MOST:
        return _MALFORMED
    try:
        parts = _jpeg(source, located) if container == "jpeg" else _png(source)
    except StoreError:
        return _MALFORMED
    at = 0
    for one in listed:
        names = as_list(one.get("names"))
        group = parts[at : at + len(names)]
        if not names or [name for name, _, _ in group] != names:
            return Codes(failure=("assertion.boxesHash.unknownBox",))
        at += len(names)
        if names == [_STORE] or one.get("excluded") is True:
            continue
        pieces = [(start, end) for _, start, end in group]
        if hash_pieces(source, pieces, one.get("alg") or binding.get("alg") or default, clock) != one.get("hash"):
            return Codes(failure=("assertion.boxesHash.mismatch",))
    if at < len(parts):
        return Codes(failure=("assertion.boxesHash.unknownBox",))
    extra = any(one.get("excluded") is True and one.get("names") != [_STORE] for one in listed)
    noted = ("assertion.boxesHash.additionalExclusionsPresent",) if extra else ()
    return Codes(success=("assertion.boxesHash.match",), informational=noted)


def _png(source: Source) -> list[Named]:
    """Return the signature (`PNGh`) and the chunks of a png; what stands behind the last is a part as well."""
    parts = [("PNGh", 0, 8)]
    for part in png_parts(source):
        name = _STORE if part.kind == b"caBX" else part.kind.decode("latin-1")
        parts.append((name, part.start, part.end))
    return [*parts, *_rest(source, parts[-1][2])]


def _jpeg(source: Source, located: Located | None) -> list[Named]:
    """Return the segments of a jpeg: those of the store as one, each scan with the data behind it."""
    store = located.parts if located else ()
    parts: list[Named] = [("SOI", 0, 2)]
    for name, start, end in _segments(source):
        if store and store[0].start <= start < store[-1].end:
            if start == store[0].start:
                parts.append((_STORE, start, store[-1].end))
        else:
            parts.append((name, start, end))
    return [*parts, *_rest(source, parts[-1][2])]


def _segments(source: Source) -> Iterator[Named]:
    for part in jpeg_parts(source):
        name = _JPEG_NAMES.get(part.kind[0], f"{part.kind[0]:02X}")
        if name != "SOS":
            yield name, part.start, part.end
            continue
        yield from _scans(source, part.start)


def _scans(source: Source, start: int) -> Iterator[Named]:
    """Yield the scans and what lies between them: entropy-coded data ends at a marker that is no restart."""
    data = source.read(start, source.size - start)
    at, name, begun = 2 + int.from_bytes(data[2:4], "big"), "SOS", 0
    while True:
        if name == "SOS":
            at = data.find(b"\xff", at)
            while at >= 0 and at + 1 < len(data) and (data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7):
                at = data.find(b"\xff", at + 2)
        if at < 0 or at + 4 > len(data):
            at = len(data) if at < 0 else at
        yield name, start + begun, start + at
        if at + 2 > len(data) or data[at] != 0xFF:
            return
        begun, name = at, _JPEG_NAMES.get(data[at + 1], f"{data[at + 1]:02X}")
        if name == "EOI":
            yield name, start + at, start + at + 2
            return
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _rest(source: Source, end: int) -> list[Named]:
    return [("", end, source.size)] if end < source.size else []
