"""The book of consents: grant, revoke, and the question that every engine and `publish` must ask first.

The folder holds a signed receipt `<id>.json` for each consent beside the keeper's key and the chain of revocations. A
consent named in the chain stays revoked, whatever becomes of its receipt.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..media.errors import InputError
from ..media.home import home
from .interface import Scope
from .keeper import Keeper, Revocation
from .receipt import Consent, Terms, check_receipt
from .seal import MOST_BYTES, ConsentError, Refusal, is_sound, public_hex, write_time

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["Consent", "ConsentBook", "ConsentError", "Refusal", "Revocation", "Terms", "check_receipt", "file_sha256"]

_MOST_REASON = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What `require` is asked."""

    subject: str
    scope: Scope
    purpose: str | None
    sha256: str | None
    now: datetime


class ConsentBook:
    """The consents kept in `folder`, by default below the user's own."""

    def __init__(self, folder: Path | None = None) -> None:
        """Open the book; nothing is created before the first `grant`."""
        self.folder = folder or home() / "consents"
        self._keeper = Keeper(self.folder)

    @property
    def issuer(self) -> str:
        """The keeper's public key, hex: what a third party needs for `check_receipt`. Raises `ConsentError`."""
        return public_hex(self._keeper.key())

    def grant(self, terms: Terms, *, now: datetime, subject_key: Ed25519PrivateKey | None = None) -> Consent:
        """Sign `terms`, with the subject's own key too if given, and keep the receipt.

        Raises `InputError` if the terms end before `now`, `ConsentError` if the book is damaged.
        """
        if write_time(terms.expires) <= write_time(now):
            msg = f"a consent must end after it begins, got an end at {write_time(terms.expires)}"
            raise InputError(msg)
        with self._keeper.locked():
            keeper = self._keeper.begin(now)
            parts: dict[str, Any] = {field.name: getattr(terms, field.name) for field in fields(Terms)}
            parts |= {
                "id": secrets.token_hex(16),  # random: the id is published, and a hash of a name would give it away
                "granted": now.replace(microsecond=0),
                "expires": terms.expires.replace(microsecond=0),
                "issuer": public_hex(keeper),
                "subject_key": public_hex(subject_key) if subject_key else "",
            }
            body = Consent(**parts).body()
            signers = (keeper, subject_key) if subject_key else (keeper,)
            consent = Consent(**parts, signatures=tuple(key.sign(body).hex() for key in signers))
            if len(consent.receipt()) > MOST_BYTES:
                msg = f"a receipt holds at most {MOST_BYTES} bytes, got {len(consent.receipt())}: shorten the statement"
                raise InputError(msg)
            self._keeper.write(self.path(consent.id), consent.receipt())
        return consent

    def revoke(self, consent_id: str, reason: str = "", *, now: datetime) -> Revocation:
        """Add `consent_id` to the chain of revocations, for good; nobody owes a `reason`.

        Raises `ConsentError` if the book has no such consent or is damaged.
        """
        if not is_sound(reason) or len(reason) > _MOST_REASON:
            msg = f"a reason is at most {_MOST_REASON} characters of sound Unicode, got {reason[:40]!r}"
            raise InputError(msg)
        revocation = Revocation(consent=self.show(consent_id).id, reason=reason, revoked=now.replace(microsecond=0))
        self._keeper.revoke(revocation)
        return revocation

    def revocations(self) -> tuple[Revocation, ...]:
        """Return every revocation, oldest first. Raises `ConsentError` if the chain is missing or broken."""
        return self._keeper.revocations()

    def path(self, consent_id: str) -> Path:
        """Return where the receipt of `consent_id` lies."""
        return self.folder / f"{consent_id}.json"

    def show(self, consent_id: str) -> Consent:
        """Return the consent of this id, expired and revoked ones too. Raises `ConsentError`."""
        path = self.path(consent_id)
        if path.parent != self.folder or not path.is_file():
            msg = f"the book in {self.folder} has no consent {consent_id!r}"
            raise ConsentError(msg, Refusal.MISSING)
        consent = self._load(path)
        if consent.id != consent_id:
            msg = f"{path.name} holds the receipt of {consent.id}"
            raise ConsentError(msg, Refusal.UNREADABLE)
        return consent

    def all(self) -> tuple[Consent, ...]:
        """Return every consent whose receipt is sound, by the time it was granted; expired and revoked ones too."""
        sound = [entry for entry in self._entries() if isinstance(entry, Consent)]
        return tuple(sorted(sound, key=lambda consent: (consent.granted, consent.id)))

    def standing(self, consent: Consent, *, now: datetime) -> Refusal | None:
        """Return why `consent` cannot be used at `now`, whatever for; `None` if it can. Raises `ConsentError`."""
        if consent.id in {revocation.consent for revocation in self.revocations()}:
            return Refusal.REVOKED
        if now >= consent.expires:
            return Refusal.EXPIRED
        return Refusal.NOT_YET_VALID if now < consent.granted else None

    def require(
        self,
        subject: str,
        scope: Scope,
        *,
        purpose: str | None = None,
        source_sha256: str | None = None,
        now: datetime,
    ) -> Consent:
        """Return a consent of `subject` that covers `scope`, `purpose` and the file of that hash at `now`.

        A part left out is not asked; whatever generates always asks both. Raises `ConsentError` with the reason of the
        receipt that came closest.
        """
        question = _Question(subject=subject, scope=scope, purpose=purpose, sha256=source_sha256, now=now)
        answers = [(self._judge(entry, question), entry) for entry in self._entries()]
        serving = [entry for refusal, entry in answers if refusal is None and isinstance(entry, Consent)]
        if serving:
            return max(serving, key=lambda consent: (consent.expires, consent.id))
        order = list(Refusal)
        ranks = [(order.index(refusal), entry) for refusal, entry in answers if refusal is not None]
        rank, entry = max(ranks, key=lambda pair: pair[0], default=(0, None))
        if isinstance(entry, ConsentError):
            raise entry
        asked = f"{scope} of {subject!r}" + (f" for {purpose!r}" if purpose is not None else "")
        closest = f" (the closest is {entry.id})" if entry and rank > order.index(Refusal.OTHER_SUBJECT) else ""
        msg = f"expected one that covers {asked} at {write_time(now)}{closest}; ask the person, then grant it"
        raise ConsentError(msg, order[rank])

    def _judge(self, entry: Consent | ConsentError, question: _Question) -> Refusal | None:
        if isinstance(entry, ConsentError):
            return entry.reason
        if entry.subject != question.subject:
            return Refusal.OTHER_SUBJECT
        if question.scope not in entry.scopes:
            return Refusal.OTHER_SCOPE
        if question.purpose is not None and question.purpose != entry.purpose:
            return Refusal.OTHER_PURPOSE
        if question.sha256 is not None and question.sha256 not in entry.references:
            return Refusal.OTHER_REFERENCE
        return self.standing(entry, now=question.now)

    def _entries(self) -> Iterator[Consent | ConsentError]:
        for path in sorted(self.folder.glob("*.json")):
            try:
                yield self.show(path.stem)
            except ConsentError as error:
                yield error

    def _load(self, path: Path) -> Consent:
        try:
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            msg = f"the receipt {path.name} cannot be read: {error.strerror}"
            raise ConsentError(msg, Refusal.UNREADABLE) from error
        return check_receipt(data, self.issuer)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of the file at `path`, hex. Raises `InputError` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        msg = f"expected a file that can be read, got {path}: {error.strerror}"
        raise InputError(msg) from error
