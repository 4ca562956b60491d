"""Which media type a file has, told from its first bytes: what c2pa-rs must be told when it signs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..media.errors import InputError, UnreadableMedia
from ..media.sniff import HEAD_BYTES, sniff_head

SIDECAR_ONLY: Final = frozenset({"audio/ogg", "audio/aac", "video/x-matroska", "video/webm", "video/mpeg"})
"""Media types that cannot hold a manifest: theirs lies in a `.c2pa` file beside them."""

_START_BYTES: Final = 4096
_TOLD_AT_ONCE: Final = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")  # kinds whose first bytes leave nothing open
_ELSEWHERE: Final = (  # kinds that hold manifests although nothing else of Assay reads them
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"%PDF-", "application/pdf"),
)


def read_head(path: Path) -> bytes:
    """Return as many first bytes of a file as tell its kind. Raises `InputError` if it is none, or not readable."""
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "something that is no plain file"
            msg = f"expected a file at {str(path)!r}, got {what}"
            raise InputError(msg)
        with path.open("rb") as file:
            head = file.read(_START_BYTES)
            told = head.startswith(_TOLD_AT_ONCE) or head[4:8] == b"ftyp"
            return head if told else head + file.read(HEAD_BYTES - len(head))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        msg = f"expected a readable file at {str(path)!r}, but: {reason}"
        raise InputError(msg) from error


def media_type(head: bytes) -> str:
    """Return the media type that the first bytes tell. Raises `UnreadableMedia` if they are of no known kind."""
    try:
        return sniff_head(head).mime
    except UnreadableMedia:
        for magic, name in _ELSEWHERE:
            if head.startswith(magic):
                return name
        if b"<svg" in head and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            return "image/svg+xml"
        raise
