"""Test certificates: an authority and claim-signing leaves below it, in memory."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from .vocabulary import CLAIM_SIGNING, EMAIL_PROTECTION

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate, CertificateBuilder, KeyUsage, Name

    SigningKey: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey

ALGORITHMS: Final = ("es256", "es384", "es512", "ps256", "ed25519")
AUTHORITY_DAYS: Final = 3650
LEAF_DAYS: Final = 365
_CLOCK_SKEW: Final = dt.timedelta(minutes=10)  # a verifier whose clock is behind must not call it not yet valid
_RSA_BITS: Final = 3072


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate and its private key."""

    certificate: Certificate
    key: SigningKey = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a leaf is issued for: key algorithm, purposes (extended key usage OIDs), days before and after `now`.

    `ocsp_url` is where the authority is asked whether it withdrew the certificate, nowhere if empty.
    """

    algorithm: str = "es256"
    purposes: tuple[str, ...] = (EMAIL_PROTECTION, CLAIM_SIGNING)
    starts_in: dt.timedelta = -_CLOCK_SKEW
    ends_in: dt.timedelta = dt.timedelta(days=LEAF_DAYS)
    ocsp_url: str = ""


def new_key(algorithm: str) -> SigningKey:
    """Return a new private key for one of `ALGORITHMS`. Raises `ValueError` for another name."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if algorithm == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ps256":
        return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    curves: dict[str, ec.EllipticCurve] = {"es256": ec.SECP256R1(), "es384": ec.SECP384R1(), "es512": ec.SECP521R1()}
    if algorithm not in curves:
        msg = f"expected one of {', '.join(ALGORITHMS)} as the algorithm, got {algorithm!r}"
        raise ValueError(msg)
    return ec.generate_private_key(curves[algorithm])


def issue_authority(organisation: str, *, now: dt.datetime, algorithm: str = "es256") -> Issued:
    """Return a self-signed authority that is valid for ten years from `now` (with a time zone)."""
    from cryptography import x509

    key = new_key(algorithm)
    subject = _name(organisation, f"{organisation} test authority")
    builder = _builder(subject, subject, key, (now - _CLOCK_SKEW, now + dt.timedelta(days=AUTHORITY_DAYS)))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    return Issued(certificate=_signed(builder, key), key=key)


def issue_leaf(authority: Issued, *, organisation: str, now: dt.datetime, terms: Terms | None = None) -> Issued:
    """Return a leaf below `authority` that may sign claims, or may not where `terms` say so."""
    from cryptography import x509
    from cryptography.x509.oid import AuthorityInformationAccessOID

    terms = terms or Terms()
    key = new_key(terms.algorithm)
    subject = _name(organisation, f"{organisation} test signer")
    times = (now + terms.starts_in, now + terms.ends_in)
    builder = _builder(subject, authority.certificate.subject, key, times)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(authority=False), critical=True)
    if terms.purposes:
        purposes = [x509.ObjectIdentifier(purpose) for purpose in terms.purposes]
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if terms.ocsp_url:
        place = x509.UniformResourceIdentifier(terms.ocsp_url)
        entry = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
        builder = builder.add_extension(x509.AuthorityInformationAccess([entry]), critical=False)
    # c2pa-rs refuses a leaf without the authority key identifier
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    return Issued(certificate=_signed(builder.add_extension(above, critical=False), authority.key), key=key)


def _name(organisation: str, common: str) -> Name:
    from cryptography.x509 import Name, NameAttribute
    from cryptography.x509.oid import NameOID

    return Name(
        [
            NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "for testing only"),
            NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _builder(
    subject: Name, issuer: Name, key: SigningKey, times: tuple[dt.datetime, dt.datetime]
) -> CertificateBuilder:
    from cryptography import x509

    public = key.public_key()
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(times[0]).not_valid_after(times[1])
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _usage(*, authority: bool) -> KeyUsage:
    from cryptography.x509 import KeyUsage

    return KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(builder: CertificateBuilder, key: SigningKey) -> Certificate:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
        return builder.sign(key, hashes.SHA256(), rsa_padding=pss)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        strong = key.curve.key_size > 256
        return builder.sign(key, hashes.SHA384() if strong else hashes.SHA256())
    return builder.sign(key, None)
