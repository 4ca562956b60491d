"""A witness: another's machine that co-signs a log's checkpoint only if the log grew without changing its past."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ..media.home import home
from .ledger_store import LedgerStore
from .merkle import EMPTY, LedgerError, holds_consistency
from .note_keys import ensure_signer
from .notes import Checkpoint, NoteKey, NoteSigner, split_note

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS witnessed (log TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL) STRICT"
)


class Witness:
    """Remembers the last checkpoint of each log that it co-signed, and refuses what contradicts it."""

    def __init__(self, path: Path, signer: NoteSigner) -> None:
        """Use the memory in the file at `path`. Raises `LedgerError` if `signer` is not a witness's."""
        if not signer.key.witness:
            msg = f"the key {signer.key.name} signs logs, a witness needs one of its own kind"
            raise LedgerError(msg)
        self._memory = LedgerStore(path)
        self._signer = signer

    @property
    def key(self) -> NoteKey:
        """The public key that checks its co-signatures."""
        return self._signer.key

    def size(self, log: NoteKey) -> int:
        """Return the size of the last checkpoint of `log` that was co-signed, 0 for none."""
        return self._last(log)[0]

    def cosign(self, note: str, proof: Sequence[bytes], *, log: NoteKey, now: datetime) -> str:
        """Return `note` (a checkpoint signed by `log`) with this witness's signature and time added.

        `proof` is the log's consistency proof from `size(log)` to the note's size. What was co-signed is on disk before
        it is given out. Raises `LedgerError` if the log's signature or the proof does not hold, or the log shrank.
        """
        if log.signed_by(note) is None:
            msg = f"the checkpoint is not signed by {log.name}"
            raise LedgerError(msg)
        head = Checkpoint.parse(note)
        if head.origin != log.name:
            msg = f"the checkpoint is of the log {head.origin!r}, the key of {log.name!r}"
            raise LedgerError(msg)
        with self._memory.open(write=True) as base:
            size, tree = self._read(base, log)
            if head.size < size:
                msg = f"the log had {size} entries and now claims {head.size}: it took entries back"
                raise LedgerError(msg)
            if not holds_consistency((size, head.size), (tree, head.root), proof):
                msg = (
                    f"the log's {head.size} entries do not begin with the {size} that were co-signed: its past changed"
                )
                raise LedgerError(msg)
            base.execute("INSERT OR REPLACE INTO witnessed VALUES (?, ?, ?)", (str(log), head.size, head.root))
        text, _ = split_note(note)
        return note + self._signer.sign(text, time=int(now.timestamp()))

    def _last(self, log: NoteKey) -> tuple[int, bytes]:
        with self._memory.open(write=True) as base:
            return self._read(base, log)

    @staticmethod
    def _read(base: sqlite3.Connection, log: NoteKey) -> tuple[int, bytes]:
        base.execute(_SCHEMA)
        row = base.execute("SELECT size, root FROM witnessed WHERE log = ?", (str(log),)).fetchone()
        return (0, EMPTY) if row is None else (int(row[0]), bytes(row[1]))


def ensure_witness(folder: Path | None = None, *, name: str = "assay.local/witness") -> Witness:
    """Return the witness kept in `folder` (the user's own by default), made with a new key where there is none."""
    folder = home() / "witness" if folder is None else folder
    file = folder / "seen.sqlite"
    # A witness that lost its key must not begin anew beside what it remembers
    return Witness(file, ensure_signer(folder, name=name, witness=True, never_new=file))
