"""A fingerprint as a manifest carries it, signed: a soft binding beside the mark's, under a name of our own.

Whoever finds the manifest through a mark can then tell a copy from a stranger without believing who handed it out.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..media.fingerprint import SIDE, Fingerprint
from .manifest import SoftBinding
from .report import active_label, as_dict, as_list, as_text, assertions_of, manifests

if TYPE_CHECKING:
    from ..media.limits import Limits

FINGERPRINT_ALG: Final = "dev.assay.fingerprint.1"
"""Not in C2PA's list of soft binding algorithms, so it stands under its owner's name."""
_TEXT_MOST: Final = 700_000  # characters: c2pa-rs takes a manifest definition of a megabyte
_BYTES_MOST: Final = 4 * 1024**2  # unpacked, of a stranger's text
_PICTURES: Final = 12  # of a film
_KEPT: Final = {"image": 0xFC, "video": 0xFC, "audio": 0xF0}  # bits of a value: the rest only costs room
_BANDS: Final = 24
_PICTURES_MOST: Final = 64


def fingerprint_binding(found: Fingerprint) -> SoftBinding:
    """Return the soft binding that puts `found` into a manifest, in the room that there is."""
    return SoftBinding(alg=FINGERPRINT_ALG, value=to_text(found))


def to_text(found: Fingerprint) -> str:
    """Return a fingerprint as text (base64 of zlib): coarser by some bits, films by 12 of their pictures at most."""
    sketch = found.array()
    if found.kind == "video" and len(sketch) > _PICTURES:
        sketch = sketch[np.linspace(0, len(sketch) - 1, _PICTURES).round().astype(int)]
    keep = _KEPT[found.kind]
    coarse = (sketch & keep) | (~keep & 0xFF) >> 1 & 0xFF
    while True:
        text = _packed(found, np.asarray(coarse, np.uint8))
        if len(text) <= _TEXT_MOST or found.kind != "audio":
            return text
        coarse = coarse[: len(coarse) * _TEXT_MOST // len(text)]


def _packed(found: Fingerprint, sketch: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    shape = (sketch.shape[0], sketch.shape[1], sketch.shape[2])
    smaller = replace(found, shape=shape, sketch=sketch.tobytes())
    return base64.b64encode(zlib.compress(smaller.to_bytes(), 9)).decode()


def from_text(text: str) -> Fingerprint:
    """Return the fingerprint that `to_text` wrote. Raises `ValueError` for any other text, be it a stranger's."""
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(text, validate=True), _BYTES_MOST)
    except (zlib.error, binascii.Error) as error:
        msg = f"expected a fingerprint in base64, got {len(text)} characters that are none"
        raise ValueError(msg) from error
    found = Fingerprint.from_bytes(data)
    length, wide, deep = found.shape
    pictures = {"image": 1, "video": _PICTURES_MOST}.get(found.kind, 0)
    fits = (wide, deep) == (_BANDS, 1) if found.kind == "audio" else (wide, deep) == (SIDE, SIDE) and length <= pictures
    if not unpacker.eof or not fits:
        msg = f"expected a fingerprint of this version, got one of {found.shape}"
        raise ValueError(msg)
    return found


def signed_fingerprint(path: Path, manifest: bytes, *, mime: str, limits: Limits) -> Fingerprint | None:
    """Return the fingerprint that the active manifest of the store `manifest` carries, `None` if it carries none.

    Whether the manifest holds is not checked here. `path` is the file that the manifest is read beside.
    """
    from .context import c2pa_settings
    from .reader import Reading, read_manifest

    reading = read_manifest(
        path, mime=mime, settings=c2pa_settings(b"", limits=limits), manifest=manifest, limits=limits
    )
    if not isinstance(reading, Reading):
        return None
    active = manifests(reading.report).get(active_label(reading.report), {})
    for data in assertions_of(active, "c2pa.soft-binding"):
        if as_text(data.get("alg")) != FINGERPRINT_ALG:
            continue
        for block in as_list(data.get("blocks")):
            try:
                return from_text(as_text(as_dict(block).get("value")))
            except ValueError:
                continue
    return None
