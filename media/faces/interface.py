"""What a face finder and a landmark finder must do; the implementations are in this folder, one file each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..extent import Region


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face in one picture.

    `points` float32 `[5, 2]`, pixels x, y: the eye on the picture's left, the eye on its right, nose tip,
    mouth corner on the left, mouth corner on the right. `score` in 0..1 is the finder's own confidence.
    """

    region: Region
    score: float
    points: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """Dense landmarks of one face: `points` float32 `[468, 3]`, pixels x, y of the whole picture and relative depth."""

    points: NDArray[np.float32]


class FaceFinder(Protocol):
    """Finds faces in a picture."""

    def find(self, image: NDArray[np.uint8]) -> list[Face]:
        """Return the faces of `image` (uint8 `[h, w, 3]` RGB), largest first; empty when there are none."""
        ...


class Mesher(Protocol):
    """Finds the dense landmarks of a face that a `FaceFinder` found."""

    def mesh(self, image: NDArray[np.uint8], face: Face) -> Mesh | None:
        """Return the landmarks of `face` in `image` (uint8 `[h, w, 3]` RGB), or `None` if none fit."""
        ...

    def follow(self, image: NDArray[np.uint8], last: Mesh) -> Mesh | None:
        """Return the landmarks in `image` of the face that was at `last` in the frame before, or `None`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One face of a track in one frame: the frame's `index` and `time` (seconds), and the face there."""

    index: int
    time: float
    face: Face


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The same face through a film: `id` counts from 0 in order of appearance; `sightings` in order of time."""

    id: int
    sightings: tuple[Sighting, ...]
