"""From a draft to the bytes of a file, in memory: the label people meet, the mark, the encoding, the metadata label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..media.audio import Audio
from ..media.encode import encode_film, encode_image, write_audio
from ..media.errors import InputError
from ..media.image import Still
from ..media.video import Film, Frame
from ..provenance.labels.audible import audible_lead
from ..provenance.labels.explicit import Plate, Style, burn_in_frames, plate
from ..provenance.labels.fields import Aigc, Disclosure
from ..provenance.labels.implicit import write_metadata
from ..provenance.labels.shown import Shown
from ..provenance.marks import audio_scheme, image_scheme, video_scheme
from ..provenance.marks.stave import HUSH
from ..provenance.vocabulary import IPTC
from .floor import ENOUGH, with_floor
from .interface import Draft, PublishError

VISIBLE = "AI MODIFIED 合成"
"""The words on pictures: the European badge says AI MODIFIED, GB 45438-2025 wants AI and 合成 (composed)."""
STYLE = Style(height=0.06)
"""A little higher than the standard's 5 %, so that the letters still measure so after lossy encoding."""
_PROVIDER = "assay"
_CONTAINERS = {
    "image": {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp"},
    "audio": {".wav": "wav", ".flac": "flac", ".mp3": "mp3", ".m4a": "m4a"},
    "video": {".mp4": "mp4", ".mov": "mov"},
}
"""Suffix -> container, by kind: those that hold a manifest, so that none is published without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What one publication puts into its file: container, the id in the mark, the mark's key, the time of making."""

    container: str
    payload: int
    key: bytes
    made: datetime

    @property
    def content_id(self) -> str:
        """The id as text: 16 hexadecimal digits."""
        return f"{self.payload:016x}"


def kind_of(draft: Draft) -> Literal["image", "audio", "video"]:
    """Return what kind of media `draft` holds."""
    if isinstance(draft.media, Still):
        return "image"
    return "audio" if isinstance(draft.media, Audio) else "video"


def container_for(draft: Draft, out: Path) -> str:
    """Return the container that `out`'s suffix asks for. Raises `InputError` if draft or manifest does not fit it."""
    known = _CONTAINERS[kind_of(draft)]
    container = known.get(out.suffix.lower())
    if container is None:
        msg = f"expected a name that ends in {', '.join(known)} for this {kind_of(draft)}, got {out.name!r}"
        raise InputError(msg)
    return container


def scheme_name(draft: Draft) -> str:
    """Return the name of the mark that `finish` embeds."""
    kind = kind_of(draft)
    if kind == "image":
        return image_scheme().name
    return audio_scheme().name if kind == "audio" else video_scheme().name


def finish(draft: Draft, stamp: Stamp) -> bytes:
    """Return the file that `draft` becomes, all but its manifest.

    Raises `PublishError` if a label or mark left the media as it was, `MarkError` and `LabelError` as they come.
    """
    media, shown = draft.media, None
    if isinstance(media, Still):
        height, width = media.pixels.shape[:2]
        label = plate(width, height, VISIBLE, style=STYLE)
        shown = Shown.of(label, size=(width, height))
        data = encode_image(_picture(media.pixels, label, stamp), stamp.container)
    elif isinstance(media, Audio):
        data = _sound(media, stamp)
    else:
        first = next(media.frames(), None)
        if first is None:
            msg = "the film has no frame"
            raise PublishError(msg)
        height, width = first.image.shape[:2]
        shown = Shown.of(plate(width, height, VISIBLE, style=STYLE), size=(width, height))
        data = encode_film(_frames(media, stamp), media.audio, stamp.container, rate=media.rate)
    return write_metadata(data, stamp.container, fields=disclosure(draft, stamp, shown))


def disclosure(draft: Draft, stamp: Stamp, shown: Shown | None) -> Disclosure:
    """Return what the metadata says: made, how, by which program, when, under which id; no person, no consent."""
    return Disclosure(
        source_type=IPTC + draft.source_type,
        aigc=Aigc(label="1", content_producer=f"{_PROVIDER}/{__version__}", produce_id=stamp.content_id),
        provider=_PROVIDER,
        system=draft.engine,
        system_version=__version__,
        made=stamp.made,
        content_id=stamp.content_id,
        shown=shown,
    )


def _picture(pixels: NDArray[np.uint8], label: Plate, stamp: Stamp) -> NDArray[np.uint8]:
    labelled = label.apply(pixels)
    marked = image_scheme().embed(labelled, stamp.payload, stamp.key)
    _need_change(pixels, labelled, "label")
    _need_change(labelled, marked, "mark")
    return marked


def _sound(audio: Audio, stamp: Stamp) -> bytes:
    """Return the file of `audio`, with its notice and its mark, that is encoded while it is marked."""
    if max(abs(float(audio.samples.max())), abs(float(audio.samples.min()))) <= HUSH:
        msg = "the sound is silent: there is nothing that could hide a mark"
        raise PublishError(msg)
    lead = audible_lead(audio)
    if not lead.samples.any():
        raise _unchanged("notice")
    parts = [lead, audio]
    if audio.seconds < ENOUGH:
        start, end = lead.samples.shape[1], lead.samples.shape[1] + audio.samples.shape[1]
        noticed = Audio(samples=np.concatenate([lead.samples, audio.samples], axis=1), rate=audio.rate)
        parts = [with_floor(noticed, start, end, seed=stamp.payload)]
    file = BytesIO()
    write_audio(_marked(parts, stamp), file, stamp.container)
    return file.getvalue()


def _marked(parts: list[Audio], stamp: Stamp) -> Iterator[Audio]:
    """Yield the sound of `parts` with its mark. Raises `PublishError` at the end if that changed nothing."""
    before = [part.samples for part in parts]
    changed = False
    for block in audio_scheme().embed_stream(parts, stamp.payload, stamp.key):
        count = block.samples.shape[1]
        same, before = _parted(before, count)
        changed = changed or not np.array_equal(same, block.samples)
        yield block
    if not changed:
        raise _unchanged("mark")


def _parted(parts: list[NDArray[np.float32]], count: int) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """Return the first `count` samples of `parts`, and what is left of them."""
    first = parts[0][:, :count]
    if first.shape[1] == count:
        return first, [parts[0][:, count:], *parts[1:]]
    if len(parts) == 1:
        return first, [parts[0][:, count:]]
    more, left = _parted(parts[1:], count - first.shape[1])
    return np.concatenate([first, more], axis=1), left


def _frames(film: Film, stamp: Stamp) -> Iterator[Frame]:
    return video_scheme().embed(burn_in_frames(film.frames(), VISIBLE, style=STYLE), stamp.payload, stamp.key)


def _need_change(before: NDArray[Any], after: NDArray[Any], what: str) -> None:
    if before.shape == after.shape and np.array_equal(before, after):
        raise _unchanged(what)


def _unchanged(what: str) -> PublishError:
    return PublishError(f"the {what} left the media as it was, so nothing was published")
