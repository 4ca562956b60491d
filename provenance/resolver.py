"""Asks a C2PA soft binding resolution service for the manifest that a mark leads to, and believes nothing it says.

Only the id in the mark is sent, never the content. What comes is a manifest: its signature is judged by our own trust,
it must name this very mark, and its likeness is taken from the fingerprint that it carries signed. A service can keep
a manifest back or give one that fails; it cannot make a stranger's file look recovered.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..media.errors import InputError
from .finders import Candidate
from .marks.interface import Mark
from .remote import RemoteAbsent, RemoteError, RemotePolicy, fetch_remote

__all__ = ["Resolver", "binding_alg", "binding_value"]

NAMESPACE: Final = "dev."
"""Put before a scheme's name: it is not in C2PA's list of soft binding algorithms, so it stands under its owner's."""
_HERE: Final = ("localhost", "127.0.0.1", "::1")
_MATCHES_MOST: Final = 4
_ANSWER_BYTES: Final = 256 * 1024
_KEPT_MOST: Final = 1024  # ids whose answers are kept, so that many copies of one work ask once


class _Match(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    manifest_id: str = Field(alias="manifestId", min_length=1, max_length=512)
    endpoint: str | None = Field(default=None, max_length=2048)


class _Matches(BaseModel):
    matches: list[_Match] = Field(default_factory=list, max_length=1000)


def binding_alg(scheme: str) -> str:
    """Return the name of a mark scheme as a soft binding algorithm."""
    return NAMESPACE + scheme


def binding_value(payload: int) -> str:
    """Return an id as a resolution service takes it: base64 of its 16 hexadecimal digits, as the manifest has them."""
    return base64.b64encode(f"{payload:016x}".encode()).decode()


class Resolver:
    """A resolution service at `base`, as a place where manifests are looked for."""

    def __init__(self, base: str, *, inside: frozenset[str] = frozenset(), seconds: float = 10.0) -> None:
        """Use the service at the address `base` (https://host/path).

        It is asked over https and on the public network, except a host that `inside` names, or this machine itself:
        the user named it. Its redirects, and other places that it names, must be on the same host. Raises `InputError`
        for what is no such address.
        """
        parts = urlsplit(base)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
            msg = f"expected the address of a resolution service, as https://host/c2pa, got {base[:200]!r}"
            raise InputError(msg)
        near = parts.hostname in {*inside, *_HERE}
        if parts.scheme == "http" and not near:
            msg = f"expected an https address, got {base[:200]!r}: name the host with --resolver-inside to allow http"
            raise InputError(msg)
        self.base = base.rstrip("/")
        self.host = parts.netloc.rpartition("@")[2]
        self._policy = RemotePolicy(
            hosts=frozenset({parts.hostname}), seconds=seconds, redirects=2, private_addresses=near, plain_http=near
        )
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, int], tuple[Candidate, ...]] = {}

    def candidates(self, mark: Mark) -> Sequence[Candidate]:
        """Return the manifests that the service gives for the id of `mark`. Raises `RemoteError`; see `Finder`."""
        if mark.payload is None:
            return ()
        key = (mark.scheme, mark.payload)
        with self._lock:
            known = self._kept.get(key)
        if known is None:
            known = self._asked(mark.scheme, mark.payload)
            with self._lock:
                if len(self._kept) >= _KEPT_MOST:
                    self._kept.clear()
                self._kept[key] = known
        return known

    def _asked(self, scheme: str, payload: int) -> tuple[Candidate, ...]:
        asked = {"alg": binding_alg(scheme), "value": binding_value(payload), "maxResults": _MATCHES_MOST}
        policy = replace(self._policy, bytes_most=_ANSWER_BYTES)
        try:
            address = f"{self.base}/matches/byBinding?{urlencode(asked)}"
            told = _Matches.model_validate_json(fetch_remote(address, policy=policy, accept="application/json"))
        except RemoteAbsent:
            return ()
        except ValidationError as error:
            msg = f"the resolution service at {self.host} answered with something else than matches"
            raise RemoteError(msg) from error
        found = (self._manifest(match) for match in told.matches[:_MATCHES_MOST])
        where = f"the resolution service at {self.host}"
        return tuple(
            Candidate(manifest=manifest, where=where, fingerprint=None, facts={"resolver": self.base})
            for manifest in found
            if manifest
        )

    def _manifest(self, match: _Match) -> bytes:
        """Return a manifest store, empty if it is not there."""
        base = self.base
        if match.endpoint and urlsplit(match.endpoint).netloc == urlsplit(self.base).netloc:
            base = match.endpoint.rstrip("/")
        try:
            return fetch_remote(f"{base}/manifests/{quote(match.manifest_id, safe='')}", policy=self._policy)
        except RemoteAbsent:
            return b""
