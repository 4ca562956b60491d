"""Every count and size that a stranger's file can choose, with the most that Assay accepts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that is accepted from one file. Each field names its unit and why it is there."""

    file_bytes: int = 8 * 1024**3
    """Bytes of a file: hashing and copying it must end."""
    pixels: int = 120_000_000
    """Pixels of one picture or frame: a 50-byte header can ask for gigabytes (decompression bombs)."""
    side: int = 32_768
    """Pixels along one side: the codecs' own arithmetic is safe below it."""
    seconds: float = 6 * 3600.0
    """Seconds of sound or film that are looked at."""
    frames: int = 20_000_000
    """Frames of one film: a time base can lie about rate and length."""
    rate: int = 768_000
    """Hertz of sound: highest rate in real use; a header can claim 4 GHz."""
    channels: int = 64
    """Channels of sound."""
    memory_bytes: int = 6 * 1024**3
    """Address space of a decoding worker; beyond it the decoder fails and the file is unreadable."""
    worker_seconds: float = 120.0
    """Seconds a decoding worker may stay silent before it is stopped."""
    manifest_bytes: int = 64 * 1024**2
    """Bytes of a manifest store after decompression."""
    verify_seconds: float = 30.0
    """Seconds one verification may take: its cost grows with the square of the number of assertions."""
    metadata_bytes: int = 4 * 1024**2
    """Bytes of XMP, ID3 or RIFF metadata that are parsed."""
    faces: int = 32
    """Faces kept in one frame, largest first."""


DEFAULT_LIMITS = Limits()
"""What is used where a caller names no limits."""
