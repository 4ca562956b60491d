"""A corpus as one Parquet file that answers in milliseconds: by label, maker, split, kind, group and state."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .columns import DICTIONARY, META, MORE_TEXT, TEXT, VERSION, arrow, items, key_of, schema
from .corpus import ChoiceError, CorpusError, Item

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

Where = Mapping[str, str | Collection[str]]
"""Column -> the value or values that are meant."""
USABLE: Where = {"state": "ok"}
_TEXT = frozenset((*TEXT, *MORE_TEXT))
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
        if not path.is_file():
            msg = f"expected an index that `assay data index` wrote at {path}, found no file there"
            raise ChoiceError(msg)
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
        self._schema = self._file.schema_arrow  # asked once: it is made anew each time
        self._bounds, self._fixed = self._statistics()

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
            raise ChoiceError(msg)
        kept, found = [], 0
        for group in self._groups(self._meant(where)):
            mask = self._mask(group, self._meant(where))
            if mask.any():
                kept.append(self._rows(group, wanted, mask))
                found += kept[-1].num_rows
            if limit is not None and found >= limit:
                break
        if not kept:
            return self._schema.empty_table().select(wanted)
        return pa.concat_tables(kept).slice(0, limit)

    def items(self, where: Where = USABLE) -> Iterator[Item]:
        """Yield the items that `where` means, a row group at a time."""
        for group in self._groups(self._meant(where)):
            mask = self._mask(group, self._meant(where))
            if mask.any():
                yield from items(self._rows(group, _ITEM, mask).to_pylist(), self.root)

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

    def _rows(self, group: int, columns: Sequence[str], mask: NDArray[np.bool_]) -> pa.Table:
        """Return the rows of a row group that `mask` means; a column of one value alone is not read."""
        pa = arrow()
        fixed = {name: value for name, value in self._fixed[group].items() if name in columns}
        read = [name for name in columns if name not in fixed]
        rows = self._file.read_row_group(group, columns=read, use_threads=False)
        rows = rows if mask.all() else rows.filter(pa.array(mask))
        made = {name: _repeated(self._schema.field(name).type, fixed[name], int(mask.sum())) for name in fixed}
        shape = pa.schema([self._schema.field(name) for name in columns])
        return pa.table([made[name] if name in made else rows[name] for name in columns], schema=shape)

    def _meant(self, where: Where) -> dict[str, tuple[str, ...]]:
        """Return the values of each column that are meant; rows of any state only where `where` names states."""
        given = where if "state" in where else {**where, "state": "ok"}
        return {name: (value,) if isinstance(value, str) else tuple(value) for name, value in given.items()}

    def _statistics(self) -> tuple[list[dict[str, tuple[str, str]]], list[dict[str, str | None]]]:
        """Return, for each row group, the bounds of its text columns, and the columns that hold one value alone."""
        bounds: list[dict[str, tuple[str, str]]] = []
        fixed: list[dict[str, str | None]] = []
        for group in range(self._file.num_row_groups):
            about = self._file.metadata.row_group(group)
            bounds.append({})
            fixed.append({})
            for place in range(about.num_columns):
                column = about.column(place)
                name, statistics = column.path_in_schema.split(".")[0], column.statistics
                if statistics is None:
                    continue
                if not statistics.num_values:
                    fixed[group][name] = None
                elif name in _TEXT and statistics.has_min_max:
                    bounds[group][name] = (statistics.min, statistics.max)
                    if statistics.min == statistics.max and not statistics.null_count:
                        fixed[group][name] = statistics.min
        return bounds, fixed

    def _groups(self, meant: Mapping[str, tuple[str, ...]]) -> Iterator[int]:
        """Yield the row groups whose bounds leave room for an answer; an item's further groups have no bounds."""
        for group, bounds in enumerate(self._bounds):
            if all(
                name == "group"
                or name not in bounds
                or any(bounds[name][0] <= value <= bounds[name][1] for value in values)
                for name, values in meant.items()
            ):
                yield group

    def _mask(self, group: int, meant: Mapping[str, tuple[str, ...]]) -> NDArray[np.bool_]:
        """Return which rows of a row group are meant, by the columns of the filter alone."""
        import numpy as np

        # a column of one value alone has passed the bounds already: nothing is to be read
        open_questions = {n: v for n, v in meant.items() if n not in self._fixed[group] or n == "group"}
        mask: NDArray[np.bool_] = np.ones(self._file.metadata.row_group(group).num_rows, bool)
        if not open_questions:
            return mask
        columns = ["keys" if name == "group" else name for name in open_questions]
        rows = self._file.read_row_group(group, columns=columns, use_threads=False)
        for name, values in open_questions.items():
            mask &= _any_among(rows["keys"], values) if name == "group" else _among(rows[name], values)
        return mask


def _repeated(kind: pa.DataType, value: str | None, count: int) -> pa.Array:
    """Return a column that holds `value` `count` times."""
    pa = arrow()
    if value is None:
        return pa.nulls(count, kind)
    if pa.types.is_dictionary(kind):
        codes = pa.repeat(pa.scalar(0, kind.index_type), count)
        return pa.DictionaryArray.from_arrays(codes, pa.array([value], kind.value_type))
    return pa.repeat(pa.scalar(value, kind), count)


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
            hit = pa.compute.equal(chunk, wanted[0]) if len(wanted) == 1 else pa.compute.is_in(chunk, wanted)
            parts.append(hit.fill_null(False).to_numpy(zero_copy_only=False))  # noqa: FBT003 - Arrow takes it so
    return np.concatenate(parts).astype(bool) if parts else np.zeros(0, bool)


def _any_among(column: pa.ChunkedArray, groups: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which lists of keys hold the key of one of `groups`."""
    import numpy as np

    pa = arrow()
    hits = [np.zeros(0, bool)]
    for chunk in column.chunks:
        wanted = pa.array([key_of(name) for name in groups], pa.int64())
        inner = pa.compute.is_in(pa.compute.list_flatten(chunk), wanted).to_numpy(zero_copy_only=False)
        hit = np.zeros(len(chunk), bool)
        if inner.any():
            hit[pa.compute.list_parent_indices(chunk).to_numpy()[inner]] = True
        hits.append(hit)
    return np.concatenate(hits)
