"""Makers that change a face where it is: one step for a picture, the same step for each frame of a film."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...generate.interface import GenerationError, Scope
from ...media import faces as room
from ...media.faces import Face, FaceFinder, Mesh
from ...media.image import Still
from ...media.video import Film, Frame
from .interface import Kind, Leave, Media, Real
from .permission import film, picture

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The largest face of a picture: uint8 RGB `pixels` `[h, w, 3]`, and where the face is in them."""

    pixels: Pixels
    face: Face
    mesh: Mesh

    @property
    def points(self) -> NDArray[np.float64]:
        """The landmarks, float64 `[468, 2]`, x and y in pixels."""
        return self.mesh.points[:, :2].astype(np.float64)

    @property
    def depth(self) -> NDArray[np.float64]:
        """The landmarks' relative depth, float64 `[468]`, smaller is nearer."""
        return self.mesh.points[:, 2].astype(np.float64)


Step = Callable[[Found], Pixels]
"""Returns the changed picture; what it was given stays as it was."""


class Retouch(Protocol):
    """Changes a face. `scope` is what the person must have consented to."""

    name: str
    scope: Scope

    def begin(self, first: Found, rng: np.random.Generator) -> Step:
        """Return the step for a picture, or for a film that begins with `first`; all that is drawn is drawn here."""
        ...


def found(pixels: Pixels, finder: FaceFinder | None = None) -> Found | None:
    """Return the largest face of `pixels` with its landmarks, or `None`."""
    faces = (finder or room.finder()).find(pixels)
    mesh = room.mesher().mesh(pixels, faces[0]) if faces else None
    return None if mesh is None else Found(pixels=pixels, face=faces[0], mesh=mesh)


class StillMaker:
    """A `Retouch` of a photograph."""

    kind: Kind = "image"

    def __init__(self, retouch: Retouch) -> None:
        """Make fakes by `retouch`, under its name."""
        self.name = retouch.name
        self._retouch = retouch

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return the changed photograph; `cast` is not used."""
        del cast
        still = picture(real, self._retouch.scope, leave)
        seen = found(still.pixels)
        if seen is None:
            msg = f"no face to change was found in {real.path.name}"
            raise GenerationError(msg)
        step = self._retouch.begin(seen, np.random.default_rng(seed))
        return Still(pixels=step(seen), orientation=still.orientation, frames=still.frames, notes=still.notes)


class FilmMaker:
    """A `Retouch` of every frame of a film that shows a face; its sound is kept."""

    kind: Kind = "video"

    def __init__(self, retouch: Retouch) -> None:
        """Make fakes by `retouch`, under its name and `-film`."""
        self.name = f"{retouch.name}-film"
        self._retouch = retouch

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return the changed film; `cast` is not used. Its frames raise `GenerationError` if none shows a face."""
        del cast
        moving = film(real, self._retouch.scope, leave)
        name = real.path.name
        return Film(
            frames=lambda: self._frames(moving, name, np.random.default_rng(seed)), rate=moving.rate, audio=moving.audio
        )

    def _frames(self, moving: Film, name: str, rng: np.random.Generator) -> Iterator[Frame]:
        from ...media.faces.retinaface import RetinaFace

        finder = RetinaFace(longest=640)
        step: Step | None = None
        for frame in moving.frames():
            seen = found(frame.image, finder)
            if seen is None:
                yield frame
                continue
            step = step or self._retouch.begin(seen, rng)
            yield Frame(index=frame.index, time=frame.time, image=step(seen))
        if step is None:
            msg = f"no face to change was found in any frame of {name}"
            raise GenerationError(msg)


def feathered(old: Pixels, new: NDArray[np.floating] | Pixels, *, edge: float = 0.15) -> Pixels:
    """Return `new` fading into `old` (both `[h, w, 3]`) over `edge` of each side towards the borders."""
    height, width = old.shape[:2]
    across, down = (_window(size, edge) for size in (width, height))
    share = (down[:, None] * across)[..., None]
    mixed: NDArray[np.float32] = np.rint(old * (1 - share) + new * share)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def _window(size: int, edge: float) -> NDArray[np.float32]:
    """Return 0 at both ends, 1 in the middle, raised cosines between, float32 `[size]`."""
    place = np.minimum(np.arange(size), np.arange(size)[::-1]) / max(1.0, edge * size)
    return (0.5 - 0.5 * np.cos(np.pi * np.minimum(place, 1.0))).astype(np.float32)
