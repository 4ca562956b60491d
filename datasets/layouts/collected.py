"""Collections of clips from many sources with one manifest: `faces/manifest.csv` and `speech/manifest.csv`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..corpus import SPOOF, CorpusError, Item, Kind, Unmatched
from . import tables
from .interface import Description


class SpeechLayout:
    """Recordings and synthetic speech with a manifest that names system family, speaker and group."""

    description = Description(
        title="Collected speech",
        kinds=("audio",),
        homepage="",
        terms="by row: the column licence_of_repo",
        tree=("speech/manifest.csv with the columns path, label, system_family, group, sha256", "speech/..."),
        protocols=("speech/manifest.csv",),
    )
    _needed = ("path", "label", "system_family", "fake_type", "group", "speaker", "licence_of_repo", "sha256")

    def fits(self, path: Path) -> bool:
        """Return whether there is a manifest with a column of system families."""
        return "system_family" in tables.header(_manifest(path, "speech"))

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a row. Raises `CorpusError` if a column is missing."""
        manifest = _manifest(path, "speech")
        for row in tables.rows(manifest, self._needed):
            label = tables.label(row["label"], str(manifest))
            yield Item(
                id=row["sha256"][:16],
                path=tables.inside(manifest.parent.parent, row["path"], manifest),
                sha256=row["sha256"],
                label=label,
                maker=row["system_family"] if label == SPOOF else "",
                group=row["group"],
                licence=row["licence_of_repo"],
                kind="audio",
                process=row["fake_type"],
                speaker=row["speaker"],
                language=row.get("language", ""),
            )


class FacesLayout:
    """Pictures and films of faces with a manifest that names method and identity."""

    description = Description(
        title="Collected faces",
        kinds=("image", "video"),
        homepage="",
        terms="by row: the column licence_of_repo",
        tree=("faces/manifest.csv with the columns path, kind, label, identity_or_group, sha256", "faces/..."),
        protocols=("faces/manifest.csv",),
    )
    _needed = ("path", "kind", "label", "method", "identity_or_group", "licence_of_repo", "region", "sha256")

    def fits(self, path: Path) -> bool:
        """Return whether there is a manifest with a column of identities."""
        return "identity_or_group" in tables.header(_manifest(path, "faces"))

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a row, two for a side-by-side film. Raises `CorpusError` if a column is missing."""
        manifest = _manifest(path, "faces")
        for row in tables.rows(manifest, self._needed):
            label = tables.label(row["label"], str(manifest))
            region = _region(row["region"], manifest)
            yield Item(
                id=row["sha256"][:16] + (f"@{row['region']}" if region else ""),
                path=tables.inside(manifest.parent.parent, row["path"], manifest),
                sha256=row["sha256"],
                label=label,
                maker=row["method"] if label == SPOOF else "",
                group=row["identity_or_group"],
                licence=row["licence_of_repo"],
                kind=_kind(row["kind"], manifest),
                region=region,
            )


def _manifest(path: Path, name: str) -> Path:
    """Return where the manifest would be, for the collection's folder, the named folder itself or the file."""
    for candidate in (path / name / "manifest.csv", path / "manifest.csv"):
        if candidate.is_file():
            return candidate
    return path


def _kind(word: str, manifest: Path) -> Kind:
    """Return the kind of a row. Raises `CorpusError` unless it is image or video."""
    if word == "image":
        return "image"
    if word == "video":
        return "video"
    msg = f"expected kind image or video in {manifest}, got {word!r}"
    raise CorpusError(msg)


def _region(text: str, manifest: Path) -> tuple[float, float, float, float] | None:
    """Return left, top, right, bottom in 0..1 of `text`, `None` if it is empty. Raises `CorpusError` otherwise."""
    if not text:
        return None
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError as error:
        msg = f"expected a region 'left,top,right,bottom' in 0..1 in {manifest}, got {text!r}"
        raise CorpusError(msg) from error
    return left, top, right, bottom
