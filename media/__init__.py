"""What a file is: open, sniff, limit, decode, encode; find faces and speech; find model weights.

Importing this package loads nothing else: each name is fetched from its module when first used, so that a command
which only reads a manifest does not wait for numpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .asset import Asset, AudioInfo, ImageInfo, VideoInfo
    from .audio import Audio, resample
    from .decode import decode_audio, decode_image, stream_audio, stream_frames
    from .encode import encode_audio, encode_film, encode_image
    from .errors import (
        AssayError,
        InputError,
        LimitExceeded,
        MissingExtra,
        NothingToExamine,
        UnreadableMedia,
        WeightsError,
        WorkerFailed,
    )
    from .extent import Region, Span
    from .image import Still
    from .limits import Limits
    from .sampling import Sampling
    from .sniff import Container
    from .speech import voiced
    from .video import Film, Frame
    from .view import Crop, View

__all__ = [
    "AssayError",
    "Asset",
    "Audio",
    "AudioInfo",
    "Container",
    "Crop",
    "Film",
    "Frame",
    "ImageInfo",
    "InputError",
    "LimitExceeded",
    "Limits",
    "MissingExtra",
    "NothingToExamine",
    "Region",
    "Sampling",
    "Span",
    "Still",
    "UnreadableMedia",
    "VideoInfo",
    "View",
    "WeightsError",
    "WorkerFailed",
    "decode_audio",
    "decode_image",
    "encode_audio",
    "encode_film",
    "encode_image",
    "resample",
    "stream_audio",
    "stream_frames",
    "voiced",
]

_HOMES = {
    "asset": ("Asset", "AudioInfo", "ImageInfo", "VideoInfo"),
    "audio": ("Audio", "resample"),
    "decode": ("decode_audio", "decode_image", "stream_audio", "stream_frames"),
    "encode": ("encode_audio", "encode_film", "encode_image"),
    "errors": (
        "AssayError",
        "InputError",
        "LimitExceeded",
        "MissingExtra",
        "NothingToExamine",
        "UnreadableMedia",
        "WeightsError",
        "WorkerFailed",
    ),
    "extent": ("Region", "Span"),
    "image": ("Still",),
    "limits": ("Limits",),
    "sampling": ("Sampling",),
    "sniff": ("Container",),
    "speech": ("voiced",),
    "video": ("Film", "Frame"),
    "view": ("Crop", "View"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f".{module}", __name__), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
