"""The answers of a large scan as Parquet, streamed to any place that fsspec reaches, and taken up after a break.

Parts of some thousand rows are written under a name of their own and moved when whole, so a killed run leaves whole
parts only; what they answer is not asked again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from typing import Any

from ..media.errors import InputError, MissingExtra

COLUMNS = {
    "path": "string",
    "sha256": "string",
    "kind": "string",
    "conclusion": "string",
    "llr": "float64",
    "low": "float64",
    "high": "float64",
    "provenance": "string",
    "exit_code": "int8",
    "error": "string",
    "seconds": "float64",
    "stamp": "string",
    "report": "string",
}
"""Name -> type of the columns; `stamp` is size and time of the file when answered, `report` the whole report (JSON)."""
ABOUT = "_about.json"
PART_ROWS = 2000
PART_SECONDS = 30.0


class Answers:
    """A folder of Parquet parts at `place`: a path, or a URL such as `s3://bucket/folder` whose driver is there."""

    def __init__(self, place: str, about: dict[str, Any]) -> None:
        """Begin, or take up what is there; `about` says how it is scanned, so that two ways do not mix.

        Raises `MissingExtra` without pyarrow or fsspec, `InputError` if the place cannot be reached, holds other
        things or answers of another way of scanning.
        """
        try:
            import fsspec
            import pyarrow as arrow
            import pyarrow.parquet as parquet
        except ImportError as error:
            feature = "keeping answers as Parquet"
            raise MissingExtra(feature, "data") from error
        self._arrow, self._parquet = arrow, parquet
        try:
            self._files, self._folder = fsspec.core.url_to_fs(place)
            self._files.makedirs(self._folder, exist_ok=True)
            names = [str(name).rsplit("/", 1)[-1] for name in self._files.ls(self._folder, detail=False)]
        except (OSError, ValueError, ImportError) as error:
            msg = f"expected a folder or URL that answers can be written to, got {place}: {error}"
            raise InputError(msg) from error
        strange = [name for name in names if not name.startswith(("part-", ".part-")) and name != ABOUT]
        if strange:
            msg = f"expected an empty place for answers or one with parts, found {strange[0]} in {place}"
            raise InputError(msg)
        self._agree(json.dumps(about, sort_keys=True), place, begun=ABOUT in names)
        self._parts = sorted(name for name in names if name.startswith("part-"))
        self._rows: list[dict[str, Any]] = []
        self._since = time.monotonic()

    def _agree(self, about: str, place: str, *, begun: bool) -> None:
        """Write how it is scanned, or raise `InputError` if the place says otherwise."""
        name = f"{self._folder}/{ABOUT}"
        if not begun:
            with self._files.open(name, "w") as file:
                file.write(about)
            return
        with self._files.open(name, "r") as file:
            before = file.read()
        if before != about:
            msg = f"{place} holds answers of another version or other options of scanning: choose another place"
            raise InputError(msg)

    def answered(self) -> dict[str, tuple[str, int]]:
        """Return the paths (as `plain` writes them) that are answered already, with stamp and exit code.

        Raises `InputError` for a part that cannot be read.
        """
        found: dict[str, tuple[str, int]] = {}
        for name in self._parts:
            try:
                with self._files.open(f"{self._folder}/{name}") as file:
                    table = self._parquet.read_table(file, columns=["path", "stamp", "exit_code"])
            except (OSError, self._arrow.ArrowException) as error:
                msg = f"expected answers of a scan in {self._folder}/{name}: {error}; move it away to scan these anew"
                raise InputError(msg) from error
            told = zip(table["stamp"].to_pylist(), table["exit_code"].to_pylist(), strict=True)
            found.update(zip(table["path"].to_pylist(), told, strict=True))  # the last answer counts
        return found

    def add(self, answer: dict[str, Any], exit_code: int) -> None:
        """Keep one report; it is written with others, within half a minute or two thousand."""
        self._rows.append(row_of(answer, exit_code))
        if len(self._rows) >= PART_ROWS or time.monotonic() - self._since >= PART_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits as one part."""
        self._since = time.monotonic()
        if not self._rows:
            return
        number = int(self._parts[-1][5:10]) + 1 if self._parts else 0
        name = f"part-{number:05d}.parquet"
        table = self._table(self._rows)
        with self._files.open(f"{self._folder}/.{name}", "wb") as file:
            self._parquet.write_table(table, file, compression="zstd")
        self._files.mv(f"{self._folder}/.{name}", f"{self._folder}/{name}")
        self._parts.append(name)
        self._rows = []

    def _table(self, rows: Sequence[dict[str, Any]]) -> Any:  # noqa: ANN401 - pyarrow ships no types
        types = {"string": self._arrow.string(), "float64": self._arrow.float64(), "int8": self._arrow.int8()}
        schema = self._arrow.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
        return self._arrow.Table.from_pylist(list(rows), schema=schema)


def plain(text: str) -> str:
    """Return text as Parquet can hold it: bytes of a file name that are no UTF-8 become backslash escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def stamp_of(path: str) -> str:
    """Return size and time of the file at `path`, empty if it cannot be looked at."""
    try:
        about = os.stat(path)  # noqa: PTH116 - the name may hold bytes that are no text
    except OSError:
        return ""
    return f"{about.st_size}:{about.st_mtime_ns}"


def row_of(answer: dict[str, Any], exit_code: int) -> dict[str, Any]:
    """Return a report as a row of `COLUMNS`."""
    verdict = answer.get("verdict") or {}
    path = answer.get("path") or (answer.get("asset") or {}).get("path")
    low, high = verdict.get("interval") or (None, None)
    error = answer.get("error")
    told = error.get("message") if isinstance(error, dict) else error
    return {
        "path": None if path is None else plain(path),
        "sha256": answer.get("sha256"),
        "kind": answer.get("kind"),
        "conclusion": verdict.get("conclusion"),
        "llr": verdict.get("llr"),
        "low": low,
        "high": high,
        "provenance": (answer.get("verification") or {}).get("state"),
        "exit_code": exit_code,
        "error": None if told is None else plain(told),
        "seconds": sum((answer.get("seconds") or {}).values()),
        "stamp": stamp_of(path) if path else "",
        "report": json.dumps(answer),
    }
