"""Durable credentials: manifests kept by the id in the mark, so that a stripped copy finds its own again.

A store is a SQLite file, or a PostgreSQL database by its address (`shelves`). Whoever can read a symmetric mark can
also write one: an id leads to a manifest, and only that manifest's signature, its naming of this very mark, and the
likeness of the contents make it this file's.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ..media.errors import InputError
from ..media.fingerprint import Fingerprint, fingerprint
from ..media.home import home
from ..media.resemblance import resemblance
from .shelves import Row, Shelf, open_shelf
from .stored import active_manifest_label

__all__ = ["Entry", "Fingerprint", "Store", "fingerprint", "resemblance"]

_WORDS_APART = 22  # bits in which the hashes of resembling media may differ; unrelated ones differ in 32 on average
_LOOKED_AT = 60  # nearest hashes whose sketches are compared, some milliseconds each
_SECONDS = 10.0  # after which no further one is compared: two sketches of hours of sound take longer than that alone
_ENOUGH = 0.97  # likeness from which on no more are compared once `most` were found


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

    @property
    def label(self) -> str:
        """The active manifest's own name (`urn:c2pa:...`), empty if the manifest is none that can be read."""
        return active_manifest_label(self.manifest)


class Store:
    """The manifests that were published here, by id."""

    def __init__(self, where: Path | str | None = None) -> None:
        """Use the store at a path or address; else at `ASSAY_STORE`, else the user's own. A file is made when needed.

        Raises `InputError` for an address of an unknown kind.
        """
        self._shelf: Shelf = open_shelf(where or os.environ.get("ASSAY_STORE") or home() / "store.sqlite")

    @property
    def name(self) -> str:
        """What the store is called in messages, without a password."""
        return self._shelf.name

    @property
    def path(self) -> Path:
        """Where the store's file lies. Raises `InputError` for a store that is no file."""
        found = getattr(self._shelf, "path", None)
        if not isinstance(found, Path):
            msg = f"{self.name} is no file"
            raise InputError(msg)
        return found

    def add(self, entry: Entry) -> None:
        """Keep `entry`; on return it is on disk. The same entry twice is kept once.

        Raises `InputError` if the id stands for another manifest, or the store cannot be written.
        """
        row = Row(
            id=entry.id,
            label=entry.label,
            word=entry.fingerprint.word,
            kind=entry.fingerprint.kind,
            sha256=entry.sha256,
            mime=entry.mime,
            title=entry.title,
            time=entry.time.astimezone(UTC).isoformat(),
            fingerprint=entry.fingerprint.to_bytes(),
            manifest=entry.manifest,
        )
        old = self._shelf.put(row)
        if old is not None and (old.sha256, old.manifest) != (entry.sha256, entry.manifest):
            msg = f"the id {entry.id:016x} stands for another manifest already: ids are given once"
            raise InputError(msg)

    def find(self, payload: int) -> Entry | None:
        """Return the entry of the id `payload`, `None` if there is none. Raises `InputError` if the store is broken."""
        row = self._shelf.by_id(payload)
        return None if row is None else self._entry(row)

    def named(self, label: str) -> Entry | None:
        """Return the entry whose active manifest is called `label`, `None` if there is none."""
        row = self._shelf.by_label(label) if label else None
        return None if row is None else self._entry(row)

    def nearest(self, sought: Fingerprint, *, most: int = 5) -> list[tuple[float, Entry]]:
        """Return the `most` resembling entries, best first, with their likeness; for asking by content.

        Only hashes near `sought`'s are looked at, nearest first, for ten seconds: heavily cropped copies are found by
        their mark alone.
        """
        rows = self._shelf.near(sought.kind, sought.word, within=_WORDS_APART, most=_LOOKED_AT)
        rated: list[tuple[float, Entry]] = []
        until = time.monotonic() + _SECONDS
        for row in rows:
            entry = self._entry(row)
            rated.append((resemblance(entry.fingerprint, sought), entry))
            enough = sum(likeness >= _ENOUGH for likeness, _ in rated) >= most
            if enough or time.monotonic() > until:
                break
        return sorted(rated, key=lambda pair: -pair[0])[:most]

    def __len__(self) -> int:
        """Return how many manifests are kept."""
        return self._shelf.count()

    def _entry(self, row: Row) -> Entry:
        try:
            return Entry(
                id=row.id,
                fingerprint=Fingerprint.from_bytes(row.fingerprint),
                sha256=row.sha256,
                mime=row.mime,
                title=row.title,
                time=datetime.fromisoformat(row.time),
                manifest=row.manifest,
            )
        except ValueError as error:
            msg = f"{self.name} is damaged at id {row.id:016x}: restore it from a copy"
            raise InputError(msg) from error
