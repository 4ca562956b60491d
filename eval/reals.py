"""Read the bona fide material of a benchmark: which file shows whom."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..datasets.corpus import read
from ..media.asset import Asset
from ..media.decode import decode_audio, decode_image, stream_frames
from ..media.errors import AssayError, InputError, NothingToExamine
from ..media.video import Film
from .makers.interface import Media, Real
from .rows import BenchError

DECODED_MOST = 4
"""Files that stay decoded: a real and its fakes come one after the other only by chance, a picture may be 50 MB."""


def read_reals(folder: Path) -> tuple[list[Real], list[str]]:
    """Return the real files below `folder`, in order of their names, and a sentence for each that was left out.

    Instead of a folder, an index of a corpus will do: its bona fide items, by their speaker or group. In a folder, a
    `manifest.csv` with the columns `path` and `person` (paths from the folder, or from its parent) says who is in a
    file; without one, the folder that a file lies in does, and a loose file is its own person. Raises `BenchError` if
    nothing can be used and `InputError` if there is no such folder.
    """
    if not folder.exists():
        msg = f"expected a folder of real media, or an index, found none at {folder}"
        raise InputError(msg)
    reals, left_out = [], []
    for path, name, subject in _listed(folder) if folder.is_dir() else _indexed(folder):
        try:
            reals.append(load_real(path, name, subject))
        except AssayError as error:
            left_out.append(f"{name}: {error}")
    if not reals:
        msg = f"no file below {folder} could be used: {'; '.join(left_out) or 'it is empty'}"
        raise BenchError(msg)
    return reals, left_out


def load_real(path: Path, name: str, subject: str) -> Real:
    """Return the real file at `path`, under the id `name`; it is decoded when asked for. Raises as `Asset.open`."""
    return Real(id=name, path=path.absolute(), kind=Asset.open(path).kind, subject=subject)


@lru_cache(maxsize=DECODED_MOST)
def decoded(path: Path) -> Media:
    """Return what the file at `path` holds; the last few stay in memory. Raises what opening and decoding raise."""
    return _media(Asset.open(path))


def drawn(reals: Sequence[Real], most: int, *, seed: int) -> list[Real]:
    """Return at most `most` of `reals` of each kind, drawn by the seed, one of each person before a second of any."""
    chosen: list[Real] = []
    rng = np.random.default_rng(seed)
    for kind in sorted({real.kind for real in reals}):
        members = [real for real in reals if real.kind == kind]
        rounds: Counter[str] = Counter()
        ranked: list[tuple[int, int, Real]] = []
        for place in rng.permutation(len(members)):
            subject = members[place].subject
            ranked.append((rounds[subject], len(ranked), members[place]))
            rounds[subject] += 1
        chosen += [real for _, _, real in sorted(ranked, key=lambda entry: entry[:2])[:most]]
    return sorted(chosen, key=lambda real: real.id)


def _indexed(index: Path) -> Iterator[tuple[Path, str, str]]:
    for item in read(index):
        # A part of a picture is no file that a maker could be given.
        if not item.spoof and item.region is None:
            yield item.path, item.id, item.speaker or item.group


def _listed(folder: Path) -> Iterator[tuple[Path, str, str]]:
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                subject = path.stem if path.parent == folder else path.parent.name
                yield path, path.relative_to(folder).as_posix(), subject
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
        yield found[0], found[0].relative_to(folder).as_posix(), row["person"]


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
