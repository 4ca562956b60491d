"""Tells the container of a file from its first bytes; the name of a file is never asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .errors import UnreadableMedia

HEAD_BYTES = 1 << 20
"""Bytes that are enough to tell: an ID3 tag with a cover picture lies before the first frame of an MP3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A file format: its `name`, its media type, and the kind it usually holds (the streams decide in the end)."""

    name: str
    mime: str
    kind: Literal["image", "audio", "video"]


_TABLE: tuple[tuple[str, str, Literal["image", "audio", "video"]], ...] = (
    ("jpeg", "image/jpeg", "image"),
    ("png", "image/png", "image"),
    ("webp", "image/webp", "image"),
    ("tiff", "image/tiff", "image"),
    ("gif", "image/gif", "image"),
    ("heif", "image/heif", "image"),
    ("avif", "image/avif", "image"),
    ("wav", "audio/wav", "audio"),
    ("flac", "audio/flac", "audio"),
    ("mp3", "audio/mpeg", "audio"),
    ("m4a", "audio/mp4", "audio"),
    ("aac", "audio/aac", "audio"),
    ("ogg", "audio/ogg", "audio"),
    ("mp4", "video/mp4", "video"),
    ("mov", "video/quicktime", "video"),
    ("mkv", "video/x-matroska", "video"),
    ("webm", "video/webm", "video"),
    ("avi", "video/x-msvideo", "video"),
    ("mpeg", "video/mpeg", "video"),
)
CONTAINERS = {name: Container(name=name, mime=mime, kind=kind) for name, mime, kind in _TABLE}
"""Every container that can be read, by name."""

_SIGNS = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"\x00\x00\x01\xba", "mpeg"),  # program stream
    (b"\x00\x00\x01\xb3", "mpeg"),  # elementary stream
)
_RIFF = {b"WAVE": "wav", b"AVI ": "avi", b"WEBP": "webp"}
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2"}
_QUICKTIME_ATOMS = {b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
_STRANGERS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"BM", "a BMP picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
)
# ISO 11172-3, table of layer III bit rates in kbit/s for MPEG-1 and for MPEG-2/2.5; rates in hertz by version
_BIT_RATES = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def sniff_head(head: bytes) -> Container:
    """Return the container of a file that begins with `head`. Raises `UnreadableMedia` if it is none of ours."""
    name = _named(head)
    if name is None:
        raise UnreadableMedia(_stranger(head))
    return CONTAINERS[name]


def _named(head: bytes) -> str | None:
    for sign, name in _SIGNS:
        if head.startswith(sign):
            return name
    if head[:4] in {b"RIFF", b"RF64", b"BW64"}:
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _branded(head)
    if head[4:8] in _QUICKTIME_ATOMS:
        return "mov"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "webm" if b"webm" in head[:128] else "mkv" if b"matroska" in head[:128] else None
    if head[:1] == b"G" and _transport(head):
        return "mpeg"
    if head.startswith(b"ID3"):
        return _tagged(head)
    return _framed(head)


def _branded(head: bytes) -> str:
    """Return what the brands of an ISO base media file say (ISO 14496-12, 4.3)."""
    size = int.from_bytes(head[:4], "big")
    major = head[8:12]
    brands = {head[place : place + 4] for place in range(16, min(size, 256), 4)} | {major}
    if brands & _AVIF:
        return "avif"
    if major in _HEIF or (brands & _HEIF and not brands & {b"isom", b"mp41", b"mp42", b"qt  "}):
        return "heif"
    if major == b"qt  ":
        return "mov"
    return "m4a" if major in {b"M4A ", b"M4B ", b"M4P "} else "mp4"


def _transport(head: bytes) -> bool:
    """Whether `head` is an MPEG transport stream: a sync byte every 188 bytes."""
    return len(head) >= 377 and head[188:189] == b"G" and head[376:377] == b"G"


def _tagged(head: bytes) -> str | None:
    """Return what follows an ID3v2 tag; MP3 where that lies beyond `head`."""
    if len(head) < 10:
        return None
    size = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    rest = head[size:].lstrip(b"\x00")
    if len(rest) < 4:
        return "mp3" if size > len(head) else None
    return "flac" if rest.startswith(b"fLaC") else _framed(rest) or "mp3"


def _framed(head: bytes) -> str | None:
    """Return "mp3" or "aac" if `head` begins with frames of it, the second where the first says."""
    for name, length_of in (("mp3", _mp3_frame), ("aac", _adts_frame)):
        length = length_of(head)
        if length and (len(head) == length or length_of(head[length:])):
            return name
    return None


def _mp3_frame(head: bytes) -> int:
    """Return the bytes of the MPEG audio frame (layer II or III) that `head` begins with, 0 if it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate_index, speed_index, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer != 1 or rate_index in {0, 15} or speed_index == 3:
        return 0
    bits = _BIT_RATES[3 if version == 3 else 2][rate_index] * 1000
    return (144 if version == 3 else 72) * bits // _RATES[version][speed_index] + padding


def _adts_frame(head: bytes) -> int:
    """Return the bytes of the ADTS frame that `head` begins with (ISO 13818-7, 6.2), 0 if it is none."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length >= 7 else 0


def _stranger(head: bytes) -> str:
    """Say what came instead of media."""
    known = ", ".join(CONTAINERS)
    if not head:
        return "the file is empty: expected media"
    for sign, words in _STRANGERS:
        if head.startswith(sign):
            return f"the file is {words}; expected one of {known}"
    try:
        text = head[:512].decode("utf-8", "strict" if len(head) <= 512 else "ignore")
    except UnicodeDecodeError:
        text = "\x00"
    if all(letter >= " " or letter.isspace() for letter in text):
        return f"the file is text, not media; expected one of {known}"
    return f"the content is no media that can be read (it begins with {head[:8].hex(' ')}); expected one of {known}"
