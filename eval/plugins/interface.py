"""What a detector made by others must do, and how its answers are read."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from .card import Card

Outcome = Literal["scored", "skipped", "crashed", "timed out", "no input"]
WHY_MOST = 300
"""Characters of a reason that are kept: it comes from a stranger and goes into every row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A score (higher = fake, as the card's direction has been applied), or why there is none; seconds it took."""

    outcome: Outcome
    score: float | None = None
    why: str = ""
    seconds: float = 0.0


class Plugin(Protocol):
    """A detector outside this process, warm between files."""

    card: Card

    def ask(self, path: Path) -> Answer:
        """Return what the detector says of the file at `path`; it never raises for what the detector does."""
        ...

    def close(self) -> None:
        """End whatever was started; the plug-in can be asked again, and starts anew."""
        ...


def crashed(why: str) -> Answer:
    """Return the answer of a detector that broke."""
    return Answer(outcome="crashed", why=_short(why))


def timed_out(seconds: float) -> Answer:
    """Return the answer of a detector that took more than `seconds`."""
    return Answer(outcome="timed out", why=f"no answer within {seconds:g} s: it was ended")


def read_answer(text: str, card: Card) -> Answer | None:
    """Return the answer that a line of text holds, `None` if it holds none.

    A number, `{"score": number}` (the card may name another key), `{"skip": "why"}`, `{"error": "why"}` or `null`
    (a skip). A number that is not finite, or no probability where the card promises one, counts as a crash.
    """
    try:
        told = json.loads(text)
    except ValueError:
        return None
    if told is None:
        return Answer(outcome="skipped", why="it gave no score and no reason")
    if isinstance(told, dict):
        if isinstance(told.get("skip"), str):
            return Answer(outcome="skipped", why=_short(told["skip"]))
        if isinstance(told.get("error"), str):
            return crashed(told["error"])
        told = told.get(card.key)
    if isinstance(told, bool) or not isinstance(told, (int, float)):
        return None
    return _scored(float(told), card)


def _scored(value: float, card: Card) -> Answer:
    if not math.isfinite(value):
        return crashed(f"expected a finite score, got {value}")
    if card.scale == "probability" and not 0.0 <= value <= 1.0:
        return crashed(f"its card promises a probability, got {value}")
    if card.scale == "ln-llr":
        value /= math.log(10.0)
    return Answer(outcome="scored", score=value if card.higher == "fake" else -value)


def _short(text: str) -> str:
    return text if len(text) <= WHY_MOST else text[: WHY_MOST - 1] + "…"
