"""Labels a file as the rules ask: words on the picture or a notice in front of the sound, and the metadata.

The media comes back in its own container. Pictures keep their quality and metadata (`recode`), films their frame times
and their sound as it was encoded (`remux`), sounds their rate, channels and about their bit rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from typing import TypeVar

import numpy as np

from ...media.asset import Asset
from ...media.audio import Audio
from ...media.decode import decode_audio, decode_image, stream_frames
from ...media.encode import encode_audio, encode_film
from ...media.errors import NothingToExamine
from ...media.image import Still
from ...media.limits import Limits
from ...media.mux import Output, SoundKind, sound_frames
from ...media.video import Film, Frame
from .audible import audible_notice
from .carriers import READ_ONLY, carrier
from .explicit import Style, burn_in_frames, plate
from .fields import Disclosure
from .implicit import write_metadata
from .interface import LabelError
from .recode import KEEPING, recode
from .remux import with_sound_of
from .shown import Shown
from .words import STYLE

_Media = TypeVar("_Media", Still, Audio, Film)
_FILMS = ("mp4", "mov", "mkv", "webm")
_SOUNDS = ("wav", "flac", "mp3", "aac", "m4a", "ogg")
_LOSSLESS = frozenset({"wav", "flac"})
_FINE = frozenset({"pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"})  # finer than 16 bits
_BIT_RATES = (64_000, 320_000)  # bits a second: least and most for lossy sound
_USUAL_RATE = Fraction(25)  # frames a second where a film does not tell; frame times are kept anyway


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What people see or hear: `text` on pictures, for `seconds` of a film (all by default), `spoken` before sound."""

    text: str
    style: Style = STYLE
    seconds: float | None = None
    spoken: Audio | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """The bytes of the labelled file, and in words what else encoding it anew changed."""

    data: bytes
    notes: tuple[str, ...] = ()


def put_on(media: _Media, wording: Wording) -> tuple[_Media, Shown | None]:
    """Return `media` with `wording` on it, and where it is seen (`None` for sound).

    Raises `LabelError` if it does not fit, `NothingToExamine` for a film without frames.
    """
    if isinstance(media, Audio):
        return audible_notice(media, spoken=wording.spoken), None
    if isinstance(media, Still):
        tall, wide = media.pixels.shape[:2]
        drawn = plate(wide, tall, wording.text, style=wording.style)
        return replace(media, pixels=drawn.apply(media.pixels)), Shown.of(drawn, size=(wide, tall))
    first = next(media.frames(), None)
    if first is None:
        msg = "the film has no frame"
        raise NothingToExamine(msg)
    tall, wide = first.image.shape[:2]
    drawn = plate(wide, tall, wording.text, style=wording.style)
    unlabelled = media.frames

    def frames() -> Iterator[Frame]:
        return burn_in_frames(unlabelled(), wording.text, seconds=wording.seconds, style=wording.style)

    # An odd side is made even by encoding (4:2:0), so the place is told in the sides that the file will have.
    even = (wide + wide % 2, tall + tall % 2)
    return replace(media, frames=frames), Shown.of(drawn, size=even, seconds=wording.seconds)


def label_file(
    asset: Asset, fields: Disclosure, wording: Wording | None = None, *, limits: Limits | None = None
) -> Labelled:
    """Return the file of `asset` with `fields` in its metadata and, unless it is `None`, `wording` on its content.

    Without a notice the content stays bit for bit. Raises `LabelError` if the container cannot hold a label or the
    picture moves (animated), and as decoding does.
    """
    limits = limits or Limits()
    name = asset.container.name
    if carrier(name) is None or name in READ_ONLY:
        msg = f"labels cannot be written into {name}: convert the file first"
        raise LabelError(msg)
    if wording is None:
        return Labelled(data=write_metadata(asset.path.read_bytes(), name, fields=fields, limits=limits))
    notes: list[str] = []
    if asset.kind == "image":
        data, shown = _picture(asset, wording, limits, notes)
    elif asset.kind == "audio":
        data, shown = _sound(asset, wording, limits, notes), None
    else:
        data, shown = _film(asset, wording, limits, notes)
    told = replace(fields, shown=shown)
    return Labelled(data=write_metadata(data, name, fields=told, limits=limits), notes=tuple(notes))


def _picture(asset: Asset, wording: Wording, limits: Limits, notes: list[str]) -> tuple[bytes, Shown | None]:
    still = decode_image(asset, limits=limits)
    if still.frames > 1:
        msg = f"the file holds {still.frames} pictures, of which only one could be labelled: make it a film first"
        raise LabelError(msg)
    notes += [note for note in still.notes if "orientation" not in note]
    if asset.container.name not in KEEPING:
        notes.append("metadata other than the labels is not carried over")
    labelled, shown = put_on(still, wording)
    mode = "" if asset.image is None else asset.image.mode
    data = recode(
        asset.path.read_bytes(),
        asset.container.name,
        labelled.pixels,
        orientation=still.orientation,
        rgb=mode in {"RGB", "RGBA", "P"},
    )
    return data, shown


def _sound(asset: Asset, wording: Wording, limits: Limits, notes: list[str]) -> bytes:
    name = asset.container.name
    if name not in _SOUNDS:
        msg = f"a notice can be put into {', '.join(_SOUNDS)}, not into {name}: convert the file, or label the metadata"
        raise LabelError(msg)
    before = decode_audio(asset, limits=limits, on_note=notes.append)
    audio, _ = put_on(before, wording)
    codec = "" if asset.audio is None else asset.audio.codec
    notes.append("tags other than the labels are not carried over")
    if name == "wav" and codec in _FINE:
        if codec != "pcm_f32le":
            notes.append(f"{codec} written as 32-bit floats")
        return _floats(audio)
    if name in _LOSSLESS:
        if np.any(before.samples * 32768 % 1):  # what a container says of its depth may be wrong: look
            notes.append("samples of more than 16 bits written as 16-bit samples")
        return encode_audio(audio, name)
    if name == "ogg" and "opus" not in codec:
        notes.append(f"{codec} encoded as Opus")
    lowest, highest = _BIT_RATES
    return encode_audio(audio, name, bit_rate=min(max(round(8 * asset.size / audio.seconds), lowest), highest))


def _floats(audio: Audio) -> bytes:
    """Return `audio` as a wav of 32-bit floats, which hold 24 bits exactly."""
    kind = SoundKind(muxer="wav", codec="pcm_f32le", layout="flt")
    file = BytesIO()
    with Output(kind.muxer, file, audio) as out:
        stream = out.add_sound(audio, kind, None)
        for frame in sound_frames([audio], kind):
            out.write(stream, frame)
    return file.getvalue()


def _film(asset: Asset, wording: Wording, limits: Limits, notes: list[str]) -> tuple[bytes, Shown | None]:
    name = asset.container.name
    if name not in _FILMS:
        msg = f"words can be put on films in {', '.join(_FILMS)}, not in {name}: convert it, or label the metadata"
        raise LabelError(msg)
    rate = _USUAL_RATE if asset.video is None or asset.video.rate is None else asset.video.rate
    told: set[str] = set()
    film = Film(frames=lambda: stream_frames(asset, limits=limits, on_note=told.add), rate=rate)
    labelled, shown = put_on(film, wording)
    made = encode_film(labelled.frames(), None, name, rate=rate)
    notes += sorted(told)
    return with_sound_of(asset.path, made, name, limits=limits), shown
