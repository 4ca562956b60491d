"""What an adapter for one family of corpora must do."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..corpus import Item


class Layout(Protocol):
    """Reads one way of laying out a corpus; `expects` says in words what it looks for."""

    expects: str

    def fits(self, path: Path) -> bool:
        """Return whether the corpus at `path` is laid out like this, by a look at names and header lines only."""
        ...

    def items(self, path: Path) -> tuple[Item, ...]:
        """Return the items at `path`, in order of id. Raises `CorpusError` saying what was expected and found."""
        ...
