"""Revocation answers (OCSP, RFC 6960): those that a signature brings along in its header `rVals`, and how one is read.

None is fetched here: `ocsp` asks for them, where it was told to.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an authority, or a responder that it named, says of a certificate: withdrawn `since`, and for how long."""

    status: Literal["good", "revoked", "unknown"]
    since: dt.datetime | None
    begins: dt.datetime
    ends: dt.datetime
    nonce: bytes
    """The number that a question was asked with, empty where the answer repeats none."""

    def code(self, moment: dt.datetime) -> str:
        """Return the status code for a signature made at `moment`: a later withdrawal leaves it as it is."""
        if self.status == "unknown":
            return UNKNOWN
        withdrawn = self.status == "revoked" and (self.since is None or self.since <= moment)
        return REVOKED if withdrawn else NOT_REVOKED

    def holds_at(self, moment: dt.datetime) -> bool:
        """Tell whether `moment` lies in the answer's validity, a day where it names no end."""
        return self.begins <= moment <= self.ends


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
    found = read_answer(answer, leaf, issuer, moment)
    if found is None or (found.status == "good" and not found.holds_at(moment)):
        return ""
    return found.code(moment)


def read_answer(answer: bytes, leaf: Certificate, issuer: Certificate, moment: dt.datetime) -> Answer | None:
    """Return what an answer says of a certificate, `None` if it says nothing of it or was not signed by who may.

    That is the certificate's issuer, or a responder that the issuer named for it, valid at `moment`.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509.ocsp import OCSPResponseStatus, load_der_ocsp_response

    try:
        response = load_der_ocsp_response(answer)
        if response.response_status is not OCSPResponseStatus.SUCCESSFUL or not _is_by(response, issuer, moment):
            return None
        single = next((one for one in response.responses if _is_about(one, leaf, issuer)), None)
        return None if single is None else _answer(single, _nonce(response))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _answer(single: OCSPSingleResponse, nonce: bytes) -> Answer:
    from cryptography.x509 import ReasonFlags
    from cryptography.x509.ocsp import OCSPCertStatus

    status: Literal["good", "revoked", "unknown"] = "good"
    if single.certificate_status is OCSPCertStatus.UNKNOWN:
        status = "unknown"
    elif single.certificate_status is OCSPCertStatus.REVOKED:
        # what was taken off the list again is not withdrawn (C2PA 2.2, section 15.9)
        status = "good" if single.revocation_reason is ReasonFlags.remove_from_crl else "revoked"
    return Answer(
        status=status,
        since=single.revocation_time_utc if status == "revoked" else None,
        begins=single.this_update_utc,
        ends=single.next_update_utc or single.this_update_utc + dt.timedelta(days=1),
        nonce=nonce,
    )


def _nonce(response: OCSPResponse) -> bytes:
    from cryptography.x509 import ExtensionNotFound, OCSPNonce

    try:
        return response.extensions.get_extension_for_class(OCSPNonce).value.nonce
    except ExtensionNotFound:
        return b""


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
