"""Building an index: layouts name the items, a bounded pool reads headers, rows stream to Parquet.

Work is kept in parts beside the index while it lasts, so that a build that was cut off goes on where it was, and files
whose size and time have not changed since the last build are not read again.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .columns import DICTIONARY, HEADER, ROWS_PER_GROUP, Entry, arrow, schema, table
from .corpus import ChoiceError, CorpusError, Item, Unmatched, file_sha256
from .headers import Facts, facts_of
from .index import Index
from .layouts import choose

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 32_768
"""Items of a part: what is lost when a build is cut off, and what is held in memory."""
CHUNK = 512
_KEPT = ("id", "sha256", *HEADER)
_Row = tuple[Any, ...]
"""What an earlier build says of a file: the columns of `_KEPT`."""
Asked = tuple[str, bool]
"""A file's path, and whether its SHA-256 is wanted."""
Reader = Callable[[Iterable[Sequence[Asked]]], Iterable[list[tuple[Facts, str]]]]
"""Gives for each chunk, in order, what `headers_of` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to build: `layout` by name (found out if empty), `hashed` for SHA-256 of every file, threads in the pool."""

    layout: str = ""
    hashed: bool = False
    jobs: int = 4

    def __post_init__(self) -> None:
        """Raise `CorpusError` unless there is at least one job."""
        if self.jobs < 1:
            msg = f"expected at least 1 job, got {self.jobs}"
            raise ChoiceError(msg)


def build(
    path: Path,
    out: Path,
    *,
    settings: Settings | None = None,
    progress: Callable[[int], None] | None = None,
    reader: Reader | None = None,
) -> Index:
    """Index the corpus at `path` into the Parquet file `out` and return it; no media are moved or decoded.

    Headers are read by threads, or by whatever `reader` hands the work to.

    `progress` is told the number of rows so far. What is missing, unreadable or not accounted for becomes a row with
    its `state`. Raises `CorpusError` if no layout fits, a protocol is not as expected, or an id comes twice; an index
    that was there before stays as it was.
    """
    settings = settings or Settings()
    adapter = choose(path, name=settings.layout or None)
    root = (path if path.is_dir() else path.parent).resolve()
    parts = out.with_name(f"{out.name}.parts")
    earlier = _Earlier(out, parts)
    done, written = 0, []
    with _kept_if_filled(parts), ThreadPoolExecutor(settings.jobs) as pool:
        read = reader or partial(pool.map, headers_of)
        for number, block in enumerate(_blocks(adapter.items(path), BLOCK)):
            rows = table(list(_measured(block, earlier, read, settings)), root)
            written.append(parts / f"{number:06d}.parquet")
            _write(rows, written[-1])
            done += rows.num_rows
            if progress:
                progress(done)
    _unique(written, path)
    name = next(known for known, kind in _names().items() if kind == type(adapter).__qualname__)
    _merge(written, out, {"root": str(root), "corpus": name, "title": adapter.description.title})
    shutil.rmtree(parts)
    return Index(out)


@contextlib.contextmanager
def _kept_if_filled(parts: Path) -> Iterator[None]:
    """Make the folder of parts; a build that fails before its first part leaves none."""
    with _writing(parts):
        parts.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it holds parts
            parts.rmdir()


@contextlib.contextmanager
def _writing(place: Path) -> Iterator[None]:
    """Raise `ChoiceError` where `place` cannot be written."""
    try:
        yield
    except OSError as error:
        msg = f"expected a place that can be written at {place}: {error.strerror or error}"
        raise ChoiceError(msg) from error


def _names() -> dict[str, str]:
    from .layouts import LAYOUTS

    return {name: target.rpartition(":")[2] for name, target in LAYOUTS.items()}


def _blocks(entries: Iterator[Item | Unmatched], size: int) -> Iterator[list[Item | Unmatched]]:
    while block := list(itertools.islice(entries, size)):
        yield block


class _Earlier:
    """What an earlier build, finished or cut off, knows of files: looked up by id, held as columns."""

    def __init__(self, out: Path, parts: Path) -> None:
        pa = arrow()
        found = []
        for file in [*sorted(parts.glob("*.parquet")), out]:
            try:
                found.append(pa.parquet.read_table(file, columns=list(_KEPT)))
            except (OSError, pa.ArrowException):
                continue  # not there, or of another version: read the media again
        self._rows = pa.concat_tables(found).combine_chunks() if found else None

    def of(self, ids: Sequence[str]) -> list[_Row | None]:
        """Return the earlier row of each id, `None` where there is none."""
        if self._rows is None:
            return [None] * len(ids)
        pa = arrow()
        places = pa.compute.index_in(pa.array(ids, pa.string()), value_set=self._rows["id"].combine_chunks())
        rows = self._rows.take(places)  # a row of nulls where there is no place
        columns = [rows[name].to_pylist() for name in _KEPT]
        return [None if row[0] is None else row for row in zip(*columns, strict=True)]


def _measured(
    block: Sequence[Item | Unmatched], earlier: _Earlier, read: Reader, settings: Settings
) -> Iterator[Entry]:
    """Yield the entries of a block with their facts, in order; at most the block is in flight."""
    known = earlier.of([entry.id for entry in block])
    old = [
        row if isinstance(item, Item) and row is not None and _unchanged(str(item.path), row) else None
        for item, row in zip(block, known, strict=True)
    ]
    wanted = [
        (number, (str(item.path), settings.hashed and not item.sha256))
        for number, (item, row) in enumerate(zip(block, old, strict=True))
        if isinstance(item, Item) and _lacking(item, row, hashed=settings.hashed)
    ]
    asked = [[asked for _, asked in wanted[place : place + CHUNK]] for place in range(0, len(wanted), CHUNK)]
    numbers = (number for number, _ in wanted)
    fresh = dict(zip(numbers, itertools.chain.from_iterable(read(asked)), strict=True))
    for number, (item, row) in enumerate(zip(block, old, strict=True)):
        if isinstance(item, Unmatched):
            yield Entry(item=item, facts=Facts(state=item.state, note=item.note))
        elif number in fresh:
            facts, digest = fresh[number]
            yield Entry(item=item, facts=facts, sha256=item.sha256 or digest)
        elif row is not None:
            facts = Facts(**dict(zip(HEADER, row[2:], strict=True)))
            yield Entry(item=item, facts=facts, sha256=item.sha256 or row[1])


def _lacking(item: Item, row: _Row | None, *, hashed: bool) -> bool:
    """Whether the file has to be read: nothing is known of it, or its digest is wanted and not known."""
    if row is None:
        return True
    size, state = row[_KEPT.index("size")], row[_KEPT.index("state")]
    return bool(hashed and not item.sha256 and not row[1] and size and state != "missing")


def headers_of(asked: Sequence[Asked]) -> list[tuple[Facts, str]]:
    """Return what each file's header says, and its SHA-256 where that is asked for and there is something to read."""
    found = []
    for place, hashed in asked:
        facts = facts_of(place)
        readable = hashed and facts.size and facts.state != "missing"
        found.append((facts, file_sha256(Path(place)) if readable else ""))
    return found


def _unchanged(place: str, row: _Row) -> bool:
    """Whether size and time of the file are what they were."""
    _, _, size, mtime, state, *_ = row
    if state in {"missing", "unlisted", "unread"}:
        return False
    try:
        about = os.stat(place)  # noqa: PTH116 - a million times
    except (OSError, ValueError):  # gone, or a name with a null byte
        return False
    return (about.st_size, about.st_mtime_ns) == (size, mtime)


def _write(rows: pa.Table, place: Path) -> None:
    """Write a part, whole or not at all."""
    partial = place.with_suffix(".partial")
    with _writing(place):
        arrow().parquet.write_table(rows, partial, compression="zstd")
        partial.replace(place)


def _unique(parts: Sequence[Path], path: Path) -> None:
    """Raise `CorpusError` if there are no rows, or an id comes twice."""
    pa = arrow()
    if not parts:
        msg = f"expected at least one item in the corpus at {path}, found none"
        raise CorpusError(msg)
    ids = pa.concat_tables([pa.parquet.read_table(part, columns=["id"]) for part in parts])["id"]
    if pa.compute.count_distinct(ids).as_py() != len(ids):
        twice = next(pair["values"] for pair in ids.value_counts().to_pylist() if pair["counts"] > 1)
        msg = f"expected each item once in the corpus at {path}, found {twice} twice: remove one"
        raise CorpusError(msg)


def _merge(parts: Sequence[Path], out: Path, about: dict[str, Any]) -> None:
    """Join the parts into `out`, a row group each: temporary name, fsync, rename."""
    rewrite((arrow().parquet.read_table(part) for part in parts), out, about)


def rewrite(tables: Iterator[pa.Table], out: Path, about: dict[str, Any]) -> None:
    """Write an index of `tables`, one row group each, whole or not at all. Raises `CorpusError` if it cannot be."""
    pa = arrow()
    shape = schema(about)
    partial = out.with_name(f"{out.name}.partial")
    with _writing(out), partial.open("wb") as file:
        with pa.parquet.ParquetWriter(file, shape, compression="zstd", use_dictionary=list(DICTIONARY)) as writer:
            for rows in tables:
                writer.write_table(rows.cast(shape), row_group_size=ROWS_PER_GROUP)
        file.flush()
        os.fsync(file.fileno())
    with _writing(out):
        partial.replace(out)
