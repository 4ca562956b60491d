"""Where a manifest comes from: inside the file, or a sidecar beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..media.errors import InputError, LimitExceeded
from ..media.limits import Limits
from .container import SIDECAR_ONLY
from .second_opinion.jumbf import STORE_MARK

SIDECAR_SUFFIX: Final = ".c2pa"
_BLOCK: Final = 1 << 20
_SEARCH_MOST: Final = 256 << 20  # a manifest lies near the start of a real file


def sidecar_path(path: Path) -> Path:
    """Return where the detached manifest of a file lies: the same name, ending in `.c2pa`."""
    return path.with_suffix(SIDECAR_SUFFIX)


def check_size(path: Path, limits: Limits) -> None:
    """Raise `LimitExceeded` if a file is larger than is hashed."""
    try:
        size = path.stat().st_size
    except OSError as error:
        msg = f"expected a readable file at {str(path)!r}, but: {error.strerror}"
        raise InputError(msg) from error
    if size > limits.file_bytes:
        msg = f"expected a file of at most {limits.file_bytes} bytes, got {size}"
        raise LimitExceeded(msg)


def detached_manifest(path: Path, mime: str | None, sidecar: Path | bytes | None, limits: Limits) -> tuple[bytes, str]:
    """Return the detached manifest to use, empty for the one in the file itself, and in words where it was found.

    A sidecar that nobody named is used only where the format cannot hold a manifest. Raises `InputError` for one
    that is named and cannot be read, `LimitExceeded` for one that is too large.
    """
    if isinstance(sidecar, bytes):
        return _within(sidecar, limits), "apart from the file"
    if sidecar is None:
        beside = sidecar_path(path)
        if mime not in SIDECAR_ONLY or not beside.is_file():
            return b"", "in the file"
        sidecar = beside
    try:
        with sidecar.open("rb") as file:
            manifest = file.read(limits.manifest_bytes + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        msg = f"expected a detached manifest at {str(sidecar)!r}, but it cannot be read: {reason}"
        raise InputError(msg) from error
    if not manifest:
        msg = f"expected a detached manifest at {str(sidecar)!r}, got an empty file"
        raise InputError(msg)
    return _within(manifest, limits), "in the sidecar beside the file"


def holds_store(path: Path) -> bool:
    """Tell whether the mark of a manifest store stands in a file, however damaged the rest of it is."""
    tail = b""
    seen = 0
    try:
        with path.open("rb") as file:
            while seen < _SEARCH_MOST and (block := file.read(_BLOCK)):
                if STORE_MARK in tail + block:
                    return True
                tail = block[-len(STORE_MARK) :]
                seen += len(block)
    except OSError as error:
        msg = f"expected a readable file at {str(path)!r}, but: {error.strerror}"
        raise InputError(msg) from error
    return False


def _within(manifest: bytes, limits: Limits) -> bytes:
    if len(manifest) > limits.manifest_bytes:
        msg = f"expected a detached manifest of at most {limits.manifest_bytes} bytes, got more"
        raise LimitExceeded(msg)
    return manifest
