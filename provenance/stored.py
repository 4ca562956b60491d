"""A manifest store as it is kept and handed out: the name of its active manifest, and that manifest alone."""

from __future__ import annotations

import struct

from ..media.errors import InputError
from .second_opinion.jumbf import JumbfError, boxes, describe, parse_store


def active_manifest_label(store: bytes) -> str:
    """Return the name of the active manifest (`urn:c2pa:...`), empty for bytes that are no manifest store."""
    try:
        return parse_store(store)[-1].label
    except JumbfError:
        return ""


def active_alone(store: bytes) -> bytes:
    """Return a manifest store with the active manifest only, its bytes as they were.

    What it says of manifests that it names as ingredients cannot be checked any more. Raises `InputError` for bytes
    that are no manifest store.
    """
    try:
        outer = next(boxes(memoryview(store)))
        kept = list(boxes(outer.body))
        describe(outer.body)
        active = [one for one in kept if one.kind == b"jumb"][-1]
    except (JumbfError, StopIteration, IndexError) as error:
        msg = "expected a manifest store, got bytes that are none"
        raise InputError(msg) from error
    parts = b"".join(_box(one.kind, bytes(one.body)) for one in (kept[0], active))
    return _box(outer.kind, parts)


def _box(kind: bytes, body: bytes) -> bytes:
    if len(body) + 8 < 1 << 32:
        return struct.pack(">I4s", len(body) + 8, kind) + body
    return struct.pack(">I4sQ", 1, kind, len(body) + 16) + body
