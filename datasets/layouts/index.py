"""A corpus as a CSV index: `path` and `label`; whatever else of an item is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..corpus import SPOOF, CorpusError, Item, Unmatched
from . import tables
from .interface import Description
from .kinds import kind_of


class IndexLayout:
    """One CSV file; paths are relative to its folder.

    Optional columns: `maker`, `group`, `groups` and `spans` (several divided by `|`, a span as `start-end` in seconds),
    `split`, `licence`, `sha256`, `process`, `speaker`, `compression`, `language`.
    """

    description = Description(
        title="CSV index",
        kinds=("audio", "image", "video"),
        homepage="",
        terms="by row: the column licence",
        tree=("a CSV file with the columns path and label (and maker, group, split, licence, sha256 ...)",),
        protocols=("any *.csv",),
    )

    def fits(self, path: Path) -> bool:
        """Return whether `path` is a CSV with the two columns and none of a richer manifest's."""
        found = tables.header(path) if path.suffix.lower() == ".csv" else ()
        return {"path", "label"} <= set(found) and not {"system_family", "identity_or_group"} & set(found)

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a row; a row without `group` is a group of its own. Raises `CorpusError` for a wrong row."""
        for row in tables.rows(path, ("path", "label")):
            yield _item(row, path)


def _item(row: dict[str, str], index: Path) -> Item:
    """Return the item of one row."""
    file = tables.inside(index.parent, row["path"], index)
    kind = kind_of(file)
    if kind is None:
        msg = f"expected a media file in {index}, got {row['path']!r}"
        raise CorpusError(msg)
    label = tables.label(row["label"], str(index))
    groups = tuple(filter(None, [row.get("group", ""), *row.get("groups", "").split("|")])) or (row["path"],)
    pairs = [tuple(part.split("-")) for part in row.get("spans", "").split("|") if part]
    return Item(
        id=row["path"],
        path=file,
        sha256=row.get("sha256", ""),
        label=label,
        maker=(row.get("maker") or "unknown") if label == SPOOF else "",
        group=groups[0],
        groups=tuple(dict.fromkeys(groups)),
        split=row.get("split", ""),
        licence=row.get("licence", ""),
        kind=kind,
        process=row.get("process", ""),
        speaker=row.get("speaker", ""),
        compression=row.get("compression", ""),
        language=row.get("language", ""),
        spans=tables.spans(pairs, str(index)),
    )
