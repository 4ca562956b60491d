"""The numbers that a detector is trained on, each row tied to the item and the laundering it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...datasets.corpus import CorpusError, Item
from ...media.errors import AssayError

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of features: `values` float32 `[n, k]`; of each the position of its `item` and its `chain`."""

    items: tuple[Item, ...]
    values: F32
    item: NDArray[np.int64]
    chain: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    """Id of each item that gave no row under some laundering, and why."""

    def __post_init__(self) -> None:
        """Raise `CorpusError` unless the columns are of one length and the values finite."""
        if not (len(self.values) == len(self.item) == len(self.chain)) or not np.isfinite(self.values).all():
            shape = (self.values.shape, self.item.shape, len(self.chain))
            msg = f"expected finite features and one item and chain for each row, got {shape}"
            raise CorpusError(msg)

    @property
    def spoof(self) -> NDArray[np.bool_]:
        """Whether each row's item is a spoof."""
        return np.array([item.spoof for item in self.items])[self.item]

    def rows(self, positions: Sequence[int] | NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which rows belong to the items at `positions`."""
        return np.isin(self.item, np.asarray(positions, dtype=np.int64))


def joined(tables: Sequence[Table]) -> Table:
    """Return one table of all rows; items are counted on from table to table. Raises `CorpusError` for no table."""
    if not tables:
        msg = "expected at least one table of features, got none"
        raise CorpusError(msg)
    offsets = np.cumsum([0, *(len(table.items) for table in tables)])
    return Table(
        items=tuple(item for table in tables for item in table.items),
        values=np.concatenate([table.values for table in tables]),
        item=np.concatenate([table.item + offset for table, offset in zip(tables, offsets, strict=False)]),
        chain=tuple(chain for table in tables for chain in table.chain),
        skipped=tuple(entry for table in tables for entry in table.skipped),
    )


class Tabled(Protocol):
    """Examples that are kept elsewhere, and the table that says of what item each is."""

    @property
    def table(self) -> Table:
        """The table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What one item gave: `values` `[n, k]` (or `[0, 0]`), the chain of each row, and why some chains gave none."""

    values: F32
    chains: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def none(why: str) -> Rows:
    """Return no rows, and why."""
    return Rows(values=np.zeros((0, 0), np.float32), chains=(), skipped=(why,))


def gather(
    items: Sequence[Item],
    rows_of: Callable[[Item], Rows],
    *,
    cache: Path | None,
    tag: object,
    done: Callable[[float], None],
) -> Table:
    """Return the rows of all `items`, from the folder `cache` where it has them.

    `tag` names everything beside the item that `rows_of` depends on. Raises `CorpusError` if no item gave a row.
    """
    found: list[Rows] = []
    for number, item in enumerate(items):
        done(number / len(items))
        place = cache / f"{digest(item.id, item.sha256, tag)}.npz" if cache else None
        rows = kept(place) if place else None
        if rows is None:
            rows = rows_of(item)
            if place:
                keep(place, rows)
        found.append(rows)
    if not any(rows.values.size for rows in found):
        whys = sorted({why for rows in found for why in rows.skipped})[:3]
        msg = f"expected features from at least one of {len(items)} items, got none: {'; '.join(whys)}"
        raise CorpusError(msg)
    return Table(
        items=tuple(items),
        values=np.concatenate([rows.values for rows in found if rows.values.size]),
        item=np.repeat(np.arange(len(items)), [len(rows.chains) for rows in found]),
        chain=tuple(chain for rows in found for chain in rows.chains),
        skipped=tuple((item.id, why) for item, rows in zip(items, found, strict=True) for why in rows.skipped),
    )


def digest(*parts: object) -> str:
    """Return a short name for what `parts` say."""
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:24]


def keep(path: Path, rows: Rows) -> None:
    """Write one item's rows for the next run, by way of a temporary name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, values=rows.values, chains=np.array(rows.chains, str), skipped=np.array(rows.skipped, str))
    temporary.replace(path)


def kept(path: Path) -> Rows | None:
    """Return what `keep` wrote, `None` where there is nothing usable."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            chains, skipped = (tuple(map(str, stored[name])) for name in ("chains", "skipped"))
            return Rows(values=stored["values"], chains=chains, skipped=skipped)
    except (OSError, ValueError, KeyError):
        return None


def labels(path: Path) -> Rows | None:
    """Return what `keep` wrote but for the values, which stay in the file: chains and skips alone."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            chains, skipped = (tuple(map(str, stored[name])) for name in ("chains", "skipped"))
            return Rows(values=np.zeros((len(chains), 0), np.float32), chains=chains, skipped=skipped)
    except (OSError, ValueError, KeyError):
        return None


class TrainingError(AssayError):
    """A detector could not be trained on what was given."""
