"""The manifest store as boxes (JUMBF, ISO 19566-5): enough of it to find the certificates behind each signature."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from .cbor import CborError, decode

STORE_MARK: Final = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
"""The description box of every manifest store: a file that holds these bytes carries, or carried, a manifest."""

_MANIFESTS_MOST: Final = 4096
_SIGNATURE: Final = "c2pa.signature"
_X5CHAIN: Final = 33  # RFC 9360; older claims name it in words
_CERTIFICATES_MOST: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box: its four-letter type and the bytes inside it."""

    kind: bytes
    body: memoryview


def boxes(data: memoryview) -> Iterator[Box]:
    """Yield the boxes that lie side by side in `data`. Raises `ValueError` where a length is wrong."""
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            msg = f"{len(data) - at} bytes are left where a box must begin"
            raise ValueError(msg)
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            if len(data) - at < 16:
                msg = "a long box has no room for its length"
                raise ValueError(msg)
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        elif size == 0:
            size = len(data) - at
        if not head <= size <= len(data) - at:
            msg = f"a box claims {size} bytes, {len(data) - at} are left"
            raise ValueError(msg)
        yield Box(kind=kind, body=data[at + head : at + size])
        at += size


def label_of(body: memoryview) -> str:
    """Return the label in a superbox's description, empty if it has none. Raises `ValueError` if that is no box."""
    first = next(boxes(body), None)
    if first is None or first.kind != b"jumd" or len(first.body) < 17:
        msg = "a superbox does not begin with its description"
        raise ValueError(msg)
    if not first.body[16] & 2:
        return ""
    return bytes(first.body[17:]).partition(b"\0")[0].decode("utf-8", "replace")


def certificate_chains(store: bytes) -> dict[str, tuple[bytes, ...]]:
    """Return, for each manifest label in the store, the certificates (DER, leaf first) that its signature carries.

    A manifest whose signature cannot be read so is left out: the check of the signature itself is not made here.
    """
    found: dict[str, tuple[bytes, ...]] = {}
    try:
        outer = next(boxes(memoryview(store)), None)
        if outer is None or outer.kind != b"jumb":
            return found
        for count, manifest in enumerate(boxes(outer.body)):
            if count > _MANIFESTS_MOST:
                break
            if manifest.kind == b"jumb":
                chain = _chain_of(manifest.body)
                if chain:
                    found[label_of(manifest.body)] = chain
    except (ValueError, struct.error):
        return found
    return found


def _chain_of(manifest: memoryview) -> tuple[bytes, ...]:
    for box in boxes(manifest):
        if box.kind == b"jumb" and label_of(box.body) == _SIGNATURE:
            for inner in boxes(box.body):
                if inner.kind == b"cbor":
                    return _x5chain(bytes(inner.body))
    return ()


def _x5chain(cose: bytes) -> tuple[bytes, ...]:
    """Return the certificates in a COSE_Sign1: in the protected header, or the unprotected one of older claims."""
    try:
        parts = decode(cose)
        if not isinstance(parts, list) or len(parts) != 4:
            return ()
        protected = decode(parts[0]) if isinstance(parts[0], bytes) and parts[0] else {}
    except CborError:
        return ()
    for header in (protected, parts[1]):
        value: Any = None
        if isinstance(header, dict):
            value = header.get(_X5CHAIN, header.get("x5chain"))
        chain = [value] if isinstance(value, bytes) else value
        if isinstance(chain, list) and 0 < len(chain) <= _CERTIFICATES_MOST:
            return tuple(one for one in chain if isinstance(one, bytes))
    return ()
