"""Where in a file: a stretch of time, a part of a picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time, `start` to `end` in seconds from the first sample or frame, `0 <= start < end`."""

    start: float
    end: float

    def __post_init__(self) -> None:
        """Raise `ValueError` unless `0 <= start < end`."""
        if not 0.0 <= self.start < self.end:
            msg = f"a span needs 0 <= start < end in seconds, got {self.start} to {self.end}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A box in pixels of the upright picture, origin top left; `time` in seconds for a film, `None` for a still."""

    left: float
    top: float
    width: float
    height: float
    time: float | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` unless width and height are positive."""
        if not (self.width > 0 and self.height > 0):
            msg = f"a region needs a positive width and height in pixels, got {self.width} x {self.height}"
            raise ValueError(msg)
