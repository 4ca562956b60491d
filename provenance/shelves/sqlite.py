"""One SQLite file in WAL mode; any number of processes may read and write it.

Near neighbours are sought in an array of all hashes, which each process reads once and then only adds to: comparing
a million 64-bit hashes takes a few milliseconds, and unlike an index over parts of the hash it misses none.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...media.errors import InputError
from ..stored import active_manifest_label
from .interface import Row, signed, unsigned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VERSION = 2
_SCHEMA = """
CREATE TABLE manifests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id INTEGER NOT NULL UNIQUE,
    label TEXT NOT NULL,
    word INTEGER NOT NULL,
    kind TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    mime TEXT NOT NULL,
    title TEXT NOT NULL,
    time TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    manifest BLOB NOT NULL
) STRICT;
CREATE INDEX manifests_by_label ON manifests (label);
"""
_COLUMNS = "id, label, word, kind, sha256, mime, title, time, fingerprint, manifest"
_OLD = "id, word, kind, sha256, mime, title, time, fingerprint, manifest"  # version 1, without label
_WAIT = 30.0  # seconds for another process to end its writing


class SqliteShelf:
    """Rows in the SQLite file at `path`, which is made when first written to."""

    def __init__(self, path: Path) -> None:
        """Use the file at `path`."""
        self.path = path
        self.name = f"the store {path}"
        self._lock = threading.Lock()
        self._words: dict[str, tuple[NDArray[np.int64], NDArray[np.uint64]]] = {}
        self._seen = 0

    def put(self, row: Row) -> Row | None:
        """Keep `row`; see `Shelf`."""
        with self._open(write=True) as base:
            base.execute("BEGIN IMMEDIATE")
            old = self._one(base, "id = ?", signed(row.id))
            if old is None:
                base.execute(f"INSERT INTO manifests ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _values(row))  # noqa: S608 - names of our own
            base.execute("COMMIT")
            return old

    def by_id(self, number: int) -> Row | None:
        """Return the row of a mark's id."""
        return self._find("id = ?", signed(number))

    def by_label(self, label: str) -> Row | None:
        """Return the oldest row whose active manifest is called `label`."""
        return self._find("label = ? ORDER BY seq LIMIT 1", label)

    def near(self, kind: str, word: int, *, within: int, most: int) -> list[Row]:
        """Return the nearest rows; see `Shelf`."""
        import numpy as np

        if not self.path.exists():
            return []
        with self._open() as base:
            places, words = self._hashes(base, kind)
            apart = np.bitwise_count(words ^ np.uint64(word))
            order = np.argsort(apart, kind="stable")[:most]
            near = [int(places[at]) for at in order if apart[at] <= within]
            found = [self._one(base, "seq = ?", place) for place in near]
        return [row for row in found if row is not None]

    def count(self) -> int:
        """Return how many rows there are."""
        if not self.path.exists():
            return 0
        with self._open() as base:
            return int(base.execute("SELECT count(*) FROM manifests").fetchone()[0])

    def _find(self, condition: str, value: int | str) -> Row | None:
        if not self.path.exists():
            return None
        with self._open() as base:
            return self._one(base, condition, value)

    def _one(self, base: sqlite3.Connection, condition: str, value: int | str) -> Row | None:
        found = base.execute(f"SELECT {_COLUMNS} FROM manifests WHERE {condition}", (value,)).fetchone()  # noqa: S608 - names of our own
        return None if found is None else _row(found)

    def _hashes(self, base: sqlite3.Connection, kind: str) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Return places and hashes of all rows of `kind`, reading only those that are new since the last time."""
        import numpy as np

        with self._lock:
            last = int(base.execute("SELECT coalesce(max(seq), 0) FROM manifests").fetchone()[0])
            if last < self._seen:  # the file was put back to an older copy
                self._words, self._seen = {}, 0
            if last > self._seen:
                news = base.execute("SELECT kind, seq, word FROM manifests WHERE seq > ?", (self._seen,)).fetchall()
                for name in {one[0] for one in news}:
                    pairs = np.array([one[1:] for one in news if one[0] == name], np.int64)
                    old = self._words.get(name, (np.empty(0, np.int64), np.empty(0, np.uint64)))
                    added = (pairs[:, 0], np.ascontiguousarray(pairs[:, 1]).view(np.uint64))
                    self._words[name] = (np.concatenate([old[0], added[0]]), np.concatenate([old[1], added[1]]))
                self._seen = last
            return self._words.get(kind, (np.empty(0, np.int64), np.empty(0, np.uint64)))

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """Open a connection for one piece of work: it is never shared by threads and does not outlive a fork."""
        try:
            if write:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)) as base:
                base.execute("PRAGMA synchronous = FULL")
                self._prepare(base)
                yield base
        except (sqlite3.Error, OSError) as error:
            msg = f"{self.name} cannot be used: {error}"
            raise InputError(msg) from error

    def _prepare(self, base: sqlite3.Connection) -> None:
        version = _version(base)
        if version > _VERSION:
            msg = f"{self.name} was written by a newer version ({version}): upgrade assay"
            raise InputError(msg)
        if version < _VERSION:
            _write_ahead(base)
            base.execute("BEGIN IMMEDIATE")
            if (version := _version(base)) < _VERSION:  # another process may have been quicker
                _upgrade(base, version)
            base.execute("COMMIT")


def _write_ahead(base: sqlite3.Connection) -> None:
    """Turn the write-ahead log on. Raises `sqlite3.OperationalError` if others hold the file for too long.

    SQLite does not wait here as it does elsewhere: two processes that begin at once would see "database is locked".
    """
    until = time.monotonic() + _WAIT
    while True:
        try:
            base.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _version(base: sqlite3.Connection) -> int:
    return int(base.execute("PRAGMA user_version").fetchone()[0])


def _upgrade(base: sqlite3.Connection, version: int) -> None:
    """Make the tables, and take over what version 1 kept; in the transaction that is open."""
    if version == 1:
        base.execute("ALTER TABLE manifests RENAME TO manifests_1")
    for statement in filter(str.strip, _SCHEMA.split(";")):
        base.execute(statement)
    if version == 1:
        marks = ", ".join("?" * 10)
        for old in base.execute(f"SELECT {_OLD} FROM manifests_1 ORDER BY time"):  # noqa: S608 - names of our own
            base.execute(
                f"INSERT INTO manifests ({_COLUMNS}) VALUES ({marks})",  # noqa: S608 - names of our own
                (old[0], active_manifest_label(old[-1]), *old[1:]),
            )
        base.execute("DROP TABLE manifests_1")
    base.execute(f"PRAGMA user_version = {_VERSION}")


def _values(row: Row) -> tuple[Any, ...]:
    texts = (row.kind, row.sha256, row.mime, row.title, row.time)
    return (signed(row.id), row.label, signed(row.word), *texts, row.fingerprint, row.manifest)


def _row(found: Iterable[Any]) -> Row:
    number, label, word, kind, sha256, mime, title, time, sketch, manifest = found
    return Row(
        id=unsigned(number),
        label=label,
        word=unsigned(word),
        kind=kind,
        sha256=sha256,
        mime=mime,
        title=title,
        time=time,
        fingerprint=sketch,
        manifest=manifest,
    )
