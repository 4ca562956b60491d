"""A run's folder: rows stream into Parquet parts that are whole or absent, so that a killed run goes on where it was.

`run.json` says what is run; `parts/NNNNN/` hold rows, facts and misses, each written beside and renamed; at the end
they are joined, in one order, into `rows.parquet`, `facts.parquet` and `rows.jsonl`.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from ..detect.page import save
from ..media.errors import InputError, MissingExtra
from .bench import Portion
from .rows import BenchError, Facts, NotMade, Row, write_rows

FLUSH_SECONDS = 5.0
FLUSH_ROWS = 20_000
GROUP_ROWS = 65_536
"""Rows of one Parquet row group: what a reader takes into memory at a time."""
_T = TypeVar("_T", Row, Facts, NotMade)


class RunFolder:
    """The folder of one run, new or begun."""

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        """Begin a run, or take up one of the same `about["fingerprint"]`.

        Raises `InputError` if the folder holds another run or is full of other things, `MissingExtra` without pyarrow.
        """
        _pyarrow()
        self.folder = folder
        self._parts = folder / "parts"
        self._waiting: list[Portion] = []
        self._since = time.monotonic()
        self.about = self._begun(about)
        self._parts.mkdir(exist_ok=True)
        for left in self._parts.glob(".*"):
            shutil.rmtree(left)  # what a killed run was writing

    def done(self) -> set[str]:
        """Return the keys of the pieces that are on disk."""
        found: set[str] = set()
        for place in self._places():
            found |= {f"{row.real}|{row.maker}" for row in _read(place / "rows.parquet", Row, ("real", "maker"))}
            found |= {_key_of(miss) for miss in _read(place / "missed.parquet", NotMade)}
        return found

    def add(self, portion: Portion) -> None:
        """Keep what a piece gave; it is on disk within seconds, with others."""
        self._waiting.append(portion)
        many = sum(len(one.rows) for one in self._waiting) >= FLUSH_ROWS
        if many or time.monotonic() - self._since >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one part."""
        self._since = time.monotonic()
        if not self._waiting:
            return
        number = 1 + max((int(place.name) for place in self._parts.glob("[0-9]*")), default=0)
        partial = self._parts / f".{number:05d}"
        partial.mkdir()
        _write([row for one in self._waiting for row in one.rows], partial / "rows.parquet", Row)
        _write([fact for one in self._waiting for fact in one.facts], partial / "facts.parquet", Facts)
        missed = [one.missed for one in self._waiting if one.missed is not None]
        _write(missed, partial / "missed.parquet", NotMade)
        _sync(partial)
        partial.rename(self._parts / f"{number:05d}")
        _sync(self._parts)
        self._waiting = []

    def join(self) -> tuple[list[Row], list[Facts], list[NotMade]]:
        """Join all parts into one file each, in an order that no worker decides; return their content."""
        self.flush()
        rows = _unique(row for place in self._places() for row in _read(place / "rows.parquet", Row))
        facts = _unique(one for place in self._places() for one in _read(place / "facts.parquet", Facts))
        missed = _unique(miss for place in self._places() for miss in _read(place / "missed.parquet", NotMade))
        for kept, name, kind in ((facts, "facts", Facts), (missed, "missed", NotMade), (rows, "rows", Row)):
            partial = self.folder / f".{name}.partial"
            _write(kept, partial, kind)
            partial.replace(self.folder / f"{name}.parquet")
        write_rows(rows, self.folder / "rows.jsonl")
        shutil.rmtree(self._parts)
        return rows, facts, missed

    def _places(self) -> list[Path]:
        """Return every folder that holds rows: the run's own once joined, and the parts since."""
        return [self.folder, *sorted(self._parts.glob("[0-9]*"))]

    def _begun(self, about: dict[str, Any]) -> dict[str, Any]:
        place = self.folder / "run.json"
        if place.is_file():
            before = read_about(self.folder)
            if before.get("fingerprint") != about["fingerprint"]:
                msg = (
                    f"{self.folder} holds another run (other material, makers, detectors, chains, seed or version): "
                    "choose another --out, or delete it"
                )
                raise InputError(msg)
            return before
        self.folder.mkdir(parents=True, exist_ok=True)
        if any(self.folder.iterdir()):
            msg = f"expected an empty or new folder for the results, or a run to go on with, got {self.folder}"
            raise InputError(msg)
        save(json.dumps(about, indent=1), place)
        return about


def read_about(folder: Path) -> dict[str, Any]:
    """Return what `run.json` in `folder` says. Raises `BenchError` if there is none."""
    try:
        told = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"expected the results of a benchmark in {folder}: {error}"
        raise BenchError(msg) from error
    if not isinstance(told, dict):
        msg = f"expected an object in {folder / 'run.json'}"
        raise BenchError(msg)
    return told


def stored_rows(path: Path) -> list[Row]:
    """Return the rows in a results folder, or in a Parquet file of one. Raises `BenchError` if there are none."""
    place = path / "rows.parquet" if path.is_dir() else path
    if not place.is_file():
        msg = f"expected rows.parquet at {place}: is the run finished?"
        raise BenchError(msg)
    return list(_read(place, Row))


def _pyarrow() -> Any:  # noqa: ANN401 - pyarrow ships no types
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        feature = "writing rows as Parquet (pyarrow)"
        raise MissingExtra(feature, "data") from error
    return pyarrow


def _schema(kind: type) -> Any:  # noqa: ANN401
    arrow = _pyarrow()
    types = {"str": arrow.string(), "float": arrow.float64(), "float | None": arrow.float64(), "int": arrow.int64()}
    types["dict[str, float] | None"] = arrow.map_(arrow.string(), arrow.float64())
    return arrow.schema([(name, types[told]) for name, told in kind.__annotations__.items()])


def _write(entries: Iterable[Row | Facts | NotMade], path: Path, kind: type) -> None:
    """Write entries of one kind to a Parquet file, with fsync."""
    arrow = _pyarrow()
    values = [asdict(entry) for entry in entries]
    for value in values:
        if isinstance(value.get("quality"), dict):
            value["quality"] = list(value["quality"].items())
    table = arrow.Table.from_pylist(values, schema=_schema(kind))
    with path.open("wb") as file:
        arrow.parquet.write_table(table, file, row_group_size=GROUP_ROWS, compression="zstd")
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path, kind: type[_T], columns: tuple[str, ...] | None = None) -> Iterator[_T]:
    """Yield the entries of a Parquet file, a batch in memory at a time; of an absent file, none.

    With `columns`, the others are empty, and a row stands for a skip.
    """
    if not path.is_file():
        return
    arrow = _pyarrow()
    try:
        with arrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=8192, columns=list(columns) if columns else None):
                for value in batch.to_pylist():
                    if "quality" in value and value["quality"] is not None:
                        value["quality"] = dict(value["quality"])
                    yield kind(**(_BLANK | value if columns else value))
    except (arrow.ArrowException, TypeError, ValueError, OSError) as error:
        msg = f"{path} holds no rows of this version: {error}"
        raise BenchError(msg) from error


_BLANK: dict[str, Any] = {
    **dict.fromkeys(("item", "real", "kind", "group", "maker", "laundering", "detector"), ""),
    "outcome": "skipped",
}


def _unique(entries: Iterable[_T]) -> list[_T]:
    """Return entries in the order of their keys, each key once: a part may have been joined and not yet removed."""
    found = {entry.key: entry for entry in entries}
    return [found[key] for key in sorted(found)]


def _key_of(miss: NotMade) -> str:
    return f"{miss.item.removesuffix(f'+{miss.maker}') if miss.maker else miss.item}|{miss.maker}"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def without_seconds(rows: Iterable[Row]) -> list[Row]:
    """Return rows with the one thing that differs between two runs taken out."""
    return [replace(row, seconds=0.0) for row in rows]
