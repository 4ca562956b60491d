"""Keyed watermarks: the catalogue of schemes, reading whatever marks a file carries, and marked copies of files.

`assay.canvas.1` marks pictures, `assay.stave.2` sound, `assay.canvas-film.2` films. Each carries a 64-bit id under a
32-byte key. A mark proves nothing by itself: whoever holds the key can write it; its id leads to a signed manifest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from ...media.errors import InputError
from .interface import PAYLOAD_BITS, AudioScheme, ImageScheme, Mark, MarkError, VideoScheme
from .keys import SHARED_KEY, ExposedKeyWarning, load_key

if TYPE_CHECKING:
    from pathlib import Path

    from ...media.asset import Asset
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
    "write_marked",
]

SCHEMES = {
    "assay.canvas.1": ".image:CanvasMark",
    "assay.stave.2": ".audio:StaveMark",
    "assay.canvas-film.2": ".video:FilmMark",
}
"""Name of a scheme -> module (relative to this folder) and class."""


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


def video_scheme(name: str = "assay.canvas-film.2") -> VideoScheme:
    """Return the scheme for films."""
    return cast(VideoScheme, scheme(name))


def read_marks(view: View, *, keys: tuple[bytes, ...] = (SHARED_KEY,)) -> tuple[Mark, ...]:
    """Return every mark that `view` carries under one of `keys`: of its picture or film, then of its sound."""
    from .reading import read

    return read(view, keys=keys).marks


def write_marked(asset: Asset, destination: Path, payload: int, key: bytes) -> Mark:
    """Write a copy of `asset` that carries `payload` under `key`, and return the mark that was read back from it.

    The container is the one that the destination's suffix names. Raises what decoding, marking and encoding raise,
    `MarkError` too if the id cannot be read back; then nothing was written.
    """
    from .writing import write

    return write(asset, destination, payload, key)
