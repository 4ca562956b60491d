"""Merkle trees as RFC 6962 and RFC 9162 (2.1) define them: hashes, inclusion and consistency proofs, their checks.

Making a proof needs the roots of whole subtrees only: `Nodes` gives the hash over leaves `index * 2**level` to
`(index + 1) * 2**level`. Checking needs nothing but the proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from ..media.errors import AssayError

Nodes = Callable[[int, int], bytes]
"""(level, index) -> hash of that whole subtree."""

EMPTY = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""
_LONGEST_PROOF = 64


class LedgerError(AssayError):
    """The public log is damaged, refuses what it was given, or a proof does not hold."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root(size: int, nodes: Nodes) -> bytes:
    """Return the root over the first `size` leaves."""
    return _over(0, size, nodes) if size else EMPTY


def inclusion_proof(index: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """Return the audit path of leaf `index` in the tree of `size` leaves, deepest first (RFC 6962, 2.1.1)."""
    if not 0 <= index < size:
        msg = f"a proof of inclusion needs 0 <= index < size, got {index} and {size}"
        raise LedgerError(msg)
    start, end = 0, size
    path = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_over(middle, end, nodes))
            end = middle
        else:
            path.append(_over(start, middle, nodes))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, nodes: Nodes) -> tuple[bytes, ...]:
    """Return the proof that the tree of `new` leaves begins with that of `old` (RFC 6962, 2.1.2); empty if trivial."""
    if not 0 <= old <= new:
        msg = f"a proof of consistency needs 0 <= old <= new, got {old} and {new}"
        raise LedgerError(msg)
    if old in (0, new):
        return ()
    start, end, path, whole = 0, new, [], True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_over(middle, end, nodes))
            end = middle
        else:
            path.append(_over(start, middle, nodes))
            start, whole = middle, False
    if not whole:
        path.append(_over(start, end, nodes))
    return tuple(reversed(path))


def holds_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], tree: bytes) -> bool:
    """Return whether `proof` shows that the leaf hash `leaf` is number `index` of the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(proof) > _LONGEST_PROOF:
        return False
    first, last, seen = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if first & 1 or first == last:
            seen = node_hash(step, seen)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            seen = node_hash(seen, step)
        first, last = first >> 1, last >> 1
    return last == 0 and seen == tree


def holds_consistency(sizes: tuple[int, int], roots: tuple[bytes, bytes], proof: Sequence[bytes]) -> bool:
    """Return whether `proof` shows that the second tree only grew from the first (RFC 9162, 2.1.4.2)."""
    old, new = sizes
    if not 0 <= old <= new or len(proof) > _LONGEST_PROOF:
        return False
    if old == new:
        return not proof and roots[0] == roots[1]
    if old == 0:
        return not proof and roots[0] == EMPTY
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, roots[0])
    if not path:
        return False
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    seen_old = seen_new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            seen_old, seen_new = node_hash(step, seen_old), node_hash(step, seen_new)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            seen_new = node_hash(seen_new, step)
        first, last = first >> 1, last >> 1
    return last == 0 and (seen_old, seen_new) == roots


def _split(count: int) -> int:
    """Return the largest power of two below `count`, which is 2 or more."""
    return 1 << (count - 1).bit_length() - 1


def _over(start: int, end: int, nodes: Nodes) -> bytes:
    """Return the hash over the leaves `start` to `end`; `start` is a multiple of the subtrees it needs."""
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(nodes(level, start >> level))
        start += 1 << level
    seen = parts.pop()
    while parts:
        seen = node_hash(parts.pop(), seen)
    return seen
