"""Signed files for tests, and what is asked of their verification: shared by the tests of provenance."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from assay.provenance.certs import Credentials
from assay.provenance.issue import Issued, Terms, issue_leaf
from assay.provenance.pem import algorithm_of, certificate_pem, key_pem
from assay.provenance.second_opinion import disagreements, second_opinion
from assay.provenance.sign import Action, Manifest, sign_file
from assay.provenance.trust import Trust
from assay.provenance.verification import Check, Verification
from assay.provenance.verify import verify
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
REVOKED, GOOD = ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.GOOD


def created(source_type: str, *more: Action) -> tuple[Action, ...]:
    return (Action(name="c2pa.created", source_type=source_type), *more)


CAPTURED = Manifest(title="photo", actions=created("digitalCapture"))


def step(verification: Verification, number: int) -> Check:
    return next(check for check in verification.checks if check.step == number)


def tampered(path: Path, to: Path, find: bytes | None = None) -> Path:
    """Copy a file with one byte changed: in the first place where `find` stands, or else near the end."""
    data = bytearray(path.read_bytes())
    at = data.find(find) if find else len(data) - 60
    assert at > 0
    data[at] ^= 1
    to.write_bytes(data)
    return to


def issued(authority: Issued, **terms: object) -> Issued:
    return issue_leaf(authority, organisation="Press", now=NOW, terms=Terms(**terms))  # type: ignore[arg-type]


def sign_with(photo: Path, folder: Path, leaf: Issued, *above: Issued) -> Path:
    keys = Credentials(
        chain_pem=b"".join(certificate_pem(one.certificate) for one in (leaf, *above)),
        key_pem=key_pem(leaf.key, None),
        anchor_pem=b"",
        algorithm=algorithm_of(leaf.key),
    )
    return sign_file(photo, folder / "out.jpg", CAPTURED, keys).path


def trusting(*authorities: Issued) -> Trust:
    trust = Trust()
    for one in authorities:
        trust = trust.add(certificate_pem(one.certificate))
    return trust


def told(verification: Verification, step: int) -> str:
    return next(check.sentence for check in verification.checks if check.step == step)


def codes(verification: Verification, step: int) -> tuple[str, ...]:
    return next(check.codes for check in verification.checks if check.step == step)


def both(path: Path, *, trust: Trust, now: dt.datetime | None = None) -> Verification:
    """Verify a file; the second opinion must be the same."""
    found, second = verify(path, trust=trust, now=now), second_opinion(path, trust=trust, now=now)
    assert second.state is found.state
    assert disagreements(found, second) == ()
    return found


def answer(
    leaf: Issued,
    authority: Issued,
    *,
    status: ocsp.OCSPCertStatus,
    responder: Issued | None = None,
    since: dt.timedelta = -DAY,
    age: dt.timedelta = dt.timedelta(hours=1),
    nonce: bytes = b"",
) -> bytes:
    """Return what an authority answers on a certificate, itself or through a responder that it named."""
    by = responder or authority
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=leaf.certificate,
        issuer=authority.certificate,
        algorithm=hashes.SHA1(),  # noqa: S303 - names the issuer, as RFC 6960 does by default
        cert_status=status,
        this_update=NOW - age,
        next_update=NOW - age + 4 * DAY,
        revocation_time=NOW + since if status is REVOKED else None,
        revocation_reason=x509.ReasonFlags.key_compromise if status is REVOKED else None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)
    if responder is not None:
        builder = builder.certificates([responder.certificate])
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER)  # type: ignore[arg-type]
