"""Scores as they lie in files: CSV, Parquet, JSON Lines of a benchmark's rows, and ASVspoof's text files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..media.errors import AssayError, InputError, MissingExtra
from ..provenance.atomic import settle, temporary

F64 = NDArray[np.float64]
SPOOF_WORDS = frozenset({"spoof", "spoofed", "fake", "synthetic", "1", "1.0", "true"})
BONA_FIDE_WORDS = frozenset(
    {"bonafide", "bona-fide", "bona fide", "real", "target", "nontarget", "non-target", "0", "0.0", "false"}
)
_MISSING = frozenset({"", "nan", "none", "null", "-"})


class ScoreFileError(AssayError):
    """A score file is there, but cannot be examined."""


class ScoreColumnError(ScoreFileError, InputError):
    """What was asked of a score file is not in it, or it needs another option."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreFile:
    """A table of text columns of one length, and the SHA-256 of the file it came from."""

    columns: dict[str, list[str]]
    digest: str
    name: str

    def __len__(self) -> int:
        """How many trials there are."""
        return len(next(iter(self.columns.values()), []))

    def column(self, name: str) -> list[str]:
        """Return a column. Raises `ScoreFileError` naming the columns there are."""
        if name not in self.columns:
            msg = f"{self.name} has no column {name!r}: choose from {', '.join(self.columns)}"
            raise ScoreColumnError(msg)
        return self.columns[name]

    def scores(self, name: str) -> F64:
        """Return a column of numbers; empty, `nan` and `none` are NaN (not scored). Raises `ScoreFileError` else."""
        texts = self.column(name)
        try:
            return np.array([np.nan if text.lower() in _MISSING else float(text) for text in texts], dtype=np.float64)
        except ValueError as error:
            msg = f"column {name!r} of {self.name} holds what is no number: {error}"
            raise ScoreFileError(msg) from error

    def spoof(self, name: str, *, spoof_is: Sequence[str] = ()) -> NDArray[np.bool_]:
        """Return labels, true = spoof. Words of both classes are known; `spoof_is` names others, the rest is bona fide.

        Raises `ScoreFileError` for a word that is neither, or if none of `spoof_is` occurs.
        """
        words = [text.strip().lower() for text in self.column(name)]
        if spoof_is:
            chosen = {word.strip().lower() for word in spoof_is}
            if not chosen & set(words):
                there = ", ".join(sorted(set(words))[:5])
                msg = f"no label in column {name!r} of {self.name} is {', '.join(spoof_is)}: there are {there}"
                raise ScoreColumnError(msg)
            return np.array([word in chosen for word in words], dtype=np.bool_)
        unknown = sorted(set(words) - SPOOF_WORDS - BONA_FIDE_WORDS)
        if unknown:
            msg = f"column {name!r} of {self.name} holds {', '.join(unknown[:5])}: say which mean spoof (--spoof-is)"
            raise ScoreColumnError(msg)
        return np.array([word in SPOOF_WORDS for word in words], dtype=np.bool_)


def read_scores(path: Path, *, key: Path | None = None) -> ScoreFile:
    """Return the table in `path`, told by its suffix: .csv, .tsv, .parquet, .jsonl, else ASVspoof's text.

    Of text the last field is `score`, the first `id`, and a field bonafide, spoof, target or nontarget `label`; without
    one, `key` is the protocol file that tells each id's label (and, as its first field, the speaker, `group`). Raises
    `ScoreFileError` for a file that cannot be read so, `InputError` where there is none or another option is needed.
    """
    readers = {".csv": _csv, ".tsv": _csv, ".parquet": _parquet, ".jsonl": _json_lines}
    if not path.is_file():
        msg = f"expected a score file at {path}, found {'a folder' if path.is_dir() else 'none'}"
        raise InputError(msg)
    try:
        data = path.read_bytes()
        columns = readers[path.suffix](path) if path.suffix in readers else _asvspoof(path, key)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"expected a score file at {path}, but it cannot be read: {error}"
        raise ScoreFileError(msg) from error
    table = ScoreFile(columns=columns, digest=hashlib.sha256(data).hexdigest(), name=path.name)
    if not len(table):
        msg = f"{path.name} holds no trials"
        raise ScoreFileError(msg)
    return table


def _csv(path: Path) -> dict[str, list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        names = next(rows, [])
        body = [row for row in rows if row]
    ragged = next((row for row in body if len(row) != len(names)), None)
    if ragged is not None or len(set(names)) != len(names):
        msg = f"expected {len(names)} different columns in every row of {path.name}, got {ragged or names}"
        raise ScoreFileError(msg)
    return dict(zip(names, map(list, zip(*body, strict=True)), strict=True)) if body else {}


def _parquet(path: Path) -> dict[str, list[str]]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        feature = "reading Parquet"
        raise MissingExtra(feature, "data") from error
    try:
        table = parquet.read_table(path)
    except pa.ArrowException as error:
        msg = f"{path.name} is not Parquet: {error}"
        raise ScoreFileError(msg) from error
    return {name: [_text(value) for value in table[name].to_pylist()] for name in table.column_names}


def _json_lines(path: Path) -> dict[str, list[str]]:
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        names = list(dict.fromkeys(name for row in rows for name in row))
        columns = {name: [_text(row.get(name)) for row in rows] for name in names}
    except (json.JSONDecodeError, AttributeError, TypeError, RecursionError) as error:
        msg = f"{path.name} is not JSON Lines of objects: {error}"
        raise ScoreFileError(msg) from error
    if "label" not in columns and "maker" in columns:  # a benchmark's rows: bona fide has no maker
        columns["label"] = ["spoof" if maker else "bonafide" for maker in columns["maker"]]
    return columns


def _text(value: object) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _asvspoof(path: Path, key: Path | None) -> dict[str, list[str]]:
    rows = _fields(path)
    told = [next((word for word in row[1:-1] if word.lower() in BONA_FIDE_WORDS | SPOOF_WORDS), None) for row in rows]
    columns = {"id": [row[0] for row in rows], "score": [row[-1] for row in rows]}
    if key is None:
        if None in told:
            msg = f"a line of {path.name} tells no label between its id and its score: give the protocol with --key"
            raise ScoreColumnError(msg)
        return columns | {"label": [str(word) for word in told]}
    # A protocol's line: speaker, id, ..., label somewhere behind.
    protocol = {row[1]: row for row in _fields(key)}
    missing = [name for name in columns["id"] if name not in protocol]
    if missing:
        msg = f"{key.name} tells nothing of {len(missing)} of {len(rows)} ids, such as {missing[0]}"
        raise ScoreFileError(msg)
    lines = [protocol[name] for name in columns["id"]]
    labels = [next((word for word in line[2:] if word.lower() in ("bonafide", "spoof")), "?") for line in lines]
    return columns | {"label": labels, "group": [line[0] for line in lines]}


def _fields(path: Path) -> list[list[str]]:
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if rows and not _is_number(rows[0][-1]) and _is_number(rows[-1][-1]):
        rows = rows[1:]  # ASVspoof 5 writes a heading
    short = next((row for row in rows if len(row) < 2), None)
    if short is not None:
        msg = f"expected an id and more in every line of {path.name}, got {short}"
        raise ScoreFileError(msg)
    return rows


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def write_csv(columns: dict[str, list[str]], path: Path) -> None:
    """Write columns of one length as CSV, whole or not at all. Raises `InputError` if it cannot be written."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    with temporary(path) as file:
        file.write(text.getvalue().encode())
        settle(file, path)
