"""Labelled media as one list of items, whatever the corpus' own layout; nothing is moved or copied."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..media.errors import AssayError

BONA_FIDE = "bona fide"
SPOOF = "spoof"

Kind = Literal["audio", "image", "video"]
_LABELS = (BONA_FIDE, SPOOF)


class CorpusError(AssayError):
    """A corpus, split, index or laundering chain is not as expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One labelled recording, picture or film.

    `maker` is the family of system that made a spoof, empty for a bona fide item; `process` the sort of spoof where
    the corpus tells it (`tts`, `vc`, `vocoder`, `codec`). `group` is what must not be split between train and test
    (speaker, identity, source page). `region` is the part of each picture meant, left, top, right, bottom in 0..1
    (a side-by-side film is two items of one file). `split` is empty until one is assigned.
    """

    id: str
    path: Path
    sha256: str
    label: str
    maker: str
    group: str
    split: str = ""
    licence: str = ""
    kind: Kind = "audio"
    process: str = ""
    speaker: str = ""
    region: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        """Raise `CorpusError` unless label and maker agree and the region lies in the picture."""
        if self.label not in _LABELS or bool(self.maker) != (self.label == SPOOF):
            msg = (
                f"expected label 'bona fide' without a maker or 'spoof' with one, "
                f"got label {self.label!r} and maker {self.maker!r} for {self.path}"
            )
            raise CorpusError(msg)
        if self.region is not None:
            left, top, right, bottom = self.region
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                msg = f"expected a region left < right, top < bottom in 0..1, got {self.region} for {self.path}"
                raise CorpusError(msg)

    @property
    def spoof(self) -> bool:
        """Whether this is synthetic or manipulated."""
        return self.label == SPOOF


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in lower-case hexadecimal. Raises `CorpusError` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        msg = f"expected a readable file at {path}: {error.strerror}"
        raise CorpusError(msg) from error


def read(path: Path) -> tuple[Item, ...]:
    """Return the items of the corpus at `path` (a folder or an index file), whichever known layout it has.

    Raises `CorpusError` if no layout fits, saying what was expected and found, or if an id comes twice.
    """
    from .layouts import LAYOUTS, layout

    for name in LAYOUTS:
        reader = layout(name)
        if reader.fits(path):
            items = reader.items(path)
            _check(items, path)
            return items
    found = sorted(child.name for child in path.iterdir())[:12] if path.is_dir() else path.name
    known = "; ".join(f"{name}: {layout(name).expects}" for name in LAYOUTS)
    msg = f"expected a corpus at {path} in one of the layouts ({known}), found {found}"
    raise CorpusError(msg)


def _check(items: tuple[Item, ...], path: Path) -> None:
    """Raise `CorpusError` unless there are items and no id comes twice."""
    if not items:
        msg = f"expected at least one item in the corpus at {path}, found none"
        raise CorpusError(msg)
    twice = [key for key, times in Counter(item.id for item in items).items() if times > 1]
    if twice:
        msg = f"expected each item once in the corpus at {path}, found {twice[0]} twice: remove one"
        raise CorpusError(msg)


def both_labels(items: Iterable[Item], path: Path | str) -> None:
    """Raise `CorpusError` unless `items` holds bona fide and spoof."""
    counts = Counter(item.label for item in items)
    if not (counts[BONA_FIDE] and counts[SPOOF]):
        msg = f"expected bona fide and spoof items in {path}, found {dict(counts)}"
        raise CorpusError(msg)
