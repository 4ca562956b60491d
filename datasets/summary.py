"""What an index holds in numbers: by label, by maker, and what tells the labels apart before anything is decoded."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .index import Index

_COLUMNS = ("label", "maker", "kind", "groups", "group", "container", "rate", "channels", "width", "height", "seconds")
_SIZES = ("size", "state")
TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The usable rows of one label and kind, or of one maker.

    `seconds` and `kilobytes` are the 5th, 50th and 95th percentile (empty where nothing tells), `hours` their sum;
    the others the commonest values with how many rows have them.
    """

    label: str
    kind: str
    maker: str
    rows: int
    groups: int
    hours: float
    seconds: tuple[float, ...]
    kilobytes: tuple[float, ...]
    containers: tuple[tuple[str, int], ...]
    rates: tuple[tuple[str, int], ...]
    sizes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Parts by label and kind, parts by maker, and rows by state and by split."""

    labels: tuple[Part, ...]
    makers: tuple[Part, ...]
    states: dict[str, int]
    splits: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the summary as JSON."""
        return asdict(self)


class _Gathered:
    """What is added up over the rows of a part."""

    def __init__(self) -> None:
        self.rows = 0
        self.groups: set[str] = set()
        self.seconds: list[float] = []
        self.bytes: list[int] = []
        self.containers: Counter[str] = Counter()
        self.rates: Counter[str] = Counter()
        self.sizes: Counter[str] = Counter()

    def add(self, row: dict[str, Any]) -> None:
        """Add one row."""
        self.rows += 1
        self.groups.update(row["groups"] or (row["group"],))
        self.bytes.append(row["size"])
        self.containers[row["container"]] += 1
        if row["seconds"] is not None:
            self.seconds.append(row["seconds"])
        if row["rate"]:
            self.rates[f"{row['rate']} Hz, {row['channels']} ch"] += 1
        if row["width"]:
            self.sizes[f"{row['width']} x {row['height']}"] += 1

    def part(self, label: str, kind: str, maker: str) -> Part:
        """Return the sums."""
        return Part(
            label=label,
            kind=kind,
            maker=maker,
            rows=self.rows,
            groups=len(self.groups),
            hours=sum(self.seconds) / 3600,
            seconds=_percentiles(self.seconds),
            kilobytes=tuple(value / 1000 for value in _percentiles(self.bytes)),
            containers=tuple(self.containers.most_common(TOP)),
            rates=tuple(self.rates.most_common(TOP)),
            sizes=tuple(self.sizes.most_common(TOP)),
        )


def summarise(index: Index) -> Summary:
    """Return the numbers of an index, from its columns alone."""
    labels: defaultdict[tuple[str, str], _Gathered] = defaultdict(_Gathered)
    makers: defaultdict[tuple[str, str, str], _Gathered] = defaultdict(_Gathered)
    for table in index.batches(*_COLUMNS, *_SIZES):
        for row in table.to_pylist():
            if row["state"] == "ok":
                labels[row["label"], row["kind"]].add(row)
                if row["maker"]:
                    makers[row["label"], row["kind"], row["maker"]].add(row)
    return Summary(
        labels=tuple(gathered.part(*key, "") for key, gathered in sorted(labels.items())),
        makers=tuple(gathered.part(*key) for key, gathered in sorted(makers.items())),
        states=states(index),
        splits={count.values[0]: count.rows for count in index.counts("split")},
    )


def states(index: Index) -> dict[str, int]:
    """Return how many rows are in each state."""
    found: Counter[str] = Counter()
    for table in index.batches("state"):
        found.update(table["state"].to_pylist())
    return dict(sorted(found.items()))


def _percentiles(values: list[float] | list[int]) -> tuple[float, ...]:
    return tuple(float(value) for value in np.percentile(values, (5, 50, 95))) if values else ()
