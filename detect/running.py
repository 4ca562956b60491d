"""What two threads need that share a scan, one for sound and one for pictures: a clock, and models loaded in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress

from ..media.errors import AssayError
from ..media.faces import finder, mesher
from ..media.view import View
from . import detector
from .model import WEIGHTS, shipped

Progress = Callable[[str], None]
DECLARING = frozenset({"declared", "marks"})
"""Detectors that need to know what a file declares and carries; all others use the view alone."""


class Clock:
    """Seconds by stage. A stage counts the work of its own thread, without what the view did for it meanwhile."""

    def __init__(self, view: View | None = None, *, progress: Progress | None = None) -> None:
        """Start now; `progress` is told each stage that begins."""
        self._begun, self._tell = time.perf_counter(), progress
        self._seconds: dict[str, float] = {}
        self._stopped = False
        self.view = view

    def stop(self) -> None:
        """Let no further stage begin, in whichever thread."""
        self._stopped = True

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block as the stage `name`. Raises `CancelledError` after `stop`."""
        if self._stopped:
            raise CancelledError
        if self._tell is not None:
            self._tell(name)
        begun, spent = time.perf_counter(), self._spent()
        try:
            yield
        finally:
            took = time.perf_counter() - begun - (self._spent() - spent)
            self._seconds[name] = self._seconds.get(name, 0.0) + max(0.0, took)

    def seconds(self, order: Iterable[str]) -> dict[str, float]:
        """Return the seconds of all stages, those of the view among them, in `order`, and of `all` by the clock.

        Stages of two threads overlap: together they may be more than `all`.
        """
        found = dict(self._seconds)
        for name, took in (self.view.stages if self.view else {}).items():
            kind = name.partition(" ")[0]  # crops of several sizes are told together
            found[kind] = found.get(kind, 0.0) + took
        first = {name: found[name] for name in order if name in found}
        return {**first, **found, "all": time.perf_counter() - self._begun}

    def _spent(self) -> float:
        return self.view.spent() if self.view else 0.0


def of_sound(name: str) -> bool:
    """Tell whether the detector called `name` listens."""
    return name.startswith("audio-")


def prepare(names: Iterable[str], view: View) -> None:
    """Load what `names` will use of `view`, while it is decoded elsewhere. What is missing shows itself when used."""
    sound = view.kind != "image" and (view.asset is None or view.asset.audio is not None)
    for name in names:
        if (sound if of_sound(name) else view.kind != "audio") and (WEIGHTS / f"{name}.onnx").is_file():
            with suppress(AssayError):
                if view.kind in getattr(detector(name), "kinds", (view.kind,)):
                    shipped(name)
    if view.kind != "audio" and not all(map(of_sound, names)):
        with suppress(AssayError):
            finder()
            mesher()
