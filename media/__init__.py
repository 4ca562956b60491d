"""What a file is: open, sniff, limit, decode, encode; find faces and speech; find model weights.

Importing this package is light: decoders run in a process of their own, and heavy libraries are imported where used.
"""

from .asset import Asset, AudioInfo, Container, ImageInfo, VideoInfo, sniff
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
from .home import home
from .image import Still
from .limits import Limits
from .sampling import Sampling
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
    "home",
    "resample",
    "sniff",
    "stream_audio",
    "stream_frames",
]
