"""Finding, meshing, aligning and following faces. Finders are a catalogue; a missing extra breaks one entry only."""

from __future__ import annotations

import functools
import importlib
from types import MappingProxyType

from ..errors import InputError
from .align import align, cut, inverse, moved, similarity, template
from .follow import CROP_SIDE, SKIN, Followed, Stretch, face_of, follow
from .interface import Face, FaceFinder, Mesh, Mesher, Sighting, Track
from .track import Linker, Scenes, track

__all__ = [
    "CROP_SIDE",
    "FINDERS",
    "SKIN",
    "Face",
    "FaceFinder",
    "Followed",
    "Linker",
    "Mesh",
    "Mesher",
    "Scenes",
    "Sighting",
    "Stretch",
    "Track",
    "align",
    "cut",
    "face_of",
    "finder",
    "follow",
    "inverse",
    "mesher",
    "moved",
    "similarity",
    "template",
    "track",
]

FINDERS = MappingProxyType({"retinaface": ".retinaface:RetinaFace", "mtcnn": ".mtcnn:Mtcnn"})
"""Name of a finder -> its module in this folder and class."""


def finder(name: str = "retinaface") -> FaceFinder:
    """Return the face finder `name`, made once a process.

    Raises `InputError` for an unknown name, `MissingExtra` if its extra is not installed, `WeightsError` if its model
    file is missing or not what its card says.
    """
    if name not in FINDERS:
        msg = f"no face finder is named {name!r}; known: {', '.join(FINDERS)}"
        raise InputError(msg)
    return _made(name)


@functools.cache
def _made(name: str) -> FaceFinder:
    module, _, kind = FINDERS[name].partition(":")
    made: FaceFinder = getattr(importlib.import_module(module, __name__), kind)()
    return made


@functools.cache
def mesher() -> Mesher:
    """Return the mesher, made once a process. Raises `MissingExtra` or `WeightsError` without its model file."""
    from .mesh import FaceMesh

    return FaceMesh()
