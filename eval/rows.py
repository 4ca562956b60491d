"""One answer of one detector on one item: what every table is computed from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..media.errors import AssayError

OUTCOMES = ("scored", "skipped", "crashed", "timed out", "no input")


class BenchError(AssayError):
    """A benchmark cannot run as asked, or its rows cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One detector on one laundered item: a score (higher = fake), or why there is none.

    `real` is the bona fide file that the item is or was made of, `maker` is empty for a bona fide item, `group` is the
    person. `scale` is `llr` where the score is a log10 likelihood ratio, else `score`. `outcome` tells `scored` from
    `skipped` (it does not apply), `crashed`, `timed out` and `no input` (the laundering failed): all are counted, the
    first alone is scored. `digest` is of the samples or pixels that were judged.
    """

    item: str
    real: str
    kind: str
    group: str
    maker: str
    laundering: str
    detector: str
    version: str = ""
    score: float | None = None
    scale: str = "score"
    outcome: str = "scored"
    why: str = ""
    seconds: float = 0.0
    digest: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` unless there is a score exactly where the outcome says so."""
        if self.outcome not in OUTCOMES or (self.score is not None) != (self.outcome == "scored"):
            msg = f"a row has a score if and only if it is scored, got {self.score} and {self.outcome!r}"
            raise ValueError(msg)

    @property
    def spoof(self) -> bool:
        """Whether the item is a fake."""
        return bool(self.maker)

    @property
    def failed(self) -> bool:
        """Whether the detector broke, or was given nothing, where it should have answered."""
        return self.outcome in ("crashed", "timed out", "no input")

    @property
    def key(self) -> tuple[str, ...]:
        """What this row is the only one of."""
        return (self.kind, self.real, self.maker, self.laundering, self.detector)

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one laundered item beside scores.

    `size` is that of the file as handed out, in bytes; `seconds`, `width` and `height` are of what it holds (0 where it
    has none). `quality` names measures of how good it is; it and `thumb` (a JPEG) are of the item under `clean` alone.
    """

    item: str
    real: str
    kind: str
    group: str
    maker: str
    laundering: str
    digest: str = ""
    size: int = 0
    seconds: float = 0.0
    width: int = 0
    height: int = 0
    quality: dict[str, float] | None = None
    thumb: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What these facts are the only ones of."""
        return (self.kind, self.real, self.maker, self.laundering)

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMade:
    """An item that is missing, and why: a fake that could not be made, or (without maker) a real that is unusable."""

    item: str
    maker: str
    why: str

    @property
    def key(self) -> tuple[str, ...]:
        """What this miss is the only one of."""
        return (self.item, self.maker)


def write_rows(rows: Iterable[Row], path: Path) -> None:
    """Write rows as JSON Lines, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a JSON Lines file. Raises `BenchError` for a line that is no row."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield Row(**json.loads(line))
            except (ValueError, TypeError) as error:
                msg = f"{path.name} line {number} is not a row of this version: {error}"
                raise BenchError(msg) from error
