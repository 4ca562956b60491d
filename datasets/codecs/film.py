"""Through a film format and back, in memory: H.264, H.265 and VP9 at a constant rate factor."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ...media.video import Frame
from ..corpus import CorpusError

_FEW = 2
"""Frames of a film that is encoded by a codec's `few` options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmCodec:
    """A lossy film format: FFmpeg's encoder, container and options. One thread: more would make runs differ.

    Codecs see whole blocks of `block` pixels: with a part of one, x264 and x265 read memory that nobody wrote, and two
    runs differ.
    """

    encoder: str
    container: str = "mp4"
    block: int = 16
    options: Mapping[str, str] = field(default_factory=dict)
    few: Mapping[str, str] = field(default_factory=dict)
    """Options in place of `options` for a film of one or two frames."""


def h264(crf: int, *, intra: bool = False) -> FilmCodec:
    """Return H.264 at constant rate factor `crf` (0-51); `intra`: every frame stands alone."""
    # Without cpu-independent, x264's vector code reads memory that nobody wrote: two runs differ.
    options = {"crf": str(crf), "preset": "veryfast", "threads": "1", "x264-params": "cpu-independent=1"}
    return FilmCodec(encoder="libx264", options=options | ({"g": "1"} if intra else {}))


def h265(crf: int) -> FilmCodec:
    """Return H.265 at constant rate factor `crf` (0-51)."""
    quiet = "log-level=none:pools=none:frame-threads=1"
    options = {"crf": str(crf), "preset": "veryfast", "x265-params": quiet}
    # Of one or two frames x265 gives the packets of B frames without times, which no container takes.
    few = options | {"x265-params": f"{quiet}:bframes=0"}
    return FilmCodec(encoder="libx265", block=64, options=options, few=few)


def vp9(crf: int) -> FilmCodec:
    """Return VP9 at constant quality `crf` (0-63)."""
    options = {"crf": str(crf), "b": "0", "deadline": "good", "cpu-used": "5", "threads": "1"}
    return FilmCodec(encoder="libvpx-vp9", container="webm", options=options)


def rate_of(frames: Sequence[Frame]) -> Fraction:
    """Return the frames a second that the times of `frames` tell, 25 where they tell nothing."""
    steps = np.diff([frame.time for frame in frames])
    step = float(np.median(steps)) if steps.size else 0.0
    return Fraction(1 / step).limit_denominator(1001) if step > 0.001 else Fraction(25)


def through_film(frames: Sequence[Frame], codec: FilmCodec) -> tuple[Frame, ...]:
    """Return `frames` encoded by `codec` and decoded again; times, indices and sizes are kept.

    Raises `CorpusError` if there are none or the encoder gives none of them, or too few, back.
    """
    import av
    import cv2

    if not frames:
        msg = f"expected frames to send through {codec.encoder}, got none"
        raise CorpusError(msg)
    height, width = frames[0].image.shape[:2]
    try:
        planes = _planes(_encoded(frames, codec))
    except av.FFmpegError as error:
        words = " ".join(str(error).split())
        msg = f"{codec.encoder} does not take {len(frames)} frames of {width} x {height} pixels: {words}"
        raise CorpusError(msg) from error
    if len(planes) != len(frames):
        msg = f"expected {len(frames)} frames back from {codec.encoder}, got {len(planes)}"
        raise CorpusError(msg)
    images = [cv2.cvtColor(one, cv2.COLOR_YUV2RGB_I420)[:height, :width] for one in planes]
    return tuple(
        Frame(index=frame.index, time=frame.time, image=np.ascontiguousarray(image, np.uint8))
        for frame, image in zip(frames, images, strict=True)
    )


def _encoded(frames: Sequence[Frame], codec: FilmCodec) -> io.BytesIO:
    """Return the file that `codec` makes of `frames`, edges repeated up to whole blocks."""
    import av
    import cv2

    height, width = frames[0].image.shape[:2]
    # Two blocks at least: of a picture of one, x265 makes another film every time.
    least = 2 * codec.block
    down, right = (max(least, -(-side // codec.block) * codec.block) - side for side in (height, width))
    rate = rate_of(frames)
    store = io.BytesIO()
    options = dict(codec.few if codec.few and len(frames) <= _FEW else codec.options)
    with av.open(store, "w", format=codec.container) as out:
        stream = cast("av.VideoStream", out.add_stream(codec.encoder, rate=rate, options=options))
        stream.width, stream.height, stream.pix_fmt = width + right, height + down, "yuv420p"
        for i, frame in enumerate(frames):
            whole = np.pad(frame.image, ((0, down), (0, right), (0, 0)), mode="edge")
            # Colours are turned by OpenCV: swscale's rounding depends on how the memory lies.
            planes = np.asarray(cv2.cvtColor(whole, cv2.COLOR_RGB2YUV_I420), np.uint8)
            picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            picture.pts = i
            picture.time_base = 1 / rate
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    store.seek(0)
    return store


def _planes(store: io.BytesIO) -> list[NDArray[np.uint8]]:
    """Return each frame in `store` as YUV 4:2:0 planes, uint8 `[3 h / 2, w]`."""
    import av

    with av.open(store, "r") as media:
        return [np.asarray(picture.to_ndarray(format="yuv420p"), np.uint8) for picture in media.decode(video=0)]
