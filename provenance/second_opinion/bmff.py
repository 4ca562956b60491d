"""The hash of ISO base media files (c2pa.hash.bmff): boxes are left out by path, and each box's place is hashed too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ..report import Codes, as_dict, as_list, as_text
from .hashes import Clock, HashError, Piece, hash_pieces, without
from .pieces import pieces_match
from .stores import Part, Source, StoreError, bmff_parts

_CONTAINERS: Final = frozenset(
    b"moov trak edts mdia minf dinf stbl mvex moof traf mfra udta sinf schi meta iprp ipco".split()
)
_FULL: Final = frozenset({b"meta"})  # a container with version and flags before its boxes
_STEP: Final = re.compile(r"([^\[\]/]{1,8})(?:\[(\d{1,6})\])?")
_EXCLUSIONS_MOST: Final = 256
_BOXES_MOST: Final = 100_000
_USUAL: Final = frozenset({"/uuid", "/ftyp", "/mfra", "/meta/iloc", "/mfra/tfra"})
_WITH_OFFSETS: Final = ("/moov/trak/mdia/minf/stbl/", "/moof/traf/")

Hole = tuple[int, int]


def bmff_hash(source: Source, label: str, binding: dict[str, Any], clock: Clock, *, default: object) -> Codes | None:
    """Return the codes of a c2pa.hash.bmff assertion, `None` where a film in fragments hashes each.

    Version 1 hashes the bytes; later ones put the offset of each top-level box, eight bytes, before it.
    """
    plain = label.partition("__")[0]
    listed = as_list(binding.get("exclusions"))
    maps = as_list(binding.get("merkle"))
    if any(as_dict(one).get("initHash") for one in maps):
        # a film in fragments: this is its beginning, and what was signed is not here
        return None if _boxes(source, b"moof") else Codes(failure=("assertion.bmffHash.mismatch",))
    if not isinstance(binding.get("hash"), bytes) or not 0 < len(listed) <= _EXCLUSIONS_MOST:
        return Codes(failure=("assertion.bmffHash.malformed",))
    try:
        holes = _holes(source, listed)
        pieces = list(_pieces(source, holes, with_offsets=plain != "c2pa.hash.bmff"))
        same = hash_pieces(source, pieces, binding.get("alg") or default, clock) == binding["hash"]
        whole = not maps or pieces_match(source, _boxes(source, b"mdat"), maps, clock, default=default)
    except (HashError, StoreError):
        return Codes(failure=("assertion.bmffHash.malformed",))
    if not same or whole is False:
        return Codes(failure=("assertion.bmffHash.mismatch",))
    if whole is None:
        return None
    paths = {as_text(as_dict(one).get("xpath")) for one in listed}
    extra = any(path not in _USUAL and not path.startswith(_WITH_OFFSETS) for path in paths)
    noted = ("assertion.bmffHash.additionalExclusionsPresent",) if extra else ()
    return Codes(success=("assertion.bmffHash.match",), informational=noted)


def _boxes(source: Source, kind: bytes) -> list[Part]:
    return [box for box in bmff_parts(source) if box.kind == kind]


def _pieces(source: Source, holes: list[Hole], *, with_offsets: bool) -> Iterator[Piece]:
    for box in bmff_parts(source):
        inner = [hole for hole in holes if hole[0] < box.end and hole[1] > box.start]
        left = list(without(box.start, box.end, inner))
        if left:
            if with_offsets:
                yield box.start.to_bytes(8, "big")
            yield from left


def _holes(source: Source, listed: list[Any]) -> list[Hole]:
    """Return the ranges that the exclusions leave out."""
    holes: list[Hole] = []
    budget = iter(range(_BOXES_MOST))
    for one in listed:
        exclusion = as_dict(one)
        steps = as_text(exclusion.get("xpath")).removeprefix("/").split("/")
        for box in _boxes_at(source, steps, (0, source.size), budget):
            if _fits(source, box, exclusion):
                holes += _left_out(box, exclusion)
                if len(holes) > _BOXES_MOST:
                    msg = "the exclusions leave out too many boxes"
                    raise HashError(msg)
    return holes


def _boxes_at(source: Source, steps: list[str], place: Hole, budget: Iterator[int]) -> Iterator[Part]:
    """Yield the boxes with a path, walking only where it leads."""
    step = _STEP.fullmatch(steps[0])
    if step is None:
        msg = f"the path {'/'.join(steps)[:60]!r} of an exclusion cannot be followed"
        raise HashError(msg)
    kind, number = step[1].encode("latin-1", "replace"), int(step[2]) if step[2] else None
    seen = 0
    for box in bmff_parts(source, *place):
        if next(budget, None) is None:
            msg = f"expected at most {_BOXES_MOST} boxes on the way to the excluded ones"
            raise HashError(msg)
        if box.kind != kind:
            continue
        seen += 1
        if number is not None and seen != number:  # numbers begin at one, as in XPath
            continue
        if len(steps) == 1:
            yield box
        elif kind in _CONTAINERS:
            yield from _boxes_at(source, steps[1:], (_children(source, box), box.end), budget)


def _children(source: Source, box: Part) -> int:
    """Return where the boxes inside a container begin; QuickTime's meta has no version and flags."""
    if box.kind not in _FULL or source.read(box.inside + 4, 4) == b"hdlr":
        return box.inside
    return box.inside + 4


def _fits(source: Source, box: Part, exclusion: dict[str, Any]) -> bool:
    """Tell whether a box is one that the exclusion means, by its length, version, flags and bytes."""
    length, version, flags = exclusion.get("length"), exclusion.get("version"), exclusion.get("flags")
    if length is not None and length != box.end - box.start:
        return False
    head = source.read(box.inside, 4)
    if version is not None and head[:1] != bytes([version & 255] if isinstance(version, int) else []):
        return False
    if isinstance(flags, bytes):
        own, asked = int.from_bytes(head[1:], "big"), int.from_bytes(flags, "big")
        if own != asked if exclusion.get("exact") is not False else own & asked != asked:
            return False
    return all(_has_bytes(source, box, as_dict(one)) for one in as_list(exclusion.get("data")))


def _has_bytes(source: Source, box: Part, wanted: dict[str, Any]) -> bool:
    offset, value = wanted.get("offset"), wanted.get("value")
    if not isinstance(offset, int) or not isinstance(value, bytes) or offset < 0:
        return False
    return box.start + offset + len(value) <= box.end and source.read(box.start + offset, len(value)) == value


def _left_out(box: Part, exclusion: dict[str, Any]) -> Iterator[Hole]:
    """Yield the ranges of a box that are left out: the whole, or the parts that the exclusion names."""
    subset = exclusion.get("subset")
    if not isinstance(subset, list):
        yield box.start, box.end
        return
    for one in subset[:_EXCLUSIONS_MOST]:
        offset, length = as_dict(one).get("offset"), as_dict(one).get("length")
        if isinstance(offset, int) and isinstance(length, int) and offset >= 0 and length >= 0:
            start = box.start + offset
            end = box.end if length == 0 else min(box.end, start + length)
            if start < end:
                yield start, end
