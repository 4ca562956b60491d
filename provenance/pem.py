"""Certificates and private keys as PEM text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..media.errors import AssayError
from .issue import ALGORITHMS

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from .issue import SigningKey


class CertificateError(AssayError):
    """A key or certificate cannot be used: it is missing, damaged, expired, or does not fit the other."""


def parse_certificates(pem: bytes, what: str) -> tuple[Certificate, ...]:
    """Return the certificates in PEM text, at least one. Raises `CertificateError` naming `what` if there is none."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return tuple(load_pem_x509_certificates(pem))
    except ValueError as error:
        msg = f"expected {what} as PEM text (-----BEGIN CERTIFICATE-----), got something that cannot be read as such"
        raise CertificateError(msg) from error


def algorithm_of(key: SigningKey) -> str:
    """Return the C2PA name of the signing algorithm that goes with a key."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {256: "es256", 384: "es384"}.get(key.curve.key_size, "es512")
    return "ed25519"


def load_key(pem: bytes, passphrase: bytes | None, what: str) -> SigningKey:
    """Return the private key in PEM text. Raises `CertificateError` naming `what` if it is locked, damaged or unfit."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, passphrase if b"ENCRYPTED" in pem else None)
    except TypeError as error:
        msg = f"{what} is encrypted: give its passphrase"
        raise CertificateError(msg) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        why = "the passphrase is wrong, or the file is damaged" if b"ENCRYPTED" in pem else "the file is damaged"
        msg = f"expected {what} as a PEM private key, but it cannot be read: {why}"
        raise CertificateError(msg) from error
    if isinstance(key, (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey)):
        return key
    msg = f"expected an EC, RSA or Ed25519 key, got {type(key).__name__}: make one of {', '.join(ALGORITHMS)}"
    raise CertificateError(msg)


def certificate_pem(certificate: Certificate) -> bytes:
    """Return one certificate as PEM text."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def key_pem(key: SigningKey, passphrase: bytes | None) -> bytes:
    """Return a private key as PKCS8 PEM text, locked with `passphrase` if there is one."""
    from cryptography.hazmat.primitives import serialization as to

    lock = to.BestAvailableEncryption(passphrase) if passphrase else to.NoEncryption()
    return key.private_bytes(to.Encoding.PEM, to.PrivateFormat.PKCS8, lock)
