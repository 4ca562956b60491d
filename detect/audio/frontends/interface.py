"""What a front end is: frames of samples to rows of numbers, and the rows joined with their neighbours."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Hertz: what every front end hears."""
F32 = NDArray[np.float32]

_AT_ONCE = 1 << 21
"""Samples whose frames are turned at once: bounds memory, whatever the length."""


def framed(samples: F32, size: int, step: int) -> F32:
    """Return a view of the frames of `size` every `step` samples, `[frames, size]`; none if there are too few."""
    if samples.size < size:
        return np.zeros((0, size), np.float32)
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::step]


class FrontEnd:
    """A front end: frames of `size` samples, every `step`, each to `width` numbers that may look `context` rows round.

    A subclass gives `rows`, and `joined` where rows need their neighbours.
    """

    size: ClassVar[int]
    step: ClassVar[int]
    width: ClassVar[int]
    context: ClassVar[int] = 0
    """Rows on either side that `joined` looks at."""

    def rows(self, frames: F32) -> F32:
        """Return what each frame `[n, size]` gives by itself, `[n, k]`."""
        raise NotImplementedError

    def joined(self, rows: F32) -> F32:
        """Return the rows with what their neighbours tell, `[n, width]`; the first and last rows stand in beyond."""
        return rows

    def features(self, samples: F32) -> F32:
        """Return the features of `samples` `[n]` at `RATE`, float32 `[(n - size) // step + 1, width]`, or no row."""
        rows = self.all_rows(framed(np.asarray(samples, np.float32), self.size, self.step))
        return self.joined(rows) if len(rows) else self.none()

    def all_rows(self, frames: F32) -> F32:
        """Return `rows` of any number of frames, in portions."""
        portion = max(1, _AT_ONCE // self.size)
        parts = [self.rows(frames[at : at + portion]) for at in range(0, len(frames), portion)]
        return np.concatenate(parts) if parts else self.none()

    def stream(self) -> Stream:
        """Return a stream that gives the same features, block by block."""
        return Stream(self)

    def none(self) -> F32:
        """Return no features, `[0, width]`."""
        return np.zeros((0, self.width), np.float32)


class Stream:
    """The features of sound that comes in blocks of any size; holds a frame and `2 * context` rows, no more."""

    def __init__(self, front: FrontEnd) -> None:
        """Begin at the start of a sound."""
        self._front = front
        self._samples = np.zeros(0, np.float32)
        self._rows: F32 | None = None
        self._next = 0

    def feed(self, block: F32) -> F32:
        """Return the features that `block` `[n]` completes, `[k, width]`; k may be 0."""
        self._samples = np.concatenate([self._samples, np.asarray(block, np.float32)])
        frames = framed(self._samples, self._front.size, self._front.step)
        if not len(frames):
            return self._front.none()
        rows = self._front.all_rows(frames)
        self._samples = self._samples[len(frames) * self._front.step :].copy()
        self._rows = rows if self._rows is None else np.concatenate([self._rows, rows])
        return self._ready(self._front.context)

    def end(self) -> F32:
        """Return the features that waited for what would follow, `[k, width]`. The stream is over."""
        return self._ready(0)

    def _ready(self, held: int) -> F32:
        """Return the features that are due while the last `held` rows still wait for neighbours."""
        until = 0 if self._rows is None else len(self._rows) - held
        if self._rows is None or until <= self._next:
            return self._front.none()
        features = self._front.joined(self._rows)[self._next : until]
        dropped = max(0, until - self._front.context)
        self._rows, self._next = self._rows[dropped:].copy(), until - dropped
        return features
