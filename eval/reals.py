"""Read the bona fide material of a benchmark: which file shows whom."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from ..media.asset import Asset
from ..media.decode import decode_audio, decode_image, stream_frames
from ..media.errors import AssayError, InputError, NothingToExamine
from ..media.video import Film
from .makers.interface import Media, Real
from .rows import BenchError


def read_reals(folder: Path) -> tuple[list[Real], list[str]]:
    """Return the real files below `folder`, in order of their names, and a sentence for each that was left out.

    A `manifest.csv` with the columns `path` and `person` (paths from the folder, or from its parent) says who is in a
    file; without one, the folder that a file lies in does, and a loose file is its own person. Raises `BenchError` if
    nothing can be used and `InputError` if there is no such folder.
    """
    if not folder.is_dir():
        msg = f"expected a folder of real media, found none at {folder}"
        raise InputError(msg)
    reals, left_out = [], []
    for path, subject in _listed(folder):
        try:
            reals.append(load_real(path, path.relative_to(folder).as_posix(), subject))
        except AssayError as error:
            left_out.append(f"{path.name}: {error}")
    if not reals:
        msg = f"no file below {folder} could be used: {'; '.join(left_out) or 'it is empty'}"
        raise BenchError(msg)
    return reals, left_out


def load_real(path: Path, name: str, subject: str) -> Real:
    """Return the real file at `path`, under the id `name`, decoded. Raises what opening and decoding raise."""
    asset = Asset.open(path)
    return Real(id=name, path=path, kind=asset.kind, subject=subject, media=_media(asset))


def _listed(folder: Path) -> Iterator[tuple[Path, str]]:
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path, path.stem if path.parent == folder else path.parent.name
        return
    table = csv.DictReader(io.StringIO(manifest.read_text(encoding="utf-8")))
    if not {"path", "person"} <= set(table.fieldnames or ()):
        msg = f"expected the columns path and person in {manifest}, found {', '.join(table.fieldnames or ())}"
        raise BenchError(msg)
    for row in sorted(table, key=lambda row: row["path"]):
        # Paths are relative to the manifest, or to the folder above it.
        places = [base / row["path"] for base in (folder, folder.parent)]
        found = [place for place in places if place.is_file() and place.resolve().is_relative_to(folder.resolve())]
        if not found:
            msg = f"{manifest} names {row['path']}, which is no file below {folder}"
            raise BenchError(msg)
        yield found[0], row["person"]


def _media(asset: Asset) -> Media:
    if asset.kind == "image":
        return decode_image(asset)
    if asset.kind == "audio":
        return decode_audio(asset)
    if asset.video is None:
        msg = "the film has no pictures"
        raise NothingToExamine(msg)
    return Film(
        frames=lambda: stream_frames(asset),
        rate=asset.video.rate or Fraction(25),
        audio=decode_audio(asset) if asset.audio else None,
    )
