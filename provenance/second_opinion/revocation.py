"""Revocation answers that a signature brings along (OCSP, RFC 6960, in the header `rVals`); none is fetched."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..profile import issued_by
from ..report import Codes, as_dict, as_list
from .cose import CoseError, Signature, parse_signature
from .jumbf import JumbfError, parse_store

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from cryptography.x509.ocsp import OCSPResponse, OCSPSingleResponse

_ANSWERS_MOST: Final = 16
_HEADER: Final = b"ocspVals"
REVOKED: Final = "signingCredential.ocsp.revoked"
NOT_REVOKED: Final = "signingCredential.ocsp.notRevoked"
UNKNOWN: Final = "signingCredential.ocsp.unknown"
SKIPPED: Final = "signingCredential.ocsp.skipped"


def revocation(
    signature: Signature, chain: tuple[Certificate, ...], anchors: tuple[Certificate, ...], moment: dt.datetime
) -> Codes:
    """Return the code of the answers on the signer's certificate: withdrawn, not withdrawn, or no answer that holds.

    An answer counts if the certificate's issuer signed it, or a responder that the issuer named for it, and if
    `moment` lies in its validity. A withdrawal counts whenever it is known, unless it came after `moment`.
    """
    answers = as_list(as_dict(signature.unprotected.get("rVals")).get("ocspVals"))[:_ANSWERS_MOST]
    issuer = next((one for one in (*chain[1:], *anchors) if issued_by(chain[0], one)), None)
    if issuer is None or not answers:
        return Codes(informational=(SKIPPED,))
    found = {_status(answer, chain[0], issuer, moment) for answer in answers if isinstance(answer, bytes)}
    if REVOKED in found:
        return Codes(failure=(REVOKED,))
    if NOT_REVOKED in found:
        return Codes(success=(NOT_REVOKED,))
    return Codes(informational=(UNKNOWN if UNKNOWN in found else SKIPPED,))


def with_stapled(
    codes: Codes,
    store: bytes,
    label: str,
    chain: tuple[Certificate, ...],
    judged_by: tuple[tuple[Certificate, ...], dt.datetime],
) -> Codes:
    """Return c2pa-rs's codes of a manifest, corrected by what the answers that it brings along say to us.

    c2pa-rs 0.91.3 passes over answers that the issuer signed itself, and over a withdrawal in them; and it takes the
    word of any certificate below the same issuer. A withdrawal counts whoever of the two finds it, a clean bill only
    if we find it. `judged_by` are the anchors and the moment.
    """
    if not chain or _HEADER not in store:
        return codes
    try:
        manifest = next((one for one in parse_store(store) if one.label == label), None)
        found = revocation(parse_signature(manifest.signatures[0]), chain, *judged_by) if manifest else Codes()
    except (CoseError, JumbfError, IndexError):
        found = Codes()
    success = tuple(code for code in codes.success if code != NOT_REVOKED)
    return replace(codes, success=success) + replace(found, informational=())


def _status(answer: bytes, leaf: Certificate, issuer: Certificate, moment: dt.datetime) -> str:
    """Return the code of one answer, empty if it does not hold."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponseStatus, load_der_ocsp_response

    try:
        response = load_der_ocsp_response(answer)
        if response.response_status is not OCSPResponseStatus.SUCCESSFUL or not _is_by(response, issuer, moment):
            return ""
        for single in response.responses:
            if not _is_about(single, leaf, issuer):
                continue
            if single.certificate_status is OCSPCertStatus.REVOKED:
                since = single.revocation_time_utc
                return REVOKED if since is None or since <= moment else NOT_REVOKED
            if single.certificate_status is OCSPCertStatus.UNKNOWN:
                return UNKNOWN
            until = single.next_update_utc or single.this_update_utc + dt.timedelta(days=1)
            return NOT_REVOKED if single.this_update_utc <= moment <= until else ""
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return ""
    return ""


def _is_about(single: OCSPSingleResponse, leaf: Certificate, issuer: Certificate) -> bool:
    """Tell whether an answer names the certificate: serial number, and digests of the issuer's name and key."""
    from cryptography.hazmat.primitives.hashes import Hash
    from cryptography.x509 import SubjectKeyIdentifier

    if single.serial_number != leaf.serial_number:
        return False
    name = Hash(single.hash_algorithm)
    name.update(issuer.subject.public_bytes())
    if name.finalize() != single.issuer_name_hash:
        return False
    if single.hash_algorithm.name != "sha1":
        return True
    return SubjectKeyIdentifier.from_public_key(issuer.public_key()).digest == single.issuer_key_hash


def _is_by(response: OCSPResponse, issuer: Certificate, moment: dt.datetime) -> bool:
    """Tell whether the issuer, or a responder that it named, signed an answer."""
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound
    from cryptography.x509.oid import ExtendedKeyUsageOID

    if _signed_with(response, issuer):
        return True
    for one in response.certificates[:_ANSWERS_MOST]:
        try:
            purposes = one.extensions.get_extension_for_class(ExtendedKeyUsage).value
        except ExtensionNotFound:
            continue
        named = ExtendedKeyUsageOID.OCSP_SIGNING in purposes and issued_by(one, issuer)
        if named and one.not_valid_before_utc <= moment <= one.not_valid_after_utc and _signed_with(response, one):
            return True
    return False


def _signed_with(response: OCSPResponse, signer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    key, digest = signer.public_key(), response.signature_hash_algorithm
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(response.signature, response.tbs_response_bytes)
        elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(digest))
        elif isinstance(key, rsa.RSAPublicKey) and digest is not None:
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), digest)
        else:
            return False
    except InvalidSignature:
        return False
    return True
