"""Engines that speak a text in somebody's voice. They return sound in memory and write nothing."""

from __future__ import annotations

import importlib
from types import MappingProxyType

from ...media.errors import InputError
from .interface import Conversion, Converter, Synthesiser, VoiceEngine, VoiceRequest

__all__ = [
    "ENGINES",
    "Conversion",
    "Converter",
    "Synthesiser",
    "VoiceEngine",
    "VoiceRequest",
    "engine",
    "voice_engine",
]

ENGINES = MappingProxyType({"hibari-world": ".cloning:hibari_world", "piper-world": ".cloning:piper_world"})
"""Name of an engine -> its module in this folder and what makes it there."""


def engine(name: str = "hibari-world") -> VoiceEngine:
    """Return the voice engine `name`, ready to speak; what it has learnt of its own voice is kept for the next call.

    Raises `InputError` for an unknown name, `MissingExtra` if its extra is not installed, `WeightsError` if it has
    no voice to speak with.
    """
    if name not in ENGINES:
        msg = f"no voice engine is named {name!r}; known: {', '.join(ENGINES)}"
        raise InputError(msg)
    module, _, make = ENGINES[name].partition(":")
    made: VoiceEngine = getattr(importlib.import_module(module, __name__), make)()
    return made


voice_engine = engine
"""The same by a name that says whose engine it is, for callers that use several catalogues."""
