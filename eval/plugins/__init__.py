"""Detectors made by others, as `path -> score`: a Python function, a program, or an HTTP address.

`WAYS` names the ways of asking. Whatever the way, a detector runs outside this process, has a time limit for each
file, and answers with a score, a reason for having none, or by breaking: which is counted and never scored.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from ...media.errors import InputError
from .card import Card, read_card
from .interface import Answer, Outcome, Plugin

__all__ = ["WAYS", "Answer", "Card", "Outcome", "Plugin", "plugin", "read_card"]

WAYS = {
    "py": ".python:PythonPlugin",
    "cmd": ".command:CommandPlugin",
    "http": ".web:WebPlugin",
    "https": ".web:WebPlugin",
}
"""The word before the first colon of `run` in a card -> module (relative to this folder) and class."""


def plugin(card: Card) -> Plugin:
    """Return the detector that `card` describes, not yet started. Raises `InputError` for an unknown way."""
    if card.way not in WAYS:
        msg = f"expected a detector that begins with {', '.join(f'{way}:' for way in WAYS)}, got {card.run!r}"
        raise InputError(msg)
    module, _, attribute = WAYS[card.way].partition(":")
    return cast("Plugin", getattr(import_module(module, __package__), attribute)(card))
