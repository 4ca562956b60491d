"""Keys and certificates to sign with, as PEM files: a test authority of one's own, or what a real authority issued."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..media.home import home
from .issue import ALGORITHMS, Issued, Terms, issue_authority, issue_leaf
from .pem import CertificateError, algorithm_of, certificate_pem, key_pem, load_key, parse_certificates
from .profile import fingerprint, is_self_signed, is_valid_at, issued_by, leaf_faults

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = [
    "CertificateError",
    "Credentials",
    "certs_folder",
    "ensure_credentials",
    "load_credentials",
    "make_authority",
    "make_leaf",
    "read_credentials",
]

AUTHORITY_FILE: Final = "authority.pem"
AUTHORITY_KEY_FILE: Final = "authority.key.pem"
CHAIN_FILE: Final = "signer.pem"
KEY_FILE: Final = "signer.key.pem"
ANCHORS_FOLDER: Final = "anchors"
_NAME_LENGTH: Final = 40  # X.520 allows 64 characters, " test authority" is added


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What signing needs: the chain (PEM, leaf first), its private key (PKCS8 PEM, in the clear) and its anchor.

    `anchor_pem` is the authority under which the chain verifies, empty when it is not known. A key that never leaves
    its token signs through `sign`, and `key_pem` is empty then: it takes the bytes to be signed and returns the bare
    signature (ECDSA as r and s side by side, RSA-PSS with a salt as long as the digest).
    """

    chain_pem: bytes
    key_pem: bytes = field(repr=False)
    anchor_pem: bytes
    algorithm: str
    sign: Callable[[bytes], bytes] | None = field(default=None, repr=False, compare=False)


def certs_folder() -> Path:
    """Return the folder of the user's own keys and anchors. Nothing is created."""
    return home() / "certs"


def make_authority(
    folder: Path | None = None,
    *,
    organisation: str,
    now: dt.datetime,
    algorithm: str = "es256",
    passphrase: bytes | None = None,
) -> bytes:
    """Make a test authority in `folder`, trust it (`anchors/`), and return its certificate as PEM.

    Raises `CertificateError` if an authority is there already: a key is never overwritten.
    """
    folder = folder or certs_folder()
    _refuse_existing(folder / AUTHORITY_FILE, folder / AUTHORITY_KEY_FILE)
    made = issue_authority(_name(organisation), now=now, algorithm=_algorithm(algorithm))
    pem = certificate_pem(made.certificate)
    _write(folder / AUTHORITY_KEY_FILE, key_pem(made.key, passphrase), secret=True)
    _write(folder / AUTHORITY_FILE, pem)
    _write(folder / ANCHORS_FOLDER / f"{fingerprint(made.certificate)}.pem", pem)
    return pem


def make_leaf(
    folder: Path | None = None,
    *,
    organisation: str,
    now: dt.datetime,
    algorithm: str = "es256",
    passphrase: bytes | None = None,
) -> Credentials:
    """Make a claim-signing key and certificate (one year) below the authority in `folder`, and return them.

    `passphrase` opens the authority's key and locks the new one. Raises `CertificateError` if there is no authority,
    or a signer is there already.
    """
    folder = folder or certs_folder()
    _refuse_existing(folder / CHAIN_FILE, folder / KEY_FILE)
    authority_pem = _read(folder / AUTHORITY_FILE, "the certificate of a test authority")
    authority = Issued(
        certificate=parse_certificates(authority_pem, str(folder / AUTHORITY_FILE))[0],
        key=load_key(_read(folder / AUTHORITY_KEY_FILE, "the key of a test authority"), passphrase, AUTHORITY_KEY_FILE),
    )
    terms = Terms(algorithm=_algorithm(algorithm))
    made = issue_leaf(authority, organisation=_name(organisation), now=now, terms=terms)
    _write(folder / KEY_FILE, key_pem(made.key, passphrase), secret=True)
    _write(folder / CHAIN_FILE, certificate_pem(made.certificate) + authority_pem)
    return load_credentials(folder, passphrase=passphrase, now=now)


def ensure_credentials(
    folder: Path | None = None, *, organisation: str = "Assay", now: dt.datetime | None = None
) -> Credentials:
    """Return the credentials in `folder`; make a test authority and a signer there first if it holds none."""
    folder = folder or certs_folder()
    now = now or dt.datetime.now(dt.UTC)
    if not (folder / CHAIN_FILE).exists() and not (folder / KEY_FILE).exists():
        if not (folder / AUTHORITY_FILE).exists():
            make_authority(folder, organisation=organisation, now=now)
        return make_leaf(folder, organisation=organisation, now=now)
    return load_credentials(folder, now=now)


def load_credentials(
    folder: Path | None = None, *, passphrase: bytes | None = None, now: dt.datetime | None = None
) -> Credentials:
    """Return the chain, key and anchor in `folder`, checked as `read_credentials` does."""
    folder = folder or certs_folder()
    anchor = folder / AUTHORITY_FILE
    return read_credentials(
        _read(folder / CHAIN_FILE, "a signing certificate (make a test one with `assay certs make`)"),
        _read(folder / KEY_FILE, "the private key of the signing certificate"),
        anchor_pem=_read(anchor, "the authority's certificate") if anchor.exists() else b"",
        passphrase=passphrase,
        now=now,
    )


def read_credentials(
    chain_pem: bytes,
    private_pem: bytes,
    *,
    anchor_pem: bytes = b"",
    passphrase: bytes | None = None,
    now: dt.datetime | None = None,
) -> Credentials:
    """Return credentials from PEM bytes: the chain (leaf first), its key (perhaps encrypted), its authority.

    Raises `CertificateError` if they do not fit each other, are not valid at `now` or may not sign claims.
    """
    chain = parse_certificates(chain_pem, "the signing certificate")
    key = load_key(private_pem, passphrase, "the private key")
    if chain[0].public_key() != key.public_key():
        msg = "expected the private key of the chain's first certificate, got another: use the pair issued together"
        raise CertificateError(msg)
    check_chain(chain, now or dt.datetime.now(dt.UTC))
    return Credentials(
        chain_pem=b"".join(certificate_pem(certificate) for certificate in chain),
        key_pem=key_pem(key, None),
        anchor_pem=anchor_above(chain, anchor_pem),
        algorithm=algorithm_of(key),
    )


def anchor_above(chain: tuple[Certificate, ...], anchor_pem: bytes) -> bytes:
    """Return the one of the given authorities (PEM) that the chain ends below, or the chain's own self-signed end.

    Empty where none is known. Raises `CertificateError` if authorities are given and none fits.
    """
    anchors = parse_certificates(anchor_pem, "the authority's certificate") if anchor_pem else ()
    if anchors and not any(issued_by(chain[-1], anchor) or chain[-1] == anchor for anchor in anchors):
        msg = f"expected a chain that ends below its authority, but {_who(anchors[0])} did not issue {_who(chain[-1])}"
        raise CertificateError(msg)
    anchor = next((anchor for anchor in anchors if issued_by(chain[-1], anchor) or chain[-1] == anchor), None)
    if anchor is None and is_self_signed(chain[-1]):
        anchor = chain[-1]
    return certificate_pem(anchor) if anchor is not None else b""


def check_chain(chain: tuple[Certificate, ...], now: dt.datetime) -> None:
    """Raise `CertificateError` unless each certificate is issued by the next, valid now, and the first may sign."""
    leaf = chain[0]
    faults = leaf_faults(leaf)
    if faults:
        msg = f"expected a certificate that may sign C2PA claims, but of {_who(leaf)} {'; '.join(faults)}"
        raise CertificateError(msg)
    for certificate in chain:
        if not is_valid_at(certificate, now):
            word = "expired on" if certificate.not_valid_after_utc < now else "is not valid before"
            day = certificate.not_valid_after_utc if word == "expired on" else certificate.not_valid_before_utc
            msg = f"the certificate of {_who(certificate)} {word} {day:%Y-%m-%d %H:%M} UTC: use one that is valid now"
            raise CertificateError(msg)
    for below, above in itertools.pairwise(chain):
        if not issued_by(below, above):
            msg = f"expected each certificate to be issued by the next, but {_who(above)} did not issue {_who(below)}"
            raise CertificateError(msg)


def _who(certificate: Certificate) -> str:
    return f"{certificate.subject.rfc4514_string()!r}"


def _name(organisation: str) -> str:
    name = organisation.strip()
    if not 0 < len(name) <= _NAME_LENGTH or not name.isprintable():
        msg = f"expected the name of an organisation of 1 to {_NAME_LENGTH} printable characters, got {organisation!r}"
        raise CertificateError(msg)
    return name


def _algorithm(name: str) -> str:
    if name not in ALGORITHMS:
        msg = f"expected one of {', '.join(ALGORITHMS)} as the signing algorithm, got {name!r}"
        raise CertificateError(msg)
    return name


def _refuse_existing(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            msg = f"{path} exists and a key is never overwritten: move it away first, or give another folder"
            raise CertificateError(msg)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"expected {what} at {path}, but it cannot be read: {error.strerror}"
        raise CertificateError(msg) from error


def _write(path: Path, data: bytes, *, secret: bool = False) -> None:
    """Write a new file, readable by its owner alone if `secret`. Raises `CertificateError` if it exists."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        msg = f"expected to write {path}, but it cannot be written: {error.strerror}"
        raise CertificateError(msg) from error
