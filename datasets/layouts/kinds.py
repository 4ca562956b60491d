"""Which files of a folder are media: by name only, since an index must not open a million files."""

from __future__ import annotations

from pathlib import Path

from ..corpus import Kind

_AUDIO = {".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus"}
_IMAGE = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif", ".bmp"}
_VIDEO = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m4v"}


def kind_of(path: Path) -> Kind | None:
    """Return what the name of `path` promises, `None` if it is no media; the decoder goes by content later."""
    suffix = path.suffix.lower()
    if suffix in _AUDIO:
        return "audio"
    if suffix in _IMAGE:
        return "image"
    return "video" if suffix in _VIDEO else None
