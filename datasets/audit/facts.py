"""What a file says of itself and what can be measured without looking at it: how a corpus gives itself away.

`declared:` facts stand in headers (container, codec, rate, size); `measured:` facts are loudness, silence, bandwidth,
brightness, sharpness and their kin. None of them knows what is said or who is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import log2
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...media.asset import Asset
from ...media.audio import Audio
from ...media.decode import decode_audio, decode_image, stream_frames
from ...media.image import Still
from .headers import jpeg_facts
from .pictures import picture_measures
from .sounds import sound_measures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..launder import Media

Value = float | str
"""A number, or the name of a category."""
FRAMES = 8
"""Frames of a film that are measured, from its first seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of one item: name -> number or category. What does not apply is absent."""

    values: Mapping[str, Value]

    def __reduce__(self) -> tuple[Callable[[dict[str, Value]], Facts], tuple[dict[str, Value]]]:
        """Travel between processes: a mapping proxy cannot."""
        return _facts, (dict(self.values),)


def _facts(values: dict[str, Value]) -> Facts:
    return Facts(values=MappingProxyType(values))


def facts_of(path: Asset | str) -> Facts:
    """Return the declared and measured facts of a file. Raises what opening and decoding raise."""
    asset = path if isinstance(path, Asset) else Asset.open(path)
    return Facts(values=MappingProxyType(_declared(asset) | dict(measures(_decoded(asset)).values)))


def measures(media: Media) -> Facts:
    """Return the measured facts of media in memory: of a training set as it is used, after all that is done to it."""
    if isinstance(media, Audio):
        found = sound_measures(media)
    elif isinstance(media, Still):
        found = picture_measures([media.pixels])
    else:
        found = picture_measures([frame.image for frame in media])
    return Facts(values=MappingProxyType({f"measured: {name}": value for name, value in found.items()}))


def _decoded(asset: Asset) -> Media:
    if asset.kind == "audio":
        return decode_audio(asset)
    if asset.kind == "image":
        return decode_image(asset)
    return tuple(islice(stream_frames(asset, every=3, max_side=640), FRAMES))


def _declared(asset: Asset) -> dict[str, Value]:
    """Return what the header says. Lengths and sizes are on a log scale, so that a tree's splits are even."""
    values: dict[str, Value] = {"container": asset.container.name}
    seconds = None
    if asset.audio is not None:
        seconds = asset.audio.seconds
        values |= {"sample rate": float(asset.audio.rate), "channels": float(asset.audio.channels)}
        values["sound codec"] = asset.audio.codec
    if asset.image is not None:
        values |= _size(asset.image.width, asset.image.height) | {"colour mode": asset.image.mode}
        values["bytes a pixel"] = log2(asset.size / (asset.image.width * asset.image.height))
        if asset.container.name == "jpeg":
            values |= jpeg_facts(asset.path)
    if asset.video is not None:
        seconds = asset.video.seconds or seconds
        values |= _size(asset.video.width, asset.video.height) | {"picture codec": asset.video.codec}
        if asset.video.rate:
            values["frame rate"] = float(asset.video.rate)
    if seconds:
        values |= {"length": log2(seconds), "bytes a second": log2(asset.size / seconds)}
    return {f"declared: {name}": value for name, value in values.items()}


def _size(width: int, height: int) -> dict[str, Value]:
    return {"pixels": log2(width * height), "aspect": width / height, "width": float(width), "height": float(height)}


def silence_only(audio: Audio) -> NDArray[np.float32]:
    """Return the quiet parts of a sound alone, mono float32 `[n]`: what a "silence only" control hears."""
    from .sounds import quiet

    return quiet(audio)
