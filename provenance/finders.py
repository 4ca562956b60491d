"""Where the manifest of a stripped file may be found: the user's own store, or somebody else's (`resolver`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..media.fingerprint import Fingerprint
from .durable import Store
from .marks import SHARED_KEY
from .marks.interface import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A manifest that was found under a mark's id, and where.

    `fingerprint` is that of the place which keeps it, used only where the signed manifest brings none of its own and
    only if the place is the user's own; `None` where it must not be believed. `facts` are told beside the result.
    """

    manifest: bytes
    where: str
    fingerprint: Fingerprint | None
    facts: dict[str, Any]


class Finder(Protocol):
    """A place where manifests are looked for."""

    def candidates(self, mark: Mark) -> Sequence[Candidate]:
        """Return the manifests that are kept under the id of `mark`. Raises an `AssayError` if it cannot be asked."""
        ...


class LocalFinder:
    """The user's own store."""

    def __init__(self, store: Store) -> None:
        """Look into `store`."""
        self.store = store

    def candidates(self, mark: Mark) -> Sequence[Candidate]:
        """Return what the store keeps under the id; see `Finder`."""
        entry = None if mark.payload is None else self.store.find(mark.payload)
        if entry is None:
            return ()
        facts = {
            "published_sha256": entry.sha256,
            "published_at": entry.time.isoformat(),
            "published_title": entry.title,
        }
        found = Candidate(manifest=entry.manifest, where="your own store", fingerprint=entry.fingerprint, facts=facts)
        return (found,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Where the manifest of a file that lost its own is looked for, in order, and under which keys marks are read."""

    finders: tuple[Finder, ...]
    keys: tuple[bytes, ...] = (SHARED_KEY,)
