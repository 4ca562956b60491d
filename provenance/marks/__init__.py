"""Keyed watermarks: the catalogue of schemes, and reading whatever marks a file carries.

`assay.canvas.1` marks pictures, `assay.stave.2` sound, `assay.canvas-film.1` films. Each carries a 64-bit id under a
32-byte key. A mark proves nothing by itself: whoever holds the key can write it; its id leads to a signed manifest.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from ...media.errors import InputError
from ...media.video import Frame
from .interface import PAYLOAD_BITS, AudioScheme, ImageScheme, Mark, MarkError, VideoScheme
from .keys import SHARED_KEY, ExposedKeyWarning, load_key

if TYPE_CHECKING:
    from ...media.view import View

__all__ = [
    "PAYLOAD_BITS",
    "SCHEMES",
    "SHARED_KEY",
    "AudioScheme",
    "ExposedKeyWarning",
    "ImageScheme",
    "Mark",
    "MarkError",
    "VideoScheme",
    "audio_scheme",
    "image_scheme",
    "load_key",
    "read_marks",
    "scheme",
    "video_scheme",
]

SCHEMES = {
    "assay.canvas.1": ".image:CanvasMark",
    "assay.stave.2": ".audio:StaveMark",
    "assay.canvas-film.1": ".video:FilmMark",
}
"""Name of a scheme -> module (relative to this folder) and class."""


FILM_SIDE = 1280
"""Pixels: larger frames of a film are scaled down while they are decoded; the mark lies far below that detail."""


def scheme(name: str) -> object:
    """Return the scheme called `name`. Raises `InputError`, naming the known ones, if there is none."""
    if name not in SCHEMES:
        msg = f"no mark scheme is called {name!r}: known are {', '.join(sorted(SCHEMES))}"
        raise InputError(msg)
    module, _, attribute = SCHEMES[name].partition(":")
    found: object = getattr(import_module(module, __name__), attribute)()
    return found


def image_scheme(name: str = "assay.canvas.1") -> ImageScheme:
    """Return the scheme for pictures."""
    return cast(ImageScheme, scheme(name))


def audio_scheme(name: str = "assay.stave.2") -> AudioScheme:
    """Return the scheme for sound."""
    return cast(AudioScheme, scheme(name))


def video_scheme(name: str = "assay.canvas-film.1") -> VideoScheme:
    """Return the scheme for films."""
    return cast(VideoScheme, scheme(name))


def read_marks(view: View, *, keys: tuple[bytes, ...] = (SHARED_KEY,)) -> tuple[Mark, ...]:
    """Return every mark that `view` carries under one of `keys`: of its picture or film, then of its sound.

    A film is read frame by frame from its file where there is one, else from the frames in memory.
    """
    found: list[Mark | None] = []
    for key in keys:
        if view.still is not None:
            found.append(image_scheme().detect(view.still.pixels, key))
        if view.kind == "video":
            found.append(video_scheme().detect(_frames(view), key))
        if view.audio is not None:
            found.append(audio_scheme().detect(view.audio, key))
    return tuple(mark for mark in found if mark is not None)


def _frames(view: View) -> Iterable[Frame]:
    if view.asset is None:
        return view.frames
    from ...media.decode import stream_frames

    return stream_frames(view.asset, max_side=FILM_SIDE)
