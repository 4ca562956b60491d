"""Steadying what is measured frame by frame, without lagging behind what really moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...media.faces import inverse, moved, similarity
from .canonical import mean_face


class OneEuro:
    """A low pass for arrays whose cut-off rises with speed (Casiez, Roussel, Vogel, CHI 2012)."""

    def __init__(self, *, slow: float, gain: float) -> None:
        """Pass `slow` hertz at rest and `gain` hertz more for each unit a second of speed."""
        self._slow, self._gain = slow, gain
        self._time = 0.0
        self._value: NDArray[np.float64] | None = None
        self._speed: NDArray[np.float64] | None = None

    def step(self, time: float, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the steadied `value` seen at `time` seconds; the first passes as it is."""
        if self._value is None or self._speed is None or time <= self._time:
            self._time, self._value, self._speed = time, value, np.zeros_like(value)
            return value
        step = time - self._time
        speed = self._speed + _share(1.0, step) * ((value - self._value) / step - self._speed)
        share = _share(self._slow + self._gain * np.abs(speed), step)
        self._time, self._value, self._speed = time, self._value + share * (value - self._value), speed
        return self._value


def _share(cut_off: float | NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Return how much of a change over `step` seconds a first order low pass at `cut_off` hertz lets through."""
    turn = 2.0 * np.pi * step * np.asarray(cut_off, dtype=np.float64)
    return np.asarray(turn / (turn + 1.0), dtype=np.float64)


class SteadyMesh:
    """Steadies the landmarks of one person.

    Place, size and roll of the head are averages over 468 points and steady as they are: filtering them only makes
    the new face lag behind the head. What is left, the shape, is filtered in the frame of the mean face.
    """

    def __init__(self) -> None:
        """Start without a past."""
        # Measured on talking heads: a fifth less jitter of the brow and cheeks, lips within half a pixel of the raw.
        self._shape = OneEuro(slow=2.0, gain=200.0)

    def step(self, time: float, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the steadied landmarks `[468, 2]` for those found at `time` seconds."""
        pose = similarity(mean_face(), points)
        return moved(self._shape.step(time, moved(points, inverse(pose))), pose)


class Ease:
    """A plain exponential average over time of arrays of one shape."""

    def __init__(self, *, seconds: float) -> None:
        """Forget with the time constant `seconds`."""
        self._seconds = seconds
        self._time = 0.0
        self._value: NDArray[np.float32] | None = None

    def step(self, time: float, value: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the average up to `time` seconds; the first value passes as it is."""
        if self._value is None:
            self._value = value
        else:
            share = 1.0 - float(np.exp(-max(time - self._time, 0.0) / self._seconds))
            self._value = (self._value + np.float32(share) * (value - self._value)).astype(np.float32)
        self._time = time
        return self._value
