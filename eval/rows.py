"""One answer of one detector on one item: what every table is computed from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ..media.errors import AssayError


class BenchError(AssayError):
    """A benchmark cannot run as asked, or its rows cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One detector on one laundered item: a log10 likelihood ratio, or why there is none.

    `maker` is empty for a bona fide item; `group` is the person; `failed` tells a detector that broke from one that
    does not apply; both are counted and neither is scored.
    """

    item: str
    kind: str
    group: str
    maker: str
    laundering: str
    detector: str
    version: str
    llr: float | None
    why: str
    failed: bool
    seconds: float

    @property
    def spoof(self) -> bool:
        """Whether the item is a fake."""
        return bool(self.maker)


def write_rows(rows: Iterable[Row], path: Path) -> None:
    """Write rows as JSON Lines, whole or not at all."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(row)) + "\n" for row in rows)
    partial.replace(path)


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a JSON Lines file. Raises `BenchError` for a line that is no row."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            yield Row(**json.loads(line))
        except (json.JSONDecodeError, TypeError) as error:
            msg = f"{path.name} line {number} is not a row of this version: {error}"
            raise BenchError(msg) from error
