"""The manifest store as boxes (JUMBF, ISO 19566-5; C2PA 2.2, section 11): manifests, assertions, claim, signature."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ...media.limits import DEFAULT_LIMITS
from .cbor import CborError, decode

STORE_MARK: Final = b"jumdc2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71"
"""The description box of every manifest store: a file that holds these bytes carries, or carried, a manifest."""

_UUID_REST: Final = bytes.fromhex("00110010800000aa00389b71")  # behind the four letters of every type of box
_COMPRESSED: Final = b"c2cm"  # a manifest by Brotli, whole, in a box `brob`
_KINDS: Final = (b"c2ma", b"c2um")
_MANIFESTS_MOST: Final = 4096
_BOXES_MOST: Final = 65_536  # boxes side by side: an empty one takes only eight bytes
_SIGNATURE: Final = "c2pa.signature"
_CLAIMS: Final = ("c2pa.claim", "c2pa.claim.v2")
_ASSERTIONS: Final = "c2pa.assertions"
_TYPES: Final = {_ASSERTIONS: b"c2as", _SIGNATURE: b"c2cs", **dict.fromkeys(_CLAIMS, b"c2cl")}
_X5CHAIN: Final = 33  # RFC 9360; older claims name it in words
_CERTIFICATES_MOST: Final = 16


class JumbfError(ValueError):
    """The bytes are not a manifest store, or one larger than is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box: its four-letter type and the bytes inside it."""

    kind: bytes
    body: memoryview


@dataclass(frozen=True, slots=True, kw_only=True)
class RawManifest:
    """One manifest as it lies in the store: nothing of it is checked.

    `kind` tells a standard manifest (`c2ma`) from an update (`c2um`); a compressed one stands here as it was before.
    `assertions` maps labels to the inside of their boxes, which is what hashed URIs are made over; `claims` and
    `signatures` hold the CBOR of each such box, of which there must be one.
    """

    label: str
    kind: bytes
    body: memoryview
    assertions: dict[str, memoryview]
    repeated: tuple[str, ...]
    """Labels that two assertions have: what they name is not certain."""
    claims: tuple[tuple[str, bytes], ...]
    signatures: tuple[bytes, ...]
    signature_box: memoryview | None


def boxes(data: memoryview) -> Iterator[Box]:
    """Yield the boxes that lie side by side in `data`. Raises `JumbfError` where a length is wrong."""
    at = count = 0
    while at < len(data):
        count += 1
        if len(data) - at < 8 or count > _BOXES_MOST:
            msg = f"{len(data) - at} bytes are left where box {count} must begin"
            raise JumbfError(msg)
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            if len(data) - at < 16:
                msg = "a long box has no room for its length"
                raise JumbfError(msg)
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        if not head <= size <= len(data) - at:
            msg = f"a box claims {size} bytes, {len(data) - at} are left"
            raise JumbfError(msg)
        yield Box(kind=kind, body=data[at + head : at + size])
        at += size


def describe(body: memoryview) -> tuple[bytes, str]:
    """Return the type (four letters of its UUID, empty for another's) and the label, if any, of a superbox.

    Raises `JumbfError` where there is no description.
    """
    first = next(boxes(body), None)
    if first is None or first.kind != b"jumd" or len(first.body) < 17:
        msg = "a superbox does not begin with its description"
        raise JumbfError(msg)
    kind = bytes(first.body[:4]) if first.body[4:16] == _UUID_REST else b""
    if not first.body[16] & 2:
        return kind, ""
    label, end, _ = bytes(first.body[17:]).partition(b"\0")
    if not end:
        msg = "a label has no end"
        raise JumbfError(msg)
    try:
        return kind, label.decode()
    except UnicodeDecodeError as error:
        msg = "a label is not UTF-8"
        raise JumbfError(msg) from error


def content(body: memoryview) -> bytes:
    """Return what the first box behind the description of a superbox holds, empty if there is none."""
    inner = list(boxes(body))
    return bytes(inner[1].body) if len(inner) > 1 else b""


def parse_store(store: bytes, *, most: int = DEFAULT_LIMITS.manifest_bytes) -> tuple[RawManifest, ...]:
    """Return the manifests in a store, in order: the last is the active one.

    Compressed ones are undone, to at most `most` bytes in all. Raises `JumbfError`, `LimitExceeded` if it takes more.
    """
    outer = next(boxes(memoryview(store)), None)
    if outer is None or outer.kind != b"jumb" or describe(outer.body)[0] != b"c2pa":
        msg = "expected a manifest store, got something else"
        raise JumbfError(msg)
    found = []
    for box in boxes(outer.body):
        if box.kind == b"jumb":
            body = box.body
            if describe(body)[0] == _COMPRESSED:
                body = _undone(body, most)
                most -= len(body)
            found.append(_manifest(body))
        if len(found) > _MANIFESTS_MOST:
            msg = f"expected at most {_MANIFESTS_MOST} manifests in a store"
            raise JumbfError(msg)
    if not found or len({one.label for one in found}) < len(found):
        msg = "expected manifests with a label each, got none, or two of one label"
        raise JumbfError(msg)
    return tuple(found)


def _undone(body: memoryview, most: int) -> memoryview:
    """Return the inside of the manifest that a compressed one holds (C2PA 2.2, section 11.2)."""
    from .compressed import expand

    inner = next((one for one in boxes(body) if one.kind == b"brob"), None)
    if inner is None:
        msg = "a compressed manifest holds no compressed box"
        raise JumbfError(msg)
    manifest = next(boxes(memoryview(expand(bytes(inner.body), most=most))), None)
    if manifest is None or manifest.kind != b"jumb" or describe(manifest.body)[1] != describe(body)[1]:
        msg = "a compressed manifest holds something else than the manifest that it is named after"
        raise JumbfError(msg)
    return manifest.body


def _manifest(body: memoryview) -> RawManifest:
    kind, label = describe(body)
    if kind not in _KINDS:
        msg = f"expected a manifest, or an update of one, got a box of type {kind!r}"
        raise JumbfError(msg)
    assertions: dict[str, memoryview] = {}
    repeated, claims, signatures = [], [], []
    signature_box = None
    for box in boxes(body):
        if box.kind != b"jumb":
            continue
        inner_kind, name = describe(box.body)
        if inner_kind != _TYPES.get(name, inner_kind):
            msg = f"the box {name!r} is of another type than its name says"
            raise JumbfError(msg)
        if name == _ASSERTIONS:
            for inner in boxes(box.body):
                if inner.kind == b"jumb":
                    inner_label = describe(inner.body)[1]
                    repeated += [inner_label] * (inner_label in assertions)
                    assertions[inner_label] = inner.body
        elif name in _CLAIMS:
            claims.append((name, content(box.body)))
        elif name == _SIGNATURE:
            signatures.append(content(box.body))
            signature_box = box.body
    return RawManifest(
        label=label,
        kind=kind,
        body=body,
        assertions=assertions,
        repeated=tuple(repeated),
        claims=tuple(claims),
        signatures=tuple(signatures),
        signature_box=signature_box,
    )


def certificate_chains(store: bytes) -> dict[str, tuple[bytes, ...]]:
    """Return, for each manifest label in the store, the certificates (DER, leaf first) that its signature carries.

    A manifest whose signature cannot be read so is left out: the check of the signature itself is not made here.
    """
    try:
        manifests = parse_store(store)
    except JumbfError:
        return {}
    found = {one.label: _chain_of(one) for one in manifests if one.signatures}
    return {label: chain for label, chain in found.items() if chain}


def _chain_of(manifest: RawManifest) -> tuple[bytes, ...]:
    try:
        parts = decode(manifest.signatures[0])
        protected = decode(parts[0]) if isinstance(parts, list) and parts and isinstance(parts[0], bytes) else {}
    except CborError:
        return ()
    return x5chain(protected, parts[1] if isinstance(parts, list) and len(parts) == 4 else {})


def x5chain(*headers: Any) -> tuple[bytes, ...]:  # noqa: ANN401 - decoded CBOR
    """Return the certificates in COSE headers: the protected one, or the unprotected one of older claims.

    Empty where more than one chain is given, or one that cannot be read: another reader may take another one, and so
    judge another signer.
    """
    given = [
        header[name]
        for header in headers
        if isinstance(header, dict)
        for name in (_X5CHAIN, "x5chain")
        if name in header
    ]
    if len(given) != 1:
        return ()
    chain = [given[0]] if isinstance(given[0], bytes) else given[0]
    if not isinstance(chain, list) or not 0 < len(chain) <= _CERTIFICATES_MOST:
        return ()
    return tuple(chain) if all(isinstance(one, bytes) for one in chain) else ()
