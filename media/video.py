"""A film's frames as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One upright frame: `image` uint8 `[height, width, 3]` RGB, shown `time` seconds after the first frame.

    `index` counts decoded frames from 0; `time` comes from the stream's own time base, never from index / rate.
    """

    index: int
    time: float
    image: NDArray[np.uint8]
