"""Reading whatever marks a file carries: films in the pass that decodes them, long ones by stretches first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...media.decode import decode_image, stream_frames, stream_mono
from ...media.errors import AssayError, LimitExceeded, NothingToExamine, UnreadableMedia, WorkerFailed
from ...media.sampling import Passing
from ...media.video import Frame
from . import audio_scheme, image_scheme, stave, video_reader, video_scheme
from .interface import Mark
from .keys import SHARED_KEY

if TYPE_CHECKING:
    from ...media.asset import Asset
    from ...media.view import View

FILM_SIDE = 640
"""Pixels: larger frames of a film are scaled down while they are decoded; the mark lies far below that detail."""
STRETCHES = Passing(max_side=FILM_SIDE, whole=60.0, stretch=4.0, every=20.0)
"""What is read of a long film at first: 4 s hold a whole window of groups, so any marked half minute shows itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The marks that were found, and notes on what was not looked at."""

    marks: tuple[Mark, ...]
    notes: tuple[str, ...] = ()


def read(view: View, *, keys: tuple[bytes, ...] = (SHARED_KEY,)) -> Reading:
    """Return every mark that `view` carries under one of `keys`: of its picture or film, then of its sound.

    A film is read while it is decoded, one of more than a minute by stretches and, if these show a mark, once more as a
    whole. What is broken in one of pictures and sound hides no mark in the other. Raises what decoding raises.
    """
    found: list[Mark | None] = []
    notes: tuple[str, ...] = ()
    faults: list[AssayError] = []
    if view.still is not None:
        found += [image_scheme().detect(view.still.pixels, key) for key in keys]
    if view.kind == "video":
        try:
            found, notes = _of_film(view, keys)
        except (UnreadableMedia, NothingToExamine) as error:
            faults.append(_of_a_part(error))
    if view.kind != "image":
        try:
            found += [audio_scheme().heard(view.listen(stave.RATE, block_seconds=30.0), key) for key in keys]
        except (UnreadableMedia, NothingToExamine) as error:
            faults.append(_of_a_part(error))
    return _told(tuple(mark for mark in found if mark is not None), notes, faults, parts=1 + (view.kind == "video"))


def carried(asset: Asset, key: bytes) -> Mark | None:
    """Return the mark under `key` of a picture, of all pictures of a film or of all of a sound; `None` without.

    Memory does not grow with the length. Raises what decoding raises.
    """
    if asset.kind == "image":
        return image_scheme().detect(decode_image(asset).pixels, key)
    if asset.kind == "audio":
        return audio_scheme().heard(stream_mono(asset, rate=stave.RATE, block_seconds=30.0), key)
    return video_scheme().detect(stream_frames(asset, max_side=FILM_SIDE), key)


def _of_a_part(error: AssayError) -> AssayError:
    """Return an error that is about pictures or sound alone. Raises one that is about the whole file."""
    if isinstance(error, (LimitExceeded, WorkerFailed)):
        raise error
    return error


def _told(marks: tuple[Mark, ...], notes: tuple[str, ...], faults: list[AssayError], *, parts: int) -> Reading:
    """Return what was read, with the faults as notes. Raises the first that counts if no mark was found."""
    broken = [error for error in faults if not isinstance(error, NothingToExamine)]
    if not marks and (broken or len(faults) == parts):
        raise (broken or faults)[0]
    return Reading(marks=marks, notes=notes + tuple(f"marks were read in a part of the file only: {e}" for e in broken))


def _of_film(view: View, keys: tuple[bytes, ...]) -> tuple[list[Mark | None], tuple[str, ...]]:
    found, seen = _watched(view, keys, STRETCHES)
    length = view.seconds or 0.0
    if seen > length - 0.5:
        return found, ()
    if any(found):
        return _watched(view, keys, Passing(max_side=FILM_SIDE))[0], ()
    how = f"all of its first {STRETCHES.whole:g} s, then {STRETCHES.stretch:g} s in every {STRETCHES.every:g}"
    return found, (f"the film's mark was looked for in {seen:.0f} of {length:.0f} s: {how}",)


def _watched(view: View, keys: tuple[bytes, ...], passing: Passing) -> tuple[list[Mark | None], float]:
    readers = [video_reader.Reader(key, video_scheme().name) for key in keys]

    def see(frame: Frame) -> None:
        for reader in readers:
            reader.add(frame)

    seconds = view.watch(see, passing=passing)
    return [reader.result() for reader in readers], seconds
