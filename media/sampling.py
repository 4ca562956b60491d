"""Which frames of a film are looked at: a constant number, whatever its length, spread over all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How much of a film is kept for the detectors. Every frame is decoded all the same.

    `frames` are spread evenly over the film; `run_frames` are kept besides, without a gap from the first one on, at
    most `run_side` pixels a side; `max_side` scales the spread ones down (`None`: as they are); `audio_seconds` of
    sound are kept from the start, and a note says when there were more.
    """

    frames: int = 32
    run_frames: int = 0
    run_side: int | None = 640
    max_side: int | None = None
    audio_seconds: float = 900.0

    def __post_init__(self) -> None:
        """Raise `ValueError` if a number is negative, or a side not positive."""
        if min(self.frames, self.run_frames, self.audio_seconds) < 0:
            msg = f"frames, run_frames and audio_seconds must not be negative, got {self}"
            raise ValueError(msg)
        if any(side is not None and side < 1 for side in (self.run_side, self.max_side)):
            msg = f"run_side and max_side must be at least 1 pixel, got {self}"
            raise ValueError(msg)


class Thinned(Generic[T]):
    """Keeps up to `room` of a stream of unknown length, evenly spread: when full, every second one goes."""

    def __init__(self, most: int, *, room: int) -> None:
        """Keep nothing yet; `chosen` will give at most `most`. The more `room`, the more even they lie."""
        self._most, self._room = most, max(room, 2 * most)
        self._stride = 1
        self._seen = 0
        self._kept: list[T] = []

    def add(self, thing: T) -> None:
        """Take the next one."""
        if self._most and self._seen % self._stride == 0:
            self._kept.append(thing)
        self._seen += 1
        if len(self._kept) > self._room:
            del self._kept[1::2]
            self._stride *= 2

    def chosen(self) -> list[T]:
        """Return at most `most`, from the middles of equal stretches."""
        kept, most = self._kept, self._most
        if len(kept) <= most:
            return kept
        return [kept[int((place + 0.5) * len(kept) / most)] for place in range(most)]
