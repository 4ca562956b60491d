"""Asks authorities whether they withdrew a certificate (OCSP, RFC 6960): only when asked to, and only named hosts.

A certificate names the address to ask, so the rules of `remote` hold. Plain http is the rule here, as every answer is
signed: its signature, its responder, its validity and the number that it was asked with are checked, not the channel.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from .profile import fingerprint, issued_by
from .remote import RemoteError, RemoteForbidden, RemotePolicy, ask_remote
from .report import Codes
from .second_opinion.cose import path_to_anchor
from .second_opinion.revocation import NOT_REVOKED, REVOKED, SKIPPED, UNKNOWN, Answer, read_answer

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = ["INACCESSIBLE", "Asked", "Responders", "ask_chain", "with_asked"]

INACCESSIBLE: Final = "signingCredential.ocsp.inaccessible"
_ANSWER_BYTES: Final = 64 * 1024  # with a responder's chain of RSA certificates an answer has some 5 kB
_CERTIFICATES_MOST: Final = 4  # of one chain that are asked about; real chains have two or three
_ADDRESSES_MOST: Final = 2  # of one certificate
_NONCE_BYTES: Final = 16  # RFC 9654 asks for 1 to 128, older responders refuse more than 32
_CLOCK_SKEW: Final = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of asking about one certificate. `why` tells what stood in the way where there is no answer.

    `not asked`: it names no address, or none that may be asked. `unreachable`: no answer came that holds.
    """

    sha256: str
    result: Literal["good", "revoked", "unknown", "unreachable", "not asked"]
    url: str = ""
    why: str = ""
    answer: Answer | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values; times in ISO 8601."""
        told = self.answer
        return {
            "certificate_sha256": self.sha256,
            "result": self.result,
            "url": self.url,
            "why": self.why,
            "revoked_at": told.since.isoformat() if told and told.since else None,
            "this_update": told.begins.isoformat() if told else None,
            "next_update": told.ends.isoformat() if told else None,
        }

    def code(self, moment: dt.datetime) -> str:
        """Return the status code for a signature made at `moment`."""
        if self.answer is not None:
            return self.answer.code(moment)
        return {"unknown": UNKNOWN, "not asked": SKIPPED}.get(self.result, INACCESSIBLE)


class Responders:
    """The responders that may be asked. One certificate is asked about once, from however many threads and files."""

    def __init__(self, policy: RemotePolicy) -> None:
        """Ask the hosts of `policy`, over http too, without redirects, for answers of at most 64 KiB."""
        self._policy = replace(policy, plain_http=True, redirects=0, bytes_most=min(policy.bytes_most, _ANSWER_BYTES))
        self._lock = threading.Lock()
        self._asked: dict[tuple[str, str], Future[Asked]] = {}

    def ask(self, certificate: Certificate, issuer: Certificate, now: dt.datetime) -> Asked:
        """Return what is known of a certificate at `now`; an earlier answer counts while it holds."""
        key = (fingerprint(certificate), fingerprint(issuer))
        with self._lock:
            known = self._asked.get(key)
            if known is not None and known.done() and _is_over(known.result(), now):
                known = None
            mine = known is None
            asked = known or Future()
            self._asked[key] = asked
        if mine:
            try:
                asked.set_result(self._once(certificate, issuer, now))
            except BaseException as error:
                asked.set_exception(error)
                raise
        return asked.result()

    def _once(self, certificate: Certificate, issuer: Certificate, now: dt.datetime) -> Asked:
        sha256 = fingerprint(certificate)
        found = Asked(sha256=sha256, result="not asked", why="the certificate names no address to ask at")
        for url in _addresses(certificate)[:_ADDRESSES_MOST]:
            nonce = os.urandom(_NONCE_BYTES)
            try:
                data = ask_remote(url, _question(certificate, issuer, nonce), kind="ocsp", policy=self._policy)
            except RemoteForbidden as error:
                found = Asked(sha256=sha256, result="not asked", url=url, why=str(error))
                continue
            except RemoteError as error:
                found = Asked(sha256=sha256, result="unreachable", url=url, why=str(error))
                continue
            answer = read_answer(data, certificate, issuer, now)
            why = _fault(answer, nonce, now)
            if answer is None or why:
                found = Asked(sha256=sha256, result="unreachable", url=url, why=why)
            elif answer.status == "good" and certificate.not_valid_after_utc < answer.begins:
                # RFC 6960, section 4.4.4: an authority may forget what it withdrew once that has expired
                why = "the certificate has expired since, and an authority need not remember what it withdrew then"
                return Asked(sha256=sha256, result="unknown", url=url, why=why)
            else:
                return Asked(sha256=sha256, result=answer.status, url=url, answer=answer)
        return found


def ask_chain(
    responders: Responders | None,
    chain: tuple[Certificate, ...],
    anchors: tuple[Certificate, ...],
    times: tuple[dt.datetime, dt.datetime],
) -> tuple[Asked, ...]:
    """Return what came of asking about the signer and every authority below the anchor, the signer's first.

    `times` are the moment of signing and now. Nothing is asked without `responders`.
    """
    if responders is None or not chain:
        return ()
    path = path_to_anchor(chain, anchors, times[0])
    if not path:
        above = next((one for one in (*chain[1:], *anchors) if issued_by(chain[0], one)), None)
        path = (chain[0], above) if above is not None else ()
    pairs = list(itertools.pairwise(path))[:_CERTIFICATES_MOST]
    return tuple(responders.ask(one, issuer, times[1]) for one, issuer in pairs)


def with_asked(codes: Codes, asked: tuple[Asked, ...], moment: dt.datetime) -> Codes:
    """Return a manifest's codes with what the authorities said of a signature made at `moment`.

    A withdrawal of any certificate on the way counts. A clean bill counts for the signer's alone, and an answer that
    came along keeps its meaning where the authority now gives none.
    """
    if not asked:
        return codes
    if any(one.code(moment) == REVOKED for one in asked):
        success = tuple(code for code in codes.success if code != NOT_REVOKED)
        return replace(codes, success=success) + Codes(failure=(REVOKED,))
    own = asked[0].code(moment)
    informational = tuple(code for code in codes.informational if code not in (SKIPPED, UNKNOWN))
    if own == NOT_REVOKED:
        return replace(codes, informational=informational) + Codes(success=(own,))
    return replace(codes, informational=informational) + Codes(informational=(own,))


def _addresses(certificate: Certificate) -> list[str]:
    """Return where a certificate says that its authority is to be asked (RFC 5280, section 4.2.2.1)."""
    from cryptography.x509 import AuthorityInformationAccess, ExtensionNotFound, UniformResourceIdentifier
    from cryptography.x509.oid import AuthorityInformationAccessOID

    try:
        entries = certificate.extensions.get_extension_for_class(AuthorityInformationAccess).value
    except (ExtensionNotFound, ValueError):
        return []
    ours = (one for one in entries if one.access_method == AuthorityInformationAccessOID.OCSP)
    return [one.access_location.value for one in ours if isinstance(one.access_location, UniformResourceIdentifier)]


def _question(certificate: Certificate, issuer: Certificate, nonce: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import OCSPNonce
    from cryptography.x509.ocsp import OCSPRequestBuilder

    # RFC 5019, section 2.1.1: SHA-1 names the issuer, and is all that many responders know
    builder = OCSPRequestBuilder().add_certificate(certificate, issuer, SHA1())  # noqa: S303
    return builder.add_extension(OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)


def _fault(answer: Answer | None, nonce: bytes, now: dt.datetime) -> str:
    """Return why an answer does not hold, empty if it does.

    Many responders sign answers ahead and repeat no number; one with another number answers another question.
    """
    if answer is None:
        return "the answer is no answer on this certificate by its authority, or a responder that it named"
    if answer.nonce not in (b"", nonce):
        return "the answer belongs to another question: it repeats another number"
    if answer.begins > now + _CLOCK_SKEW or answer.ends < now - _CLOCK_SKEW:
        return f"the answer is out of date: it holds from {answer.begins.isoformat()} to {answer.ends.isoformat()}"
    return ""


def _is_over(asked: Asked, now: dt.datetime) -> bool:
    return asked.answer is not None and asked.answer.ends + _CLOCK_SKEW < now
