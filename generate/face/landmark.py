"""The engine landmark-swap: a face from one photograph, warped by landmarks, matched in colour, blended in.

It uses no trained generator: the new face has the expression and pose of the old one as far as the warp of one
photograph goes. It runs on one processor core.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ...media import faces as room
from ...media.faces import Face, FaceFinder, Mesher
from ...media.image import Still
from ...media.video import Frame
from ..interface import GenerationError
from .interface import Chooser, Who, chosen
from .replace import Origin, Person, origin, put

_FORGET_SECONDS = 3.0
"""What was steadied for a person is dropped when unseen for so long, so that a long film takes no more memory."""


@functools.cache
def _quick_finder() -> FaceFinder:
    """Return the default finder at half the work: a film asks it at every frame."""
    from ...media.faces.retinaface import RetinaFace

    return RetinaFace(longest=640)


class LandmarkSwap:
    """Swaps faces by 468 landmarks, a piecewise affine warp, a colour match and a Poisson membrane."""

    name = "landmark-swap"
    version = "1"
    trained = False

    def __init__(
        self, *, finder: FaceFinder | None = None, mesher: Mesher | None = None, keep_eyes: bool = False
    ) -> None:
        """Use the given `finder` and `mesher`, or the defaults; with `keep_eyes` people keep their own eyes.

        The default finder looks for faces from about 20 pixels up in stills, twice that in the frames of a film.
        """
        self._finder = finder or room.finder()
        self._frame_finder = finder or _quick_finder()
        self._mesher = mesher or room.mesher()
        self._keep_eyes = keep_eyes

    def swap_still(self, target: Still, source: Still, *, who: Who = "largest") -> Still:
        """Return `target` with the face of `source` on whom `who` means; the mouth's inside stays the target's.

        Raises `GenerationError` if no face is found in the source or no such face in the target, `InputError` if `who`
        is not a choice.
        """
        given = self._origin(source)
        faces = self._finder.find(target.pixels)
        image = target.pixels.copy()
        done = [self._swap(image, faces[number], given, Person(), time=0.0) for number in chosen(faces, who)]
        if not any(done):
            msg = f"no face to replace was found in the target picture (whose: {who}; faces found: {len(faces)})"
            raise GenerationError(msg)
        return Still(pixels=image, orientation=target.orientation, frames=target.frames, notes=target.notes)

    def swap_film(self, frames: Iterable[Frame], source: Still, *, who: Who = "largest") -> Iterator[Frame]:
        """Yield `frames` with the face of `source` on whom `who` means; frames without that person pass unchanged.

        One frame is held at a time. Raises `InputError` at once if `who` is not a choice, `GenerationError` at once if
        the source has no face, and after the last frame if none had the face asked for.
        """
        return self._film(frames, self._origin(source), Chooser(who), who)

    def _film(self, frames: Iterable[Frame], given: Origin, chooser: Chooser, who: Who) -> Iterator[Frame]:
        linker, scenes = room.Linker(), room.Scenes()
        people: dict[int, Person] = {}
        done = False
        for frame in frames:
            cut = scenes.cut(frame.image)
            faces = self._frame_finder.find(frame.image)
            ids = linker.link(frame.time, faces, cut=cut)
            image = frame.image
            for number in chooser.pick(ids, faces, cut=cut):
                image = frame.image.copy() if image is frame.image else image
                person = people.setdefault(ids[number], Person())
                person.seen = frame.time
                done |= self._swap(image, faces[number], given, person, time=frame.time)
            people = {track: p for track, p in people.items() if frame.time - p.seen <= _FORGET_SECONDS}
            yield Frame(index=frame.index, time=frame.time, image=image)
        if not done:
            msg = f"no face to replace was found in any frame of the target film (whose: {who})"
            raise GenerationError(msg)

    def _swap(self, image: NDArray[np.uint8], face: Face, given: Origin, person: Person, *, time: float) -> bool:
        """Put the face `given` over `face` in `image`, in place; return whether its landmarks were found."""
        mesh = self._mesher.mesh(image, face)
        if mesh is None:
            return False
        put(image, mesh, given, person, time=time, keep_eyes=self._keep_eyes)
        return True

    def _origin(self, source: Still) -> Origin:
        """Return the largest face of `source`. Raises `GenerationError` if there is none."""
        faces = self._finder.find(source.pixels)
        mesh = self._mesher.mesh(source.pixels, faces[0]) if faces else None
        if mesh is None:
            msg = "no face was found in the source picture: give a sharp photograph of one face, from the front"
            raise GenerationError(msg)
        return origin(source.pixels, mesh)
