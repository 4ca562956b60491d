"""Who is measured: our schemes and those of others, behind one small face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from ...datasets.launder import Media
from ...media.audio import Audio
from ...media.errors import InputError
from ...media.image import Still
from ...provenance import marks

CONTENDERS: Mapping[str, str] = MappingProxyType(
    {
        "assay-image": ".contenders:OurImage",
        "assay-audio": ".contenders:OurAudio",
        "assay-film": ".contenders:OurFilm",
        "invisible-watermark-dwtDctSvd": ".peers:DwtDctSvd",
        "invisible-watermark-rivaGan": ".peers:RivaGan",
        "blind-watermark": ".peers:BlindWatermark",
        "resemble-perth": ".peers:Perth",
        "dwtDctSvd-by-frame": ".peers:DwtDctSvdByFrame",
    }
)
"""Name -> module (relative to this folder) and class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a scheme makes of a piece of media.

    `payload` is the id it read, `None` where it says that there is none; `share` the share of an expected id's bits
    that are right, where a scheme reads bits whatever comes; `present` what a scheme without an id says.
    """

    payload: int | None = None
    share: float | None = None
    present: bool | None = None
    p_false_alarm: float | None = None


class Contender(Protocol):
    """A scheme under test. `bits` of its id, 0 where it tells presence alone; `ours` where it takes a key."""

    name: str
    kind: str
    bits: int
    ours: bool

    def embed(self, media: Media, payload: int) -> Media:
        """Return `media` with the lowest `bits` of `payload` in it."""
        ...

    def read(self, media: Media, expected: int) -> Reading:
        """Return what `media` carries; `expected` serves to count bits alone."""
        ...


def contender(name: str) -> Contender:
    """Return the scheme called `name`. Raises `InputError` for an unknown name, naming the known."""
    if name not in CONTENDERS:
        msg = f"no mark scheme is called {name!r}: known are {', '.join(CONTENDERS)}"
        raise InputError(msg)
    module, _, attribute = CONTENDERS[name].partition(":")
    return cast("Contender", getattr(import_module(module, __package__), attribute)())


def _told(mark: marks.Mark | None) -> Reading:
    return Reading() if mark is None else Reading(payload=mark.payload, p_false_alarm=mark.p_false_alarm)


class OurImage:
    """`assay.canvas.1` under the shared key."""

    name, kind, bits, ours = "assay-image", "image", 64, True

    def embed(self, media: Media, payload: int) -> Media:
        """Return the marked picture."""
        return Still(pixels=marks.image_scheme().embed(cast("Still", media).pixels, payload, marks.SHARED_KEY))

    def read(self, media: Media, expected: int) -> Reading:
        """Return the id that the picture carries."""
        del expected
        return _told(marks.image_scheme().detect(cast("Still", media).pixels, marks.SHARED_KEY))


class OurAudio:
    """`assay.stave.2` under the shared key."""

    name, kind, bits, ours = "assay-audio", "audio", 64, True

    def embed(self, media: Media, payload: int) -> Media:
        """Return the marked sound."""
        return marks.audio_scheme().embed(cast("Audio", media), payload, marks.SHARED_KEY)

    def read(self, media: Media, expected: int) -> Reading:
        """Return the id that the sound carries."""
        del expected
        return _told(marks.audio_scheme().detect(cast("Audio", media), marks.SHARED_KEY))


class OurFilm:
    """`assay.canvas-film.2` under the shared key."""

    name, kind, bits, ours = "assay-film", "film", 64, True

    def embed(self, media: Media, payload: int) -> Media:
        """Return the marked film."""
        if isinstance(media, Audio | Still):
            raise TypeError(type(media))
        return tuple(marks.video_scheme().embed(media, payload, marks.SHARED_KEY))

    def read(self, media: Media, expected: int) -> Reading:
        """Return the id that the film carries."""
        del expected
        if isinstance(media, Audio | Still):
            raise TypeError(type(media))
        return _told(marks.video_scheme().detect(media, marks.SHARED_KEY))
