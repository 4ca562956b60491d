"""Certificates of every kind: the state each leads to, and a sentence that a layman understands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from assay.provenance.issue import ALGORITHMS, Issued, issue_authority, new_key
from assay.provenance.profile import leaf_faults
from assay.provenance.second_opinion import second_opinion
from assay.provenance.sign import SigningError
from assay.provenance.trust import Trust
from assay.provenance.verification import State
from assay.provenance.verify import verify
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID
from signed_files import (
    DAY,
    GOOD,
    NOW,
    REVOKED,
    answer,
    both,
    codes,
    issued,
    sign_with,
    told,
    trusting,
)


@pytest.fixture(scope="module")
def authority() -> Issued:
    return issue_authority("Press", now=NOW)


def self_signed() -> Issued:
    key = new_key("es256")
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Myself")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    for extension in issued(issue_authority("Other", now=NOW)).certificate.extensions:
        if isinstance(extension.value, x509.BasicConstraints | x509.KeyUsage | x509.ExtendedKeyUsage):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = builder.add_extension(above, critical=False)
    return Issued(certificate=builder.sign(key, hashes.SHA256()), key=key)  # type: ignore[arg-type]


def below(authority: Issued, *, ca: bool) -> Issued:
    """Issue an authority below another, or what only poses as one."""
    made = issue_authority("Middle", now=NOW)
    old = made.certificate
    builder = x509.CertificateBuilder().subject_name(old.subject).issuer_name(authority.certificate.subject)
    builder = builder.public_key(old.public_key()).serial_number(7)
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + 99 * DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    for extension in old.extensions:
        if not isinstance(extension.value, x509.BasicConstraints):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(above, critical=False)
    return Issued(certificate=builder.sign(authority.key, hashes.SHA256()), key=made.key)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_is_trusted_under_its_authority(
    algorithm: str, photo: Path, authority: Issued, tmp_path: Path
) -> None:
    path = sign_with(photo, tmp_path, issued(authority, algorithm=algorithm), authority)
    found = both(path, trust=trusting(authority))
    assert found.state is State.TRUSTED
    assert "an authority in your trust store" in told(found, 6)


def test_an_authority_with_a_rsa_key_vouches_too(photo: Path, tmp_path: Path) -> None:
    authority = issue_authority("Press", now=NOW, algorithm="ps256")
    path = sign_with(photo, tmp_path, issued(authority, algorithm="es256"))
    assert both(path, trust=trusting(authority)).state is State.TRUSTED


def test_a_chain_without_its_root_reaches_the_anchor(photo: Path, authority: Issued, tmp_path: Path) -> None:
    assert both(sign_with(photo, tmp_path, issued(authority)), trust=trusting(authority)).state is State.TRUSTED


def test_an_authority_in_between_must_come_along(photo: Path, authority: Issued, tmp_path: Path) -> None:
    middle = below(authority, ca=True)
    whole = sign_with(photo, tmp_path, issued(middle), middle)
    assert both(whole, trust=trusting(authority)).state is State.TRUSTED
    assert both(whole, trust=trusting(middle)).state is State.TRUSTED
    (tmp_path / "bare").mkdir()
    bare = sign_with(photo, tmp_path / "bare", issued(middle))
    found = both(bare, trust=trusting(authority))
    assert found.state is State.UNTRUSTED
    assert "does not know the signer" in told(found, 6)


def test_a_signer_cannot_pose_as_an_authority(photo: Path, authority: Issued, tmp_path: Path) -> None:
    poser = below(authority, ca=False)
    try:
        path = sign_with(photo, tmp_path, issued(poser), poser)
    except SigningError:
        return
    assert both(path, trust=trusting(authority)).state is not State.TRUSTED


def test_an_unknown_authority_is_untrusted_and_nothing_is_called_changed(
    photo: Path, authority: Issued, tmp_path: Path
) -> None:
    namesake = issue_authority("Press", now=NOW)
    path = sign_with(photo, tmp_path, issued(authority), authority)
    for trust in (Trust(), trusting(namesake)):
        found = both(path, trust=trust)
        assert found.state is State.UNTRUSTED
        assert "This does not mean that anything was changed" in told(found, 6)


def test_a_self_signed_certificate_is_trusted_only_when_it_is_named(photo: Path, tmp_path: Path) -> None:
    leaf = self_signed()
    path = sign_with(photo, tmp_path, leaf)
    assert both(path, trust=Trust()).state is State.UNTRUSTED
    assert both(path, trust=trusting(leaf)).state is State.TRUSTED


def test_an_expired_certificate_says_so_and_no_more(photo: Path, authority: Issued, tmp_path: Path) -> None:
    path = sign_with(photo, tmp_path, issued(authority, ends_in=5 * DAY), authority)
    found = both(path, trust=trusting(authority), now=NOW + 9 * DAY)
    assert (found.state, codes(found, 5)) == (State.INVALID, ("signingCredential.expired",))
    assert "had expired" in told(found, 5)
    assert "does not show that anything was changed" in told(found, 5)
    assert told(found, 10).startswith("the content is byte for byte")


def test_a_certificate_of_the_future_says_so(photo: Path, authority: Issued, tmp_path: Path) -> None:
    path = sign_with(photo, tmp_path, issued(authority), authority)
    found = both(path, trust=trusting(authority), now=NOW - 9 * DAY)
    assert found.state is State.INVALID
    assert "was not valid yet" in told(found, 5)


@pytest.mark.parametrize("purpose", ["1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"], ids=["time stamps", "revocation"])
def test_a_certificate_for_another_purpose_may_not_sign(
    purpose: str, photo: Path, authority: Issued, tmp_path: Path
) -> None:
    path = sign_with(photo, tmp_path, issued(authority, purposes=(purpose,)), authority)
    found = both(path, trust=trusting(authority))
    assert (found.state, codes(found, 4)) == (State.INVALID, ("signingCredential.invalid",))
    assert "not of a kind that may sign manifests" in told(found, 4)


@pytest.mark.parametrize("purposes", [("1.3.6.1.5.5.7.3.3",), ("2.5.29.37.0",), ()], ids=["code", "any", "none"])
def test_signing_with_an_unfit_certificate_is_refused(
    purposes: tuple[str, ...], photo: Path, authority: Issued, tmp_path: Path
) -> None:
    with pytest.raises(SigningError):
        sign_with(photo, tmp_path, issued(authority, purposes=purposes), authority)
    assert list(tmp_path.iterdir()) == []


def staple(path: Path, response: bytes) -> Path:
    """Put an answer into the signature's open header, in the place of padding: no length in the file changes."""
    data = path.read_bytes()
    at = data.index(b"\xa1\x63pad\x59")  # a map of one entry, `pad`
    room = int.from_bytes(data[at + 6 : at + 8], "big")
    head = b"\xa2\x65rVals\xa1\x68ocspVals\x81\x59" + len(response).to_bytes(2, "big") + response + b"\x63pad\x59"
    left = room + 8 - len(head) - 2
    assert left > 0, "the padding is too small for this answer"
    path.write_bytes(data[:at] + head + left.to_bytes(2, "big") + bytes(left) + data[at + 8 + room :])
    return path


OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"


@pytest.mark.parametrize("named", [True, False], ids=["responder", "issuer"])
@pytest.mark.parametrize("status", [REVOKED, GOOD], ids=["revoked", "good"])
def test_a_stapled_answer_counts(
    status: ocsp.OCSPCertStatus, named: bool, photo: Path, authority: Issued, tmp_path: Path
) -> None:
    leaf = issued(authority)
    responder = issued(authority, purposes=(OCSP_SIGNING,)) if named else None
    response = answer(leaf, authority, status=status, responder=responder)
    found = both(staple(sign_with(photo, tmp_path, leaf, authority), response), trust=trusting(authority))
    if status is GOOD:
        assert (found.state, codes(found, 8)) == (State.TRUSTED, ("signingCredential.ocsp.notRevoked",))
        assert "was not withdrawn" in told(found, 8)
    else:
        assert (found.state, codes(found, 8)) == (State.INVALID, ("signingCredential.ocsp.revoked",))
        assert "was withdrawn by its authority" in told(found, 8)


@pytest.mark.parametrize("kind", ["stranger", "another", "old", "junk", "poser"])
def test_an_answer_that_does_not_hold_changes_nothing(
    kind: str, photo: Path, authority: Issued, tmp_path: Path
) -> None:
    leaf, stranger = issued(authority), issue_authority("Press", now=NOW)
    response = {
        "stranger": lambda: answer(leaf, authority, status=REVOKED, responder=stranger),
        "another": lambda: answer(issued(authority), authority, status=REVOKED),
        "old": lambda: answer(leaf, authority, status=GOOD, age=9 * DAY),
        "junk": lambda: b"\x30\x03\x0a\x01\x00",
        "poser": lambda: answer(leaf, authority, status=GOOD, responder=issued(authority)),
    }[kind]()
    path = staple(sign_with(photo, tmp_path, leaf, authority), response)
    found, second = verify(path, trust=trusting(authority)), second_opinion(path, trust=trusting(authority))
    assert (found.state, second.state) == (State.TRUSTED, State.TRUSTED)
    assert "not known" in told(found, 8)


def within(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes((tag, 0x82)) + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(lambda parts: parts, None, id="none"),
        pytest.param(lambda parts: parts[1:], "version 3", id="version"),
        pytest.param(lambda parts: [*parts[:-1], b"\x81\x02\x00\x01", parts[-1]], "unique", id="issuer's number"),
        pytest.param(lambda parts: [*parts[:-1], b"\x82\x02\x00\x01", parts[-1]], "unique", id="subject's number"),
    ],
)
def test_the_form_of_a_certificate_is_looked_at(
    change: Callable[[list[bytes]], list[bytes]], fault: str | None, authority: Issued
) -> None:
    from assay.provenance.second_opinion.der import SEQUENCE, value

    tbs, *rest = value(issued(authority).certificate.public_bytes(Encoding.DER)).inside(SEQUENCE)
    parts = change([one.whole for one in tbs.inside(SEQUENCE)])
    made = within(SEQUENCE, within(SEQUENCE, *parts), *(one.whole for one in rest))
    faults = leaf_faults(x509.load_der_x509_certificate(made))
    assert [fault in one for one in faults] == ([] if fault is None else [True])  # type: ignore[operator]


def test_the_step_says_that_no_assurance_level_is_read(photo: Path, authority: Issued, tmp_path: Path) -> None:
    found = both(sign_with(photo, tmp_path, issued(authority), authority), trust=trusting(authority))
    assert "assurance level it was issued for is not read" in told(found, 4)
