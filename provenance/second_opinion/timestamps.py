"""Time stamps beside a claim signature (RFC 3161 tokens, CMS of RFC 5652), by `cryptography` and a small DER reader."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ..profile import is_valid_at, parse_chain
from ..report import Codes, as_dict, as_list
from .cbor import encode
from .cose import Signature, digest_of, path_to_anchor, signed_bytes, verifies
from .der import INTEGER, OCTETS, SEQUENCE, SET, DerError, Value, value

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_TIME_STAMPING: Final = "1.3.6.1.5.5.7.3.8"
_DIGESTS: Final = {"2.16.840.1.101.3.4.2.1": 256, "2.16.840.1.101.3.4.2.2": 384, "2.16.840.1.101.3.4.2.3": 512}
_RSA: Final = {
    "1.2.840.113549.1.1.1": 0,  # the digest is the signer's own
    "1.2.840.113549.1.1.11": 256,
    "1.2.840.113549.1.1.12": 384,
    "1.2.840.113549.1.1.13": 512,
}
_ECDSA: Final = {"1.2.840.10045.4.3.2": 256, "1.2.840.10045.4.3.3": 384, "1.2.840.10045.4.3.4": 512}
_PSS: Final = "1.2.840.113549.1.1.10"
_ED25519: Final = "1.3.101.112"
_CERTIFICATES_MOST: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a time stamp says: the codes, and the moment if it is relied on."""

    codes: Codes = field(default_factory=Codes)
    moment: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    """A token taken apart: what it stamps, when, who signed it, and over which bytes."""

    imprint: bytes
    imprint_bits: int
    moment: dt.datetime
    info: bytes
    certificates: tuple[bytes, ...]
    signer: tuple[Value, ...]


def stamped(signature: Signature, claim: bytes, anchors: tuple[Certificate, ...], *, legacy: bool) -> Stamp:
    """Return what the first time stamp in a signature's headers says, nothing where there is none.

    Claims of version 1 stamp the claim, later ones the signature. `legacy` claims need no anchor for the authority:
    the standard asked for none then.
    """
    for name, stamps in (("sigTst2", encode(signature.signature)), ("sigTst", claim)):
        tokens = as_list(as_dict(signature.unprotected.get(name)).get("tstTokens"))
        if not tokens:
            continue
        data = signed_bytes(signature, stamps, context="CounterSignature")
        token = as_dict(tokens[0]).get("val")
        try:
            return _judged(_parsed(token), data, anchors, legacy=legacy)
        except DerError:
            return Stamp(codes=Codes(informational=("timeStamp.malformed",)))
    return Stamp()


def _judged(token: _Token, data: bytes, anchors: tuple[Certificate, ...], *, legacy: bool) -> Stamp:
    if hashlib.new(f"sha{token.imprint_bits}", data).digest() != token.imprint:
        return Stamp(codes=Codes(informational=("timeStamp.mismatch",)))
    chain = _ordered(token)
    if not chain or not _signature_holds(token, chain[0]):
        return Stamp(codes=Codes(informational=("timeStamp.mismatch",)))
    if not is_valid_at(chain[0], token.moment):
        return Stamp(codes=Codes(informational=("timeStamp.outsideValidity",)))
    if not legacy and not (_may_stamp(chain[0]) and path_to_anchor(chain, anchors, token.moment)):
        return Stamp(codes=Codes(success=("timeStamp.validated",), informational=("timeStamp.untrusted",)))
    return Stamp(codes=Codes(success=("timeStamp.validated", "timeStamp.trusted")), moment=token.moment)


def _parsed(data: Any) -> _Token:  # noqa: ANN401 - decoded CBOR
    """Return the parts of a token, or of an authority's answer that holds one. Raises `DerError`."""
    if not isinstance(data, bytes):
        msg = "expected a token, got something else"
        raise DerError(msg)
    try:
        outer = value(data).inside(SEQUENCE)
        if outer[0].tag == SEQUENCE:  # TimeStampResp: a status, then the token
            outer = outer[1].inside(SEQUENCE)
        if outer[0].oid() != _SIGNED_DATA:
            msg = "expected signed data"
            raise DerError(msg)
        parts = outer[1].inside(0xA0)[0].inside(SEQUENCE)
        content = parts[2].inside(SEQUENCE)
        info = content[1].inside(0xA0)[0].expect(OCTETS)
        if content[0].oid() != _TST_INFO:
            msg = "expected a time stamp inside"
            raise DerError(msg)
        stamp = value(info).inside(SEQUENCE)
        imprint = stamp[2].inside(SEQUENCE)
        certificates = next((one.inside(0xA0) for one in parts[3:] if one.tag == 0xA0), ())
        return _Token(
            imprint=imprint[1].expect(OCTETS),
            imprint_bits=_digest(imprint[0]),
            moment=stamp[4].time(),
            info=info,
            certificates=tuple(one.whole for one in certificates[:_CERTIFICATES_MOST]),
            signer=parts[-1].inside(SET)[0].inside(SEQUENCE),
        )
    except IndexError as error:
        msg = "a part of the token is missing"
        raise DerError(msg) from error


def _digest(algorithm: Value) -> int:
    """Return the bits of a digest that is allowed. Raises `DerError`."""
    name = algorithm.inside(SEQUENCE)[0].oid()
    if name not in _DIGESTS:
        msg = f"the digest {name} is not allowed"
        raise DerError(msg)
    return _DIGESTS[name]


def _ordered(token: _Token) -> tuple[Certificate, ...]:
    """Return the token's certificates, the signer's first; empty if it is not there."""
    found = [certificate for der in token.certificates for certificate in parse_chain((der,))]
    named = token.signer[1]
    for one in found:
        if named.tag == SEQUENCE:
            issuer, serial = named.inside(SEQUENCE)[:2]
            mine = one.issuer.public_bytes() == issuer.whole
            mine = mine and int.from_bytes(serial.expect(INTEGER), "big", signed=True) == one.serial_number
        else:
            mine = _key_identifier(one) == named.body
        if mine:
            return (one, *(other for other in found if other is not one))
    return ()


def _key_identifier(certificate: Certificate) -> bytes:
    from cryptography.x509 import ExtensionNotFound, SubjectKeyIdentifier

    try:
        return certificate.extensions.get_extension_for_class(SubjectKeyIdentifier).value.digest
    except ExtensionNotFound:
        return b""


def _may_stamp(certificate: Certificate) -> bool:
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound

    try:
        purposes = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return False
    return [purpose.dotted_string for purpose in purposes] == [_TIME_STAMPING]


def _signature_holds(token: _Token, certificate: Certificate) -> bool:
    """Tell whether the authority signed the token: its signed attributes name the content and its digest."""
    try:
        bits = _digest(token.signer[2])
        attributes, algorithm, signature = token.signer[3], token.signer[4], token.signer[5].expect(OCTETS)
        stated = {one.inside(SEQUENCE)[0].oid(): one.inside(SEQUENCE)[1].inside(SET)[0] for one in _each(attributes)}
        if stated[_CONTENT_TYPE].oid() != _TST_INFO:
            return False
        if stated[_MESSAGE_DIGEST].expect(OCTETS) != hashlib.new(f"sha{bits}", token.info).digest():
            return False
        name = algorithm.inside(SEQUENCE)[0].oid()
    except (DerError, IndexError, KeyError):
        return False
    # signed as a SET, although it is carried under a context tag (RFC 5652, section 5.4)
    return _signed_by(certificate, name, bits, signature, b"\x31" + attributes.whole[1:])


def _each(attributes: Value) -> tuple[Value, ...]:
    return attributes.inside(0xA0)


def _signed_by(certificate: Certificate, algorithm: str, bits: int, signature: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    if algorithm == _PSS:
        return verifies(certificate, signature, data, "PS", bits)
    if algorithm == _ED25519:
        return verifies(certificate, signature, data, "EdDSA", 0)
    try:
        key = certificate.public_key()
        if algorithm in _RSA and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), digest_of(_RSA[algorithm] or bits))
            return True
        if algorithm in _ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(digest_of(_ECDSA[algorithm])))
            return True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return False
