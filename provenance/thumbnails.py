"""The small pictures in a manifest, decoded by our worker and encoded anew: no stranger's bytes reach a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..media.errors import AssayError, UnreadableMedia
from ..media.limits import Limits
from .container import media_type, read_head
from .context import c2pa_settings
from .reader import Reading, read_manifest
from .report import as_dict, as_text, ingredients_of, manifests
from .second_opinion.jumbf import JumbfError, RawManifest, boxes, parse_store
from .sources import detached_manifest
from .tree import OWN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE: Final = 280
"""Pixels of the longer side of a picture in a tree."""
_QUALITIES: Final = (82, 65, 45, 25)  # the first whose JPEG is small enough
_ENOUGH: Final = 48 * 1024  # bytes
_PICTURES_MOST: Final = 64  # of one file; a tree with more is shown without the rest
_BYTES_MOST: Final = 4 * 1024**2  # of one thumbnail: c2pa-rs's own have at most 1024 pixels a side
_PIXELS_MOST: Final = 16_000_000
_PREFIX: Final = "self#jumbf="


def thumbnails(path: Path, *, limits: Limits | None = None, sidecar: Path | bytes | None = None) -> dict[Any, bytes]:
    """Return the thumbnails in a file's manifests as small JPEGs, by what `tree.Pictures` names; empty if none.

    They show what the signers put there, which need not be what their files show. One that cannot be decoded is left
    out. Raises as `verify` does where the file cannot be read.
    """
    limits = limits or Limits()
    mime = _type_of(path)
    manifest, _ = detached_manifest(path, mime, sidecar, limits)
    settings = c2pa_settings(b"", limits=limits)
    read_as = mime or ("application/octet-stream" if manifest else None)
    reading = read_manifest(path, mime=read_as, settings=settings, manifest=manifest, limits=limits)
    if not isinstance(reading, Reading):
        return {}
    try:
        store = {one.label: one for one in parse_store(reading.store)}
    except JumbfError:
        return {}
    known: dict[str, bytes | None] = {}
    found = {}
    for key, address in _addresses(reading.report):
        if address not in known and len(known) < _PICTURES_MOST:
            known[address] = _small(_resource(store, address), limits)
        picture = known.get(address)
        if picture is not None:
            found[key] = picture
    return found


def picture_of(path: Path, *, limits: Limits | None = None) -> bytes | None:
    """Return a picture, or the first frame of a film, as a small JPEG; `None` for a sound or what does not decode."""
    try:
        return jpeg_thumbnail(path, side=SIDE, limits=limits)
    except AssayError:
        return None


def jpeg_thumbnail(path: Path, *, side: int = 512, limits: Limits | None = None) -> bytes | None:
    """Return a picture, or the first frame of a film, as a JPEG to sign it with; `None` for a sound.

    Its longer side is at most `side` pixels. What needs more than 48 KiB is encoded more coarsely. It is decoded and
    encoded anew, so that no metadata of the file (a place, a name) comes along. Raises as `Asset.open` and decoding do.
    """
    from ..media.asset import Asset
    from ..media.decode import decode_image, stream_frames

    asset = Asset.open(path, limits=limits or Limits())
    if asset.kind == "image":
        return _jpeg(decode_image(asset, limits=limits).pixels, side)
    if asset.kind == "video":
        return next((_jpeg(one.image, side) for one in stream_frames(asset, limits=limits, max_side=side)), None)
    return None


def _type_of(path: Path) -> str | None:
    try:
        return media_type(read_head(path))
    except UnreadableMedia:
        return None


def _addresses(report: dict[str, Any]) -> Iterator[tuple[tuple[str, int], str]]:
    """Yield where each thumbnail belongs, and its address in the store."""
    for label, manifest in manifests(report).items():
        for number, owner in enumerate((manifest, *ingredients_of(manifest)), OWN):
            address = as_text(as_dict(owner.get("thumbnail")).get("identifier"))
            if address:
                yield (label, number), address if address.startswith(_PREFIX) else f"{_PREFIX}/c2pa/{label}/{address}"


def _resource(store: dict[str, RawManifest], address: str) -> bytes:
    """Return the embedded file at an address, empty if there is none or it is too large."""
    root, _, rest = address.removeprefix(_PREFIX).strip("/").partition("/")
    label, _, name = rest.partition("/")
    if root != "c2pa" or label not in store:
        return b""
    body = store[label].assertions.get(name.rpartition("/")[2])
    try:
        inner = list(boxes(body)) if body is not None else []
    except JumbfError:
        return b""
    held = next((box.body for box in inner if box.kind == b"bidb"), b"")
    return bytes(held) if len(held) <= _BYTES_MOST else b""


def _small(data: bytes, limits: Limits) -> bytes | None:
    from ..media.decode import decode_image

    if not data:
        return None
    try:
        return _jpeg(decode_image(data, limits=replace(limits, pixels=min(limits.pixels, _PIXELS_MOST))).pixels)
    except AssayError:
        return None


def _jpeg(pixels: NDArray[np.uint8], side: int = SIDE) -> bytes:
    """Return pixels (uint8 `[h, w, 3]`) as a JPEG whose longer side is at most `side`."""
    import numpy
    from PIL import Image

    from ..media.encode import encode_image

    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    small, made = numpy.asarray(image), b""
    for quality in _QUALITIES:
        made = encode_image(small, "jpeg", quality=quality)
        if len(made) <= _ENOUGH:
            break
    return made
