"""Makers of fresh fakes for the benchmark: the generation engines, and simple honest re-syntheses."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from ...media.errors import InputError
from .interface import PURPOSE, Kind, Leave, Maker, Media, Real

__all__ = ["MAKERS", "PURPOSE", "Kind", "Leave", "Maker", "Media", "Real", "maker"]

MAKERS = {
    "hibari-world": ".clone:CloneMaker",
    "world-copy": ".copysynthesis:WorldCopyMaker",
    "griffin-lim": ".copysynthesis:GriffinLimMaker",
    "landmark-swap": ".swap:SwapMaker",
    "landmark-swap-film": ".swap:SwapFilmMaker",
}


def maker(name: str) -> Maker:
    """Return a new maker of that name. Raises `InputError` for an unknown name, naming the known."""
    if name not in MAKERS:
        msg = f"no maker is named {name!r}: choose from {', '.join(MAKERS)}"
        raise InputError(msg)
    module, _, attribute = MAKERS[name].partition(":")
    return cast("Maker", getattr(import_module(module, __package__), attribute)())
