"""Keys, certificates and the trust store: what is made works, what does not fit is refused with a reason."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from assay.media.home import home
from assay.provenance.certs import (
    CertificateError,
    certs_folder,
    ensure_credentials,
    load_credentials,
    make_authority,
    make_leaf,
    read_credentials,
)
from assay.provenance.issue import ALGORITHMS, Issued, Terms, issue_authority, issue_leaf
from assay.provenance.pem import certificate_pem, key_pem, parse_certificates
from assay.provenance.profile import fingerprint, leaf_faults
from assay.provenance.trust import Trust, save_allowed, save_anchor
from assay.provenance.vocabulary import DOCUMENT_SIGNING, EMAIL_PROTECTION

NOW = dt.datetime.now(dt.UTC)
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"


@pytest.fixture(scope="module")
def authority() -> Issued:
    return issue_authority("Example", now=NOW)


def pair(leaf: Issued, *above: Issued) -> tuple[bytes, bytes]:
    chain = b"".join(certificate_pem(one.certificate) for one in (leaf, *above))
    return chain, key_pem(leaf.key, None)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_gives_credentials_that_load_again(tmp_path: Path, algorithm: str) -> None:
    folder = tmp_path / "keys"
    make_authority(folder, organisation="Example", now=NOW, algorithm=algorithm)
    made = make_leaf(folder, organisation="Example", now=NOW, algorithm=algorithm)
    assert made.algorithm == algorithm
    assert load_credentials(folder) == made
    assert b"PRIVATE KEY" not in repr(made).encode()


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    ensure_credentials(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("authority.key.pem", "signer.key.pem"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_the_default_folder_is_the_users_own_and_its_authority_is_trusted() -> None:
    made = ensure_credentials()
    assert certs_folder().is_relative_to(home())
    assert Trust.load().anchors_pem == (made.anchor_pem,)
    assert ensure_credentials() == made


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    ensure_credentials(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.pem")}
    with pytest.raises(CertificateError, match="never overwritten"):
        make_authority(tmp_path, organisation="Example", now=NOW)
    with pytest.raises(CertificateError, match="never overwritten"):
        make_leaf(tmp_path, organisation="Example", now=NOW)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.pem")} == before


def test_an_encrypted_key_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    make_authority(tmp_path, organisation="Example", now=NOW, passphrase=b"open")
    made = make_leaf(tmp_path, organisation="Example", now=NOW, passphrase=b"open")
    assert b"ENCRYPTED" in (tmp_path / "signer.key.pem").read_bytes()
    assert load_credentials(tmp_path, passphrase=b"open") == made
    with pytest.raises(CertificateError, match="give its passphrase"):
        load_credentials(tmp_path)
    with pytest.raises(CertificateError, match="passphrase is wrong"):
        load_credentials(tmp_path, passphrase=b"shut")


def test_a_missing_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="assay certs make"):
        load_credentials(tmp_path / "none")


def test_a_key_of_another_certificate_is_refused(authority: Issued) -> None:
    chain, _ = pair(issue_leaf(authority, organisation="Example", now=NOW))
    _, other = pair(issue_leaf(authority, organisation="Example", now=NOW))
    with pytest.raises(CertificateError, match="issued together"):
        read_credentials(chain, other)


@pytest.mark.parametrize(
    ("terms", "match"),
    [
        pytest.param(Terms(ends_in=dt.timedelta(minutes=-1)), "expired on", id="expired"),
        pytest.param(Terms(starts_in=dt.timedelta(days=1)), "is not valid before", id="not yet valid"),
        pytest.param(Terms(purposes=()), "names no purpose", id="no purpose"),
        pytest.param(Terms(purposes=("1.3.6.1.5.5.7.3.1",)), "signing claims is not among", id="server"),
        pytest.param(Terms(purposes=(EMAIL_PROTECTION, "2.5.29.37.0")), "any purpose", id="any purpose"),
        pytest.param(Terms(purposes=(EMAIL_PROTECTION, TIME_STAMPING)), "time stamps", id="time stamps too"),
    ],
)
def test_a_leaf_that_may_not_sign_is_refused_with_the_reason(authority: Issued, terms: Terms, match: str) -> None:
    leaf = issue_leaf(authority, organisation="Example", now=NOW, terms=terms)
    with pytest.raises(CertificateError, match=match):
        read_credentials(*pair(leaf, authority))


def test_document_signing_is_a_purpose_too(authority: Issued) -> None:
    leaf = issue_leaf(authority, organisation="Example", now=NOW, terms=Terms(purposes=(DOCUMENT_SIGNING,)))
    assert leaf_faults(leaf.certificate) == ()


def test_an_authority_may_not_sign_claims(authority: Issued) -> None:
    with pytest.raises(CertificateError, match="authority's certificate"):
        read_credentials(*pair(authority))


def test_a_chain_out_of_order_or_below_another_authority_is_refused(authority: Issued) -> None:
    stranger = issue_authority("Stranger", now=NOW)
    leaf = issue_leaf(authority, organisation="Example", now=NOW)
    with pytest.raises(CertificateError, match="did not issue"):
        read_credentials(*pair(leaf, stranger))
    chain, key = pair(leaf)
    with pytest.raises(CertificateError, match="did not issue"):
        read_credentials(chain, key, anchor_pem=certificate_pem(stranger.certificate))


def test_a_chain_without_its_root_loads_with_no_anchor(authority: Issued) -> None:
    chain, key = pair(issue_leaf(authority, organisation="Example", now=NOW))
    assert read_credentials(chain, key).anchor_pem == b""


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\nb"])
def test_an_organisation_has_a_printable_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(CertificateError, match="name of an organisation"):
        make_authority(tmp_path, organisation=name, now=NOW)
    assert not list(tmp_path.iterdir())


def test_what_is_no_pem_is_refused() -> None:
    with pytest.raises(CertificateError, match="BEGIN CERTIFICATE"):
        parse_certificates(b"junk", "the certificate")


def test_a_trust_store_keeps_anchors_and_signers_with_their_date(tmp_path: Path, authority: Issued) -> None:
    pem = certificate_pem(authority.certificate)
    leaf = issue_leaf(authority, organisation="Example", now=NOW).certificate
    shown = ":".join(fingerprint(leaf)[at : at + 2] for at in range(0, 64, 2)).upper()
    save_anchor(pem, tmp_path, today=dt.date(2026, 1, 2))
    save_allowed(shown, tmp_path, today=dt.date(2026, 3, 4))
    store = Trust.load(tmp_path)
    assert store.anchors_pem == (pem,)
    assert store.allowed == {fingerprint(leaf)}
    assert store.dated == dt.date(2026, 3, 4)
    assert store.describe()["anchors"][0]["sha256"] == fingerprint(authority.certificate)


def test_adding_for_one_run_changes_nothing_that_is_kept(tmp_path: Path, authority: Issued) -> None:
    store = Trust.load(tmp_path)
    assert store == Trust()
    more = store.add(certificate_pem(authority.certificate)).add(certificate_pem(authority.certificate))
    assert len(more.anchors_pem) == 1
    assert Trust.load(tmp_path) == Trust()


def test_a_damaged_trust_store_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "broken.pem").write_text("junk")
    with pytest.raises(CertificateError, match=r"broken\.pem"):
        Trust.load(tmp_path)
    with pytest.raises(CertificateError, match="64 hex digits"):
        Trust().allow("abc")
