"""Protocols and tables of items, checked for the columns that are needed and read a line at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ...media.extent import Span
from ..corpus import BONA_FIDE, SPOOF, CorpusError

MAX_JSON_BYTES = 2 << 30
"""A metadata file is read whole: the largest published (AV-Deepfake1M, training) has some hundred megabytes."""
_BONA_FIDE_WORDS = {"real", "bonafide", "bona fide", "bona-fide", "genuine", "0"}
_SPOOF_WORDS = {"fake", "spoof", "synthetic", "manipulated", "1"}


def header(path: Path, *, delimiter: str = ",") -> tuple[str, ...]:
    """Return the column names of the CSV at `path`, empty where it is none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return tuple(next(csv.reader(file, delimiter=delimiter), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def rows(path: Path, needed: Collection[str], *, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Yield the rows of the CSV at `path`. Raises `CorpusError` unless it can be read and has the `needed` columns.

    A tab-separated file has no quotes (the sentences of Common Voice hold single ones).
    """
    found = header(path, delimiter=delimiter)
    missing = [name for name in needed if name not in found]
    if missing:
        wanted, have = ", ".join(needed), ", ".join(found)
        msg = f"expected the columns {wanted} in {path}, found {have}: {', '.join(missing)} missing"
        raise CorpusError(msg)
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        msg = f"expected each column once in {path}, found {twice!r} twice: which one is meant?"
        raise CorpusError(msg)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = (
                csv.DictReader(file, delimiter=delimiter, quoting=csv.QUOTE_NONE)
                if delimiter == "\t"
                else csv.DictReader(file, delimiter=delimiter)
            )
            for row in table:
                yield {key: value or "" for key, value in row.items() if isinstance(key, str)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"expected a CSV in UTF-8 at {path}: {error}"
        raise CorpusError(msg) from error


def lines(path: Path, *columns: str) -> Iterator[list[str]]:
    """Yield the words of each line of a protocol that has at least `columns`, divided by blanks or tabs.

    Raises `CorpusError` with the line's number if it has fewer words, or if the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                words = line.split()
                if len(words) >= len(columns):
                    yield words
                elif words:
                    msg = f"expected the columns {' '.join(columns)} in line {number} of {path}, found {line.strip()!r}"
                    raise CorpusError(msg)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"expected a protocol in UTF-8 at {path}: {error}"
        raise CorpusError(msg) from error


def document(path: Path, kind: type[dict[str, Any]] | type[list[Any]]) -> Any:  # noqa: ANN401 - as JSON is
    """Return the JSON document at `path`. Raises `CorpusError` unless it can be read and is of `kind`."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            msg = f"expected at most {MAX_JSON_BYTES} bytes of JSON in {path}, found {path.stat().st_size}"
            raise CorpusError(msg)
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        msg = f"expected JSON in {path}: {error}"
        raise CorpusError(msg) from error
    if not isinstance(found, kind):
        msg = f"expected a JSON {kind.__name__} in {path}, found {type(found).__name__}"
        raise CorpusError(msg)
    return found


def field(entry: object, name: str, where: str) -> Any:  # noqa: ANN401 - as JSON is
    """Return `entry[name]`. Raises `CorpusError` if `entry` is no object or lacks it."""
    if isinstance(entry, dict) and name in entry:
        return entry[name]
    found = ", ".join(map(str, entry)) if isinstance(entry, dict) else type(entry).__name__
    msg = f"expected an object with {name!r} in {where}, found {found}"
    raise CorpusError(msg)


def label(word: str, where: str) -> str:
    """Return `bona fide` or `spoof` for the word a corpus uses. Raises `CorpusError` for any other word."""
    plain = word.strip().lower()
    if plain in _BONA_FIDE_WORDS:
        return BONA_FIDE
    if plain in _SPOOF_WORDS:
        return SPOOF
    msg = f"expected a label such as real or fake in {where}, got {word!r}"
    raise CorpusError(msg)


def spans(pairs: object, where: str) -> tuple[Span, ...]:
    """Return pairs of seconds as spans; a pair of no length is none. Raises `CorpusError` for anything else."""
    try:
        return tuple(
            Span(start=float(start), end=float(end))
            for start, end in pairs  # type: ignore[attr-defined]
            if float(start) != float(end)
        )
    except (TypeError, ValueError) as error:
        msg = f"expected stretches [start, end] in seconds in {where}, got {pairs!r}"
        raise CorpusError(msg) from error


def segments(text: str, where: str) -> tuple[Span, ...]:
    """Return the false stretches of `0.00-1.03-T/1.03-1.58-F`: T, genuine or bonafide are true, F, fake, spoof false.

    Raises `CorpusError` for anything else.
    """
    false = []
    for part in text.split("/"):
        start, _, rest = part.partition("-")
        end, _, word = rest.partition("-")
        if word.lower() in {"f", "fake", "spoof"}:
            false.append((start, end))
        elif word.lower() not in {"t", "genuine", "bonafide", "real"}:
            msg = f"expected stretches such as 0.00-1.03-T/1.03-1.58-F in {where}, got {text!r}"
            raise CorpusError(msg)
    return spans(false, where)


def inside(root: Path, relative: str, where: Path) -> Path:
    """Return the path of a row's file below `root`. Raises `CorpusError` if it would lie outside of `root`."""
    if relative.startswith("/") or ".." in relative.split("/") or "\\" in relative:
        msg = f"expected a path inside {root} in {where}, got {relative!r}"
        raise CorpusError(msg)
    return root / relative
