"""Labelled media as one list of items, whatever the corpus' own layout; nothing is moved or copied."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..media.errors import AssayError, InputError
from ..media.extent import Span

BONA_FIDE = "bona fide"
SPOOF = "spoof"

Kind = Literal["audio", "image", "video"]
_LABELS = (BONA_FIDE, SPOOF)


class CorpusError(AssayError):
    """A corpus, split, index or laundering chain is not as expected."""


class ChoiceError(CorpusError, InputError):
    """The corpus is not at fault: a name or value that was asked for is (exit 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One labelled recording, picture or film.

    `id` is the file's path below the corpus (never a folder's name), so it is stable and unique. `maker` is the
    family of system that made a spoof, empty for a bona fide item; `process` the sort of spoof where the corpus tells
    it (`tts`, `vc`, `vocoder`, `codec`, which of `audio` and `video` is false), or the room or channel it went
    through. `groups` is everything in it that must not be split between train and test (identities, speakers, source
    films: a swapped face has two); `group` is the first of them until `groups.joined` makes it the key of all that
    hang together. `spans` are the false stretches of a partly false recording. `region` is the part of each picture
    meant, left, top, right, bottom in 0..1 (a side-by-side film is two items of one file). `split` is empty until one
    is assigned, `sha256` until it is asked for.
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
    groups: tuple[str, ...] = ()
    compression: str = ""
    language: str = ""
    spans: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        """Raise `CorpusError` unless label and maker agree and the region lies in the picture."""
        if self.label not in _LABELS or bool(self.maker) != (self.label == SPOOF):
            msg = (
                f"expected label 'bona fide' without a maker or 'spoof' with one, "
                f"got label {self.label!r} and maker {self.maker!r} for {self.path}"
            )
            raise CorpusError(msg)
        if not self.groups:
            object.__setattr__(self, "groups", (self.group,))
        if self.region is not None:
            left, top, right, bottom = self.region
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                msg = f"expected a region left < right, top < bottom in 0..1, got {self.region} for {self.path}"
                raise CorpusError(msg)

    @property
    def spoof(self) -> bool:
        """Whether this is synthetic or manipulated."""
        return self.label == SPOOF


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """What a corpus does not account for.

    `missing`: a protocol names a file that is not there; `unlisted`: a file that no protocol names; `unread`: a
    protocol file that is not read, `note` says why. `id` is the path below the corpus.
    """

    id: str
    state: Literal["missing", "unlisted", "unread"]
    note: str


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in lower-case hexadecimal. Raises `CorpusError` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        msg = f"expected a readable file at {path}: {error.strerror}"
        raise CorpusError(msg) from error


def read(
    path: Path, *, name: str | None = None, on_unmatched: Callable[[Unmatched], None] | None = None
) -> tuple[Item, ...]:
    """Return the items of the corpus at `path` (a folder or an index file), hashed, in order of id.

    The layout is the one called `name`, or the first that fits. `group` is the key of all that hangs together through
    `groups`. All of it is held in memory: for a large corpus build an `index`. What is named but absent is an error,
    unless `on_unmatched` takes it; files that no protocol names are no items, and are told to `on_unmatched` alone.
    Raises `CorpusError` if no layout fits, saying what was expected and found, or if an id comes twice.
    """
    from .groups import joined
    from .layouts import choose

    items: list[Item] = []
    for entry in choose(path, name=name).items(path):
        unmatched = entry if isinstance(entry, Unmatched) else _absent(entry)
        if unmatched is None and isinstance(entry, Item):
            items.append(entry if entry.sha256 else replace(entry, sha256=file_sha256(entry.path)))
        elif unmatched is not None and on_unmatched is not None:
            on_unmatched(unmatched)
        elif unmatched is not None and unmatched.state == "missing":
            msg = f"expected the file {unmatched.id} below {path}, found none: {unmatched.note}"
            raise CorpusError(msg)
    _check(items, path)
    return joined(sorted(items, key=lambda item: item.id))


def _absent(item: Item) -> Unmatched | None:
    if item.path.is_file():
        return None
    return Unmatched(id=item.id, state="missing", note="named by the protocol")


def _check(items: Sequence[Item], path: Path) -> None:
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
