"""A corpus as one Parquet file that answers in milliseconds: by label, maker, split, kind, group and state."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .columns import DICTIONARY, META, VERSION, arrow, items, schema
from .corpus import CorpusError, Item

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

Where = Mapping[str, str | Collection[str]]
"""Column -> the value or values that are meant."""
USABLE: Where = {"state": "ok"}
FILTERS = ("id", *DICTIONARY)
_ITEM = (
    *("id", "path", "sha256", "label", "maker", "group", "split", "licence", "kind", "process", "speaker"),
    *("compression", "language", "groups", "region", "spans"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many rows share the `values` of the columns that were asked for, in their order."""

    values: tuple[str, ...]
    rows: int


class Index:
    """An index that was built. Questions are about usable rows (`state` ok) unless `where` names states itself.

    `root` is the folder that paths are relative to, `corpus` the name of the layout.
    """

    def __init__(self, path: Path, *, root: Path | None = None) -> None:
        """Open the index at `path`; `root` where the corpus lies elsewhere by now. Raises `CorpusError` if it is none.

        Only the footer is read.
        """
        pa = arrow()
        try:
            self._file = pa.parquet.ParquetFile(path, memory_map=True, read_dictionary=list(DICTIONARY))
            self.about: dict[str, Any] = json.loads((self._file.schema_arrow.metadata or {})[META])
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            msg = f"expected an index that `assay data index` wrote at {path}: {error}"
            raise CorpusError(msg) from error
        if self.about.get("version") != VERSION:
            msg = f"expected an index of version {VERSION} at {path}, got {self.about.get('version')}: index again"
            raise CorpusError(msg)
        self.path = path
        self.root = root or Path(self.about["root"])
        self.corpus: str = self.about["corpus"]
        self._bounds = self._statistics()

    def __len__(self) -> int:
        """Return the number of all rows, whatever their state."""
        return int(self._file.metadata.num_rows)

    def select(self, where: Where = USABLE, *, columns: Sequence[str] = (), limit: int | None = None) -> pa.Table:
        """Return the rows that `where` means, in the index' order, at most `limit`; all columns unless some are named.

        Row groups that cannot hold an answer are not read, the other columns only of those that do. Raises
        `CorpusError` for a column that is none.
        """
        pa = arrow()
        wanted = list(columns or schema().names)
        unknown = sorted({*wanted, *where} - {*schema().names})
        if unknown:
            msg = f"expected columns out of {', '.join(schema().names)}, got {', '.join(unknown)}"
            raise CorpusError(msg)
        kept, found = [], 0
        for group in self._groups(self._meant(where)):
            mask = self._mask(group, self._meant(where))
            if mask.any():
                rows = self._file.read_row_group(group, columns=wanted).select(wanted)
                kept.append(rows if mask.all() else rows.filter(pa.array(mask)))
                found += kept[-1].num_rows
            if limit is not None and found >= limit:
                break
        if not kept:
            return self._file.schema_arrow.empty_table().select(wanted)
        return pa.concat_tables(kept).slice(0, limit)

    def items(self, where: Where = USABLE) -> Iterator[Item]:
        """Yield the items that `where` means, a row group at a time."""
        pa = arrow()
        for group in self._groups(self._meant(where)):
            mask = self._mask(group, self._meant(where))
            if mask.any():
                rows = self._file.read_row_group(group, columns=list(_ITEM)).filter(pa.array(mask))
                yield from items(rows.to_pylist(), self.root)

    def counts(self, *by: str, where: Where = USABLE) -> tuple[Count, ...]:
        """Return how many rows hold each combination of the columns `by`, in order of their values."""
        kept = self.select(where, columns=by).unify_dictionaries()
        counted = kept.group_by(list(by)).aggregate([([], "count_all")])
        columns = [[str(value or "") for value in counted[name].to_pylist()] for name in by]
        rows = zip(*columns, counted["count_all"].to_pylist(), strict=True)
        return tuple(sorted((Count(values=row[:-1], rows=row[-1]) for row in rows), key=lambda count: count.values))

    def batches(self, *columns: str) -> Iterator[pa.Table]:
        """Yield every row, a row group at a time, with the `columns` that are asked for (all if none)."""
        for group in range(self._file.num_row_groups):
            yield self._file.read_row_group(group, columns=list(columns) or None)

    def _meant(self, where: Where) -> dict[str, tuple[str, ...]]:
        """Return the values of each column that are meant; rows of any state only where `where` names states."""
        given = where if "state" in where else {**where, "state": "ok"}
        return {name: (value,) if isinstance(value, str) else tuple(value) for name, value in given.items()}

    def _statistics(self) -> list[dict[str, tuple[str, str]]]:
        """Return the least and greatest value of the text columns of each row group."""
        found = []
        names = self._file.schema_arrow.names
        for group in range(self._file.num_row_groups):
            about, bounds = self._file.metadata.row_group(group), {}
            for place in range(about.num_columns):
                column = about.column(place)
                if column.path_in_schema in FILTERS and column.path_in_schema in names:
                    statistics = column.statistics
                    if statistics is not None and statistics.has_min_max:
                        bounds[column.path_in_schema] = (statistics.min, statistics.max)
            found.append(bounds)
        return found

    def _groups(self, meant: Mapping[str, tuple[str, ...]]) -> Iterator[int]:
        """Yield the row groups whose bounds leave room for an answer; an item's further groups have no bounds."""
        for group, bounds in enumerate(self._bounds):
            if all(
                name == "group" or name not in bounds or any(bounds[name][0] <= v <= bounds[name][1] for v in values)
                for name, values in meant.items()
            ):
                yield group

    def _mask(self, group: int, meant: Mapping[str, tuple[str, ...]]) -> NDArray[np.bool_]:
        """Return which rows of a row group are meant, by the columns of the filter alone."""
        import numpy as np

        # the state of a row group is often one value: its bounds answer without a look
        bounds = self._bounds[group]
        open_questions = {n: v for n, v in meant.items() if not (n in bounds and bounds[n][0] == bounds[n][1])}
        mask: NDArray[np.bool_] = np.ones(self._file.metadata.row_group(group).num_rows, bool)
        if not open_questions:
            return mask
        columns = [*open_questions, *(["groups"] if "group" in open_questions else [])]
        rows = self._file.read_row_group(group, columns=columns)
        for name, values in open_questions.items():
            hit = _among(rows[name], values)
            if name == "group":
                hit |= _any_among(rows["groups"], values)
            mask &= hit
        return mask


def _among(column: pa.ChunkedArray, values: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which values of a text column are among `values`; of a dictionary each entry is looked at once."""
    import numpy as np

    pa = arrow()
    wanted = pa.array(values, pa.string())
    parts = []
    for chunk in column.chunks:
        if isinstance(chunk, pa.DictionaryArray):
            hit = pa.compute.is_in(chunk.dictionary, wanted).to_numpy(zero_copy_only=False)
            codes = chunk.indices.fill_null(len(hit)).to_numpy(zero_copy_only=False)
            parts.append(np.append(hit, [False])[codes])
        else:
            parts.append(pa.compute.is_in(chunk, wanted).to_numpy(zero_copy_only=False))
    return np.concatenate(parts).astype(bool) if parts else np.zeros(0, bool)


def _any_among(column: pa.ChunkedArray, values: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which lists of a column hold one of `values`."""
    import numpy as np

    pa = arrow()
    whole = column.combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    hit: NDArray[np.bool_] = np.zeros(len(whole), bool)
    inner = pa.compute.is_in(pa.compute.list_flatten(whole), pa.array(values, pa.string()))
    parents = pa.compute.list_parent_indices(whole).to_numpy(zero_copy_only=False)
    hit[parents[inner.to_numpy(zero_copy_only=False).astype(bool)]] = True
    return hit
