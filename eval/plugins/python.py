"""A Python function as detector, in an interpreter of its own, warm between files."""

from __future__ import annotations

import sys
from pathlib import Path

from .card import Card
from .interface import Answer
from .warm import Warm


class PythonPlugin:
    """Calls `FUNCTION(path)` of `py:MODULE:FUNCTION`; a float, a dict with a score or a reason, or None comes back."""

    def __init__(self, card: Card) -> None:
        """Start nothing yet."""
        self.card = card
        source = Path(__file__).with_name("child.py").read_text(encoding="utf-8")
        target = card.run.partition(":")[2]
        self._warm = Warm(card, (card.python or sys.executable, "-c", source, target), greets=True)

    def ask(self, path: Path) -> Answer:
        """Return what the function says of the file at `path`."""
        return self._warm.ask(path)

    def close(self) -> None:
        """End the interpreter."""
        self._warm.close()
