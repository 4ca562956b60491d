"""Splits for a whole index: what hangs together stays together, whatever the number of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .columns import arrow
from .corpus import BONA_FIDE, SPOOF, ChoiceError, Item
from .groups import components, sides
from .index import Index
from .indexing import rewrite
from .splits import DEFAULT_SHARES, assign

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = ("group", "groups", "maker", "label", "state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """An index with its splits: usable `rows` by split ("" is left out), components, the share of the largest.

    `parts` counts the components by split (the groups, where they were divided): it is these that the shares are of.
    """

    index: Index
    rows: Mapping[str, int]
    parts: Mapping[str, int]
    components: int
    largest: float


def split_index(
    index: Index,
    out: Path,
    *,
    seed: int,
    shares: Mapping[str, float] = DEFAULT_SHARES,
    unseen_makers: Collection[str] = (),
    leave_out: bool = False,
) -> Split:
    """Write `index` with splits of its own to `out`, which may be the same file, and return it.

    Groups that share an item are one component, and a component is never divided. Where everything hangs together
    (people swapped with many others), `leave_out` divides the groups themselves and leaves out, with an empty split,
    each row whose groups fell on different sides. Raises as `splits.assign`, and `CorpusError` for an unseen maker
    that there is not.
    """
    sets, rows, usable = _gathered(index)
    makers = {maker for _, maker, _ in rows if maker}
    if unknown := sorted({*unseen_makers} - makers):
        msg = f"expected unseen makers out of {', '.join(sorted(makers))}, got {', '.join(unknown)}"
        raise ChoiceError(msg)
    key = {name: name for groups, _, _ in rows for name in groups} if leave_out else components(sets)
    asked = _asked(rows, key)
    assigned = assign(asked, seed=seed, shares=shares, unseen_makers=unseen_makers)
    of_component = {item.group: item.split for item in assigned}
    split_of = {name: of_component[where] for name, where in key.items()}
    by_set = {groups: sides(groups, split_of) for groups in sets}
    sizes: Counter[str] = Counter()
    for groups, count in usable.items():
        sizes[key[groups[0]]] += count
    done: Counter[str] = Counter()
    rewrite(_with_splits(index, by_set, done), out, {k: v for k, v in index.about.items() if k != "version"})
    return Split(
        index=Index(out),
        rows=dict(sorted(done.items())),
        parts=dict(sorted(Counter(of_component[name] for name in sizes).items())),
        components=len(sizes),
        largest=max(sizes.values(), default=0) / max(1, sum(sizes.values())),
    )


_Set = tuple[str, ...]


def _gathered(index: Index) -> tuple[set[_Set], set[tuple[_Set, str, str]], Counter[_Set]]:
    """Return the sets of groups that occur together, each with its makers and labels, and how many usable rows."""
    kinds: set[tuple[_Set, str, str]] = set()
    usable: Counter[_Set] = Counter()
    for table in index.batches(*_COLUMNS):
        columns = (table[name].to_pylist() for name in ("maker", "label", "state"))
        for groups, maker, label, state in zip(_groups(table), *columns, strict=True):
            if label:
                kinds.add((groups, maker, label))
                if state == "ok":
                    usable[groups] += 1
    return {groups for groups, _, _ in kinds}, kinds, usable


def _groups(table: pa.Table) -> list[tuple[str, ...]]:
    """Return the groups of each row."""
    first, more = table["group"].to_pylist(), table["groups"]
    if more.null_count == len(more):
        return [(name,) for name in first]
    return [tuple(several) if several else (name,) for name, several in zip(first, more.to_pylist(), strict=True)]


def _asked(rows: Collection[tuple[_Set, str, str]], key: Mapping[str, str]) -> list[Item]:
    """Return one item for each component, maker and label: `assign` goes by nothing else."""
    kinds = {(key[name], maker, label == SPOOF) for groups, maker, label in rows for name in groups}
    return [
        Item(
            id=f"{number}",
            path=Path(),
            sha256="",
            label=SPOOF if spoof else BONA_FIDE,
            maker=maker if spoof else "",
            group=group,
        )
        for number, (group, maker, spoof) in enumerate(sorted(kinds))
    ]


def _with_splits(index: Index, by_set: Mapping[tuple[str, ...], str], done: Counter[str]) -> Iterator[pa.Table]:
    """Yield the rows of the index with their new splits, counting usable ones into `done`."""
    pa = arrow()
    for table in index.batches():
        labels = table["label"].to_pylist()
        splits = [by_set[groups] if label else "" for groups, label in zip(_groups(table), labels, strict=True)]
        states = table["state"].to_pylist()
        done.update(split for split, state in zip(splits, states, strict=True) if state == "ok")
        place = table.schema.get_field_index("split")
        yield table.set_column(place, table.schema.field(place).name, pa.array(splits, pa.string()))
