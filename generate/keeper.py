"""The keeper of a book of consents: its key, its lock, and the chain of revocations that only grows.

The folder holds `keeper.key` (raw Ed25519, mode 0600) and `revocations.jsonl`: canonical JSON lines, each signed and
each holding the SHA-256 of all that stands before it. The chain is begun together with the key, so a book that lost it
refuses. What this cannot see is a whole chain put back to an older state by somebody who may write in the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rfc8785

from .seal import ConsentError, Refusal, is_signed, public_hex, read_object, read_time, write_time

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_FORMAT = "assay-revocation/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """One line of the chain: the id of the consent taken back (empty in the first line), why and when."""

    consent: str
    reason: str
    revoked: datetime


class Keeper:
    """Who signs in `folder`."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is read or created."""
        self.folder = folder
        self._key = folder / "keeper.key"
        self._log = folder / "revocations.jsonl"

    def key(self) -> Ed25519PrivateKey:
        """Return the keeper's key. Raises `ConsentError` if there is none, it is damaged, or others can read it."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        try:
            mode, raw = self._key.stat().st_mode, self._key.read_bytes()
            if mode & 0o077:
                msg = f"{self._key} can be read by others: run chmod 600 on it"
                raise ConsentError(msg, Refusal.UNREADABLE)
            return Ed25519PrivateKey.from_private_bytes(raw)
        except FileNotFoundError as error:
            msg = f"there is no book of consents in {self.folder}: grant a consent first"
            raise ConsentError(msg, Refusal.MISSING) from error
        except (OSError, ValueError) as error:
            msg = f"expected the keeper's key in {self._key}: restore it from your copy"
            raise ConsentError(msg, Refusal.UNREADABLE) from error

    def begin(self, now: datetime) -> Ed25519PrivateKey:
        """Return the key, made anew together with an empty chain in a folder that holds no receipt yet."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if self._key.exists() or any(self.folder.glob("*.json")):
            return self.key()
        keeper = Ed25519PrivateKey.generate()
        first = Revocation(consent="", reason="the book was begun", revoked=now)
        self.write(self._log, _line(first, b"", keeper))
        self.write(self._key, keeper.private_bytes_raw())
        return keeper

    def revoke(self, revocation: Revocation) -> None:
        """Add `revocation` to the chain. Raises `ConsentError` if the chain is missing or broken."""
        with self.locked():
            keeper, chain = self.key(), self._read()
            self._check(chain, public_hex(keeper))
            self.write(self._log, chain + _line(revocation, chain, keeper))

    def revocations(self) -> tuple[Revocation, ...]:
        """Return every revocation, oldest first. Raises `ConsentError` if the chain is missing or broken."""
        issuer = public_hex(self.key())
        return self._check(self._read(), issuer)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, made if need be, against other processes that write in it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def write(self, path: Path, data: bytes) -> None:
        """Put `data` at `path` (mode 0600), whole or not at all."""
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)

    def _read(self) -> bytes:
        try:
            return self._log.read_bytes()
        except OSError as error:
            msg = f"the record of revocations {self._log} cannot be read, so no consent can be trusted: restore it"
            raise ConsentError(msg, Refusal.UNREADABLE) from error

    def _check(self, chain: bytes, issuer: str) -> tuple[Revocation, ...]:
        before, found = b"", []
        for line in chain.splitlines(keepends=True):
            found.append(_parse(line, before, issuer))
            before += line
        if not found or not chain.endswith(b"\n"):
            msg = f"the record of revocations {self._log} was cut short, so no consent can be trusted: restore it"
            raise ConsentError(msg, Refusal.UNREADABLE)
        return tuple(found[1:])


def _line(revocation: Revocation, before: bytes, keeper: Ed25519PrivateKey) -> bytes:
    fields = _fields(revocation, before, public_hex(keeper))
    return rfc8785.dumps(fields | {"signature": keeper.sign(rfc8785.dumps(fields)).hex()}) + b"\n"


def _fields(revocation: Revocation, before: bytes, issuer: str) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "consent": revocation.consent,
        "reason": revocation.reason,
        "revoked": write_time(revocation.revoked),
        "before": hashlib.sha256(before).hexdigest(),
        "issuer": issuer,
    }


def _parse(line: bytes, before: bytes, issuer: str) -> Revocation:
    try:
        raw = read_object(line)
        names = ("consent", "reason", "revoked", "signature")
        consent, reason, revoked, signature = (str(raw[name]) for name in names)
        revocation = Revocation(consent=consent, reason=reason, revoked=read_time(revoked))
        fields = _fields(revocation, before, issuer)
        if rfc8785.dumps(fields | {"signature": signature}) + b"\n" != line:
            msg = "it does not follow from the line before it"
            raise ValueError(msg)
    except (ValueError, KeyError) as error:
        msg = f"a line of the record of revocations is damaged, so no consent can be trusted: {error}"
        raise ConsentError(msg, Refusal.UNREADABLE) from error
    if not is_signed(rfc8785.dumps(fields), issuer, signature):
        msg = "a line of the record of revocations is not as it was signed, so no consent can be trusted"
        raise ConsentError(msg, Refusal.BROKEN_SIGNATURE)
    return revocation
