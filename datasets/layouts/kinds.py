"""Which files of a folder are media: by name only, since an index must not open a million files to list them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from ..corpus import CorpusError, Kind, Unmatched

_AUDIO = {".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus"}
_IMAGE = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif", ".bmp"}
_VIDEO = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m4v"}
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(_AUDIO, "audio"),
    **dict.fromkeys(_IMAGE, "image"),
    **dict.fromkeys(_VIDEO, "video"),
}
MAX_DEPTH = 32
"""Folders below folders that are entered: a loop of links must end."""


def kind_of(path: Path | str) -> Kind | None:
    """Return what the name of `path` promises, `None` if it is no media; the decoder goes by content later."""
    return _KINDS.get(os.path.splitext(path)[1].lower())  # noqa: PTH122 - called for each of a million names


def media_below(root: Path, folder: str = "", *, depth: int = 0) -> Iterator[str]:
    """Yield the media files of `root`/`folder` and its sub-folders, relative to `root`, with `/`, in order of name.

    Names that begin with a dot are passed over; nothing is yielded for a folder that is not there. Raises
    `CorpusError` if folders lie deeper than `MAX_DEPTH`, or if a link leads to a folder that the corpus itself lies in.
    """
    if depth > MAX_DEPTH:
        msg = f"expected at most {MAX_DEPTH} folders below {root}, found more at {folder}: is a link part of a loop?"
        raise CorpusError(msg)
    try:
        with os.scandir(root / folder) as found:
            kept = [entry for entry in found if not entry.name.startswith(".")]
            entries = sorted((entry.name, entry.is_dir()) for entry in kept)
            links = [entry.path for entry in kept if entry.is_symlink() and entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        msg = f"expected a folder that can be read at {root / folder}: {error.strerror}"
        raise CorpusError(msg) from error
    for link in links:
        if root.resolve().is_relative_to(Path(link).resolve()):
            msg = f"expected links into other folders at most, found {link}, which leads above the corpus: remove it"
            raise CorpusError(msg)
    for name, is_folder in entries:
        inside = f"{folder}/{name}" if folder else name
        if is_folder:
            yield from media_below(root, inside, depth=depth + 1)
        elif kind_of(name):
            yield inside


def unlisted(root: Path, folders: Collection[str], seen: Collection[str], *, by: str) -> Iterator[Unmatched]:
    """Yield the media files in `folders` whose path is not in `seen`: no line of the protocol `by` names them."""
    for folder in folders:
        for inside in media_below(root, "" if folder == "." else folder):
            if inside not in seen:
                yield Unmatched(id=inside, state="unlisted", note=f"no line of {by} names it")
