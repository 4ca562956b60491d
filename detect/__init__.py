"""Detectors, and the verdict that they lead to.

`CATALOGUE` names every detector; each is imported only when it is asked for, so a missing part breaks one entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import cast

from ..media.errors import InputError
from .finding import Detector, Evidence, Finding, Skipped

__all__ = ["CATALOGUE", "Detector", "Evidence", "Finding", "Skipped", "detector", "names"]

CATALOGUE = {
    "declared": ".declared:DeclaredDetector",
    "marks": ".marks:MarksDetector",
    "audio-lfcc": ".audio.lfcc:LfccDetector",
    "visual-residual": ".visual.residual:ResidualDetector",
}


def detector(name: str) -> Detector:
    """Return a new detector of that name. Raises `InputError` for an unknown name, naming the known."""
    names((name,))
    module, _, attribute = CATALOGUE[name].partition(":")
    return cast("Detector", getattr(import_module(module, __package__), attribute)())


def names(chosen: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return `chosen`, checked against the catalogue, or every name in it. Raises `InputError` for an unknown name."""
    if chosen is None:
        return tuple(CATALOGUE)
    kept = tuple(chosen)
    for name in kept:
        if name not in CATALOGUE:
            msg = f"no detector is named {name!r}: choose from {', '.join(CATALOGUE)}"
            raise InputError(msg)
    return kept
