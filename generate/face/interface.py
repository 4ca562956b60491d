"""What a face engine must do, and how a caller says whose face is to be replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, Protocol

from ...media.errors import InputError
from ...media.faces import Face
from ...media.image import Still
from ...media.video import Frame

Who = Literal["all", "largest", "left", "right"] | int
"""Whose face: everybody's, the largest, the leftmost, the rightmost, or a number counting from the left from 0."""


class FaceEngine(Protocol):
    """Puts the face of `source` onto people of a picture or film; writes nothing.

    `trained` tells whether a trained model draws the new face (finding faces does not count); a publication says so.
    """

    name: str
    version: str
    trained: bool

    def swap_still(self, target: Still, source: Still, *, who: Who = "largest") -> Still:
        """Return `target` with the face of `source`. Raises `GenerationError` if either has no such face."""
        ...

    def swap_film(self, frames: Iterable[Frame], source: Still, *, who: Who = "largest") -> Iterator[Frame]:
        """Yield `frames` with the face of `source`, one by one; frames without that person pass unchanged.

        Raises `GenerationError` if the source has no face, and at the end if no frame had the face asked for.
        """
        ...


def chosen(faces: Sequence[Face], who: Who) -> list[int]:
    """Return which of `faces` (largest first) `who` means: their numbers, or none if there is no such face.

    Raises `InputError` if `who` is not a choice.
    """
    if isinstance(who, bool) or not (isinstance(who, int) or who in {"all", "largest", "left", "right"}):
        msg = f"whose face must be all, largest, left, right or a number from 0, got {who!r}"
        raise InputError(msg)
    across = sorted(range(len(faces)), key=lambda i: faces[i].region.left + faces[i].region.width / 2)
    if who == "all":
        return list(range(len(faces)))
    if who == "largest":
        return [0] if faces else []
    place = {"left": 0, "right": len(faces) - 1}[who] if isinstance(who, str) else who
    return [across[place]] if 0 <= place < len(faces) else []


class Chooser:
    """Keeps to the same people through a film once they are chosen."""

    def __init__(self, who: Who) -> None:
        """Remember whom the caller wants. Raises `InputError` if `who` is not a choice."""
        chosen((), who)
        self._who: Who = who
        self._track: int | None = None
        self._newest = -1

    def pick(self, ids: Sequence[int], faces: Sequence[Face], *, cut: bool) -> list[int]:
        """Return which of `faces` (largest first), whose tracks are `ids`, are meant in this frame.

        The choice is made in the first frame that has such a face and holds until the scene is `cut`. When that
        person is lost, only somebody who appears later can take the place: nobody else in view gets the face.
        """
        if self._who == "all":
            return list(range(len(faces)))
        if cut:
            self._track = None
            self._newest = -1
        if self._track in ids:
            self._newest = max(self._newest, *ids)
            return [ids.index(self._track)]
        free = [number for number, track in enumerate(ids) if self._track is None or track > self._newest]
        picked = [free[place] for place in chosen([faces[number] for number in free], self._who)]
        if picked:
            self._track = ids[picked[0]]
            self._newest = max(self._newest, *ids)
        return picked
