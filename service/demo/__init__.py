"""The demonstration: every floor of the house in one run, and one page about it."""

from __future__ import annotations

from .play import play

__all__ = ["play"]
