"""A corpus as a CSV index: `path` and `label`; `maker`, `group`, `split`, `licence` and `sha256` if known."""

from __future__ import annotations

from pathlib import Path

from ..corpus import SPOOF, CorpusError, Item, file_sha256
from . import tables
from .kinds import kind_of


class IndexLayout:
    """One CSV file; paths are relative to its folder."""

    expects = "a CSV file with the columns path and label (and maker, group, split, licence, sha256)"

    def fits(self, path: Path) -> bool:
        """Return whether `path` is a CSV with the two columns and none of a richer manifest's."""
        found = tables.header(path) if path.suffix.lower() == ".csv" else ()
        return {"path", "label"} <= set(found) and not {"system_family", "identity_or_group"} & set(found)

    def items(self, path: Path) -> tuple[Item, ...]:
        """Return one item a row; a row without `group` is a group of its own. Raises `CorpusError` for a wrong row."""
        return tuple(
            sorted((_item(row, path) for row in tables.rows(path, ("path", "label"))), key=lambda item: item.id)
        )


def _item(row: dict[str, str], index: Path) -> Item:
    """Return the item of one row."""
    file = tables.present(index.parent, row["path"], index)
    kind = kind_of(file)
    if kind is None:
        msg = f"expected a media file in {index}, got {row['path']!r}"
        raise CorpusError(msg)
    label = tables.label(row["label"], str(index))
    return Item(
        id=row["path"],
        path=file,
        sha256=row.get("sha256") or file_sha256(file),
        label=label,
        maker=(row.get("maker") or "unknown") if label == SPOOF else "",
        group=row.get("group") or row["path"],
        split=row.get("split", ""),
        licence=row.get("licence", ""),
        kind=kind,
    )
