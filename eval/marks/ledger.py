"""Rows on disk as JSON Lines, a unit of work at a time: what was cut off in the middle is done again, never twice."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...media.errors import InputError

Record = dict[str, Any]


@contextmanager
def claimed(path: Path) -> Iterator[Rows]:
    """Give the rows at `path` to this process alone. Raises `InputError` while another run writes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"another run writes {path}: wait for it, or give other --parts or --kinds"
            raise InputError(msg) from error
        yield Rows(path)


class Rows:
    """The rows of one part of the bench in one file; a unit's rows end with a line that says that it is done."""

    def __init__(self, path: Path) -> None:
        """Read what is there; a unit without its last line is forgotten."""
        self.path = path
        self.kept: list[Record] = []
        self.done: set[str] = set()
        whole = _whole(path)
        pending: list[Record] = []
        for record in whole:
            if "done" in record:
                self.done.add(record["done"])
                self.kept += pending
                pending = []
            else:
                pending.append(record)
        self._size = sum(len(_line(record)) for record in whole[: len(whole) - len(pending)])

    def add(self, unit: str, records: Iterable[Record]) -> None:
        """Write the rows of one unit, to stay once this returns."""
        rows = list(records)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("r+b" if self.path.exists() else "xb") as file:
            file.truncate(self._size)
            file.seek(self._size)
            text = b"".join(_line(record) for record in (*rows, {"done": unit}))
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self._size += len(text)
        self.kept += rows
        self.done.add(unit)


def _line(record: Record) -> bytes:
    return (json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _whole(path: Path) -> list[Record]:
    """Return the lines of the file that are whole. Raises `InputError` if one in the middle is none of ours."""
    return list(_lines(path)) if path.exists() else []


def _lines(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            try:
                record = json.loads(line)
            except ValueError as error:
                msg = f"{path} holds a line that is no row of the marks bench: give another folder, or delete it"
                raise InputError(msg) from error
            yield record
