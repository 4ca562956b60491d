"""The key with which a log or a witness signs its notes: made once, kept private beside its public line."""

from __future__ import annotations

from pathlib import Path

from .atomic import settle, temporary
from .merkle import LedgerError
from .notes import NoteKey, NoteSigner

SECRET, PUBLIC = "key.pem", "key.pub"


def ensure_signer(folder: Path, *, name: str, witness: bool = False, never_new: Path | None = None) -> NoteSigner:
    """Return the signer kept in `folder`, made there under `name` if there is none and `never_new` does not exist.

    The key lies in `key.pem` (mode 0600), `key.pub` beside it holds the verifier key to give away. Raises
    `LedgerError` if they cannot be used.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret, public = folder / SECRET, folder / PUBLIC
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not secret.exists() and not (never_new is not None and never_new.exists()):
            fresh = Ed25519PrivateKey.generate()
            pem = fresh.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            _write(public, str(NoteSigner.of(name, fresh, witness=witness).key).encode() + b"\n")
            _write(secret, pem, secret=True)
        private = serialization.load_pem_private_key(secret.read_bytes(), None)
        told = NoteKey.parse(public.read_text())
    except (OSError, ValueError) as error:
        msg = f"the key in {folder} cannot be used: {error}"
        raise LedgerError(msg) from error
    if not isinstance(private, Ed25519PrivateKey) or told.public != private.public_key().public_bytes_raw():
        msg = f"{secret} is not the Ed25519 key that {public.name} names"
        raise LedgerError(msg)
    if told.witness is not witness:
        msg = f"the key in {folder} is a {'witness' if told.witness else 'log'}'s, not what was asked for"
        raise LedgerError(msg)
    return NoteSigner.of(told.name, private, witness=witness)


def _write(path: Path, data: bytes, *, secret: bool = False) -> None:
    with temporary(path, secret=secret) as file:
        file.write(data)
        settle(file, path)
