"""A consent receipt: who allows what, for which purpose, with which material, until when; signed with Ed25519.

The file is canonical JSON (RFC 8785), so one text has one form: every byte of it counts, and whoever holds the
keeper's public key can check it without us. The signatures (RFC 8032) cover everything but themselves.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785

from ..media.errors import InputError
from .interface import Scope
from .seal import ConsentError, Refusal, is_signed, is_sound, need_aware, read_object, read_time, write_time

FORMAT = "assay-consent/1"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a person allows.

    `subject` is a name or, better, a pseudonym; it never leaves the book. `references` are the SHA-256 sums (lower
    case hex) of the files of voice or face that the person gave: other material of theirs is not covered. `purpose`
    is compared letter by letter. `statement` is what the person said or signed. Raises `InputError` if a part is
    missing or malformed.
    """

    subject: str
    scopes: tuple[Scope, ...]
    purpose: str
    references: tuple[str, ...]
    expires: datetime
    statement: str

    def __post_init__(self) -> None:
        """Check every part."""
        for name, value in (("subject", self.subject), ("purpose", self.purpose)):
            if not _is_plain(value):
                msg = f"a consent needs a {name} of 1 to 100 printable characters in Unicode form NFC, got {value!r}"
                raise InputError(msg)
        if not self.scopes or tuple(sorted(set(self.scopes))) != self.scopes:
            msg = f"a consent needs its scopes in alphabetical order, each once, got {self.scopes!r}"
            raise InputError(msg)
        if not self.references or any(not _SHA256.fullmatch(sha256) for sha256 in self.references):
            msg = "a consent needs the SHA-256 of at least one file that the person gave, as 64 lower-case hex digits"
            raise InputError(msg)
        if not self.statement.strip() or not is_sound(self.statement):
            msg = "a consent needs the statement of the person who gives it, got an empty or broken text"
            raise InputError(msg)
        need_aware(self.expires)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Terms):
    """Terms that were granted and signed.

    `issuer` is the keeper's public key, `subject_key` the person's own or empty when they signed on paper;
    `signatures` is the keeper's, then the person's if there is a key. All lower-case hex.
    """

    id: str
    granted: datetime
    issuer: str
    subject_key: str = ""
    signatures: tuple[str, ...] = ()

    def body(self) -> bytes:
        """Return what the signatures cover: canonical JSON of everything but themselves."""
        return rfc8785.dumps(self._content())

    def receipt(self) -> bytes:
        """Return the receipt as it lies in the book."""
        return rfc8785.dumps(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return what the receipt holds, as plain JSON values."""
        return self._content() | {"signatures": list(self.signatures)}

    def _content(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "id": self.id,
            "subject": self.subject,
            "scopes": [str(scope) for scope in self.scopes],
            "purpose": self.purpose,
            "references": list(self.references),
            "granted": write_time(self.granted),
            "expires": write_time(self.expires),
            "statement": self.statement,
            "issuer": self.issuer,
            "subject_key": self.subject_key,
        }


def check_receipt(data: bytes, issuer: str) -> Consent:
    """Return the consent that `data` holds, signed by the keeper whose public key is `issuer` (hex).

    Expiry and revocation are not looked at. Raises `ConsentError` if the receipt is unreadable or a signature broken.
    """
    consent = _parse(data)
    if consent.issuer != issuer:
        msg = f"the receipt was signed by the keeper {consent.issuer[:16]}..., expected {issuer[:16]}..."
        raise ConsentError(msg, Refusal.BROKEN_SIGNATURE)
    signers = (consent.issuer, consent.subject_key) if consent.subject_key else (consent.issuer,)
    if len(signers) != len(consent.signatures):
        msg = f"the receipt {consent.id} needs {len(signers)} signatures, it has {len(consent.signatures)}"
        raise ConsentError(msg, Refusal.BROKEN_SIGNATURE)
    for key, signature in zip(signers, consent.signatures, strict=True):
        if not is_signed(consent.body(), key, signature):
            msg = f"the receipt {consent.id} is not as it was signed: grant the consent again"
            raise ConsentError(msg, Refusal.BROKEN_SIGNATURE)
    return consent


def _parse(data: bytes) -> Consent:
    try:
        raw = read_object(data)
        consent = Consent(
            id=_text(raw, "id"),
            subject=_text(raw, "subject"),
            scopes=tuple(Scope(scope) for scope in _texts(raw, "scopes")),
            purpose=_text(raw, "purpose"),
            references=_texts(raw, "references"),
            granted=read_time(_text(raw, "granted")),
            expires=read_time(_text(raw, "expires")),
            statement=_text(raw, "statement"),
            issuer=_text(raw, "issuer"),
            subject_key=_text(raw, "subject_key"),
            signatures=_texts(raw, "signatures"),
        )
        if not _ID.fullmatch(consent.id) or consent.receipt() != data:
            msg = "it is not in the canonical form of a receipt"
            raise ValueError(msg)
    except (ValueError, InputError) as error:
        msg = f"expected a receipt of the format {FORMAT}: {error}"
        raise ConsentError(msg, Refusal.UNREADABLE) from error
    return consent


def _text(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str):
        msg = f"{name!r} must be text"
        raise ValueError(msg)
    return value


def _texts(raw: dict[str, Any], name: str) -> tuple[str, ...]:
    value = raw.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        msg = f"{name!r} must be a list of texts"
        raise ValueError(msg)
    return tuple(value)


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= 100 and text.isprintable() and text == unicodedata.normalize("NFC", text).strip()
