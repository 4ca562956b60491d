"""What a file is: open, sniff, limit, decode, encode; find faces and speech; find model weights.

Importing this package is light: decoders run in a process of their own, and heavy libraries are imported where used.
"""

from .asset import Asset, AudioInfo, Container, ImageInfo, VideoInfo, sniff
from .audio import Audio, resample
from .decode import decode_audio, decode_image, stream_audio, stream_frames
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
from .home import home
from .image import Still
from .limits import Limits
from .video import Frame

__all__ = [
    "AssayError",
    "Asset",
    "Audio",
    "AudioInfo",
    "Container",
    "Frame",
    "ImageInfo",
    "InputError",
    "LimitExceeded",
    "Limits",
    "MissingExtra",
    "NothingToExamine",
    "Region",
    "Span",
    "Still",
    "UnreadableMedia",
    "VideoInfo",
    "WeightsError",
    "WorkerFailed",
    "decode_audio",
    "decode_image",
    "home",
    "resample",
    "sniff",
    "stream_audio",
    "stream_frames",
]
