"""Verifies many files: in the order given whatever runs beside it, errors as answers, an earlier run taken up again.

Threads suffice: reading, the larger part of the work, is done by a warm process of each thread's own (`reader`).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..media.errors import AssayError, InputError
from .receipts import is_receipt
from .resume import Earlier, Stamp
from .rubrics import asset_class
from .sources import SIDECAR_SUFFIX, sidecar_path
from .trust import Trust
from .verification import State, Verification, is_borrowed
from .verify import broken_ingredients, declares_synthetic

if TYPE_CHECKING:
    from concurrent.futures import Future

NOT_CHECKED = "not checked"
"""What stands where a state would, for a file that got none."""
OUTCOMES = {
    State.TRUSTED.value: "as it was signed, by somebody you trust; signed is not the same as true",
    State.RECOVERED.value: "the manifest was stripped and found again through the mark in the content",
    State.UNTRUSTED.value: "as it was signed, by somebody that your trust store does not know",
    State.INVALID.value: "the content or its manifest was changed after signing, or its certificate may not sign",
    State.ABSENT.value: "no manifest; this says nothing about the file",
    NOT_CHECKED: "could not be examined; this says nothing about the file",
}
"""All that a file can come to, in words."""
BORROWED_SAYS = "credential borrowed from another asset: the mark in the content leads to a manifest of something else"
"""What is said instead of a file that is invalid because of that."""
_AHEAD = 4  # files that each job may be ahead of the slowest one


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one file of a batch came to: a verification, or the error that stood in its way.

    `stamp` tells the file as it was before it was read, and what it was judged by.
    """

    path: Path
    stamp: Stamp
    verification: Verification | None = None
    error: AssayError | None = None
    seen_before: bool = False

    @property
    def state(self) -> str:
        """One of the five states, or `not checked`."""
        return NOT_CHECKED if self.verification is None else self.verification.state.value

    @property
    def exit_code(self) -> int:
        """1 if something was found (an invalid manifest, a broken ingredient, declared AI), else 0, or the error's."""
        if self.verification is None:
            return self.error.exit_code if self.error else 3
        broken = self.verification.state is State.INVALID or self.broken
        return int(bool(broken) or declares_synthetic(self.verification))

    @property
    def broken(self) -> tuple[str, ...]:
        """The titles of the ingredients, at any depth, that do not hold, whatever the file's own state."""
        return broken_ingredients(self.verification) if self.verification else ()

    @property
    def borrowed(self) -> bool:
        """Whether the mark leads to a manifest of another asset."""
        return self.verification is not None and is_borrowed(self.verification)

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain JSON values; one line of them is what a later run takes up again."""
        told: dict[str, Any] = {"path": str(self.path), "exit": self.exit_code}
        if self.verification is not None:
            told |= self.verification.to_json() | {"asset_class": asset_class(self.verification).name}
            told["broken_ingredients"] = list(self.broken)
        else:
            error = {"type": type(self.error).__name__, "message": str(self.error)}
            told |= {"state": NOT_CHECKED, "checks": [], "error": error}
        return told | self.stamp.to_json()


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """How files are verified: `check` is called from `jobs` threads; `under` names what it judges by."""

    check: Callable[[Path], Verification]
    under: str
    jobs: int = 1
    earlier: Earlier | None = None

    def __post_init__(self) -> None:
        """Raise `InputError` for less than one job."""
        if self.jobs < 1:
            msg = f"expected at least one job, got {self.jobs}"
            raise InputError(msg)


def judged_under(trust: Trust, *more: object) -> str:
    """Return what answers depend on beside the file, in 16 hex digits: our version, the trust, `more` options."""
    from .. import __version__

    parts = (__version__, *sorted(trust.anchors_pem), *sorted(trust.allowed), *more)
    return hashlib.sha256("\0".join(map(repr, parts)).encode()).hexdigest()[:16]


def usable_cores() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def verify_each(paths: Iterable[Path], batch: Batch) -> Generator[Answer, None, None]:
    """Yield an answer for each of `paths`, in their order; few are held at a time, however many there are."""
    if batch.jobs == 1:
        for path in paths:
            yield _answer(path, batch)
        return
    from concurrent.futures import ThreadPoolExecutor

    waiting: deque[Future[Answer]] = deque()
    with ThreadPoolExecutor(batch.jobs, thread_name_prefix="verify") as pool:
        try:
            for path in paths:
                waiting.append(pool.submit(_answer, path, batch))
                if len(waiting) >= _AHEAD * batch.jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def files_below(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield `paths`, in place of each folder the files below it, sorted, one folder looked at after the other.

    In folders, hidden files, links, sidecars and receipts are left out. What is not there, and a folder that
    cannot be looked into, is yielded itself: verifying it gives the error.
    """
    for path in paths:
        waiting = [path]
        while waiting:
            at = waiting.pop()
            inside = _inside(at) if at.is_dir() else None
            if inside is None:
                yield at
            else:
                waiting.extend(reversed(inside))


def _inside(folder: Path) -> list[Path] | None:
    try:
        with closing(os.scandir(folder)) as entries:
            found = [entry.name for entry in entries if _counts(entry)]
    except OSError:
        return None
    return [folder / name for name in sorted(found)]


def _counts(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.is_symlink():
        return False
    return entry.is_dir() or (
        entry.is_file() and not entry.name.endswith(SIDECAR_SUFFIX) and not is_receipt(Path(entry.path))
    )


def _answer(path: Path, batch: Batch) -> Answer:
    own, beside = _stat(path), _stat(sidecar_path(path)) if path.name else None
    stamp = Stamp(
        size=own.st_size if own else None,
        modified=own.st_mtime_ns if own else None,
        sidecar=f"{beside.st_size} {beside.st_mtime_ns}" if beside else "",
        under=batch.under,
    )
    known = batch.earlier.find(str(path), stamp) if batch.earlier is not None else None
    if known is not None:
        return Answer(path=path, stamp=stamp, verification=known, seen_before=True)
    try:
        if own and stat.S_ISDIR(own.st_mode):
            msg = f"expected a folder that can be looked into at {str(path)!r}: you may not read it"
            raise InputError(msg)
        return Answer(path=path, stamp=stamp, verification=batch.check(path))
    except AssayError as error:
        return Answer(path=path, stamp=stamp, error=error)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None  # verifying says what is wrong with it
