"""Durable credentials: manifests kept by the id in the mark, so that a stripped copy finds its own again.

One SQLite file in WAL mode; any number of processes may read and write it. Whoever can read a symmetric mark can also
write one: an id leads to a manifest, and only that manifest's signature, its naming of this very mark, and the
likeness of the contents make it this file's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ..media.errors import InputError
from ..media.home import home
from .fingerprint import Fingerprint, fingerprint, hamming
from .resemblance import resemblance

__all__ = ["Entry", "Fingerprint", "Store", "fingerprint", "resemblance"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS manifests (
    id INTEGER PRIMARY KEY,
    word INTEGER NOT NULL,
    kind TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    mime TEXT NOT NULL,
    title TEXT NOT NULL,
    time TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    manifest BLOB NOT NULL
) STRICT
"""
_COLUMNS = "id, fingerprint, sha256, mime, title, time, manifest"
_VERSION = 1
_WAIT = 30.0  # seconds for another process to end its writing
_WORDS_APART = 22  # bits in which the hashes of resembling media may differ; unrelated ones differ in 32 on average
_LOOKED_AT = 200  # nearest hashes whose sketches are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A published file: `id` in its mark (64 bits), the manifest store's bytes, its fingerprint and what it was.

    `sha256` (hex) and `mime` are of the file as it was published, `time` when, with time zone.
    """

    id: int
    manifest: bytes = field(repr=False)
    mime: str
    sha256: str
    fingerprint: Fingerprint = field(repr=False)
    title: str = ""
    time: datetime

    def __post_init__(self) -> None:
        """Raise `ValueError` for an id of more than 64 bits, an empty manifest or a time without zone."""
        if not 0 <= self.id < 1 << 64 or not self.manifest or self.time.tzinfo is None:
            msg = f"an entry needs a 64-bit id, a manifest and a time with its zone, got {self.id}, {self.time}"
            raise ValueError(msg)


class Store:
    """The manifests that were published here, by id."""

    def __init__(self, path: Path | None = None) -> None:
        """Use the store at `path`, by default the user's own; it is made when first written to."""
        self.path = home() / "store.sqlite" if path is None else path

    def add(self, entry: Entry) -> None:
        """Keep `entry`; on return it is on disk. The same entry twice is kept once.

        Raises `InputError` if the id stands for another manifest, or the store cannot be written.
        """
        row = (
            _signed(entry.id),
            _signed(entry.fingerprint.word),
            entry.fingerprint.kind,
            entry.sha256,
            entry.mime,
            entry.title,
            entry.time.astimezone(UTC).isoformat(),
            entry.fingerprint.to_bytes(),
            entry.manifest,
        )
        with self._open(write=True) as base:
            base.execute("BEGIN IMMEDIATE")
            old = base.execute("SELECT sha256, manifest FROM manifests WHERE id = ?", row[:1]).fetchone()
            if old is not None and old != (entry.sha256, entry.manifest):
                msg = f"the id {entry.id:016x} stands for another manifest already: ids are given once"
                raise InputError(msg)
            if old is None:
                base.execute("INSERT INTO manifests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            base.execute("COMMIT")

    def find(self, payload: int) -> Entry | None:
        """Return the entry of the id `payload`, `None` if there is none. Raises `InputError` if the store is broken."""
        if not self.path.exists():
            return None
        with self._open() as base:
            row = base.execute(f"SELECT {_COLUMNS} FROM manifests WHERE id = ?", (_signed(payload),)).fetchone()  # noqa: S608 - names of our own
        return None if row is None else self._entry(row)

    def nearest(self, sought: Fingerprint, *, most: int = 5) -> list[tuple[float, Entry]]:
        """Return the `most` resembling entries, best first, with their likeness; for asking by content.

        Only hashes near `sought`'s are looked at, so heavily cropped copies are found by their mark alone.
        """
        if not self.path.exists():
            return []
        with self._open() as base:
            words = base.execute("SELECT id, word FROM manifests WHERE kind = ?", (sought.kind,))
            apart = sorted((hamming(word & (1 << 64) - 1, sought.word), key) for key, word in words)
            near = [key for distance, key in apart[:_LOOKED_AT] if distance <= _WORDS_APART]
            query = f"SELECT {_COLUMNS} FROM manifests WHERE id = ?"  # noqa: S608 - names of our own
            rows = [base.execute(query, (key,)).fetchone() for key in near]
        entries = [self._entry(row) for row in rows if row is not None]
        rated = [(resemblance(entry.fingerprint, sought), entry) for entry in entries]
        return sorted(rated, key=lambda pair: -pair[0])[:most]

    def __len__(self) -> int:
        """Return how many manifests are kept."""
        if not self.path.exists():
            return 0
        with self._open() as base:
            return int(base.execute("SELECT count(*) FROM manifests").fetchone()[0])

    @contextmanager
    def _open(self, *, write: bool = False) -> Iterator[sqlite3.Connection]:
        """Open a connection for one piece of work: it is never shared by threads and does not outlive a fork."""
        try:
            if write:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            base = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)
            try:
                base.execute("PRAGMA synchronous = FULL")
                self._prepare(base)
                yield base
            finally:
                base.close()
        except (sqlite3.Error, OSError) as error:
            msg = f"the store {self.path} cannot be used: {error}"
            raise InputError(msg) from error

    def _prepare(self, base: sqlite3.Connection) -> None:
        version = int(base.execute("PRAGMA user_version").fetchone()[0])
        if version > _VERSION:
            msg = f"the store {self.path} was written by a newer version ({version}): upgrade assay"
            raise InputError(msg)
        if version == 0:
            base.execute("PRAGMA journal_mode = WAL")
            base.execute(_SCHEMA)
            base.execute(f"PRAGMA user_version = {_VERSION}")

    def _entry(self, row: tuple[int, bytes, str, str, str, str, bytes]) -> Entry:
        key, sketch, sha256, mime, title, time, manifest = row
        try:
            return Entry(
                id=key & (1 << 64) - 1,
                fingerprint=Fingerprint.from_bytes(sketch),
                sha256=sha256,
                mime=mime,
                title=title,
                time=datetime.fromisoformat(time),
                manifest=manifest,
            )
        except ValueError as error:
            msg = f"the store {self.path} is damaged at id {key & (1 << 64) - 1:016x}: restore it from a copy"
            raise InputError(msg) from error


def _signed(number: int) -> int:
    """Return the 64-bit `number` as SQLite keeps integers, in two's complement."""
    return number if number < 1 << 63 else number - (1 << 64)
