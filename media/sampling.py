"""Which frames of a film are looked at: a constant number, whatever its length, spread over all of it, the sharpest."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
_AS_SHARP = 0.95
"""A frame is as sharp as another from this share of its sharpness on: noise must not choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How much of a film is kept for the detectors. Every frame is decoded all the same.

    `frames` are spread over the film, the sharpest of each stretch, and one of each scene if there is room;
    `run_frames` are kept besides, without a gap from the first one on, at most `run_side` pixels a side; `max_side`
    scales the spread ones down (`None`: as they are); `audio_seconds` of a sound are kept from the start,
    `film_audio_seconds` of a film's, and a note says when there were more.
    """

    frames: int = 32
    run_frames: int = 0
    run_side: int | None = 640
    max_side: int | None = None
    audio_seconds: float = 900.0
    film_audio_seconds: float = 120.0

    def __post_init__(self) -> None:
        """Raise `ValueError` if a number is negative, or a side not positive."""
        if min(self.frames, self.run_frames, self.audio_seconds, self.film_audio_seconds) < 0:
            msg = f"frames and seconds must not be negative, got {self}"
            raise ValueError(msg)
        if any(side is not None and side < 1 for side in (self.run_side, self.max_side)):
            msg = f"run_side and max_side must be at least 1 pixel, got {self}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """Which frames a watcher is shown as they go by, in the pass in which the film is decoded; none of them is kept.

    All of the first `whole` seconds, then the first `stretch` of each `every` seconds, at most `max_side` pixels a
    side.
    """

    max_side: int | None = None
    whole: float = math.inf
    stretch: float = 4.0
    every: float = 20.0

    def __post_init__(self) -> None:
        """Raise `ValueError` unless the stretches are positive and do not overlap."""
        if not 0.0 < self.stretch <= self.every or self.whole < 0.0:
            msg = f"expected 0 < stretch <= every and whole >= 0, got {self}"
            raise ValueError(msg)

    def shows(self, time: float) -> bool:
        """Tell whether the frame at `time` seconds is shown."""
        return time < self.whole or time % self.every < self.stretch

    def seconds_of(self, length: float) -> float:
        """Return how many of the first `length` seconds are shown."""
        whole = min(length, self.whole)
        return whole + self._stretches(length) - self._stretches(whole)

    def _stretches(self, length: float) -> float:
        turns, rest = divmod(length, self.every)
        return turns * self.stretch + min(rest, self.stretch)


@dataclass(slots=True)
class _Candidate(Generic[T]):
    thing: T
    scene: int
    sharpness: float

    def sharper(self, other: _Candidate[T]) -> bool:
        """Tell whether this one is sharper than `other` by more than noise."""
        return self.sharpness * _AS_SHARP > other.sharpness


class Chooser(Generic[T]):
    """Chooses frames of a film of unknown length, in constant memory: spread over it, sharp, and of every scene.

    The film is divided into stretches of equal length, of each of which the sharpest frame is held; when there are more
    than `room`, neighbours are joined.
    """

    def __init__(self, most: int, *, room: int) -> None:
        """Hold nothing yet; `chosen` will give at most `most`. The more `room`, the better the choice."""
        self._most, self._room = most, max(room, 2 * most)
        self._stride, self._seen, self.scenes = 1, 0, 0
        self._held: list[_Candidate[T]] = []
        self._cuts = Cuts()

    def add(self, thing: T, light: NDArray[np.uint8]) -> None:
        """Take the next frame, `light` its brightness or a channel of it, uint8 `[h, w]`."""
        self.scenes += self._cuts.cut(light) or not self._seen
        if self._most:
            found = _Candidate(thing, self.scenes, sharpness(light))
            begins = self._seen % self._stride == 0 or self._held[-1].scene != found.scene
            if begins:
                self._held.append(found)
            elif found.sharper(self._held[-1]):
                self._held[-1] = found
        self._seen += 1
        if len(self._held) > self._room:
            pairs = zip(self._held[::2], [*self._held[1::2], None], strict=False)
            self._held = [one if two is None or not two.sharper(one) else two for one, two in pairs]
            self._stride *= 2

    def chosen(self) -> list[T]:
        """Return at most `most`, in order of time."""
        held, most = self._held, self._most
        if len(held) <= most:
            return [one.thing for one in held]
        edges = [place * len(held) // most for place in range(most + 1)]
        parts = [range(start, end) for start, end in pairwise(edges)]
        best = [self._sharp(part) for part in parts]
        self._visit(best, parts)
        return [held[place].thing for place in best]

    def _sharp(self, part: range) -> int:
        """Return the place nearest to the middle of `part` among those about as sharp as the sharpest."""
        least = _AS_SHARP * max(self._held[place].sharpness for place in part)
        middle = (part.start + part.stop - 1) / 2
        good = (place for place in part if self._held[place].sharpness >= least)
        return min(good, key=lambda place: abs(place - middle))

    def _visit(self, best: list[int], parts: list[range]) -> None:
        """Give each scene that has no frame yet one of those that are of a scene with several."""
        held = self._held
        count = Counter(held[place].scene for place in best)
        for number, part in enumerate(parts):
            for place in part:
                missing = count[held[place].scene] == 0
                if missing and count[held[best[number]].scene] > 1:
                    count[held[best[number]].scene] -= 1
                    count[held[place].scene] += 1
                    best[number] = place


def sharpness(light: NDArray[np.uint8]) -> float:
    """Return how much pixels of every eighth row bend from their neighbours' line: motion and lost focus lower it."""
    rows = light[::8].astype(np.int16)
    return float(np.abs(rows[:, 2:] - 2 * rows[:, 1:-1] + rows[:, :-2]).mean()) if rows.shape[1] > 2 else 0.0


class Cuts:
    """Notices hard cuts by comparing each frame with the one before it, at 32 x 18 places."""

    def __init__(self, *, threshold: float = 0.16) -> None:
        """Call it a cut when the mean change of brightness, as a share of full scale, exceeds `threshold`.

        The change that the scene already had before is taken off, so that fast motion is no cut.
        """
        self._threshold, self._change = threshold, 0.0
        self._last: NDArray[np.float32] | None = None

    def cut(self, light: NDArray[np.uint8]) -> bool:
        """Return whether the frame of brightness `light` (uint8 `[h, w]`) begins a new scene; the first does not."""
        return self.step(_small(light))

    def step(self, small: NDArray[np.float32]) -> bool:
        """Return whether the frame that is `small` (float32, 0..1) in small begins a new scene."""
        last, self._last = self._last, small
        if last is None or last.shape != small.shape:
            return False
        change = float(np.abs(small - last).mean())
        sudden = change - self._change > self._threshold
        self._change = 0.0 if sudden else 0.5 * self._change + 0.5 * change
        return sudden


def _small(light: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the brightness (0..1) of 18 x 32 equal boxes, or of the single pixels of a smaller picture."""
    height, width = light.shape
    if height < 18 or width < 32:
        return light.astype(np.float32) / 255.0
    step = max(1, min(height // 72, width // 128))
    thin = light[::step, ::step]
    rows, columns = thin.shape[0] // 18, thin.shape[1] // 32
    boxes = thin[: 18 * rows, : 32 * columns].reshape(18, rows, 32, columns)
    return np.asarray(boxes.mean(axis=(1, 3), dtype=np.float32) / 255.0, np.float32)
