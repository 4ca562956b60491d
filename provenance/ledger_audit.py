"""Goes through a whole log: every hash anew from the entries, every signed checkpoint against them; flat memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from .ledger_store import nodes
from .merkle import EMPTY, LedgerError, Nodes, leaf_hash, node_hash
from .notes import Checkpoint, NoteKey

_PAGE = 4096  # entries read at a time


def audit(base: sqlite3.Connection, key: NoteKey) -> int:
    """Return how many entries the log holds, all of them sound.

    Raises `LedgerError` naming the first entry that is lost or differs, or a checkpoint signed over another tree.
    """
    look_up = nodes(base)
    heads: dict[int, str] = dict(base.execute("SELECT size, note FROM checkpoints"))
    edge: dict[int, bytes] = {}
    count = 0
    _check_head(heads.pop(0, None), 0, edge, key)
    for count, entry in enumerate(_entries(base), 1):
        _grow(edge, count - 1, entry, look_up)
        _check_head(heads.pop(count, None), count, edge, key)
    if heads:
        msg = f"the log signed a checkpoint of {min(heads)} entries but has {count}: entries are lost"
        raise LedgerError(msg)
    return count


def _entries(base: sqlite3.Connection) -> Iterator[bytes]:
    number = 0
    query = "SELECT number, entry FROM entries WHERE number >= ? ORDER BY number LIMIT ?"
    while page := base.execute(query, (number, _PAGE)).fetchall():
        for found, entry in page:
            if found != number:
                msg = f"the log lacks entry number {number}: restore it from a copy"
                raise LedgerError(msg)
            number += 1
            yield entry


def _grow(edge: dict[int, bytes], number: int, entry: bytes, look_up: Nodes) -> None:
    """Add an entry to the right edge and compare every subtree that it completes with the one kept."""
    seen, level = leaf_hash(entry), 0
    while True:
        if look_up(level, number >> level) != seen:
            msg = f"the log's entry number {number} or the hash above it at level {level} was changed"
            raise LedgerError(msg)
        if not number >> level & 1:
            break
        seen = node_hash(edge.pop(level), seen)
        level += 1
    edge[level] = seen


def _check_head(note: str | None, size: int, edge: dict[int, bytes], key: NoteKey) -> None:
    if note is None:
        return
    head = Checkpoint.parse(note)
    if key.signed_by(note) is None or head.size != size:
        msg = f"the checkpoint kept for {size} entries is not this log's"
        raise LedgerError(msg)
    parts = [edge[level] for level in sorted(edge)]
    seen = parts[0] if parts else EMPTY
    for part in parts[1:]:
        seen = node_hash(part, seen)
    if seen != head.root:
        msg = f"the log's first {size} entries are not those that it signed: entries were changed"
        raise LedgerError(msg)
