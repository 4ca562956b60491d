"""A film's frames as numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .audio import Audio


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One upright frame: `image` uint8 `[height, width, 3]` RGB, shown `time` seconds after the first frame.

    `index` counts decoded frames from 0; `time` comes from the stream's own time base, never from index / rate.
    """

    index: int
    time: float
    image: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """Moving pictures in memory: `frames()` starts a fresh pass, `rate` is frames a second, `audio` the sound."""

    frames: Callable[[], Iterator[Frame]]
    rate: Fraction
    audio: Audio | None = None
