"""What a claim-signing certificate must be (C2PA 2.2, section 14.5: certificate profile), and how one is shown."""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .vocabulary import SIGNING_PURPOSES

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, ExtensionType, Name

    _Extension = TypeVar("_Extension", bound=ExtensionType)

_ANY_PURPOSE: Final = "2.5.29.37.0"
_TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
_OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
_RSA_BITS: Final = 2048
_CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")
_UNIQUE_IDENTIFIERS: Final = (0x81, 0x82)  # RFC 5280, section 4.1.2.8, whether primitive or constructed
_SIGNED_BY: Final = frozenset(
    {
        *(f"1.2.840.113549.1.1.{number}" for number in (10, 11, 12, 13)),  # RSA: PSS, PKCS #1 with SHA-256, 384, 512
        *(f"1.2.840.10045.4.3.{number}" for number in (2, 3, 4)),  # ECDSA with SHA-256, 384, 512
        "1.3.101.112",  # Ed25519
    }
)


_CERTIFICATE_BYTES: Final = 64 * 1024  # real ones have some 2 kB; what is found out about one is kept with it
_kept = functools.lru_cache(maxsize=256)


@_kept
def fingerprint(certificate: Certificate) -> str:
    """Return the SHA-256 of the whole certificate (DER) as 64 lower-case hex digits."""
    from cryptography.hazmat.primitives.hashes import SHA256

    return certificate.fingerprint(SHA256()).hex()


def parse_chain(chain: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    """Return certificates from DER, as far as they can be read in full and are of at most 64 KiB, leaf first.

    Parsing is lazy in the library: a damaged name, key or extension would raise only when it is looked at. The files
    of one publisher bring the same chain, so small ones are kept.
    """
    return (_parsed_kept if sum(map(len, chain)) <= _KEPT_BYTES else _parsed)(chain)


def _parsed(chain: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509 import DuplicateExtension, InvalidVersion, load_der_x509_certificate

    found = []
    for der in chain:
        if len(der) > _CERTIFICATE_BYTES:
            break
        try:
            certificate = load_der_x509_certificate(der)
            describe(certificate)
            list(certificate.extensions)
            certificate.public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm, DuplicateExtension, InvalidVersion):
            break
        found.append(certificate)
    return tuple(found)


_KEPT_BYTES: Final = 64 * 1024  # of a whole chain
_parsed_kept = functools.lru_cache(maxsize=64)(_parsed)


def is_self_signed(certificate: Certificate) -> bool:
    """Tell whether the certificate names itself as its issuer."""
    return certificate.subject == certificate.issuer


@_kept
def issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Tell whether `issuer`'s key signed `certificate` and its name stands there as the issuer."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


@_kept
def leaf_faults(certificate: Certificate) -> tuple[str, ...]:
    """Return what keeps a certificate from signing C2PA claims, a clause each; empty when it may."""
    try:
        faults = (*_form_faults(certificate), *_usage_faults(certificate), *_purpose_faults(certificate))
        return (*faults, *_key_faults(certificate))
    except ValueError as error:
        return (f"one of its extensions cannot be read ({error})",)


def describe(certificate: Certificate) -> dict[str, Any]:
    """Return name, issuer, fingerprint, serial number and validity as plain values; names are a stranger's text."""
    return dict(_described(certificate))


@_kept
def _described(certificate: Certificate) -> dict[str, str]:
    return {
        "subject": _readable(certificate.subject),
        "issuer": _readable(certificate.issuer),
        "sha256": fingerprint(certificate),
        "serial": f"{certificate.serial_number:x}",
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }


def is_valid_at(certificate: Certificate, moment: dt.datetime) -> bool:
    """Tell whether `moment` (with a time zone) lies in the certificate's validity."""
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc


def _readable(name: Name) -> str:
    return ", ".join(attribute.rfc4514_string() for attribute in name) or "(no name)"


def _extension(certificate: Certificate, kind: type[_Extension]) -> _Extension | None:
    from cryptography.x509 import ExtensionNotFound

    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except ExtensionNotFound:
        return None


def _form_faults(certificate: Certificate) -> list[str]:
    from cryptography.x509 import Version

    from .second_opinion.der import SEQUENCE, DerError, value

    found = [] if certificate.version is Version.v3 else ["it is not of version 3"]
    try:
        parts = value(certificate.tbs_certificate_bytes).inside(SEQUENCE)
    except DerError:
        return [*found, "it is not in the distinguished encoding (DER)"]
    if any(one.tag & 0x9F in _UNIQUE_IDENTIFIERS for one in parts):
        found.append("it gives its subject or issuer a unique identifier, which is not allowed")
    return found


def _usage_faults(certificate: Certificate) -> list[str]:
    from cryptography.x509 import AuthorityKeyIdentifier, BasicConstraints, KeyUsage

    found = []
    basic = _extension(certificate, BasicConstraints)
    if basic is not None and basic.ca:
        found.append("it is an authority's certificate, not a signer's")
    usage = _extension(certificate, KeyUsage)
    if usage is None or not usage.digital_signature:
        found.append("its key usage does not allow digital signatures")
    elif usage.key_cert_sign and not (basic is not None and basic.ca):
        found.append("its key usage allows signing certificates")
    if _extension(certificate, AuthorityKeyIdentifier) is None and not is_self_signed(certificate):
        found.append("it lacks the authority key identifier")
    return found


def _purpose_faults(certificate: Certificate) -> list[str]:
    from cryptography.x509 import ExtendedKeyUsage

    extended = _extension(certificate, ExtendedKeyUsage)
    purposes = {purpose.dotted_string for purpose in extended} if extended is not None else set()
    if not purposes:
        return ["it names no purpose (extended key usage)"]
    found = []
    if _ANY_PURPOSE in purposes:
        found.append("it claims any purpose at all (anyExtendedKeyUsage)")
    if not purposes & set(SIGNING_PURPOSES):
        found.append("signing claims is not among its purposes (extended key usage)")
    if purposes & {_TIME_STAMPING, _OCSP_SIGNING}:
        found.append("it is also meant for time stamps or revocation answers, which must have keys of their own")
    return found


def _key_faults(certificate: Certificate) -> list[str]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        key = certificate.public_key()
        digest = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return ["its key or signature is of a kind that is not allowed"]
    found = []
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _RSA_BITS:
            found.append(f"its RSA key has {key.key_size} bits, at least {_RSA_BITS} are asked for")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in _CURVES:
            found.append(f"its elliptic curve {key.curve.name} is not allowed")
    elif not isinstance(key, ed25519.Ed25519PublicKey):
        found.append("its key is of a kind that is not allowed")
    if digest is not None and digest.name not in ("sha256", "sha384", "sha512"):
        found.append(f"it was signed with {digest.name}, which is too weak")
    elif certificate.signature_algorithm_oid.dotted_string not in _SIGNED_BY:
        found.append(
            f"it was signed in a way that is not allowed ({certificate.signature_algorithm_oid.dotted_string})"
        )
    return found
