"""What the first bytes of a media file say of it: size in pixels, seconds, hertz, channels. Nothing is decoded.

An index of a million files cannot ask a decoder for each. These readers take a few kilobytes, follow the containers'
own fields and bound every loop, so that a hostile file costs a file's share and no more. They believe what the header
says: `media.Asset` is the judge of what can be decoded.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import BinaryIO

from ..media.errors import UnreadableMedia
from ..media.sniff import sniff_head
from . import boxes

HEAD = 4096
"""Bytes of the first read: all that most containers need."""
MAX_NUMBER = 2**31 - 1
"""Pixels, hertz or channels: what a column of the index holds. A header that claims more is damaged, or hostile."""
MAX_SEGMENTS = 1000
"""Segments of a JPEG that are leapt over: a manifest of 50 MB has about 800."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the header says; `None` or 0 where it does not.

    `width` and `height` are pixels as stored (not turned upright), `rate` hertz, `seconds` the duration. `state` is
    `ok`, `missing`, `empty` (no bytes), `unreadable` (no known container, or no header of it) or `silent` (a duration
    of 0); `note` says why.
    """

    state: str
    note: str = ""
    size: int = 0
    mtime: int = 0
    container: str = ""
    seconds: float | None = None
    rate: int = 0
    channels: int = 0
    width: int = 0
    height: int = 0


@dataclass(slots=True)
class Found:
    """What a reader has found so far."""

    seconds: float | None = None
    rate: int = 0
    channels: int = 0
    width: int = 0
    height: int = 0


def facts_of(path: Path | str) -> Facts:
    """Return what the header of the file at `path` says; what is wrong with it is its `state`, never an error."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Facts(state="missing", note="no such file")
    except OSError as error:
        return Facts(state="unreadable", note=error.strerror or str(error))
    except ValueError as error:  # a null byte in the name
        return Facts(state="unreadable", note=str(error))
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        return Facts(state="unreadable", note="no regular file")
    with os.fdopen(handle, "rb", buffering=0) as file:
        size, mtime = about.st_size, about.st_mtime_ns
        if not size:
            return Facts(state="empty", note="0 bytes", mtime=mtime)
        try:
            container, found = _read(file, size)
        except UnreadableMedia as error:
            return Facts(state="unreadable", note=str(error)[:200], size=size, mtime=mtime)
        except (OSError, struct.error, LookupError, ValueError, ArithmeticError) as error:
            note = f"the header is cut off or damaged ({type(error).__name__})"
            return Facts(state="unreadable", note=note, size=size, mtime=mtime)
    none = found.seconds is not None and found.seconds <= 0
    return Facts(
        state="silent" if none else "ok",
        note="a duration of 0" if none else "",
        size=size,
        mtime=mtime,
        container=container,
        seconds=found.seconds,
        rate=found.rate,
        channels=found.channels,
        width=found.width,
        height=found.height,
    )


def _read(file: BinaryIO, size: int) -> tuple[str, Found]:
    """Return the container and what its header says. Raises `UnreadableMedia` or what a cut-off header raises."""
    head = file.read(HEAD)
    container = sniff_head(head).name
    found = Found()
    reader = _READERS.get(container)
    if reader is not None:
        reader(file, head, size, found)
    if max(found.rate, found.channels, found.width, found.height) > MAX_NUMBER or not isfinite(found.seconds or 0.0):
        msg = "a size, rate or length beyond all measure"
        raise ValueError(msg)
    return container, found


def _jpeg(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """ITU-T T.81, B.2.2: the frame header gives height and width; EXIF and manifests before it are leapt over."""
    place, data, base = 2, head, 0
    for _ in range(MAX_SEGMENTS):
        if place + 9 > base + len(data):
            file.seek(place)
            data, base = file.read(16), place
        at = place - base
        if data[at] != 0xFF:
            msg = "a JPEG marker is missing"
            raise ValueError(msg)
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            found.height, found.width = struct.unpack(">HH", data[at + 5 : at + 9])
            return
        alone = marker == 0xFF or 0xD0 <= marker <= 0xD8 or marker == 0x01
        place += (1 if marker == 0xFF else 2) if alone else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if place >= size:
            break
    msg = "no frame header"
    raise ValueError(msg)


def _png(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    del file, size
    found.width, found.height = struct.unpack(">II", head[16:24])


def _gif(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    del file, size
    found.width, found.height = struct.unpack("<HH", head[6:10])


def _webp(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """RFC 9649, 2.5 to 2.7: lossy, lossless and extended."""
    del file, size
    form = head[12:16]
    if form == b"VP8X":
        found.width = 1 + int.from_bytes(head[24:27], "little")
        found.height = 1 + int.from_bytes(head[27:30], "little")
    elif form == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        found.width, found.height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        width, height = struct.unpack("<HH", head[26:30])
        found.width, found.height = width & 0x3FFF, height & 0x3FFF


def _tiff(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """TIFF 6.0: tags 256 and 257 of the first directory; BigTIFF is left to the decoder."""
    del size
    order = "<" if head[:2] == b"II" else ">"
    if head[2:4] not in {b"*\x00", b"\x00*"}:
        return
    file.seek(struct.unpack(order + "I", head[4:8])[0])
    count = struct.unpack(order + "H", file.read(2))[0]
    entries = file.read(12 * min(count, 200))
    for tag, kind, _, value in struct.iter_unpack(order + "HHI4s", entries):
        number = struct.unpack(order + ("H" if kind == 3 else "I"), value[: 2 if kind == 3 else 4])[0]
        if tag == 256:
            found.width = number
        elif tag == 257:
            found.height = number


def _wav(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """RIFF WAVE and RF64: `fmt ` and the size of `data`, held to the size of the file."""
    place, step, long = 12, 0, 0
    for _ in range(64):
        file.seek(place)
        chunk = file.read(40) if place + 40 > len(head) else head[place : place + 40]
        if len(chunk) < 8:
            break
        name, length = chunk[:4], int.from_bytes(chunk[4:8], "little")
        if name == b"ds64":
            long = int.from_bytes(chunk[16:24], "little")
        elif name == b"fmt ":
            found.channels, found.rate, step = struct.unpack("<HII", chunk[10:20])
        elif name == b"data":
            length = min(long if length == 0xFFFFFFFF else length, size - place - 8)
            found.seconds = length / step
            return
        place += 8 + length + (length & 1)
    msg = "no sound in the file"
    raise ValueError(msg)


def _flac(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """RFC 9639, 8.2: the stream information block; a length of 0 means unknown."""
    del file, size
    start = head.index(b"fLaC") + 8
    bits = int.from_bytes(head[start + 10 : start + 18], "big")
    if len(head) < start + 18:
        msg = "no stream information"
        raise ValueError(msg)
    found.rate, found.channels = bits >> 44, (bits >> 41 & 7) + 1
    samples = bits & (1 << 36) - 1
    found.seconds = samples / found.rate if samples else None


Reader = Callable[[BinaryIO, bytes, int, Found], None]
_READERS: dict[str, Reader] = {
    "jpeg": _jpeg,
    "png": _png,
    "gif": _gif,
    "webp": _webp,
    "tiff": _tiff,
    "wav": _wav,
    "flac": _flac,
    "mp3": boxes.mp3,
    "aac": boxes.aac,
    "ogg": boxes.ogg,
    "mp4": boxes.iso,
    "mov": boxes.iso,
    "m4a": boxes.iso,
    "heif": boxes.iso,
    "avif": boxes.iso,
    "avi": boxes.avi,
    "mpeg": boxes.mpeg,
    "mkv": boxes.matroska,
    "webm": boxes.matroska,
}
