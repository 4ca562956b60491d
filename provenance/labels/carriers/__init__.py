"""The catalogue of carriers: which code reads and writes the metadata of which container."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from .interface import Carrier, MalformedMetadata, Window

__all__ = ["CARRIERS", "READ_ONLY", "Carrier", "MalformedMetadata", "Window", "carrier"]

CARRIERS = {
    "jpeg": "jpeg:Jpeg",
    "png": "png:Png",
    "gif": "gif:Gif",
    "webp": "riff:Webp",
    "tiff": "tiff:Tiff",
    "wav": "riff:Riff",
    "avi": "riff:Riff",
    "mp3": "id3:Mp3",
    "aac": "id3:Mp3",
    "flac": "vorbis:Flac",
    "ogg": "ogg:Ogg",
    "mp4": "mp4:Mp4",
    "mov": "mp4:Mp4",
    "m4a": "mp4:Mp4",
    "heif": "mp4:Mp4",
    "avif": "mp4:Mp4",
    "mkv": "matroska:Matroska",
    "webm": "matroska:Matroska",
}
"""Container name -> "module:Class" in this folder."""

READ_ONLY = frozenset({"heif", "avif"})
"""Containers whose labels are read but not written."""


def carrier(container: str) -> Carrier | None:
    """Return the carrier for a container name, `None` if its metadata is not known here."""
    where = CARRIERS.get(container)
    if where is None:
        return None
    module, _, name = where.partition(":")
    return cast("Carrier", getattr(import_module(f".{module}", __name__), name)())
