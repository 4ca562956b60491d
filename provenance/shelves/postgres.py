"""A table in PostgreSQL (14 or newer), for a house with several machines; the database counts differing bits itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...media.errors import InputError, MissingExtra
from .interface import Row, signed, unsigned

if TYPE_CHECKING:
    import psycopg

_VERSION = 1
_LOCK = 0x61737361  # of the advisory lock under which tables are made
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS assay_schema (version integer NOT NULL)",
    """
    CREATE TABLE IF NOT EXISTS assay_manifests (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id bigint NOT NULL UNIQUE,
        label text NOT NULL,
        word bigint NOT NULL,
        kind text NOT NULL,
        sha256 text NOT NULL,
        mime text NOT NULL,
        title text NOT NULL,
        time text NOT NULL,
        fingerprint bytea NOT NULL,
        manifest bytea NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS assay_manifests_by_label ON assay_manifests (label)",
)
_COLUMNS = "id, label, word, kind, sha256, mime, title, time, fingerprint, manifest"
_SELECT = f"SELECT {_COLUMNS} FROM assay_manifests"  # noqa: S608 - names of our own
_PUT = f"INSERT INTO assay_manifests ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING"  # noqa: S608, E501 - names of our own
_APART = "bit_count((word # %s)::bit(64))"
_NEAR = f"{_SELECT} WHERE kind = %s AND {_APART} <= %s ORDER BY {_APART}, seq LIMIT %s"
_SECONDS = 10  # to connect


class PostgresShelf:
    """Rows in the database at `address` (postgresql://user@host/database); tables are made when first used."""

    def __init__(self, address: str) -> None:
        """Use the database at `address`; a password is better kept in `~/.pgpass` than in it."""
        parts = urlsplit(address)
        self._address = address
        self.name = f"the store postgresql://{parts.hostname or ''}{parts.path}"
        self._ready = False

    def put(self, row: Row) -> Row | None:
        """Keep `row`; see `Shelf`."""
        with self._base() as base:
            if base.execute(_PUT, _values(row)).rowcount:
                return None
            return _one(base, "id = %s", signed(row.id))

    def by_id(self, number: int) -> Row | None:
        """Return the row of a mark's id."""
        with self._base() as base:
            return _one(base, "id = %s", signed(number))

    def by_label(self, label: str) -> Row | None:
        """Return the oldest row whose active manifest is called `label`."""
        with self._base() as base:
            return _one(base, "label = %s ORDER BY seq LIMIT 1", label.replace("\0", ""))

    def near(self, kind: str, word: int, *, within: int, most: int) -> list[Row]:
        """Return the nearest rows; see `Shelf`."""
        number = signed(word)
        with self._base() as base:
            return [_row(found) for found in base.execute(_NEAR, (kind, number, within, number, most))]

    def count(self) -> int:
        """Return how many rows there are."""
        with self._base() as base:
            found = base.execute("SELECT count(*) FROM assay_manifests").fetchone()
            return 0 if found is None else int(found[0])

    @contextmanager
    def _base(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """Open a connection for one piece of work: it is never shared by threads and does not outlive a fork."""
        try:
            import psycopg
        except ImportError as error:
            feature = "a store in PostgreSQL"
            raise MissingExtra(feature, "store") from error
        try:
            with psycopg.connect(self._address, autocommit=True, connect_timeout=_SECONDS) as base:
                self._prepare(base)
                yield base
        except psycopg.Error as error:
            told = str(error).splitlines()[0] if str(error) else type(error).__name__
            msg = f"{self.name} cannot be used: {told}"
            raise InputError(msg) from error

    def _prepare(self, base: psycopg.Connection[tuple[Any, ...]]) -> None:
        """Make the tables where there are none. Raises `InputError` for those of a newer version."""
        if self._ready:
            return
        known = base.execute("SELECT to_regclass('assay_schema')").fetchone()
        if known is None or known[0] is None:
            with base.transaction():
                base.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                for statement in _SCHEMA:
                    base.execute(statement)
                base.execute(
                    "INSERT INTO assay_schema SELECT %s WHERE NOT EXISTS (SELECT 1 FROM assay_schema)", (_VERSION,)
                )
        found = base.execute("SELECT max(version) FROM assay_schema").fetchone()
        version = 0 if found is None or found[0] is None else int(found[0])
        if version > _VERSION:
            msg = f"{self.name} was written by a newer version ({version}): upgrade assay"
            raise InputError(msg)
        self._ready = True


def _one(base: psycopg.Connection[tuple[Any, ...]], condition: str, value: int | str) -> Row | None:
    found = base.execute(f"{_SELECT} WHERE {condition}", (value,)).fetchone()
    return None if found is None else _row(found)


def _values(row: Row) -> tuple[Any, ...]:
    texts = (row.kind, row.sha256, row.mime, row.title.replace("\0", ""), row.time)
    return (signed(row.id), row.label.replace("\0", ""), signed(row.word), *texts, row.fingerprint, row.manifest)


def _row(found: tuple[Any, ...]) -> Row:
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
        fingerprint=bytes(sketch),
        manifest=bytes(manifest),
    )
