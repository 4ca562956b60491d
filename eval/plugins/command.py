"""A program as detector: started for each file, or once."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

from ...media.errors import InputError
from .card import Card
from .interface import Answer, crashed, read_answer, timed_out
from .process import Child, Gone, Late
from .warm import Warm

PLACE = "{path}"


class CommandPlugin:
    """With `{path}` in the command it is started for each file, and the last line it prints is the answer.

    Without, it is started once, given a path a line on stdin, and answers with a line each on stdout. No shell.
    """

    def __init__(self, card: Card) -> None:
        """Start nothing yet. Raises `InputError` if the command cannot be split into words."""
        self.card = card
        try:
            self._words = shlex.split(card.run.partition(":")[2])
        except ValueError as error:
            msg = f"expected a command in {card.run!r}: {error}"
            raise InputError(msg) from error
        if not self._words:
            msg = f"expected a command after cmd:, got {card.run!r}"
            raise InputError(msg)
        each = any(PLACE in word for word in self._words)
        self._warm = None if each else Warm(card, self._words, greets=False)

    def ask(self, path: Path) -> Answer:
        """Return what the program says of the file at `path`."""
        return self._once(path) if self._warm is None else self._warm.ask(path)

    def close(self) -> None:
        """End the program, if it stays."""
        if self._warm is not None:
            self._warm.close()

    def _once(self, path: Path) -> Answer:
        until = time.monotonic() + self.card.timeout
        try:
            child = Child([word.replace(PLACE, str(path)) for word in self._words], stdin=False)
        except Gone as error:
            return crashed(str(error))
        try:
            status, text = child.rest(until=until)
            if status != 0:
                return crashed(child.last_words())
        except Late:
            return timed_out(self.card.timeout)
        finally:
            child.kill()
        lines = [line for line in text.splitlines() if line.strip()]
        answer = read_answer(lines[-1], self.card) if lines else None
        return answer or crashed(f"expected a score or JSON as the last line it prints, got {lines[-1:]}")
