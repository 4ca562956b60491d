"""The log's receipt that travels with a file as `NAME.EXT.receipt`: read and checked without the log or the network.

A file without one has simply not been given one: that is evidence of nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ..media.home import home
from .ledger import LedgerError, Receipt
from .note_keys import PUBLIC
from .notes import Checkpoint, NoteKey

Standing = Literal["holds", "unknown log", "does not hold"]

SUFFIX: Final = ".receipt"
_OTHERS: Final = ".tlog-proof"  # under which C2SP's own tools, and ours once, write the same
_LARGEST: Final = 192 * 1024  # an entry of 64 KiB as base64, 64 steps, and a note of 64 KiB
_LARGEST_KEY: Final = 1024
_MOST_KEYS: Final = 1000
_MAGIC: Final = b"c2sp.org/tlog-proof@"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReceipt:
    """What a receipt beside a file is worth: its log's name, the entry's number, the log's size, and why.

    `log` is empty, and the numbers are `None`, where the receipt does not tell them.
    """

    log: str
    index: int | None
    size: int | None
    state: Standing
    sentence: str


def receipt_place(path: Path) -> Path:
    """Return where the receipt of the file at `path` lies."""
    return path.with_name(path.name + SUFFIX)


def receipt_found(path: Path) -> Path:
    """Return where a receipt of the file at `path` lies: under our name or C2SP's, ours first and if there is none.

    A link, which nobody reads, hides none.
    """
    place = receipt_place(path)
    other = path.with_name(path.name + _OTHERS)
    return other if other.is_file() and (place.is_symlink() or not place.is_file()) else place


def is_receipt(path: Path) -> bool:
    """Tell whether a file is a receipt, by its name and how it begins: media under that name is none."""
    if not path.name.endswith((SUFFIX, _OTHERS)):
        return False
    return _bounded(path, len(_MAGIC) - 1).startswith(_MAGIC)


def known_logs(folder: Path | None = None) -> tuple[NoteKey, ...]:
    """Return the keys of the logs that the user knows: the own one's, and each `*.pub` in `logs/` below `folder`.

    `folder` is the user's own by default. A file that holds no log's key is passed over.
    """
    base = home() if folder is None else folder
    places = [base / "ledger" / PUBLIC, *sorted((base / "logs").glob("*.pub"))[:_MOST_KEYS]]
    found: dict[NoteKey, None] = {}
    for place in places:
        try:
            key = NoteKey.parse(_bounded(place, _LARGEST_KEY).decode("utf-8"))
        except (LedgerError, IndexError, UnicodeDecodeError):
            continue
        if not key.witness:
            found[key] = None
    return tuple(found)


def read_receipts(path: Path, *, sha256: str, logs: Sequence[NoteKey] | None = None) -> tuple[LogReceipt, ...]:
    """Return what the receipt beside the file at `path` is worth; empty if there is none.

    `sha256` is the file's, in hexadecimal digits. `logs` are the keys of the logs that are known: by default
    those of `known_logs`.
    """
    place = receipt_found(path)
    if place.is_symlink() or not place.is_file():
        return ()
    data = _bounded(place, _LARGEST)
    if not data or len(data) > _LARGEST:
        return (_refused(f"the receipt cannot be read, is empty, or has more than {_LARGEST} bytes"),)
    try:
        receipt = Receipt.parse(data.decode("utf-8"))
        head = Checkpoint.parse(receipt.checkpoint)
    except (LedgerError, UnicodeDecodeError) as error:
        return (_refused(f"it is no receipt: {error}"),)
    state, sentence = _judge(receipt, head, sha256, known_logs() if logs is None else tuple(logs))
    return (LogReceipt(log=head.origin, index=receipt.index, size=head.size, state=state, sentence=sentence),)


def _judge(receipt: Receipt, head: Checkpoint, sha256: str, logs: tuple[NoteKey, ...]) -> tuple[Standing, str]:
    # The manifest lies in the file, so the file's own hash speaks for the manifest's digest in the entry too
    if _told(receipt.entry) != sha256:
        return "does not hold", "its entry is about another file, or this one was changed after it was entered"
    known = [key for key in logs if key.name == head.origin]
    try:
        signed = [key for key in known if key.signed_by(receipt.checkpoint) is not None]
        named = [key for key in known if key.named_in(receipt.checkpoint)]
        if not signed and not named:
            return "unknown log", (
                f"none of the {len(logs)} logs that are known signed it: "
                "put this log's public key, from its owner, into the folder logs"
            )
        receipt.verify((signed or named)[0])
    except LedgerError as error:
        return "does not hold", str(error)
    return "holds", f"this very file is number {receipt.index} of the {head.size} entries of {head.origin}"


def _told(entry: bytes) -> str | None:
    """Return the SHA-256 that an entry tells, `None` if it tells none."""
    try:
        told = json.loads(entry)
    except (ValueError, RecursionError):
        return None
    value = told.get("sha256") if isinstance(told, dict) else None
    return value if isinstance(value, str) else None


def _refused(sentence: str) -> LogReceipt:
    return LogReceipt(log="", index=None, size=None, state="does not hold", sentence=sentence)


def _bounded(path: Path, most: int) -> bytes:
    """Return at most one byte more than `most` of a plain file, nothing if it cannot be read."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError:
        return b""
