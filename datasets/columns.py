"""How an item and what its header says become rows of Parquet, and rows become items again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..media.errors import MissingExtra
from ..media.extent import Span
from .corpus import CorpusError, Item, Unmatched
from .headers import Facts

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1
META = b"assay.index"
ROWS_PER_GROUP = 16_384
"""Rows that are read together: few enough that what lies scattered costs little."""
TEXT = ("id", "path", "sha256", "label", "maker", "group", "split", "licence", "kind", "process", "speaker")
MORE_TEXT = ("compression", "language", "state", "note", "container")
REPEATED = ("label", "maker", "group", "split", "licence", "kind", "process", "speaker", "compression", "language")
FEW = tuple(name for name in REPEATED if name not in {"group", "speaker"})
DICTIONARY = (*FEW, "state", "note", "container")
"""Columns of few values: read as dictionaries, so that a filter looks at each value once."""
HEADER = ("size", "mtime", "state", "note", "container", "seconds", "rate", "channels", "width", "height")


def arrow() -> Any:  # noqa: ANN401 - a module
    """Return pyarrow. Raises `MissingExtra` if it is not installed."""
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("an index", "data") from error
    return pyarrow


def schema(about: dict[str, Any] | None = None) -> pa.Schema:
    """Return the schema of an index; `about` (root, corpus ...) is kept in its metadata."""
    pa = arrow()
    numbers = {"size": pa.int64(), "mtime": pa.int64(), "seconds": pa.float64()}
    numbers |= dict.fromkeys(("rate", "channels", "width", "height"), pa.int32())
    lists = {
        "keys": pa.list_(pa.int64()),
        "groups": pa.list_(pa.string()),
        "region": pa.list_(pa.float64()),
        "spans": pa.list_(pa.struct([("start", pa.float64()), ("end", pa.float64())])),
    }
    text = dict.fromkeys((*TEXT, *MORE_TEXT), pa.string())
    fields = [pa.field(name, kind) for name, kind in (text | numbers | lists).items()]
    return pa.schema(fields, metadata=None if about is None else {META: json.dumps(about | {"version": VERSION})})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row: an item with what its header says, or what a corpus does not account for."""

    item: Item | Unmatched
    facts: Facts
    sha256: str = ""


def table(entries: Sequence[Entry], root: Path) -> pa.Table:
    """Return the rows of `entries`; paths are kept relative to `root`, and only where they are not the id.

    Raises `CorpusError` for a name that is not UTF-8: Parquet can hold no other.
    """
    try:
        return _table(entries, root)
    except UnicodeEncodeError as error:
        name = error.object.encode("utf-8", "backslashreplace").decode()
        msg = f"expected names in UTF-8 below {root}, found {name}: rename it"
        raise CorpusError(msg) from error


def _table(entries: Sequence[Entry], root: Path) -> pa.Table:
    pa = arrow()
    items = [entry.item if isinstance(entry.item, Item) else None for entry in entries]
    facts = [entry.facts for entry in entries]
    prefix = f"{root}{os.sep}"
    columns: dict[str, list[Any]] = {name: [getattr(fact, name) for fact in facts] for name in HEADER}
    for name in (
        "label",
        "maker",
        "group",
        "split",
        "licence",
        "kind",
        "process",
        "speaker",
        "compression",
        "language",
    ):
        columns[name] = [getattr(item, name) if item else "" for item in items]
    columns["id"] = [entry.item.id for entry in entries]
    columns["path"] = [_inside(item, prefix, root) for item in items]
    columns["sha256"] = [entry.sha256 for entry in entries]
    columns["groups"] = [item.groups if item and len(item.groups) > 1 else None for item in items]
    columns["keys"] = [[key_of(name) for name in item.groups] if item else None for item in items]
    columns["region"] = [item.region if item else None for item in items]
    columns["spans"] = [
        [{"start": span.start, "end": span.end} for span in item.spans] if item and item.spans else None
        for item in items
    ]
    shape = schema()
    return pa.table([pa.array(columns[field.name], field.type) for field in shape], schema=shape)


@lru_cache(maxsize=1 << 16)
def key_of(group: str) -> int:
    """Return the number that a group is looked for by: 64 bits of BLAKE2b, so that no names have to be read.

    Of a million groups two share a number with a probability of 3e-8.
    """
    return int.from_bytes(hashlib.blake2b(group.encode(), digest_size=8).digest(), "little", signed=True)


def _inside(item: Item | None, prefix: str, root: Path) -> str | None:
    """Return an item's path below `root` with `/`, `None` where it is the id."""
    if item is None:
        return None
    place = str(item.path)
    inside = place[len(prefix) :] if place.startswith(prefix) else os.path.relpath(place, root)
    inside = inside.replace(os.sep, "/")
    return None if inside == item.id else inside


def items(rows: Iterable[dict[str, Any]], root: Path) -> Iterable[Item]:
    """Yield the items of rows that hold one. Raises `CorpusError` for a row that is none."""
    for row in rows:
        if not row["label"]:
            continue
        try:
            yield Item(
                **dict[str, Any]({name: row[name] or "" for name in ("id", "sha256", *REPEATED)}),
                path=root / (row["path"] or row["id"]),
                groups=tuple(row["groups"] or (row["group"],)),
                region=tuple(row["region"]) if row["region"] else None,
                spans=tuple(Span(**span) for span in row["spans"] or ()),
            )
        except (KeyError, TypeError, ValueError) as error:
            msg = f"expected a row of an index of version {VERSION}, got {row.get('id')!r}: {error}"
            raise CorpusError(msg) from error
