"""Signed notes and checkpoints as C2SP writes them (signed-note, tlog-checkpoint, tlog-cosignature), with Ed25519.

A note is text that ends in a line feed, an empty line, and lines `— name base64(key id, signature)`. A checkpoint is a
note of three lines: the log's name, its size, its root. A log signs the text (key type 1), a witness the time and the
text (4).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .merkle import LedgerError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_LOG, _WITNESS = 1, 4
_NAME = re.compile(r"[!-*,-~]{1,200}")  # no space and no plus sign
_SIGNATURES = 64  # of one note
_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKey:
    """A public key that signs notes: `name`, raw Ed25519 `public` (32 bytes), and whether it is a `witness`'s."""

    name: str
    public: bytes
    witness: bool = False

    def __post_init__(self) -> None:
        """Raise `LedgerError` for a name with spaces or plus signs, or a key that has not 32 bytes."""
        if not _NAME.fullmatch(self.name) or len(self.public) != 32:
            msg = f"a note's key needs a name without spaces and + and 32 bytes, got {self.name!r}, {len(self.public)}"
            raise LedgerError(msg)

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._typed()).digest()[:4]

    def __str__(self) -> str:
        """Return the key as text: name, id and key, as C2SP's `vkey`."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self._typed()).decode()}"

    @classmethod
    def parse(cls, text: str) -> NoteKey:
        """Return the key that `str` wrote. Raises `LedgerError` for other text or an id that is not the key's."""
        try:
            name, identity, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
            key = cls(name=name, public=raw[1:], witness=raw[:1] == bytes((_WITNESS,)))
        except (ValueError, binascii.Error) as error:
            msg = f"expected a verifier key as name+id+key, got {text[:80]!r}"
            raise LedgerError(msg) from error
        if raw[0] not in (_LOG, _WITNESS) or key.id.hex() != identity:
            msg = f"the verifier key of {name} does not have the id {identity}: copy it anew from its owner"
            raise LedgerError(msg)
        return key

    def signed_by(self, note: str) -> int | None:
        """Return the time (seconds, Unix) of this key's signature on `note`, 0 for a log's; `None` if none holds."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        text, lines = split_note(note)
        for line in lines[:_SIGNATURES]:
            name, raw = _parse_line(line)
            if name != self.name or raw[:4] != self.id:
                continue
            signature = raw[4:]
            time = int.from_bytes(signature[:8], "big") if self.witness else 0
            message = _timed(text, time) if self.witness else text.encode()
            try:
                Ed25519PublicKey.from_public_bytes(self.public).verify(
                    signature[8:] if self.witness else signature, message
                )
            except (InvalidSignature, ValueError):
                continue
            return time
        return None

    def named_in(self, note: str) -> bool:
        """Tell whether a signature on `note` names this key, holding or not. Raises `LedgerError` for other text."""
        lines = split_note(note)[1][:_SIGNATURES]
        return any(name == self.name and raw[:4] == self.id for name, raw in map(_parse_line, lines))

    def _typed(self) -> bytes:
        return bytes((_WITNESS if self.witness else _LOG,)) + self.public


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSigner:
    """A private key that signs notes under `key`."""

    key: NoteKey
    private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, name: str, private: Ed25519PrivateKey, *, witness: bool = False) -> NoteSigner:
        """Return the signer of that name."""
        return cls(
            key=NoteKey(name=name, public=private.public_key().public_bytes_raw(), witness=witness), private=private
        )

    def sign(self, text: str, *, time: int = 0) -> str:
        """Return the signature line for `text`, which ends in a line feed; a witness signs the `time` (Unix s) too."""
        if self.key.witness:
            signature = time.to_bytes(8, "big") + self.private.sign(_timed(text, time))
        else:
            signature = self.private.sign(text.encode())
        return f"— {self.key.name} {base64.b64encode(self.key.id + signature).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says about itself: its `origin` (name), `size` in leaves and `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, note: str) -> Checkpoint:
        """Return the checkpoint in `note`, signed or not. Raises `LedgerError` if it is none."""
        text = split_note(note)[0] if "\n\n" in note else note
        try:
            origin, size, encoded, *_ = text.split("\n")
            value = base64.b64decode(encoded, validate=True)
            count = int(size)
        except (ValueError, binascii.Error) as error:
            msg = f"expected a checkpoint of three lines: name, size, root; got {text[:80]!r}"
            raise LedgerError(msg) from error
        if not origin or count < 0 or str(count) != size or len(value) != 32:
            msg = f"expected a log's name, a plain size and a root of 32 bytes, got {text[:80]!r}"
            raise LedgerError(msg)
        return cls(origin=origin, size=count, root=value)


def split_note(note: str) -> tuple[str, list[str]]:
    """Return the signed text (with its last line feed) and the signature lines. Raises `LedgerError` for others."""
    text, gap, tail = note.rpartition("\n\n")
    if not gap or not text or not tail.endswith("\n") or len(note) > _LARGEST:
        msg = "expected a signed note: text, an empty line, signatures"
        raise LedgerError(msg)
    return text + "\n", tail.splitlines()


def _parse_line(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if dash != "—" or not name or len(raw) < 5:
        msg = f"expected a signature line of a note, got {line[:80]!r}"
        raise LedgerError(msg)
    return name, raw


def _timed(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
