"""Tables of items: a CSV with a header line, checked for the columns that are needed."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from ..corpus import BONA_FIDE, SPOOF, CorpusError

_BONA_FIDE_WORDS = {"real", "bonafide", "bona fide", "genuine", "0"}
_SPOOF_WORDS = {"fake", "spoof", "synthetic", "manipulated", "1"}


def header(path: Path) -> tuple[str, ...]:
    """Return the column names of the CSV at `path`, empty where it is none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return tuple(next(csv.reader(file), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def rows(path: Path, needed: Collection[str]) -> list[dict[str, str]]:
    """Return the rows of the CSV at `path`. Raises `CorpusError` unless it can be read and has the `needed` columns."""
    found = header(path)
    missing = [name for name in needed if name not in found]
    if missing:
        wanted, have = ", ".join(needed), ", ".join(found)
        msg = f"expected the columns {wanted} in {path}, found {have}: {', '.join(missing)} missing"
        raise CorpusError(msg)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"expected a CSV in UTF-8 at {path}: {error}"
        raise CorpusError(msg) from error


def label(word: str, where: str) -> str:
    """Return `bona fide` or `spoof` for the word a corpus uses. Raises `CorpusError` for any other word."""
    plain = word.strip().lower()
    if plain in _BONA_FIDE_WORDS:
        return BONA_FIDE
    if plain in _SPOOF_WORDS:
        return SPOOF
    msg = f"expected a label such as real or fake in {where}, got {word!r}"
    raise CorpusError(msg)


def present(root: Path, relative: str, where: Path) -> Path:
    """Return the path of a row's file below `root`. Raises `CorpusError` if it is absent or outside of `root`."""
    path = root / relative
    if not path.resolve().is_relative_to(root.resolve()):
        msg = f"expected a path inside {root} in {where}, got {relative!r}"
        raise CorpusError(msg)
    if not path.is_file():
        msg = f"expected the file {path} named by {where}, found none"
        raise CorpusError(msg)
    return path
