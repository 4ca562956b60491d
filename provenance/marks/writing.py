"""Marked copies of files: streamed from one file to the other, and read back before they get their name."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from ...media.asset import Asset
from ...media.audio import Audio
from ...media.decode import decode_image, stream_audio, stream_frames
from ...media.encode import encode_image, sound_kind, write_audio, write_film
from ...media.errors import InputError
from ..atomic import settle, temporary
from . import audio_scheme, image_scheme, video_scheme
from .interface import Mark, MarkError
from .reading import carried


def write(asset: Asset, destination: Path, payload: int, key: bytes) -> Mark:
    """Write a copy of `asset` that carries `payload` under `key`, and return the mark that was read back from it.

    The container is the one that the destination's suffix names. Sound and film are decoded, marked and encoded as they
    come: a long one takes the memory of a short one. The pictures of a film are marked, its sound is encoded again as
    it is. What decoding, marking and encoding raise is raised, `MarkError` if the id cannot be read back; then nothing
    was written.
    """
    container = destination.suffix.lower().lstrip(".").replace("jpg", "jpeg")
    try:
        with temporary(destination) as file:
            _write(asset, file, container, payload, key)
            file.flush()
            mark = carried(Asset.open(file.name), key)
            if mark is None or mark.payload != payload:
                found = "none" if mark is None else "another id"
                msg = f"the mark cannot be read back from the {container} file (found {found}): too short or too plain"
                raise MarkError(msg)
            shutil.copymode(asset.path, file.name)
            settle(file, destination)
    except OSError as error:
        msg = f"expected to write {str(destination)!r}, but: {error.strerror or error}"
        raise InputError(msg) from error
    return mark


def _write(asset: Asset, file: IO[bytes], container: str, payload: int, key: bytes) -> None:
    if asset.kind == "image":
        file.write(encode_image(image_scheme().embed(decode_image(asset).pixels, payload, key), container))
    elif asset.kind == "audio":
        sound_kind(container)  # a container that is not known is told before the sound is decoded
        write_audio(audio_scheme().embed_stream(stream_audio(asset), payload, key), file, container)
    elif asset.video is None or asset.video.rate is None:
        msg = f"{asset.path} has no pictures with a frame rate to mark"
        raise InputError(msg)
    else:
        frames = video_scheme().embed(stream_frames(asset), payload, key)
        blocks = None if asset.audio is None else from_first_frame(stream_audio(asset), asset.audio.start)
        write_film(frames, file, container, blocks=blocks, rate=asset.video.rate)


def from_first_frame(blocks: Iterable[Audio], start: float) -> Iterator[Audio]:
    """Yield the sound of `blocks`, which began `start` seconds after the first frame, as from the first frame on."""
    missing: int | None = None
    for block in blocks:
        if missing is None:
            missing = round(start * block.rate)
            if missing > 0:
                yield Audio(samples=np.zeros((len(block.samples), missing), np.float32), rate=block.rate)
        kept = block.samples[:, max(0, -missing) :]
        missing = min(0, missing + block.samples.shape[1]) if missing < 0 else 0
        if kept.size:
            yield Audio(samples=np.ascontiguousarray(kept), rate=block.rate)
