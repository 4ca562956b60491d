"""Labels in a file's metadata: IPTC digital source type, GB 45438 AIGC and SB 942's latent disclosure.

XMP holds all of them where the container has a place for it; formats without one carry plain pairs of the same names.
C2PA manifests are not read here. Anybody can write or strip such a label.
"""

from __future__ import annotations

import struct
from pathlib import Path

from ...media.asset import sniff
from ...media.errors import InputError, UnreadableMedia
from ...media.limits import Limits
from ...media.sniff import HEAD_BYTES
from .carriers import CARRIERS, READ_ONLY, MalformedMetadata, Window, carrier
from .fields import Disclosure, Found, to_labels
from .interface import Label, LabelError


def write_metadata(data: bytes, container: str, *, fields: Disclosure, limits: Limits | None = None) -> bytes:
    """Return the file `data` of the named container (`media.asset.sniff`'s names) with `fields` in its metadata.

    Everything else stays: pixels, samples, other metadata. An older value of the same property is replaced. What was
    written is read back. Raises `LabelError` if the container cannot hold a label or the file is malformed.
    """
    limits = limits or Limits()
    room = carrier(container)
    if room is None or container in READ_ONLY:
        known = ", ".join(name for name in CARRIERS if name not in READ_ONLY)
        msg = f"labels cannot be written into {container}: use one of {known}"
        raise LabelError(msg)
    if len(data) > limits.file_bytes:
        msg = f"the file has {len(data)} bytes, at most {limits.file_bytes} are labelled"
        raise LabelError(msg)
    try:
        out = room.write(data, fields)
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        msg = f"the {container} file is malformed, no label can be written into it ({error})"
        raise LabelError(msg) from error
    back = {thing.key: thing.value for thing in read_found(out, container, limits=limits)}
    lost = [key for key, value in fields.values().items() if back.get(key) != value]
    if lost:
        msg = f"the {container} file did not keep {', '.join(lost)}: it is malformed or its metadata exceeds the limit"
        raise LabelError(msg)
    return out


def read_labels(path: Path, *, limits: Limits | None = None) -> tuple[Label, ...]:
    """Return the labels in the metadata of the file at `path`, told by content; `()` where there is none.

    Large media data are stepped over, not read. A file that ends to make sense gives what was found before; one that
    is no media gives nothing. Raises `InputError` if it cannot be opened.
    """
    return to_labels(_read(path, limits or Limits()))


def read_pairs(path: Path, *, limits: Limits | None = None) -> dict[str, str]:
    """Return key -> value of the disclosures in the file at `path`, the first carrier's where several disagree.

    Raises `InputError` if it cannot be opened.
    """
    return {thing.key: thing.value for thing in reversed(_read(path, limits or Limits()))}


def _read(path: Path, limits: Limits) -> list[Found]:
    try:
        with path.open("rb", buffering=0) as stream:
            container = sniff(stream.read(HEAD_BYTES)).name
            return _gather(Window(stream, budget=limits.metadata_bytes), container)
    except UnreadableMedia:
        return []
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error


def read_found(data: bytes, container: str, *, limits: Limits | None = None) -> list[Found]:
    """Return the single values that the file `data` of the named container carries."""
    from io import BytesIO

    return _gather(Window(BytesIO(data), budget=(limits or Limits()).metadata_bytes), container)


def _gather(window: Window, container: str) -> list[Found]:
    room = carrier(container)
    things: list[Found] = []
    if room is None:
        return things
    try:
        for thing in room.read(window):
            things.append(thing)
    except (MalformedMetadata, struct.error, IndexError, ValueError, OverflowError):
        return things
    return things
