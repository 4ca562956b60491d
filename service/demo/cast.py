"""Who takes part in the demonstration: real media from a folder, or what installed packages ship."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...media.asset import Asset
from ...media.errors import AssayError, InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the material, and who can be recognised in it; `licence` as the material states it."""

    path: Path
    people: tuple[str, ...]
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The material by kind; every tuple may hold several people. `made` tells that no real person's voice is in it."""

    portraits: tuple[Member, ...]
    films: tuple[Member, ...]
    voices: tuple[Member, ...]
    made: bool = False

    def everyone(self) -> tuple[Member, ...]:
        """Return all members, pictures first."""
        return (*self.portraits, *self.films, *self.voices)


def read_cast(folder: Path) -> Cast:
    """Return the cast of the media in `folder`.

    `manifest.csv` there (columns `path`, `person` and, if it likes, `licence`) says who is in a file (several
    people separated by ;); without one,
    each file is a person of its own. Raises `InputError` unless there are two portraits, a film and a voice.
    """
    if not folder.is_dir():
        msg = f"expected a folder of media, found none at {folder}"
        raise InputError(msg)
    kept: dict[str, list[Member]] = {"image": [], "video": [], "audio": []}
    for member in _members(folder):
        try:
            kept[Asset.open(member.path).kind].append(member)
        except AssayError:
            continue
    cast = Cast(portraits=tuple(kept["image"]), films=tuple(kept["video"]), voices=tuple(kept["audio"]))
    if len({member.people for member in cast.portraits}) < 2 or not cast.films or not cast.voices:
        counts = f"{len(cast.portraits)} pictures, {len(cast.films)} films and {len(cast.voices)} voices"
        msg = f"the demonstration needs portraits of two people, a film and a voice; {folder} holds {counts}"
        raise InputError(msg)
    return cast


def _members(folder: Path) -> Iterator[Member]:
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                yield Member(path=path, people=(path.stem,), licence="")
        return
    table = csv.DictReader(io.StringIO(manifest.read_text(encoding="utf-8")))
    if not {"path", "person"} <= set(table.fieldnames or ()):
        msg = f"expected the columns path and person in {manifest}, found {', '.join(table.fieldnames or ())}"
        raise InputError(msg)
    for row in table:
        # Paths are relative to the manifest, or to the folder above it.
        for base in (folder, folder.parent):
            path = base / row["path"]
            if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                people = tuple(part.strip() for part in row["person"].split(";") if part.strip())
                yield Member(path=path, people=people or (path.stem,), licence=row.get("licence") or "")
                break
