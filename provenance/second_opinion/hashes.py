"""Hard bindings: is the content the one that was signed (C2PA 2.2, section 9.2 and the assertions c2pa.hash.*)."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ...media.errors import LimitExceeded
from ..report import Codes, as_dict, as_list, as_text
from .stores import Located, Source

HASHES: Final = ("sha256", "sha384", "sha512")
_BLOCK: Final = 1 << 20
_EXCLUSIONS_MOST: Final = 4096

Piece = tuple[int, int] | bytes
"""What goes into a hash: a range of the file (start, end), or bytes of our own."""


class HashError(ValueError):
    """The description of a hash cannot be followed; the message says why."""


@dataclass(slots=True)
class Clock:
    """The time that checking one file may take: `check` raises `LimitExceeded` when it is spent."""

    seconds: float
    _begun: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        """Raise `LimitExceeded` if the time is spent."""
        if time.monotonic() - self._begun > self.seconds:
            msg = f"the file was not checked within {self.seconds:g} s: Limits.verify_seconds is too short for it"
            raise LimitExceeded(msg)


def new_hash(name: object) -> Any:  # noqa: ANN401 - hashlib has no public type
    """Return a fresh hash by its C2PA name. Raises `HashError` for one that is not allowed."""
    if name not in HASHES:
        msg = f"the hash algorithm {str(name)[:40]!r} is not allowed"
        raise HashError(msg)
    return hashlib.new(str(name))


def hash_pieces(source: Source, pieces: Iterable[Piece], algorithm: object, clock: Clock) -> bytes:
    """Return the hash over ranges of the file, and bytes between them."""
    made = new_hash(algorithm)
    for piece in pieces:
        if isinstance(piece, bytes):
            made.update(piece)
            continue
        at, end = piece
        while at < end:
            clock.check()
            block = source.read(at, min(_BLOCK, end - at))
            if not block:
                msg = "a hashed range lies behind the end of the file"
                raise HashError(msg)
            made.update(block)
            at += len(block)
    digest: bytes = made.digest()
    return digest


def without(start: int, end: int, holes: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what is left of a range when `holes`, each (start, end), are taken out of it."""
    for hole_start, hole_end in sorted(holes):
        if hole_start > start:
            yield start, min(hole_start, end)
        start = max(start, hole_end)
        if start >= end:
            return
    if start < end:
        yield start, end


def data_hash(
    source: Source, binding: dict[str, Any], located: Located | None, clock: Clock, *, default: object, grown: bool
) -> Codes:
    """Return the codes of a c2pa.hash.data assertion: all bytes of the file but the excluded ranges.

    `grown` tells that manifests were added behind the one that holds the assertion, so that the range that begins
    where the store does now ends elsewhere.
    """
    if any(binding.get(key) for key in ("url", "remote")):
        return Codes(failure=("assertion.dataHash.malformed",))
    holes = _exclusions(binding, source)
    if holes is None:
        return Codes(failure=("assertion.dataHash.malformed",))
    spans = [(part.start, part.end) for part in located.parts] if located else []
    taken = (min(start for start, _ in spans), max(end for _, end in spans)) if spans else (0, 0)
    if grown and spans:
        holes = [taken if start == taken[0] else (start, end) for start, end in holes]
    pieces = without(0, source.size, holes)
    if hash_pieces(source, pieces, binding.get("alg", default), clock) != binding.get("hash"):
        return Codes(failure=("assertion.dataHash.mismatch",))
    extra = any(start < taken[0] or end > taken[1] + 1 for start, end in holes if end > start)  # one byte of padding
    noted = ("assertion.dataHash.additionalExclusionsPresent",) if extra else ()
    return Codes(success=("assertion.dataHash.match",), informational=noted)


def _exclusions(binding: dict[str, Any], source: Source) -> list[tuple[int, int]] | None:
    """Return the excluded ranges (start, end) in order; `None` if they overlap, or lie outside of the file."""
    listed = as_list(binding.get("exclusions"))
    holes = []
    for one in listed[: _EXCLUSIONS_MOST + 1]:
        start, length = as_dict(one).get("start"), as_dict(one).get("length")
        if not isinstance(start, int) or not isinstance(length, int) or start < 0 or length < 0:
            return None
        holes.append((start, start + length))
    holes.sort()
    apart = all(before[1] <= after[0] for before, after in itertools.pairwise(holes))
    if not apart or len(listed) > _EXCLUSIONS_MOST or (holes and holes[-1][1] > source.size):
        return None
    return holes


def binding_kind(label: str) -> str | None:
    """Return which hard binding an assertion label names: `data`, `bmff`, `boxes`, `collection`; `None` for others."""
    name = as_text(label).partition("__")[0]
    if not name.startswith("c2pa.hash."):
        return None
    return name.removeprefix("c2pa.hash.").partition(".")[0]
