"""What a receipt and a revocation are made of: moments, sound text, small JSON objects, Ed25519, and the refusal."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ..media.errors import AssayError, InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MOST_BYTES = 64 * 1024
"""Bytes of a receipt: one is a kilobyte; what is larger was not written by us."""
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Refusal(StrEnum):
    """Why a consent does not serve, the farthest from serving first."""

    MISSING = "missing"
    OTHER_SUBJECT = "other subject"
    UNREADABLE = "receipt unreadable"
    BROKEN_SIGNATURE = "signature broken"
    OTHER_SCOPE = "other scope"
    OTHER_PURPOSE = "wrong purpose"
    OTHER_REFERENCE = "reference file does not match"
    NOT_YET_VALID = "not yet valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


class ConsentError(AssayError):
    """There is no consent that serves; `reason` says in which way."""

    def __init__(self, message: str, reason: Refusal) -> None:
        """Refuse for `reason`, told in `message`."""
        super().__init__(f"no consent ({reason}): {message}")
        self.reason = reason


def is_signed(body: bytes, key: str, signature: str) -> bool:
    """Return whether `signature` over `body` was made by the holder of the Ed25519 public `key` (both hex)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), body)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_hex(key: Ed25519PrivateKey) -> str:
    """Return the raw public half of `key` as hex."""
    return key.public_key().public_bytes_raw().hex()


def is_sound(text: str) -> bool:
    """Return whether `text` can be written as UTF-8 (an argument of the command line may not)."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def write_time(moment: datetime) -> str:
    """Return `moment` as UTC text, whole seconds. Raises `InputError` if it has no time zone."""
    need_aware(moment)
    return moment.astimezone(UTC).strftime(_TIME)


def read_time(text: str) -> datetime:
    """Return the moment that `write_time` wrote. Raises `ValueError` if it is another text."""
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def read_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object in `data`. Raises `ValueError` if it is too large or no object."""
    if len(data) > MOST_BYTES:
        msg = f"expected at most {MOST_BYTES} bytes, got {len(data)}"
        raise ValueError(msg)
    try:
        raw = json.loads(data.decode("utf-8"))
    except RecursionError as error:
        msg = "nested too deep"
        raise ValueError(msg) from error
    if not isinstance(raw, dict):
        msg = "expected a JSON object"
        raise ValueError(msg)
    return raw


def need_aware(moment: datetime) -> None:
    """Raise `InputError` if `moment` has no time zone."""
    if moment.tzinfo is None:
        msg = f"a consent needs moments with a time zone, got {moment.isoformat()}"
        raise InputError(msg)
