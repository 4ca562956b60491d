"""Time stamps (RFC 3161) over a log's checkpoint: an authority's signed word that it existed at a time.

What is stamped is the SHA-256 of the checkpoint's text (name, size, root), without its signatures: witnesses may add
theirs later. Together with a receipt this shows that an entry was in the log before that time, whatever the log's
own clock said.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..media.errors import InputError, MissingExtra
from .merkle import LedgerError
from .notes import Checkpoint

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest, TimeStampResponse

_LARGEST = 64 * 1024  # bytes of a reply; real ones have 2 to 8 thousand
_TYPE = "application/timestamp-query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """An authority's `reply` (DER, as it came), to be kept beside the checkpoint. It is a claim until `verify`."""

    reply: bytes = field(repr=False)

    def verify(self, note: str, *, roots: Sequence[bytes]) -> datetime:
        """Return when the checkpoint in `note` existed at the latest, by an authority that leads to one of `roots`.

        `roots` are certificates in PEM, from a source of the reader's own. Needs no network. Raises `LedgerError` if
        the stamp is of another checkpoint, damaged, or not by such an authority, `InputError` for roots that are none.
        """
        from cryptography.x509 import load_pem_x509_certificates

        client = _client()
        try:
            trusted = [one for pem in roots for one in load_pem_x509_certificates(pem)]
        except ValueError as error:
            msg = f"the roots of the time stamp authority are not PEM certificates: {error}"
            raise InputError(msg) from error
        if not trusted:
            msg = "a time stamp is checked against certificates of authorities that you trust: give at least one"
            raise InputError(msg)
        response = self._parsed()
        _check(client.VerifierBuilder(roots=trusted).build(), response, _text(note))
        when: datetime = response.tst_info.gen_time
        return when

    def _parsed(self) -> TimeStampResponse:
        try:
            response: TimeStampResponse = _client().decode_timestamp_response(self.reply)
        except ValueError as error:
            msg = f"expected a time stamp reply in strict DER (RFC 3161), got {len(self.reply)} bytes: {error}"
            raise LedgerError(msg) from error
        return response


def stamp(note: str, url: str, *, seconds: float = 30.0) -> Stamp:
    """Ask the authority at `url` (http or https) to stamp the checkpoint in `note`; this goes over the network.

    The reply must be granted, over this checkpoint and with our nonce; who signed it is for `Stamp.verify` to say.
    Raises `LedgerError` if none comes within `seconds` or it is another, `InputError` for another kind of address.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        msg = f"expected the http or https address of a time stamp authority, got {url!r}"
        raise InputError(msg)
    request = _request(_text(note))
    query = urllib.request.Request(url, data=request.as_bytes(), headers={"Content-Type": _TYPE})  # noqa: S310 - checked
    try:
        with urllib.request.urlopen(query, timeout=seconds) as answer:  # noqa: S310 - its scheme is checked above
            reply = answer.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        msg = f"the time stamp authority at {url} does not answer: {error}"
        raise LedgerError(msg) from error
    made = Stamp(reply=reply[:_LARGEST])
    told = made._parsed()
    if told.status != 0 or told.tst_info.nonce != request.nonce:
        msg = f"the authority at {url} refused, or answered another question (status {told.status})"
        raise LedgerError(msg)
    if told.tst_info.message_imprint.message != request.message_imprint.message:
        msg = f"the authority at {url} stamped something else than this checkpoint"
        raise LedgerError(msg)
    return made


def _request(text: bytes) -> TimeStampRequest:
    client = _client()
    builder = client.TimestampRequestBuilder().data(text).hash_algorithm(client.HashAlgorithm.SHA256)
    request: TimeStampRequest = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    return request


def _check(verifier: Any, response: TimeStampResponse, text: bytes) -> None:  # noqa: ANN401 - of a lazy import
    try:
        verifier.verify_message(response, text)
    except (_client().VerificationError, ValueError) as error:
        msg = f"the time stamp does not hold for this checkpoint and these authorities: {error}"
        raise LedgerError(msg) from error


def _text(note: str) -> bytes:
    return Checkpoint.parse(note).text().encode()


def _client() -> Any:  # noqa: ANN401 - a module
    try:
        import rfc3161_client
    except ImportError as error:
        feature = "stamping a checkpoint"
        raise MissingExtra(feature, "anchor") from error
    return rfc3161_client
