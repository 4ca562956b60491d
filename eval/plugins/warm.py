"""A detector in a process that stays warm: started when first asked, started again after it broke."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from .card import Card
from .interface import Answer, crashed, read_answer, timed_out
from .process import Child, Gone, Late

STARTS_MOST = 3
"""Starts that may fail one after the other: a detector that cannot be loaded is not loaded again for every file."""


class Warm:
    """Asks by a line on stdin; a line on stdout that holds no answer is talk, and passed over."""

    def __init__(self, card: Card, command: Sequence[str], *, greets: bool) -> None:
        """Start nothing yet; `greets` = the process says when it is ready."""
        self.card = card
        self._command, self._greets = command, greets
        self._child: Child | None = None
        self._failed_starts = 0
        self._failure = ""

    def ask(self, path: Path) -> Answer:
        """Return the answer about the file at `path`, within the card's time limit."""
        if self._failed_starts >= STARTS_MOST:
            return crashed(self._failure)
        try:
            child = self._started()
        except (Gone, Late) as error:
            self.close()
            self._failed_starts += 1
            late = f"it was not ready within {self.card.start:g} s"
            self._failure = f"it does not start: {late if isinstance(error, Late) else error}"
            return crashed(self._failure)
        begun = time.monotonic()
        try:
            child.tell(str(path), seconds=self.card.timeout)
            while True:
                answer = read_answer(child.line(until=begun + self.card.timeout), self.card)
                if answer is not None:
                    return answer
        except Late:
            self.close()
            return timed_out(self.card.timeout)
        except Gone as error:
            self.close()
            return crashed(str(error))

    def close(self) -> None:
        """End the process, with whatever it has started."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _started(self) -> Child:
        if self._child is None:
            self._child = Child(self._command)
            if self._greets:
                self._child.line(until=time.monotonic() + self.card.start)
        self._failed_starts = 0
        return self._child
