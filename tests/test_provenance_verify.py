"""Verifying: five states that are never merged, and every step told."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
from assay.media.errors import InputError
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.issue import Issued, Terms, issue_authority, issue_leaf, new_key
from assay.provenance.pem import algorithm_of, certificate_pem, key_pem
from assay.provenance.profile import fingerprint
from assay.provenance.sign import sign_file
from assay.provenance.trust import Trust
from assay.provenance.verification import State
from assay.provenance.verify import (
    verify,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID
from PIL import Image
from signed_files import CAPTURED, NOW, step, tampered

TIME_STAMPING = "1.3.6.1.5.5.7.3.8"


def credentials(leaf: Issued, anchor: bytes = b"") -> Credentials:
    return Credentials(
        chain_pem=certificate_pem(leaf.certificate),
        key_pem=key_pem(leaf.key, None),
        anchor_pem=anchor,
        algorithm=algorithm_of(leaf.key),
    )


def self_signed() -> Issued:
    key = new_key("es256")
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Myself")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - dt.timedelta(hours=1))
    builder = builder.not_valid_after(NOW + dt.timedelta(days=9))
    other = issue_leaf(issue_authority("Other", now=NOW), organisation="Other", now=NOW).certificate
    for extension in other.extensions:
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier | x509.SubjectKeyIdentifier):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = builder.add_extension(above, critical=False)
    return Issued(certificate=builder.sign(key, hashes.SHA256()), key=key)  # type: ignore[arg-type]


def test_the_steps_are_numbered_in_order_and_say_something(signed: Path, trust: Trust) -> None:
    found = verify(signed, trust=trust)
    assert [check.step for check in found.checks] == list(range(1, 14))
    assert all(check.sentence and check.name for check in found.checks)
    assert {check.outcome for check in found.checks} == {"pass", "not done"}


def test_a_file_without_a_manifest_is_absent(photo: Path, trust: Trust) -> None:
    found = verify(photo, trust=trust)
    assert found.state is State.ABSENT
    assert {check.outcome for check in found.checks} == {"not done"}


def test_an_unknown_signer_is_untrusted_and_nothing_is_called_changed(signed: Path) -> None:
    found = verify(signed)
    assert found.state is State.UNTRUSTED
    assert [check.step for check in found.checks if check.outcome == "fail"] == [6]
    assert "does not mean that anything was changed" in step(found, 6).sentence


@pytest.mark.parametrize(
    ("find", "number", "code"),
    [
        pytest.param(None, 10, "assertion.dataHash.mismatch", id="content"),
        pytest.param(b"digitalCapture", 9, "assertion.hashedURI.mismatch", id="assertion"),
        pytest.param(b"photo", 3, "claimSignature.mismatch", id="claim"),
    ],
)
def test_a_changed_byte_fails_the_step_it_belongs_to(
    find: bytes | None, number: int, code: str, signed: Path, trust: Trust, tmp_path: Path
) -> None:
    found = verify(tampered(signed, tmp_path / "bad.jpg", find), trust=trust)
    assert found.state is State.INVALID
    assert (step(found, number).outcome, code in step(found, number).codes) == ("fail", True)


def test_bytes_behind_the_end_are_a_change(signed: Path, trust: Trust, tmp_path: Path) -> None:
    longer = tmp_path / "longer.jpg"
    longer.write_bytes(signed.read_bytes() + b"more")
    assert verify(longer, trust=trust).state is State.INVALID


def test_a_manifest_cut_short_is_invalid_rather_than_absent(signed: Path, trust: Trust, tmp_path: Path) -> None:
    data = signed.read_bytes()
    for size in (600, 1500, 3000):
        cut = tmp_path / f"{size}.jpg"
        cut.write_bytes(data[:size])
        assert verify(cut, trust=trust).state is State.INVALID


def test_one_signer_can_be_trusted_by_fingerprint(signed: Path, keys: Credentials) -> None:
    leaf = x509.load_pem_x509_certificate(keys.chain_pem)
    found = verify(signed, trust=Trust().allow(fingerprint(leaf)))
    assert found.state is State.TRUSTED
    assert fingerprint(leaf) in step(found, 6).sentence
    assert found.facts["certificate_sha256"] == fingerprint(leaf)
    assert verify(signed, trust=Trust().allow("0" * 64)).state is State.UNTRUSTED


def test_a_namesake_of_the_signer_is_not_trusted(photo: Path, trust: Trust, tmp_path: Path) -> None:
    namesake = ensure_credentials(tmp_path / "keys")
    out = sign_file(photo, tmp_path / "out.jpg", CAPTURED, namesake).path
    assert verify(out, trust=trust).state is State.UNTRUSTED


def test_a_self_signed_certificate_is_its_own_anchor_at_most(photo: Path, tmp_path: Path) -> None:
    leaf = self_signed()
    out = sign_file(photo, tmp_path / "out.jpg", CAPTURED, credentials(leaf)).path
    assert verify(out).state is State.UNTRUSTED
    assert verify(out, trust=Trust().add(certificate_pem(leaf.certificate))).state is State.TRUSTED


def test_a_chain_without_its_root_reaches_the_anchor(photo: Path, tmp_path: Path) -> None:
    authority = issue_authority("Example", now=NOW)
    leaf = issue_leaf(authority, organisation="Example", now=NOW)
    anchor = certificate_pem(authority.certificate)
    found = verify(
        sign_file(photo, tmp_path / "out.jpg", CAPTURED, credentials(leaf, anchor)).path, trust=Trust().add(anchor)
    )
    assert found.state is State.TRUSTED
    assert found.facts["anchor_sha256"] == fingerprint(authority.certificate)
    assert len(found.facts["certificates"]) == 1


def test_a_certificate_that_expired_since_is_invalid_without_a_time_stamp(photo: Path, tmp_path: Path) -> None:
    authority = issue_authority("Example", now=NOW)
    now = dt.datetime.now(dt.UTC)
    leaf = issue_leaf(authority, organisation="Example", now=now, terms=Terms(ends_in=dt.timedelta(seconds=2)))
    anchor = certificate_pem(authority.certificate)
    out = sign_file(photo, tmp_path / "out.jpg", CAPTURED, credentials(leaf, anchor)).path
    time.sleep(max(0.0, (leaf.certificate.not_valid_after_utc - dt.datetime.now(dt.UTC)).total_seconds()) + 1.1)
    found = verify(out, trust=Trust().add(anchor))
    assert (found.state, step(found, 5).codes) == (State.INVALID, ("signingCredential.expired",))
    assert "had expired" in step(found, 5).sentence
    assert step(found, 10).outcome == "pass"


def test_a_certificate_that_is_not_valid_yet_is_invalid(signed: Path, trust: Trust) -> None:
    found = verify(signed, trust=trust, now=NOW - dt.timedelta(days=2))
    assert found.state is State.INVALID
    assert "not valid yet" in step(found, 5).sentence


def test_a_certificate_for_time_stamps_may_not_sign_claims(photo: Path, tmp_path: Path) -> None:
    authority = issue_authority("Example", now=NOW)
    leaf = issue_leaf(authority, organisation="Example", now=NOW, terms=Terms(purposes=(TIME_STAMPING,)))
    anchor = certificate_pem(authority.certificate)
    out = sign_file(photo, tmp_path / "out.jpg", CAPTURED, credentials(leaf, anchor)).path
    found = verify(out, trust=Trust().add(anchor))
    assert (found.state, step(found, 4).codes) == (State.INVALID, ("signingCredential.invalid",))


def test_a_sidecar_of_another_file_is_invalid(photo: Path, keys: Credentials, trust: Trust, tmp_path: Path) -> None:
    ours = sign_file(photo, tmp_path / "out.jpg", CAPTURED, keys, sidecar="always")
    assert ours.sidecar is not None
    other = tmp_path / "other.jpg"
    Image.new("RGB", (9, 9)).save(other)
    assert verify(other, trust=trust, sidecar=ours.sidecar).state is State.INVALID
    junk = tmp_path / "junk.c2pa"
    junk.write_bytes(b"junk")
    assert verify(photo, trust=trust, sidecar=junk).state is State.INVALID
    with pytest.raises(InputError, match="detached manifest"):
        verify(photo, trust=trust, sidecar=tmp_path / "none.c2pa")
