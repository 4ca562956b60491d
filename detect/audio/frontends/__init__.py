"""Front ends: what a stretch of speech is turned into before a classifier hears it, one definition each.

The same numbers come out in one call (`features`) and from a stream fed in blocks of any size. NumPy and SciPy alone:
what scans must not need torch. Every front end expects sound that passed the gate (`detect/audio/gate.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import cast

from ...finding import ModelError
from .interface import RATE, FrontEnd, Stream

FRONTENDS: Mapping[str, str] = MappingProxyType(
    {
        "lfcc": ".lfcc:Lfcc",
        "cqcc": ".cqcc:Cqcc",
        "mfcc": ".mel:Mfcc",
        "log-mel": ".mel:LogMel",
        "modulation": ".modulation:Modulation",
        "group-delay": ".group_delay:GroupDelay",
        "long-term": ".long_term:LongTerm",
        "raw": ".raw:Raw",
    }
)

__all__ = ["FRONTENDS", "RATE", "FrontEnd", "Stream", "front_end"]


@cache
def front_end(name: str) -> FrontEnd:
    """Return the front end called `name`. Raises `ModelError` if there is none, naming those there are."""
    if name not in FRONTENDS:
        msg = f"expected a front end of {', '.join(FRONTENDS)}, got {name!r}"
        raise ModelError(msg)
    module, _, kind = FRONTENDS[name].partition(":")
    return cast("FrontEnd", getattr(import_module(module, __package__), kind)())
