"""A still picture as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """An upright picture: `pixels` uint8 `[height, width, 3]` RGB, plus what decoding did to it.

    `orientation` is the EXIF orientation (1-8) that was applied to make it upright, 1 when none was;
    `frames` the number of pictures in the file (animated GIF or WebP), of which `pixels` is the first;
    `notes` says in words what decoding changed (orientation, alpha, bit depth, palette).
    """

    pixels: NDArray[np.uint8]
    orientation: int = 1
    frames: int = 1
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise `ValueError` unless `pixels` is uint8 `[height, width, 3]` and not empty."""
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8 or not self.pixels.size:
            msg = f"a still needs uint8 pixels [height, width, 3], got {self.pixels.dtype} {self.pixels.shape}"
            raise ValueError(msg)
