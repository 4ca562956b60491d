"""Engines that put one person's face onto another. They return pictures in memory and write nothing."""

from __future__ import annotations

import importlib
from types import MappingProxyType

from ...media.errors import InputError
from .interface import FaceEngine, Who

__all__ = ["ENGINES", "FaceEngine", "Who", "engine"]

ENGINES = MappingProxyType({"landmark-swap": ".landmark:LandmarkSwap"})
"""Name of an engine -> its module in this folder and class."""


def engine(name: str = "landmark-swap") -> FaceEngine:
    """Return the face engine `name`, ready to run.

    Raises `InputError` for an unknown name, `MissingExtra` if its extra is not installed, `WeightsError` if its model
    file is missing or not what its card says.
    """
    if name not in ENGINES:
        msg = f"no face engine is named {name!r}; known: {', '.join(ENGINES)}"
        raise InputError(msg)
    module, _, kind = ENGINES[name].partition(":")
    made: FaceEngine = getattr(importlib.import_module(module, __name__), kind)()
    return made
