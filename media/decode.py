"""Decoding: foreign bytes in, `Still`, `Audio` and `Frame` out, all by way of a capped process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .asset import Asset, sniff
from .audio import Audio
from .errors import NothingToExamine, UnreadableMedia, WorkerFailed
from .image import Still
from .limits import Limits
from .video import Frame
from .wire import Header
from .worker import run, stream

Source = Asset | bytes
"""A file that was opened, or the bytes of one (something just encoded, for instance)."""
OnNote = Callable[[str], None]
"""Told, in words, of damage that decoding passed over. Where nobody listens it is logged as a warning."""

_LOG = logging.getLogger("assay.media")


def decode_image(source: Source, *, limits: Limits | None = None) -> Still:
    """Return the (first) picture of `source`, upright. Raises `UnreadableMedia` if it is damaged or cut off."""
    where, name = place(source)
    if name not in {"jpeg", "png", "webp", "tiff", "gif", "heif", "avif"}:
        msg = f"expected a picture, got {name}"
        raise NothingToExamine(msg)
    header, body = run("image", where, limits=limits or Limits(), container=name)
    return Still(
        pixels=picture(header, body),
        orientation=int(header["orientation"]),
        frames=int(header["frames"]),
        notes=tuple(str(note) for note in header["notes"]),
    )


def decode_audio(source: Source, *, limits: Limits | None = None, on_note: OnNote | None = None) -> Audio:
    """Return the whole sound of `source` at its own rate and channels.

    Raises `NothingToExamine` if it has none, `UnreadableMedia` if nothing decodes or samples are not finite.
    """
    parts = list(stream_audio(source, block_seconds=30.0, limits=limits, on_note=on_note))
    if len(parts) == 1:
        return parts[0]
    return Audio(samples=np.concatenate([part.samples for part in parts], axis=1), rate=parts[0].rate)


def stream_audio(
    source: Source, *, block_seconds: float = 10.0, limits: Limits | None = None, on_note: OnNote | None = None
) -> Iterator[Audio]:
    """Yield the sound of `source` in blocks of `block_seconds`, the last one shorter. Raises as `decode_audio`."""
    if not block_seconds > 0:
        msg = f"block_seconds must be positive, got {block_seconds}"
        raise ValueError(msg)
    where, name = place(source)
    jobs = stream("sound", where, limits=limits or Limits(), container=name, seconds=block_seconds)
    with closing(jobs):
        for header, body in jobs:
            if header.get("kind") == "last":
                tell(header, on_note)
            else:
                yield sound(header, body)


def stream_mono(
    source: Source,
    *,
    rate: int,
    block_seconds: float = 10.0,
    limits: Limits | None = None,
    on_note: OnNote | None = None,
) -> Iterator[Audio]:
    """Yield the mean of the channels at `rate` hertz, in blocks of about `block_seconds`: any length in little memory.

    Raises as `decode_audio`.
    """
    where, name = place(source)
    jobs = stream("sound", where, limits=limits or Limits(), container=name, seconds=block_seconds, mono=rate)
    with closing(jobs):
        for header, body in jobs:
            if header.get("kind") == "last":
                tell(header, on_note)
            else:
                yield sound(header, body)


def stream_frames(
    source: Source,
    *,
    limits: Limits | None = None,
    every: int = 1,
    max_side: int | None = None,
    on_note: OnNote | None = None,
) -> Iterator[Frame]:
    """Yield every `every`-th frame of `source`, upright, scaled down to `max_side` pixels a side if asked.

    Raises `NothingToExamine` if there is none, `UnreadableMedia` if nothing decodes.
    """
    if every < 1 or (max_side is not None and max_side < 1):
        msg = f"every and max_side must be at least 1, got {every} and {max_side}"
        raise ValueError(msg)
    where, name = place(source)
    jobs = stream("frames", where, limits=limits or Limits(), container=name, every=every, max_side=max_side)
    with closing(jobs):
        for header, body in jobs:
            if header.get("kind") == "last":
                tell(header, on_note)
            else:
                yield film_frame(header, body)


def picture(header: Header, body: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pixels of a message. Raises `WorkerFailed` if header and body do not agree."""
    shape = tuple(int(side) for side in header["shape"])
    if len(shape) != 3 or shape[2] != 3 or shape[0] * shape[1] * 3 != body.size:
        msg = f"the decoding process sent {body.size} bytes for a picture of shape {shape}"
        raise WorkerFailed(msg)
    return body.reshape(shape)


def sound(header: Header, body: NDArray[np.uint8]) -> Audio:
    """Return the sound of a message. Raises `WorkerFailed` if header and body do not agree."""
    shape = tuple(int(side) for side in header["shape"])
    if len(shape) != 2 or shape[0] * shape[1] * 4 != body.size:
        msg = f"the decoding process sent {body.size} bytes for sound of shape {shape}"
        raise WorkerFailed(msg)
    return Audio(samples=body.view(np.float32).reshape(shape), rate=int(header["rate"]))


def film_frame(header: Header, body: NDArray[np.uint8]) -> Frame:
    """Return the frame of a message."""
    return Frame(index=int(header["index"]), time=float(header["time"]), image=picture(header, body))


def tell(header: Header, on_note: OnNote | None) -> None:
    """Pass on the notes of a message."""
    for note in header.get("notes", ()):
        if on_note is None:
            _LOG.warning("%s", note)
        else:
            on_note(str(note))


def place(source: Source) -> tuple[Path | bytes, str]:
    """Return where the bytes of `source` are and in which container. Raises `UnreadableMedia` if the file changed."""
    if isinstance(source, Asset):
        try:
            same = source.path.stat().st_size == source.size
        except OSError:
            same = False
        if not same:
            msg = f"{str(source.path)!r} changed or went away since it was opened"
            raise UnreadableMedia(msg)
        return source.path, source.container.name
    return source, sniff(source).name
