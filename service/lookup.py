"""What the resolution API answers, without HTTP: from a soft binding, or a copy of an asset, to names of manifests."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..media.errors import InputError, NothingToExamine
from ..media.fingerprint import Fingerprint, fingerprint
from ..media.limits import Limits
from ..media.resemblance import SAME, resemblance
from ..media.view import View
from ..provenance.durable import Entry, Store
from ..provenance.marks import SCHEMES, SHARED_KEY, read_marks
from ..provenance.resolver import binding_alg
from ..provenance.signed_fingerprint import FINGERPRINT_ALG, from_text

CONTENT_BYTES: Final = 64 * 1024**2
"""The largest copy that is taken, in bytes."""
UPLOAD_LIMITS: Final = Limits(
    file_bytes=CONTENT_BYTES, pixels=40_000_000, seconds=900.0, memory_bytes=3 * 1024**3, worker_seconds=30.0
)
"""What a copy may ask of the decoder: less than on the command line, for strangers send it."""
_HEX: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A manifest by its own name, and how alike the contents are, 0 to 100; `None` where they were not compared."""

    manifest_id: str
    similarity: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The store that is asked, and the keys under which marks in copies are read."""

    store: Store
    keys: tuple[bytes, ...] = (SHARED_KEY,)

    def algorithms(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the names of the watermark and of the fingerprint algorithms."""
        return tuple(binding_alg(name) for name in SCHEMES), (FINGERPRINT_ALG,)

    def by_binding(self, alg: str, value: str, *, most: int) -> list[Match]:
        """Return the manifests under a soft binding. Raises `InputError` for a value that is none of `alg`'s.

        An algorithm that is not known matches nothing.
        """
        watermarks, fingerprints = self.algorithms()
        if alg in watermarks:
            entry = self.store.find(payload_of(value))
            return [] if entry is None or not entry.label else [Match(manifest_id=entry.label, similarity=100)]
        if alg in fingerprints:
            return self._alike(_fingerprint_of(value), most)
        return []

    def by_content(self, path: Path, *, alg: str | None, hint: tuple[str, str] | None, most: int) -> list[Match]:
        """Return the manifests that a copy of the asset leads to: through its mark, then by likeness, best first.

        `hint` is a binding that the sender read in it: where it leads to a manifest that resembles, the mark is not
        read again. With `alg` only that algorithm is used. Raises what decoding raises.
        """
        watermarks, _ = self.algorithms()
        view = View.open(path, limits=UPLOAD_LIMITS)
        own = fingerprint(view)
        found: dict[str, Match] = {}
        if hint is not None and hint[0] in watermarks and alg in (None, hint[0]):
            found = self._marked([payload_of(hint[1])], own)
        if alg != FINGERPRINT_ALG and not any((one.similarity or 0) >= 100 * SAME for one in found.values()):
            marks = [mark for mark in self._read(view) if alg in (None, binding_alg(mark[0]))]
            found |= self._marked([payload for _, payload in marks], own)
        if alg in (None, FINGERPRINT_ALG):
            found |= {one.manifest_id: one for one in self._alike(own, most)}
        return sorted(found.values(), key=lambda one: -(one.similarity or 0))[:most]

    def _read(self, view: View) -> list[tuple[str, int]]:
        try:
            marks = read_marks(view, keys=self.keys)
        except NothingToExamine:
            return []
        return [(mark.scheme, mark.payload) for mark in marks if mark.payload is not None]

    def _marked(self, payloads: list[int], own: Fingerprint) -> dict[str, Match]:
        entries = [entry for payload in payloads if (entry := self.store.find(payload)) is not None]
        return {entry.label: _match(entry, resemblance(entry.fingerprint, own)) for entry in entries if entry.label}

    def _alike(self, own: Fingerprint, most: int) -> list[Match]:
        near = self.store.nearest(own, most=most)
        return [_match(entry, likeness) for likeness, entry in near if likeness >= SAME and entry.label]


def _match(entry: Entry, likeness: float) -> Match:
    return Match(manifest_id=entry.label, similarity=max(0, min(100, round(100 * likeness))))


def payload_of(value: str) -> int:
    """Return the id in a soft binding's value: base64 of 16 hexadecimal digits or of 8 bytes, or the digits as such.

    The alphabet for addresses and a missing padding are taken too. Raises `InputError` for anything else.
    """
    data = _unpacked(value)
    if len(data) == 8:
        return int.from_bytes(data, "big")
    for text in (data.decode("ascii", "replace"), value):
        if len(text) == _HEX and all(char in "0123456789abcdefABCDEF" for char in text):
            return int(text, 16)
    msg = f"expected base64 of an id of {_HEX} hexadecimal digits as the value, got {value[:40]!r}"
    raise InputError(msg)


def _unpacked(value: str) -> bytes:
    plain = value.strip().replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _fingerprint_of(value: str) -> Fingerprint:
    """Return the fingerprint in a value: the text of the manifest, or base64 of that text."""
    for text in (value, _unpacked(value).decode("ascii", "replace")):
        try:
            return from_text(text)
        except ValueError:
            continue
    msg = f"expected a fingerprint of {FINGERPRINT_ALG} as the value, got {value[:40]!r}"
    raise InputError(msg)
