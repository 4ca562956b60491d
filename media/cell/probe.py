"""What a sound or film file is, inside the decoding process."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..limits import Limits
from ..wire import Body, Header
from .frames import matrix
from .streams import Reader, declared_seconds

if TYPE_CHECKING:
    from av import VideoStream

_PACKETS_MOST = 200


def inform(file: BinaryIO, limits: Limits, *, container: str) -> Iterator[tuple[Header, Body]]:
    """Send what the streams are: from the header, the first frame (for its display matrix) and packet times."""
    reader = Reader(file, limits, container=container)
    header: Header = {"video": None, "audio": None}
    if reader.audio is not None:
        context = reader.audio.codec_context
        header["audio"] = {
            "rate": context.sample_rate,
            "channels": context.channels,
            "codec": context.codec.canonical_name,
            "seconds": declared_seconds(reader.audio),
            "start": _start(reader),
        }
    if reader.video is not None:
        header["video"] = _describe(reader, reader.video)
    reader.close()
    yield header, b""


def _start(reader: Reader) -> float:
    """Return how many seconds after the first frame the sound starts; 0 without a film."""
    video, audio = reader.video, reader.audio
    if video is None or audio is None or video.start_time is None or audio.start_time is None:
        return 0.0
    return float(audio.start_time * (audio.time_base or 0) - video.start_time * (video.time_base or 0))


def _describe(reader: Reader, stream: VideoStream) -> dict[str, Any]:
    """Return what the film stream is."""
    context = stream.codec_context
    rate = stream.average_rate or stream.guessed_rate
    signs, ticks = _looked_at(reader, stream)
    a, b, c, d = signs
    width, height = (context.height, context.width) if b else (context.width, context.height)
    return {
        "width": width,
        "height": height,
        "codec": context.codec.canonical_name,
        "rate": [rate.numerator, rate.denominator] if rate else None,
        "seconds": declared_seconds(stream),
        "frames": stream.frames or None,
        "rotation": round(math.degrees(math.atan2(b, a))) % 360,
        "mirrored": a * d - b * c < 0,
        "variable_rate": _varies(ticks, stream.time_base),
    }


def _looked_at(reader: Reader, stream: VideoStream) -> tuple[tuple[int, int, int, int], list[int]]:
    """Return the display matrix of the first frame that decodes, and the times of the first packets."""
    import av

    signs = None
    ticks: list[int] = []
    try:
        for packet in reader.container.demux(stream):
            if signs is None:
                signs = next((matrix(frame) for frame in reader.decoded(packet)), None)  # type: ignore[arg-type]
            if packet.pts is not None:
                ticks.append(packet.pts)
            if len(ticks) >= _PACKETS_MOST:
                break
    except av.FFmpegError:  # whoever decodes will be told
        pass
    return signs or (1, 0, 0, 1), ticks


def _varies(ticks: list[int], base: Fraction | None) -> bool:
    """Whether the times of the first frames are unevenly apart, beyond rounding to the time base."""
    shown = np.sort(np.array(ticks, np.int64))
    if len(shown) > 40:
        shown = shown[:-20]  # packets come in coding order: among the last, frames yet to come are missing
    steps = np.diff(shown)
    steps = steps[steps > 0]
    if base is None or len(steps) < 2:
        return False
    return bool(steps.max() - steps.min() > max(2, 0.1 * float(np.median(steps))))
