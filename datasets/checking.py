"""What is wrong with an indexed corpus: counted, listed, never silent."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .corpus import CorpusError, file_sha256
from .index import Index

WORDS = {
    "missing": "named by a protocol, but not there",
    "unlisted": "there, but no protocol line names it",
    "unread": "a protocol file that is not read",
    "empty": "0 bytes",
    "unreadable": "no media that can be read, by its header",
    "silent": "a duration of 0",
}
_COLUMNS = ("id", "path", "label", "split", "state", "note", "size", "sha256")


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
    usable: list[dict[str, Any]] = []
    without = 0
    for table in index.batches(*_COLUMNS):
        for row in table.to_pylist():
            states[row["state"]] += 1
            if row["state"] == "ok":
                without += not row["split"]
                usable.append(row)
            elif len(seen[row["state"]]) < examples:
                seen[row["state"]].append((row["id"], row["note"]))
    digests = _digests(index, usable, hashed=hashed, jobs=jobs)
    return Check(
        rows=len(index),
        usable=states["ok"],
        without_split=without,
        problems=tuple(
            Problem(state=state, rows=count, examples=tuple(seen[state]))
            for state, count in sorted(states.items())
            if state != "ok"
        ),
        duplicates=_duplicates(usable, digests),
        hashed=len(digests),
        unhashed=len(usable) - len(digests),
    )


def _digests(index: Index, rows: Sequence[dict[str, Any]], *, hashed: bool, jobs: int) -> dict[str, str]:
    """Return the digest of each id that has one; those of a size that no other file has cannot be duplicates."""
    known = {row["id"]: row["sha256"] for row in rows if row["sha256"]}
    if hashed:
        sizes = Counter(row["size"] for row in rows)
        asked = [row for row in rows if row["id"] not in known and sizes[row["size"]] > 1]
        with ThreadPoolExecutor(jobs) as pool:
            found = pool.map(lambda row: _digest(index.root / (row["path"] or row["id"])), asked)
            known |= {row["id"]: digest for row, digest in zip(asked, found, strict=True) if digest}
    return known


def _digest(path: Path) -> str:
    """Return the digest of a file, nothing if it has gone since it was indexed."""
    try:
        return file_sha256(path)
    except CorpusError:
        return ""


def _duplicates(rows: Sequence[dict[str, Any]], digests: dict[str, str]) -> tuple[Duplicate, ...]:
    """Return the sets of files with the same digest, those with several labels first; one file twice is none."""
    same: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["id"] in digests:
            same[digests[row["id"]]].append(row)
    found = [
        Duplicate(
            sha256=digest,
            ids=tuple(sorted(row["id"] for row in group)),
            labels=tuple(sorted({row["label"] for row in group})),
            splits=tuple(sorted({row["split"] for row in group})),
        )
        for digest, group in same.items()
        if len({row["path"] or row["id"] for row in group}) > 1
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.labels), -len(one.splits), one.ids)))
