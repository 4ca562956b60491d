"""Upright crops of faces, and where in the file they are from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .faces import Face, align

Place = tuple[NDArray[np.uint8], Face, dict[str, Any]]
"""A picture, a face in it, and what says where that is: `index`, `time` and `track` of a film, nothing of a still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """An upright square crop of a face: `image` uint8 `[size, size, 3]`, and the 2x3 `matrix` from picture to crop.

    For a film, `index` and `time` are those of the frame and `track` is the track's id; for a still they are `None`.
    """

    image: NDArray[np.uint8]
    matrix: NDArray[np.float64]
    face: Face
    index: int | None = None
    time: float | None = None
    track: int | None = None


def crop_of(found: Place, size: int, margin: float) -> Crop:
    """Return the crop of one face, `size` pixels a side. Raises as `align`."""
    image, face, place = found
    pixels, matrix = align(image, face, size, margin=margin)
    return Crop(image=pixels, matrix=matrix, face=face, **place)
