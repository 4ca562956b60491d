"""Which media type a file has, told from its first bytes: what c2pa-rs must be told when it signs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..media.errors import InputError

HEAD_BYTES: Final = 4096

# offset, bytes, media type; the first that matches
_MAGIC: Final = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"II+\x00", "image/tiff"),
    (0, b"MM\x00+", "image/tiff"),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"\x1aE\xdf\xa3", "video/x-matroska"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"\x00\x00\x01\xb3", "video/mpeg"),
    (0, b"%PDF-", "application/pdf"),
)
SIDECAR_ONLY: Final = frozenset(
    {"audio/ogg", "audio/aac", "video/x-matroska", "video/webm", "video/mpeg", "video/mp2t"}
)
"""Media types that cannot hold a manifest: theirs lies in a `.c2pa` file beside them."""
_BRANDS: Final = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"msf1": "image/heif",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
_BOXES_OF_OLD_FILMS: Final = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file. Raises `InputError` if it is missing, no plain file or not readable."""
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "something that is no plain file"
            msg = f"expected a file at {str(path)!r}, got {what}"
            raise InputError(msg)
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        msg = f"expected a readable file at {str(path)!r}, but: {reason}"
        raise InputError(msg) from error


def media_type(head: bytes) -> str | None:
    """Return the media type that the first bytes of a file tell, `None` if they are not of a kind that is known."""
    for offset, magic, name in _MAGIC:
        if head.startswith(magic, offset):
            return "video/webm" if name == "video/x-matroska" and b"webm" in head[:64] else name
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head[4:8] in _BOXES_OF_OLD_FILMS:
        return "video/quicktime"
    if head.startswith(b"ID3") or _is_audio_frame(head):
        return _mpeg_audio(head)
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "video/mp2t"
    if b"<svg" in head and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "image/svg+xml"
    return None


def _is_audio_frame(head: bytes) -> bool:
    """Tell whether an MPEG audio or ADTS frame header begins the file (ISO 11172-3, 2.4.1.3)."""
    return len(head) > 3 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 0x08


def _mpeg_audio(head: bytes) -> str:
    """Tell MP3 from ADTS AAC and from FLAC behind an ID3 tag."""
    at = 0
    if head.startswith(b"ID3") and len(head) >= 10:
        at = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    if head.startswith(b"fLaC", at):
        return "audio/flac"
    return "audio/aac" if len(head) > at + 1 and head[at] == 0xFF and head[at + 1] & 0xF6 == 0xF0 else "audio/mpeg"
