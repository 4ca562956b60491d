"""The public log: append-only, provable, signed; one SQLite file and one key.

Hashing and proofs are RFC 6962's, checkpoints are C2SP's signed notes, so tools of others can check them. The log
cannot hide or change an entry whose receipt somebody holds without signing two histories that contradict each other;
a witness (`witness`) refuses to co-sign the second.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..media.home import home
from . import ledger_store as store
from .ledger_audit import audit
from .merkle import LedgerError, consistency_proof, holds_inclusion, inclusion_proof, leaf_hash, root
from .note_keys import ensure_signer
from .notes import Checkpoint, NoteKey, NoteSigner

__all__ = ["Ledger", "LedgerError", "Receipt", "ensure_ledger"]

_LARGEST_ENTRY = 64 * 1024
_MAGIC = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that `entry` is number `index` of the log: the audit path and a signed checkpoint.

    It holds all that a check needs but the log's public key, which must come from elsewhere.
    """

    index: int
    entry: bytes
    proof: tuple[bytes, ...] = field(repr=False)
    checkpoint: str = field(repr=False)

    def verify(self, key: NoteKey, *, witnesses: Sequence[NoteKey] = ()) -> Checkpoint:
        """Return the checkpoint that vouches for the entry; each of `witnesses` must have co-signed it.

        Raises `LedgerError` if a signature or the proof does not hold.
        """
        for one in (key, *witnesses):
            if one.signed_by(self.checkpoint) is None:
                msg = f"the checkpoint is not signed by {one.name}: take its key from its owner and try again"
                raise LedgerError(msg)
        head = Checkpoint.parse(self.checkpoint)
        if head.origin != key.name:
            msg = f"the checkpoint is of the log {head.origin!r}, the key is of {key.name!r}"
            raise LedgerError(msg)
        if not holds_inclusion(leaf_hash(self.entry), self.index, head.size, self.proof, head.root):
            msg = f"the proof does not show that the entry is number {self.index} of the log's {head.size}"
            raise LedgerError(msg)
        return head

    def to_text(self) -> str:
        """Return the receipt as C2SP's tlog-proof, the entry in its `extra` line."""
        lines = [_MAGIC, f"extra {_encode(self.entry)}", f"index {self.index}", *map(_encode, self.proof), ""]
        return "\n".join(lines) + "\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> Receipt:
        """Return the receipt that `to_text` wrote. Raises `LedgerError` for other text."""
        head, gap, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        fits = gap and lines[0] == _MAGIC and len(lines) >= 3 and lines[1].startswith("extra ")
        if not fits or not lines[2].startswith("index "):
            msg = f"expected a receipt that starts with {_MAGIC}, got {text[:60]!r}"
            raise LedgerError(msg)
        try:
            entry, index = base64.b64decode(lines[1][6:], validate=True), int(lines[2][6:])
            proof = tuple(base64.b64decode(line, validate=True) for line in lines[3:])
        except (ValueError, binascii.Error) as error:
            msg = f"the receipt is damaged: {error}"
            raise LedgerError(msg) from error
        return cls(index=index, entry=entry, proof=proof, checkpoint=checkpoint)

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as plain JSON values, for a report."""
        return {
            "index": self.index,
            "entry": _encode(self.entry),
            "proof": [_encode(step) for step in self.proof],
            "checkpoint": self.checkpoint,
        }


class Ledger:
    """A log in the file at `path`, signed by `signer`, whose name is the log's."""

    def __init__(self, path: Path, signer: NoteSigner) -> None:
        """Use the log at `path`; it is made when first used."""
        self._store = store.LedgerStore(path)
        self._signer = signer

    @property
    def path(self) -> Path:
        """Where the log lies."""
        return self._store.path

    @property
    def key(self) -> NoteKey:
        """The public key that checks receipts and checkpoints."""
        return self._signer.key

    def __len__(self) -> int:
        """Return how many entries the log has."""
        with self._store.open() as base:
            return store.size(base)

    def append(self, entries: Sequence[bytes]) -> range:
        """Add `entries` (each 1 byte to 64 KiB) and return their numbers; on return they are on disk, all or none."""
        for entry in entries:
            if not 0 < len(entry) <= _LARGEST_ENTRY:
                msg = f"an entry of the log has 1 to {_LARGEST_ENTRY} bytes, got {len(entry)}"
                raise LedgerError(msg)
        with self._store.open(write=True) as base:
            first = store.append(base, entries)
        return range(first, first + len(entries))

    def add(self, entry: bytes) -> Receipt:
        """Add one entry and return its receipt."""
        return self.receipt(self.append([entry])[0])

    def entry(self, index: int) -> bytes:
        """Return entry number `index`. Raises `LedgerError` if there is none."""
        with self._store.open() as base:
            row = base.execute("SELECT entry FROM entries WHERE number = ?", (index,)).fetchone()
        if row is None:
            msg = f"the log has no entry number {index}"
            raise LedgerError(msg)
        return bytes(row[0])

    def receipt(self, index: int) -> Receipt:
        """Return the proof for entry `index` under a checkpoint of the whole log as it is now."""
        note = self.checkpoint()
        size = Checkpoint.parse(note).size
        return Receipt(index=index, entry=self.entry(index), proof=self.inclusion(index, size), checkpoint=note)

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the audit path of entry `index` in the tree of the first `size` entries (all by default)."""
        with self._store.open() as base:
            known = store.size(base)
            return inclusion_proof(index, self._within(known if size is None else size, known), store.nodes(base))

    def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that the first `new` entries (all by default) begin with the first `old`."""
        with self._store.open() as base:
            known = store.size(base)
            return consistency_proof(old, self._within(known if new is None else new, known), store.nodes(base))

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first `size` entries, all by default."""
        with self._store.open() as base:
            known = store.size(base)
            return root(self._within(known if size is None else size, known), store.nodes(base))

    def checkpoint(self) -> str:
        """Return the signed note of the log as it is now; it is kept, so that a later audit can hold the log to it."""
        with self._store.open(write=True) as base:
            size = store.size(base)
            signed = base.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
            head = Checkpoint(origin=self.key.name, size=size, root=root(size, store.nodes(base)))
            last = None if signed is None else Checkpoint.parse(signed[0])
            if last is not None and (last.size > size or (last.size == size and last != head)):
                msg = f"the log signed a checkpoint of {last.size} entries that differs from what it holds: restore it"
                raise LedgerError(msg)
            if last == head:
                return str(signed[0])
            note = head.text() + "\n" + self._signer.sign(head.text())
            base.execute("INSERT INTO checkpoints VALUES (?, ?)", (size, note))
        return note

    def audit(self) -> int:
        """Compute every hash anew from the entries and return how many there are.

        Raises `LedgerError` naming the first subtree that differs, or a checkpoint that was signed over another tree.
        """
        with self._store.open() as base:
            return audit(base, self.key)

    @staticmethod
    def _within(size: int, known: int) -> int:
        if not 0 <= size <= known:
            msg = f"the log has {known} entries, asked was for a tree of {size}"
            raise LedgerError(msg)
        return size


def ensure_ledger(folder: Path | None = None, *, name: str = "assay.local/log") -> Ledger:
    """Return the log in `folder` (the user's own by default), made with a new key where there is none.

    The key lies in `key.pem` (mode 0600) beside `log.sqlite`; `key.pub` holds the verifier key to give away.
    """
    folder = home() / "ledger" if folder is None else folder
    file = folder / "log.sqlite"
    # A log without its key is damaged: a new key would sign another history
    return Ledger(file, ensure_signer(folder, name=name, never_new=file))


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
