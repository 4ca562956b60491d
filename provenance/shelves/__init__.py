"""Where published manifests are kept: the catalogue of databases, and opening the one that an address names."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from ...media.errors import InputError
from .interface import Row, Shelf

__all__ = ["SHELVES", "Row", "Shelf", "open_shelf"]

SHELVES = {
    "sqlite": ".sqlite:SqliteShelf",
    "postgresql": ".postgres:PostgresShelf",
}
"""Name of a database -> module (relative to this folder) and class, which is made from a path or an address."""


def open_shelf(where: Path | str) -> Shelf:
    """Return the shelf at `where`: a path, or an address such as postgresql://user@host/database.

    Nothing is opened yet. Raises `InputError`, naming the known databases, for an address of another kind.
    """
    kind, _, rest = str(where).partition("://") if isinstance(where, str) else ("", "", "")
    if not rest:
        kind, where = "sqlite", Path(where)
    elif kind == "sqlite":
        where = Path(rest)
    kind = {"postgres": "postgresql"}.get(kind, kind)
    if kind not in SHELVES:
        msg = f"expected a path or an address that begins with {' or '.join(sorted(SHELVES))}, got {kind[:40]!r}"
        raise InputError(msg)
    module, _, attribute = SHELVES[kind].partition(":")
    return cast(Shelf, getattr(import_module(module, __name__), attribute)(where))
