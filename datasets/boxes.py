"""Headers of compressed sound and of films: MP3, Ogg, ISO base media (MP4, MOV, HEIF, AVIF), AVI, Matroska."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Protocol

_TAIL = 64 * 1024
_MAX_BOXES = 4096
"""Boxes or elements looked at in one file: a published film has some dozen."""
_MP3_BITS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_INNER = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"meta", b"iprp", b"ipco"}


class Found(Protocol):
    """Where a reader puts what it finds."""

    seconds: float | None
    rate: int
    channels: int
    width: int
    height: int


def id3_bytes(head: bytes) -> int:
    """Return the length of the ID3v2 tag that `head` begins with, 0 if there is none."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))


def mp3(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """ISO 11172-3: frames by the Xing or VBRI header, else the size by the first frame's bit rate."""
    start = id3_bytes(head)
    if start + 200 > len(head):
        file.seek(start)
        head, base = file.read(4096), start
    else:
        head, base = head[start:], start
    # a generator that runs out would end whoever iterates over the files, not this file
    place = next((at for at in range(len(head) - 4) if head[at] == 0xFF and head[at + 1] & 0xE6 == 0xE2), len(head))
    version, mode = head[place + 1] >> 3 & 3, head[place + 3] >> 6
    found.rate = _MP3_RATES[version][head[place + 2] >> 2 & 3]
    found.channels = 1 if mode == 3 else 2
    samples = 1152 if version == 3 else 576
    side = (17 if mode == 3 else 32) if version == 3 else (9 if mode == 3 else 17)
    xing, vbri = place + 4 + side, place + 36
    if head[xing : xing + 4] in {b"Xing", b"Info"} and head[xing + 7] & 1:
        found.seconds = int.from_bytes(head[xing + 8 : xing + 12], "big") * samples / found.rate
    elif head[vbri : vbri + 4] == b"VBRI":
        found.seconds = int.from_bytes(head[vbri + 14 : vbri + 18], "big") * samples / found.rate
    else:
        bits = _MP3_BITS[version == 3][head[place + 2] >> 4] * 1000
        found.seconds = (size - base - place) * 8 / bits


def ogg(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """RFC 3533: Opus or Vorbis in the first page, the last page's granule position is the length."""
    skip = 0
    if (place := head.find(b"OpusHead")) >= 0:
        found.channels, skip, found.rate = (
            head[place + 9],
            int.from_bytes(head[place + 10 : place + 12], "little"),
            48000,
        )
    elif (place := head.find(b"\x01vorbis")) >= 0:
        found.channels, found.rate = head[place + 11], int.from_bytes(head[place + 12 : place + 16], "little")
    else:
        return
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    last = tail.rfind(b"OggS")
    if last >= 0:
        samples = int.from_bytes(tail[last + 6 : last + 14], "little", signed=True) - skip
        found.seconds = max(0, samples) / found.rate


def iso(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """ISO 14496-12: duration of the film, size of its largest track, rate and channels of its sound; HEIF by `ispe`."""
    del head
    top, track = _boxes(file, 0, size), b""
    seen = fragments = False
    for name, start, end in top:
        body = b"" if name in _INNER or name == b"mdat" else _peek(file, start, min(end - start, 160))
        seen = seen or name in {b"mvhd", b"ispe"}
        if name == b"mvhd":
            scale, length = _lengths(body)
            found.seconds = length / scale if scale else None
        elif name == b"tkhd":
            width, height = struct.unpack(">II", body[-8:] if len(body) in {84, 96} else body[76:84])
            if (width >> 16) * (height >> 16) > found.width * found.height:
                found.width, found.height = width >> 16, height >> 16
        elif name == b"hdlr" and body[8:12] in {b"soun", b"vide"}:  # QuickTime has a second one, of the data
            track = body[8:12]
        elif name == b"mvex":  # in fragments, whose lengths are not summed here
            fragments = True
        elif name == b"stsd" and track == b"soun":
            found.channels, found.rate = int.from_bytes(body[32:34], "big"), int.from_bytes(body[40:42], "big")
        elif name == b"ispe" and int.from_bytes(body[4:8], "big") > found.width:
            found.width, found.height = struct.unpack(">II", body[4:12])
    if not seen:
        msg = "no header of a film"
        raise ValueError(msg)
    if fragments:
        found.seconds = found.seconds or None


def _lengths(body: bytes) -> tuple[int, int]:
    """Return time scale and duration of a `mvhd` box of version 0 or 1."""
    return struct.unpack(">IQ", body[20:32]) if body[0] else struct.unpack(">II", body[12:20])


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each box, those that hold boxes before what they hold; at most `_MAX_BOXES`."""
    stack, count = [(start, end)], 0
    while stack:
        place, limit = stack.pop()
        if place + 8 > limit or count > _MAX_BOXES:
            continue
        count += 1
        head = _peek(file, place, 16)
        length, name, begin = int.from_bytes(head[:4], "big"), head[4:8], place + 8
        if length == 1:
            length, begin = int.from_bytes(head[8:16], "big"), place + 16
        stop = min(limit, place + length) if length else limit
        if stop < begin:
            msg = "a box is shorter than its head"
            raise ValueError(msg)
        yield name, begin, stop
        stack.append((stop, limit))
        if name in _INNER:
            stack.append((begin + (4 if name == b"meta" else 0), stop))


def _peek(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)


def aac(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """ISO 13818-7, 6.2: rate and channels of the first frame; the length is not told."""
    del file, size
    found.rate = _AAC_RATES[head[2] >> 2 & 15]
    found.channels = (head[2] & 1) << 2 | head[3] >> 6


def mpeg(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """ISO 13818-2, 6.2.2.1: the size in the first sequence header; the length is not told."""
    del file, size
    place = head.find(b"\x00\x00\x01\xb3") + 4
    if place > 3:
        bits = int.from_bytes(head[place : place + 3], "big")
        found.width, found.height = bits >> 12, bits & 0xFFF


def avi(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """The main header `avih` and the first `strh`/`strf` of sound."""
    del file, size
    place = head.index(b"avih") + 8
    frame, frames = struct.unpack("<I12xI", head[place : place + 20])
    found.width, found.height = struct.unpack("<II", head[place + 32 : place + 40])
    found.seconds = frame * frames / 1e6
    sound = head.find(b"auds")
    form = head.find(b"strf", sound) + 8 if sound >= 0 else 7
    if form > 7:
        found.channels, found.rate = struct.unpack("<HI", head[form + 2 : form + 8])


def matroska(file: BinaryIO, head: bytes, size: int, found: Found) -> None:
    """RFC 9559: `Info` (duration, scale) and `Tracks` (size, rate, channels), where they lie in the first 64 KiB."""
    del size
    data = head if len(head) < 4096 else head + file.read(_TAIL)
    scale, length = 1_000_000, 0.0
    for name, body in _elements(data):
        if name == 0x2AD7B1:
            scale = int.from_bytes(body, "big")
        elif name == 0x4489:
            length = struct.unpack(">f" if len(body) == 4 else ">d", body)[0]
        elif name == 0xB0:
            found.width = int.from_bytes(body, "big")
        elif name == 0xBA:
            found.height = int.from_bytes(body, "big")
        elif name == 0xB5:
            found.rate = round(struct.unpack(">f" if len(body) == 4 else ">d", body)[0])
        elif name == 0x9F:
            found.channels = int.from_bytes(body, "big")
    found.seconds = length * scale / 1e9 if length else None


_MASTERS = {0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0xE1}
_CLUSTER = 0x1F43B675


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the id and content of each element, entering segment, info and tracks, up to the first cluster."""
    place = 0
    for _ in range(_MAX_BOXES):
        name, place = _number(data, place, keep=True)
        length, place = _number(data, place, keep=False)
        if name in {0, _CLUSTER}:
            return
        if name not in _MASTERS:
            if length <= 64:
                yield name, data[place : place + length]
            place += length


def _number(data: bytes, place: int, *, keep: bool) -> tuple[int, int]:
    """Return a variable-length number (RFC 8794, 4) and where it ends; 0 at the end of `data`."""
    if place >= len(data) or not data[place]:
        return 0, place + 1
    width = 9 - data[place].bit_length()
    value = int.from_bytes(data[place : place + width], "big")
    return (value if keep else value & (1 << 7 * width) - 1), place + width
