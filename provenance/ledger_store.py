"""The log's SQLite file: entries, the hashes of whole subtrees, signed checkpoints. One transaction a batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .merkle import LedgerError, Nodes, leaf_hash, node_hash

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT",
    # key: level << 48 | index; a tree of n leaves has fewer than 2 n whole subtrees
    "CREATE TABLE IF NOT EXISTS nodes (key INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS checkpoints (size INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT",
)
_VERSION = 1
_WAIT = 60.0  # seconds for another process to end its writing
_LEVEL = 48


class LedgerStore:
    """Entries and hashes on disk; a connection lives for one piece of work, so threads and processes may share it."""

    def __init__(self, path: Path) -> None:
        """Use the file at `path`; it is made when first opened."""
        self.path = path

    @contextmanager
    def open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """Open a connection; with `write`, one transaction that is on disk when this ends without an error."""
        base = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            base = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
            base.execute("PRAGMA synchronous = FULL")
            self._prepare(base)
            base.execute("BEGIN IMMEDIATE" if write else "BEGIN")  # reads see one state of the log too
            yield base
            base.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            msg = f"the log {self.path} cannot be used: {error}"
            raise LedgerError(msg) from error
        finally:
            if base is not None:
                base.close()  # rolls back what was not committed

    def _prepare(self, base: sqlite3.Connection) -> None:
        version = int(base.execute("PRAGMA user_version").fetchone()[0])
        if version > _VERSION:
            msg = f"the log {self.path} was written by a newer version ({version}): upgrade assay"
            raise LedgerError(msg)
        if version == 0:
            base.execute("PRAGMA journal_mode = WAL")
            for statement in _SCHEMA:
                base.execute(statement)
            base.execute(f"PRAGMA user_version = {_VERSION}")


def size(base: sqlite3.Connection) -> int:
    """Return how many entries there are."""
    last = base.execute("SELECT max(number) FROM entries").fetchone()[0]
    return 0 if last is None else int(last) + 1


def nodes(base: sqlite3.Connection) -> Nodes:
    """Return the lookup of whole subtrees. It raises `LedgerError` where the file lacks one."""

    def look_up(level: int, index: int) -> bytes:
        row = base.execute("SELECT hash FROM nodes WHERE key = ?", (level << _LEVEL | index,)).fetchone()
        if row is None or len(row[0]) != 32:
            msg = f"the log lacks the hash of subtree {index} at level {level}: it is damaged, restore it from a copy"
            raise LedgerError(msg)
        return bytes(row[0])

    return look_up


def append(base: sqlite3.Connection, entries: Sequence[bytes]) -> int:
    """Add `entries` and every subtree that they complete; return the number of the first."""
    first = size(base)
    look_up = nodes(base)
    edge = {level: look_up(level, (first >> level) - 1) for level in range(first.bit_length()) if first >> level & 1}
    rows: list[tuple[int, bytes]] = []
    for number, entry in enumerate(entries, first):
        seen, level = leaf_hash(entry), 0
        rows.append((number, seen))
        while number >> level & 1:
            seen = node_hash(edge.pop(level), seen)
            level += 1
            rows.append((level << _LEVEL | number >> level, seen))
        edge[level] = seen
    base.executemany("INSERT INTO entries VALUES (?, ?)", enumerate(entries, first))
    base.executemany("INSERT INTO nodes VALUES (?, ?)", rows)
    return first
