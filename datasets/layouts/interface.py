"""What an adapter for one family of corpora must do, and how it describes itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from ..corpus import Item, Kind, Unmatched


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a corpus is and how it lies on disk.

    `terms` are its licence or conditions in words: the adapter fetches nothing and grants nothing. `tree` shows the
    folders that are expected; `protocols` the files that labels and splits are read from. `signs` are what the layout
    is told by: glob patterns below the root, alternatives divided by `|`, all of them needed.
    """

    title: str
    kinds: tuple[Kind, ...]
    homepage: str
    terms: str
    tree: tuple[str, ...]
    protocols: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()

    def seen(self, path: Path) -> tuple[str, ...]:
        """Return those of the signs that are there below `path`."""
        return tuple(sign for sign in self.signs if any(_any(path, part) for part in sign.split("|")))


def _any(path: Path, pattern: str) -> bool:
    """Whether a name below `path` fits; a pattern without a wildcard costs one look."""
    if not any(mark in pattern for mark in "*?["):
        return (path / pattern).exists()
    return next(iter(path.glob(pattern)), None) is not None


class Layout(Protocol):
    """Reads one way of laying out a corpus."""

    description: ClassVar[Description]

    def fits(self, path: Path) -> bool:
        """Return whether the corpus at `path` is laid out like this, by a look at names and header lines only."""
        ...

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield the items at `path`, always in the same order, and what is not accounted for; opens no media.

        Labels, splits and groups are those of the protocols. Raises `CorpusError` saying what was expected and found.
        """
        ...


class Published:
    """The part that adapters share: a layout is told by the signs of its description."""

    description: ClassVar[Description]

    def fits(self, path: Path) -> bool:
        """Return whether every sign is there."""
        return path.is_dir() and self.description.seen(path) == self.description.signs
