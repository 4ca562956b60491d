"""Whom a verification trusts: authorities (anchors) and single signers by fingerprint, as the user's own dated list.

Nothing is trusted out of the box: an empty store makes every good manifest `untrusted`, never `invalid`.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from .atomic import settle, temporary
from .certs import ANCHORS_FOLDER, CertificateError, certs_folder
from .pem import certificate_pem, parse_certificates
from .profile import describe, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.x509 import Certificate

ALLOWED_FILE: Final = "allowed.txt"
_DATED = re.compile(rb"^# added (\d{4}-\d\d-\d\d)$", re.MULTILINE)
_HEX = re.compile(r"[0-9a-f]{64}")
_LIST_BYTES: Final = 16 * 1024**2  # the public trust lists are below one megabyte


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Anchors (PEM, one certificate each), allowed signers (SHA-256 of the leaf, hex) and the date of the list.

    `dated` is the day of the newest entry, `None` for an empty store or one made in memory.
    """

    anchors_pem: tuple[bytes, ...] = ()
    allowed: frozenset[str] = frozenset()
    dated: dt.date | None = None

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Return the store kept as PEM files and `allowed.txt` in `folder` (the user's own by default), empty if none.

        Raises `CertificateError` if a file in it cannot be read: a damaged store is not an empty one.
        """
        folder = folder or certs_folder() / ANCHORS_FOLDER
        anchors: dict[str, bytes] = {}
        days = []
        for path in sorted(folder.glob("*.pem")):
            text = _read(path)
            days.append(_day_of(text, path))
            anchors.update((fingerprint(one), certificate_pem(one)) for one in parse_certificates(text, str(path)))
        allowed_path = folder / ALLOWED_FILE
        allowed = frozenset[str]()
        if allowed_path.exists():
            text = _read(allowed_path)
            days.append(_day_of(text, allowed_path))
            allowed = frozenset(_fingerprints(text, allowed_path))
        return cls(anchors_pem=tuple(anchors.values()), allowed=allowed, dated=max(days, default=None))

    def add(self, pem: bytes) -> Self:
        """Return a store that also trusts the certificates in `pem`, for this run. Raises `CertificateError`."""
        new = tuple(certificate_pem(one) for one in parse_certificates(pem, "the trust anchor"))
        return replace(self, anchors_pem=tuple(dict.fromkeys((*self.anchors_pem, *new))))

    def allow(self, sha256: str) -> Self:
        """Return a store that also trusts the one signer whose certificate has this SHA-256 (hex), for this run."""
        return replace(self, allowed=self.allowed | {_fingerprint(sha256, "the fingerprint")})

    def anchors(self) -> tuple[Certificate, ...]:
        """Return the anchors as certificates."""
        return _parsed(self.anchors_pem)

    def describe(self) -> dict[str, Any]:
        """Return the store as plain JSON values: its date, and names and fingerprints of all that it trusts."""
        return {
            "dated": self.dated.isoformat() if self.dated else None,
            "anchors": [describe(anchor) for anchor in self.anchors()],
            "allowed": sorted(self.allowed),
        }


def save_anchor(pem: bytes, folder: Path | None = None, *, today: dt.date) -> tuple[Path, ...]:
    """Keep the certificates of `pem` in the store, one dated file each; return the files. Raises `CertificateError`."""
    folder = folder or certs_folder() / ANCHORS_FOLDER
    written = []
    for certificate in parse_certificates(pem, "the trust anchor"):
        path = folder / f"{fingerprint(certificate)}.pem"
        _write(path, f"# added {today.isoformat()}\n".encode() + certificate_pem(certificate))
        written.append(path)
    return tuple(written)


def save_allowed(sha256: str, folder: Path | None = None, *, today: dt.date) -> Path:
    """Keep one signer's fingerprint in the store and return the file. Raises `CertificateError` if it is not one."""
    path = (folder or certs_folder() / ANCHORS_FOLDER) / ALLOWED_FILE
    new = _fingerprint(sha256, "the fingerprint")
    known = list(_fingerprints(_read(path), path)) if path.exists() else []
    lines = [f"# added {today.isoformat()}", *dict.fromkeys((*known, new)), ""]
    _write(path, "\n".join(lines).encode())
    return path


@functools.lru_cache(maxsize=4)
def _parsed(anchors_pem: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    return tuple(one for pem in anchors_pem for one in parse_certificates(pem, "the trust anchor"))


def _fingerprints(text: bytes, path: Path) -> Iterator[str]:
    for line in text.decode("ascii", "replace").splitlines():
        entry = line.partition("#")[0].strip()
        if entry:
            yield _fingerprint(entry, str(path))


def _fingerprint(text: str, where: str) -> str:
    plain = text.replace(":", "").strip().lower()
    if not _HEX.fullmatch(plain):
        msg = f"expected a SHA-256 of 64 hex digits (colons allowed) in {where}, got {text!r}"
        raise CertificateError(msg)
    return plain


def _day_of(text: bytes, path: Path) -> dt.date:
    """Return the newest date that the file states, or else the day it was last written."""
    stated = _DATED.findall(text)
    try:
        if stated:
            return max(dt.date.fromisoformat(day.decode()) for day in stated)
        return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date()
    except (ValueError, OSError) as error:
        msg = f"the trust list {path} has no readable date ({error}): add it again"
        raise CertificateError(msg) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(_LIST_BYTES + 1)
    except OSError as error:
        msg = f"expected a trust list at {path}, but it cannot be read: {error.strerror}"
        raise CertificateError(msg) from error
    if len(text) > _LIST_BYTES:
        msg = f"expected a trust list of at most {_LIST_BYTES} bytes at {path}, got a larger file"
        raise CertificateError(msg)
    return text


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with temporary(path) as file:
            file.write(data)
            settle(file, path)
    except OSError as error:
        msg = f"expected to write {path}, but it cannot be written: {error.strerror}"
        raise CertificateError(msg) from error
