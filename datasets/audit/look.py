"""Looking at every file of a set: its facts and its fingerprint, in worker processes, unreadable files told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from ...media.asset import Asset
from ...media.errors import AssayError
from ...media.fingerprint import Fingerprint, fingerprint
from ...media.view import View
from ..corpus import Item
from .facts import Facts, facts_of

_AHEAD = 16
"""Files that are handed to each process ahead of the answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found of one item: `facts` and `print`, or `why` it could not be read."""

    facts: Facts | None = None
    print: Fingerprint | None = None
    why: str = ""


def looked(
    items: Sequence[Item], *, prints: bool = True, jobs: int = 1, progress: Callable[[float], None] | None = None
) -> list[Look]:
    """Return a `Look` at each of `items`, in their order; `prints` says whether fingerprints are wanted.

    With `jobs` above 1 that many processes look at once. `progress` is told the share that is done.
    """
    found = []
    for number, one in enumerate(_each([(str(item.path), prints) for item in items], jobs), 1):
        found.append(one)
        if progress is not None:
            progress(number / len(items))
    return found


def _each(tasks: Sequence[tuple[str, bool]], jobs: int) -> Iterator[Look]:
    if jobs < 2:
        yield from map(_look, tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_look, tasks, chunksize=_AHEAD)


def _look(task: tuple[str, bool]) -> Look:
    path, prints = task
    try:
        asset = Asset.open(path)
        facts = facts_of(asset)
    except AssayError as error:
        return Look(why=str(error))
    try:
        own = fingerprint(View.open(asset)) if prints else None
    except AssayError:
        own = None  # too short or empty to take one of; its facts stand all the same
    return Look(facts=facts, print=own)
