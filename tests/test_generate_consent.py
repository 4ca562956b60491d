"""Consent: every way in which a receipt can fail to serve, and that no byte of it can be changed."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from assay.generate.consent import ConsentBook, ConsentError, Refusal, Terms, check_receipt, file_sha256
from assay.generate.interface import Scope
from assay.media.errors import InputError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ALICE, BOB = "a1" * 32, "b0" * 32
TERMS = Terms(
    subject="alice",
    scopes=(Scope.VOICE_CLONE,),
    purpose="demo",
    references=(ALICE,),
    expires=NOW + 30 * DAY,
    statement="I allow it: my voice, read from these files.\nAlice Ąćę 王",
)


@pytest.fixture
def book(tmp_path: Path) -> ConsentBook:
    return ConsentBook(tmp_path / "book")


def _ask(book: ConsentBook, **changes: Any) -> str:
    asked: dict[str, Any] = {
        "subject": "alice",
        "scope": Scope.VOICE_CLONE,
        "purpose": "demo",
        "source_sha256": ALICE,
        "now": NOW + DAY,
    }
    asked |= changes
    return book.require(asked.pop("subject"), asked.pop("scope"), **asked).id


def test_a_granted_consent_serves_what_it_names(book: ConsentBook) -> None:
    consent = book.grant(TERMS, now=NOW)
    assert _ask(book) == consent.id
    assert _ask(book, now=NOW) == consent.id
    assert _ask(book, purpose=None, source_sha256=None) == consent.id
    assert ConsentBook(book.folder).all() == (consent,)
    assert book.show(consent.id).statement == TERMS.statement


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"subject": "bob"}, Refusal.OTHER_SUBJECT, id="other subject"),
        pytest.param({"subject": "Alice"}, Refusal.OTHER_SUBJECT, id="other case"),
        pytest.param({"scope": Scope.FACE_SWAP}, Refusal.OTHER_SCOPE, id="other scope"),
        pytest.param({"purpose": "advertising"}, Refusal.OTHER_PURPOSE, id="wrong purpose"),
        pytest.param({"purpose": ""}, Refusal.OTHER_PURPOSE, id="no purpose"),
        pytest.param({"source_sha256": BOB}, Refusal.OTHER_REFERENCE, id="other file"),
        pytest.param({"now": NOW + 30 * DAY}, Refusal.EXPIRED, id="expired at the second"),
        pytest.param({"now": NOW - timedelta(seconds=1)}, Refusal.NOT_YET_VALID, id="not yet valid"),
    ],
)
def test_what_a_consent_does_not_name_is_refused_with_the_reason(
    book: ConsentBook, changes: dict[str, Any], reason: Refusal
) -> None:
    book.grant(TERMS, now=NOW)
    with pytest.raises(ConsentError, match=f"no consent \\({reason}\\)") as refused:
        _ask(book, **changes)
    assert refused.value.reason is reason


def test_an_empty_book_refuses(book: ConsentBook) -> None:
    with pytest.raises(ConsentError) as refused:
        _ask(book)
    assert refused.value.reason is Refusal.MISSING
    assert not book.folder.exists()
    with pytest.raises(ConsentError, match="grant a consent first"):
        book.revocations()


def test_the_reason_is_that_of_the_receipt_that_came_closest(book: ConsentBook) -> None:
    book.grant(replace(TERMS, scopes=(Scope.AVATAR,)), now=NOW)
    expired = book.grant(replace(TERMS, expires=NOW + timedelta(hours=1)), now=NOW)
    book.grant(replace(TERMS, subject="bob"), now=NOW)
    with pytest.raises(ConsentError, match=expired.id) as refused:
        _ask(book)
    assert refused.value.reason is Refusal.EXPIRED


def test_a_second_sound_consent_serves_beside_an_expired_one(book: ConsentBook) -> None:
    book.grant(replace(TERMS, expires=NOW + timedelta(hours=1)), now=NOW)
    sound = book.grant(TERMS, now=NOW)
    assert _ask(book) == sound.id


def test_a_revoked_consent_stays_revoked_when_its_receipt_is_copied_back(book: ConsentBook) -> None:
    consent = book.grant(TERMS, now=NOW)
    copy = book.path(consent.id).read_bytes()
    book.revoke(consent.id, "she changed her mind", now=NOW + DAY)
    book.path(consent.id).unlink()
    book.path(consent.id).write_bytes(copy)
    with pytest.raises(ConsentError) as refused:
        _ask(ConsentBook(book.folder))
    assert refused.value.reason is Refusal.REVOKED
    assert [(gone.consent, gone.reason) for gone in book.revocations()] == [(consent.id, "she changed her mind")]
    assert book.standing(consent, now=NOW + DAY) is Refusal.REVOKED


def test_revoking_one_consent_leaves_another(book: ConsentBook) -> None:
    first, second = book.grant(TERMS, now=NOW), book.grant(replace(TERMS, expires=NOW + 9 * DAY), now=NOW)
    book.revoke(first.id, "replaced", now=NOW)
    assert _ask(book) == second.id


def test_revoking_what_was_never_granted_is_an_error(book: ConsentBook) -> None:
    book.grant(TERMS, now=NOW)
    with pytest.raises(InputError, match="sound Unicode"):
        book.revoke("0" * 32, "\udcff", now=NOW)
    for ident in ("0" * 32, "../keeper", ""):
        with pytest.raises(ConsentError, match="has no consent"):
            book.revoke(ident, "no reason", now=NOW)


@pytest.mark.parametrize("damage", ["removed", "emptied", "last line cut off", "first line cut off", "half a line"])
def test_a_damaged_record_of_revocations_refuses_every_consent(book: ConsentBook, damage: str) -> None:
    book.grant(TERMS, now=NOW)
    book.revoke(book.grant(TERMS, now=NOW).id, "one", now=NOW)
    log = book.folder / "revocations.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    left = {"emptied": b"", "last line cut off": lines[0] + lines[1][:-1], "first line cut off": lines[1]}
    log.write_bytes(left.get(damage, b"".join(lines)[:-20]))
    if damage == "removed":
        log.unlink()
    with pytest.raises(ConsentError, match="no consent can be trusted"):
        _ask(book)


def test_a_grant_does_not_overwrite_a_lost_key(book: ConsentBook) -> None:
    book.grant(TERMS, now=NOW)
    (book.folder / "keeper.key").unlink()
    with pytest.raises(ConsentError, match="no book of consents"):
        book.grant(TERMS, now=NOW)


def test_a_receipt_by_another_keeper_does_not_serve(book: ConsentBook, tmp_path: Path) -> None:
    other = ConsentBook(tmp_path / "other")
    foreign = other.grant(TERMS, now=NOW)
    book.grant(replace(TERMS, subject="carol"), now=NOW)
    book.path(foreign.id).write_bytes(foreign.receipt())
    with pytest.raises(ConsentError) as refused:
        _ask(book)
    assert refused.value.reason is Refusal.BROKEN_SIGNATURE


def test_a_receipt_under_another_name_does_not_serve(book: ConsentBook) -> None:
    consent = book.grant(TERMS, now=NOW)
    book.path(consent.id).rename(book.path("0" * 32))
    with pytest.raises(ConsentError) as refused:
        _ask(book)
    assert refused.value.reason is Refusal.UNREADABLE


def test_keys_and_receipts_are_for_the_owner_alone(book: ConsentBook) -> None:
    consent = book.grant(TERMS, now=NOW)
    for path in (book.folder / "keeper.key", book.path(consent.id), book.folder / "revocations.jsonl"):
        assert path.stat().st_mode & 0o777 == 0o600
    (book.folder / "keeper.key").chmod(0o644)
    with pytest.raises(ConsentError, match="chmod 600"):
        _ask(book)


def test_nothing_but_the_book_is_left_in_its_folder(book: ConsentBook) -> None:
    consent = book.grant(TERMS, now=NOW)
    names = {path.name for path in book.folder.iterdir()}
    assert names == {"keeper.key", "revocations.jsonl", "lock", f"{consent.id}.json"}


def test_a_third_party_checks_a_receipt_with_the_public_key_alone(book: ConsentBook) -> None:
    consent = book.grant(TERMS, now=NOW)
    assert check_receipt(book.path(consent.id).read_bytes(), book.issuer) == consent
    with pytest.raises(ConsentError, match="signature broken"):
        check_receipt(consent.receipt(), "00" * 32)


def test_the_subjects_own_signature_counts(book: ConsentBook) -> None:
    own = Ed25519PrivateKey.generate()
    consent = book.grant(TERMS, now=NOW, subject_key=own)
    assert _ask(book) == consent.id
    assert consent.subject_key == own.public_key().public_bytes_raw().hex()
    keeper_alone = replace(consent, signatures=consent.signatures[:1])
    swapped = replace(consent, signatures=consent.signatures[::-1])
    for forged in (keeper_alone, swapped):
        with pytest.raises(ConsentError, match="signature broken"):
            check_receipt(forged.receipt(), book.issuer)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"subject": ""}, id="no subject"),
        pytest.param({"subject": "alice\n"}, id="newline"),
        pytest.param({"subject": "e\u0301ve"}, id="not NFC"),
        pytest.param({"purpose": "x" * 101}, id="long purpose"),
        pytest.param({"scopes": ()}, id="no scope"),
        pytest.param({"scopes": (Scope.VOICE_CLONE, Scope.AVATAR)}, id="unsorted"),
        pytest.param({"references": ()}, id="no reference"),
        pytest.param({"references": (ALICE.upper(),)}, id="upper case"),
        pytest.param({"statement": " "}, id="no statement"),
        pytest.param({"statement": "\ud800"}, id="surrogate"),
        pytest.param({"statement": "x" * 70_000}, id="long statement"),
        pytest.param({"expires": NOW}, id="ends at once"),
        pytest.param({"expires": NOW.replace(tzinfo=None)}, id="no time zone"),
    ],
)
def test_malformed_terms_are_refused(book: ConsentBook, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"consent|receipt"):
        book.grant(replace(TERMS, **changes), now=NOW)
    assert not list(book.folder.glob("*.json"))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"[" * 60_000, b"\xff", b"{}" * 40_000, b'{"id": NaN}'])
def test_a_text_that_is_no_receipt_is_unreadable(data: bytes) -> None:
    with pytest.raises(ConsentError) as refused:
        check_receipt(data, "00" * 32)
    assert refused.value.reason is Refusal.UNREADABLE


@pytest.fixture(scope="module")
def sealed() -> tuple[ConsentBook, bytes]:
    """A book with one consent, and the bytes of its receipt."""
    book = ConsentBook(Path(tempfile.mkdtemp()) / "book")
    consent = book.grant(TERMS, now=NOW, subject_key=Ed25519PrivateKey.generate())
    book.revoke(book.grant(TERMS, now=NOW).id, "other", now=NOW)
    for other in book.all():
        if other.id != consent.id:
            book.path(other.id).unlink()
    return book, consent.receipt()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_receipt_with_any_byte_changed_is_refused(sealed: tuple[ConsentBook, bytes], data: st.DataObject) -> None:
    book, receipt = sealed
    at = data.draw(st.integers(0, len(receipt) - 1))
    flipped = bytearray(receipt)
    flipped[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ConsentError) as refused:
        check_receipt(bytes(flipped), book.issuer)
    assert refused.value.reason in {Refusal.UNREADABLE, Refusal.BROKEN_SIGNATURE}


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_record_of_revocations_with_any_byte_changed_is_refused(
    sealed: tuple[ConsentBook, bytes], data: st.DataObject
) -> None:
    log = sealed[0].folder / "revocations.jsonl"
    sound = log.read_bytes()
    flipped = bytearray(sound)
    flipped[data.draw(st.integers(0, len(sound) - 1))] ^= data.draw(st.integers(1, 255))
    log.write_bytes(bytes(flipped))
    try:
        with pytest.raises(ConsentError, match="no consent can be trusted"):
            _ask(sealed[0])
    finally:
        log.write_bytes(sound)
    assert _ask(sealed[0])


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, 10_000), extra=st.binary(max_size=8))
def test_a_receipt_cut_short_or_grown_is_refused(sealed: tuple[ConsentBook, bytes], cut: int, extra: bytes) -> None:
    book, receipt = sealed
    changed = receipt[: cut % len(receipt)] + extra
    if changed != receipt:
        with pytest.raises(ConsentError):
            check_receipt(changed, book.issuer)


def test_the_hash_of_a_file_needs_a_readable_file(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert file_sha256(tmp_path / "empty").startswith("e3b0c44298fc1c14")
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError, match="expected a file"):
            file_sha256(path)


def test_the_default_book_lies_in_the_users_folder() -> None:
    assert ConsentBook().folder == Path(os.environ["ASSAY_HOME"]) / "consents"
