"""What is wrong with an indexed corpus: counted, listed, never silent."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .corpus import CorpusError, file_sha256
from .index import Index

if TYPE_CHECKING:
    import pyarrow as pa

WORDS = {
    "missing": "named by a protocol, but not there",
    "unlisted": "there, but no protocol line names it",
    "unread": "a protocol file that is not read",
    "empty": "0 bytes",
    "unreadable": "no media that can be read, by its header",
    "silent": "a duration of 0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A state that rows should not be in: how many are, and the first of them with what was noted."""

    state: str
    rows: int
    examples: tuple[tuple[str, str], ...]

    @property
    def words(self) -> str:
        """What the state means."""
        return WORDS.get(self.state, self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """Files with the same bytes. `labels` and `splits` are those of all of them: more than one is a leak or a fault."""

    sha256: str
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    splits: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found: `usable` of all `rows`, problems by state, duplicates among the `hashed` files."""

    rows: int
    usable: int
    without_split: int
    problems: tuple[Problem, ...]
    duplicates: tuple[Duplicate, ...]
    hashed: int
    unhashed: int

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.problems and not self.duplicates

    def to_json(self) -> dict[str, Any]:
        """Return the check as JSON."""
        return asdict(self) | {"clean": self.clean}


def check(index: Index, *, hashed: bool = False, examples: int = 10, jobs: int = 4) -> Check:
    """Return what is wrong with the rows of `index`, at most `examples` of each kind listed (all are counted).

    With `hashed`, files of the same size that have no digest in the index are read and compared.
    """
    seen: dict[str, list[tuple[str, str]]] = defaultdict(list)
    states: Counter[str] = Counter()
    sizes: Counter[int] = Counter()
    digests: Counter[str] = Counter()
    without = 0
    for table in index.batches("id", "state", "note", "split", "size", "sha256"):
        for name, state, note, split, size, digest in _tuples(table):
            states[state] += 1
            if state == "ok":
                without += not split
                sizes[size] += 1
                digests[digest] += 1
            elif len(seen[state]) < examples:
                seen[state].append((name, note))
    kept = digests.total() - digests.pop("", 0)
    several = {size for size, count in sizes.items() if count > 1} if hashed else set()
    twice = {digest for digest, count in digests.items() if count > 1}
    del digests
    alike, read = _alike(index, sizes=several, digests=twice, jobs=jobs)
    return Check(
        rows=len(index),
        usable=states["ok"],
        without_split=without,
        problems=tuple(
            Problem(state=state, rows=count, examples=tuple(seen[state]))
            for state, count in sorted(states.items())
            if state != "ok"
        ),
        duplicates=_duplicates(alike),
        hashed=kept + read,
        unhashed=states["ok"] - kept - read,
    )


@dataclass(frozen=True, slots=True)
class _File:
    """A usable row that may be a duplicate."""

    name: str
    path: str
    label: str
    split: str


def _tuples(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table."""
    yield from zip(*(column.to_pylist() for column in table.columns), strict=True)


def _alike(index: Index, *, sizes: set[int], digests: set[str], jobs: int) -> tuple[dict[str, list[_File]], int]:
    """Return files by digest, and how many were read: those of one of `digests`, and all of one of `sizes`."""
    found: dict[str, list[_File]] = defaultdict(list)
    read = 0
    with ThreadPoolExecutor(jobs) as pool:
        for table in index.batches("id", "path", "label", "split", "state", "size", "sha256"):
            asked = []
            for name, path, label, split, state, size, digest in _tuples(table):
                file = _File(name, path or name, sys.intern(label), sys.intern(split))
                if state == "ok" and digest and (digest in digests or size in sizes):
                    found[digest].append(file)
                elif state == "ok" and not digest and size in sizes:
                    asked.append(file)
            for file, digest in zip(asked, pool.map(lambda one: _digest(index.root / one.path), asked), strict=True):
                if digest:
                    read += 1
                    found[digest].append(file)
    return found, read


def _digest(path: Path) -> str:
    """Return the digest of a file, nothing if it has gone since it was indexed."""
    try:
        return file_sha256(path)
    except CorpusError:
        return ""


def _duplicates(alike: dict[str, list[_File]]) -> tuple[Duplicate, ...]:
    """Return the sets of files with the same digest, those with several labels first; one file twice is none."""
    found = [
        Duplicate(
            sha256=digest,
            ids=tuple(sorted(file.name for file in files)),
            labels=tuple(sorted({file.label for file in files})),
            splits=tuple(sorted({file.split for file in files})),
        )
        for digest, files in alike.items()
        if len({file.path for file in files}) > 1
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.labels), -len(one.splits), one.ids)))
