"""Making things once, for all who ask: under a name each, by several threads, with the seconds that it took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

_T = TypeVar("_T")


class Kept:
    """What was made when it was first asked for. Threads that ask for one name wait for one of them to make it."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.timings: dict[str, float] = {}
        self.stages: dict[str, float] = {}
        self._things: dict[str, Any] = {}
        self._locks: dict[str, threading.RLock] = {}
        self._lock = threading.Lock()
        self._here = threading.local()

    def once(self, name: str, make: Callable[[], _T], *, stage: bool = True) -> _T:
        """Return what `make` returned when `name` was first asked for; a `stage` counts in `stages` and `spent` too."""
        with self._lock:
            lock = self._locks.setdefault(name, threading.RLock())
        with lock:
            if name not in self._things:
                with self.timed(name, stage=stage):
                    self._things[name] = make()
            return cast("_T", self._things[name])

    def known(self, name: str) -> object | None:
        """Return what is kept under `name`, or `None`."""
        return self._things.get(name)

    @contextmanager
    def timed(self, name: str, *, stage: bool = True) -> Iterator[None]:
        """Note how long the block takes."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = took = time.perf_counter() - begun
            if stage:
                self.stages[name] = took
                self._here.spent = self.spent() + took

    def spent(self) -> float:
        """Return the seconds that the calling thread has spent in stages."""
        return float(getattr(self._here, "spent", 0.0))
