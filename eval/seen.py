"""Which makers a detector has met in training, as far as its card tells: a figure on those is no claim about others."""

from __future__ import annotations

import json
import re
from typing import Any

from ..detect.model import WEIGHTS
from .plan import Plan

_FILLING = {"copy", "made", "in", "training", "the"}


def met_by(plan: Plan) -> dict[str, frozenset[str] | None]:
    """Return, for each detector, those of the plan's makers that its card names, `None` where there is no card."""
    found: dict[str, frozenset[str] | None] = {name: _met(_own(name), plan.makers) for name in plan.detectors}
    for card in plan.plugins:
        found[card.name] = _met(card.trained_on, plan.makers)
    return found


def _met(trained_on: tuple[str, ...] | None, makers: tuple[str, ...]) -> frozenset[str] | None:
    """Return the makers that hold all words of one that was trained on: `world copy made in training` is world-copy."""
    if trained_on is None:
        return None
    known = [words for words in map(_words, trained_on) if words]
    return frozenset(maker for maker in makers if any(words <= _words(maker) for words in known))


def _words(name: str) -> frozenset[str]:
    words = set(re.findall(r"[a-z0-9]+", name.lower()))
    return frozenset(words - _FILLING)


def _own(name: str) -> tuple[str, ...] | None:
    """Return the makers that the card of a shipped model names, `None` if there is no such card."""
    place = WEIGHTS / f"{name}.json"
    if not place.is_file():
        return None
    told: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return tuple(maker for part in told.get("training_data", ()) for maker in part.get("makers", ()))
