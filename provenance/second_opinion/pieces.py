"""Media data hashed in pieces (the `merkle` part of c2pa.hash.bmff): all are here, so the tree is built anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ..report import as_dict, as_list
from .hashes import Clock, HashError, Piece, hash_pieces, new_hash
from .stores import Part, Source

_LEAVES_MOST: Final = 1_000_000  # a piece of one byte would make a leaf of 32


def pieces_match(source: Source, boxes: list[Part], maps: list[Any], clock: Clock, *, default: object) -> bool | None:
    """Tell whether each media data box is the one whose tree is in `maps`; `None` where they cannot be paired.

    The first has the lowest local id. Raises `HashError` for a tree that cannot be followed.
    """
    trees = sorted((as_dict(one) for one in maps), key=lambda one: _number(one.get("localId")))
    if len(trees) != len(boxes):
        return None
    return all(_holds(source, box, tree, clock, default) for box, tree in zip(boxes, trees, strict=True))


def _holds(source: Source, box: Part, tree: dict[str, Any], clock: Clock, default: object) -> bool:
    algorithm = tree.get("alg") or default
    row = [hash_pieces(source, [piece], algorithm, clock) for piece in _pieces(box, tree)]
    listed = as_list(tree.get("hashes"))
    if len(row) != tree.get("count") or not listed:
        return False
    while len(row) > len(listed):
        clock.check()
        row = list(_above(row, algorithm))
    return row == listed


def _above(row: list[bytes], algorithm: object) -> Iterator[bytes]:
    """Yield the row above: pairs are hashed, one left over is carried up as it is."""
    for at in range(0, len(row) - 1, 2):
        made = new_hash(algorithm)
        made.update(row[at] + row[at + 1])
        yield made.digest()
    if len(row) % 2:
        yield row[-1]


def _pieces(box: Part, tree: dict[str, Any]) -> Iterator[Piece]:
    """Yield the ranges of the leaves; the first 16 bytes of the box, its header, are hashed with the rest of the file.

    Raises `HashError` if they are too many, or do not end where the box does.
    """
    at = box.start + 16
    sizes = tree.get("variableBlockSizes")
    fixed = _number(tree.get("fixedBlockSize"))
    if isinstance(sizes, list):
        sizes = [_number(one) for one in sizes[: _LEAVES_MOST + 1]]
    elif fixed:
        sizes = [fixed] * min(_LEAVES_MOST + 1, -(-(box.end - at) // fixed))
    else:
        sizes = [box.end - at]
    if len(sizes) > _LEAVES_MOST:
        msg = f"expected at most {_LEAVES_MOST} pieces"
        raise HashError(msg)
    for size in sizes:
        yield at, min(at + size, box.end)
        at += size
    if at < box.end:
        msg = "the pieces end before the box does"
        raise HashError(msg)


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
