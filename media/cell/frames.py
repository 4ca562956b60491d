"""Frames of a film, inside the decoding process: upright, RGB, with the time the stream gives them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import LimitExceeded, NothingToExamine, UnreadableMedia
from ..limits import Limits
from ..wire import Body, Header
from .streams import Reader, check_size

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.video.reformatter import VideoReformatter


_BRIGHT_FIRST = frozenset({"gray", "nv12", "nv21"})
"""Formats, beside the planar 8-bit ones, whose first plane is brightness alone."""


_LOOKS_APART = 100
"""Frames between two looks at the display matrix, which may change where a key frame begins."""


class Clock:
    """Gives each frame its time in seconds after the first, from the stream's time base."""

    def __init__(self, stream: VideoStream, limits: Limits) -> None:
        """Start with nothing seen."""
        rate = stream.average_rate or stream.guessed_rate
        self._step = float(1 / rate) if rate else 0.04
        self._limits = limits
        self.first: float | None = None
        self.count, self.last = 0, -self._step
        self._bent = False
        # an elementary stream has no times; those that FFmpeg invents for it skip
        self._blind = stream.container.format.name == "mpegvideo"
        # AVI numbers frames in coding order: only the decoder's own order of output is that of time
        self._coded = stream.container.format.name == "avi"

    def tick(self, frame: VideoFrame) -> tuple[int, float]:
        """Return index and time of the next frame. Raises `LimitExceeded`."""
        stamp = frame.dts if frame.pts is None or self._coded else frame.pts
        if self._blind or stamp is None or frame.time_base is None:
            self._blind = not self._coded  # the last frames of an AVI come after its last packet
            time = self.last + self._step
        else:
            seconds = float(stamp * frame.time_base)
            if self.first is None:
                self.first = seconds
            time = seconds - self.first
        if time <= self.last:
            self._bent = True
            time = self.last + self._step
        index, self.last = self.count, time
        self.count += 1
        if self.count > self._limits.frames or time > self._limits.seconds:
            msg = f"the film is longer than the {self._limits.frames} frames or {self._limits.seconds:.0f} s accepted"
            raise LimitExceeded(msg)
        return index, time

    @property
    def seconds(self) -> float:
        """Length so far: the last frame's time and its share."""
        return self.last + self._step if self.count else 0.0

    def notes(self) -> list[str]:
        """Say where times had to be mended."""
        notes = []
        if self._blind:
            notes.append("some frames carry no time: theirs follows from the frame rate")
        if self._bent:
            notes.append("some frame times do not rise: theirs follow from the frame rate")
        return notes


def each(
    file: BinaryIO, limits: Limits, *, container: str, every: int, max_side: int | None
) -> Iterator[tuple[Header, Body]]:
    """Send every `every`-th frame, then a last message with the notes."""
    reader = Reader(file, limits, container=container)
    if reader.video is None:
        msg = f"the {container} file holds no film"
        raise NothingToExamine(msg)
    clock, packer = Clock(reader.video, limits), Packer(limits, max_side=max_side)
    for frame in reader.frames(reader.video):
        index, time = clock.tick(frame)  # type: ignore[arg-type]
        if index % every == 0:
            yield packer.packed(frame, index=index, time=time)  # type: ignore[arg-type]
    if not clock.count:
        raise empty_film(reader)
    notes = reader.notes() + clock.notes() + reader.shortfall(reader.video, clock.seconds, slack=0.5)
    reader.close()
    yield {"kind": "last", "notes": notes}, b""


class Packer:
    """Makes messages of frames: RGB, upright, at most `max_side` pixels a side."""

    def __init__(self, limits: Limits, *, max_side: int | None) -> None:
        """Start a film."""
        self._limits, self._max_side = limits, max_side
        self._signs, self._next = (1, 0, 0, 1), 0
        gc.freeze()  # what is there are libraries: the collections below need not look at them

    def packed(self, frame: VideoFrame, *, index: int, time: float) -> tuple[Header, Body]:
        """Return the next frame as a message. Raises `LimitExceeded`."""
        if index >= self._next and (frame.key_frame or not self._next):
            # Asking a frame for its side data ties it into a cycle, which only a collection frees: megabytes each.
            self._signs, self._next = matrix(frame), index + _LOOKS_APART
            gc.collect()
        return self._message(frame, self._signs, index=index, time=time)

    def alone(self, frame: VideoFrame, *, index: int, time: float) -> tuple[Header, Body]:
        """Return one frame of few as a message. Raises `LimitExceeded`."""
        return self._message(frame, matrix(frame), index=index, time=time)

    def _message(
        self, frame: VideoFrame, signs: tuple[int, int, int, int], *, index: int, time: float
    ) -> tuple[Header, Body]:
        check_size(frame.width, frame.height, self._limits)
        width, height = frame.width, frame.height
        longest = max(width, height)
        if self._max_side is not None and longest > self._max_side:
            width, height = (max(1, round(side * self._max_side / longest)) for side in (width, height))
        how = None if longest == max(width, height) else "AREA"
        # a frame's own scaler would be made anew for each frame, and live as long as it
        scaler = _scaler(frame.width, frame.height, frame.format.name, width, height)
        scaled = scaler.reformat(frame, width=width, height=height, format="rgb24", interpolation=how).to_ndarray()
        image: NDArray[np.uint8] = np.ascontiguousarray(turn(np.asarray(scaled, np.uint8), signs))
        return {"kind": "frame", "shape": image.shape, "index": index, "time": time}, image.data


@lru_cache(maxsize=8)
def _scaler(*_what: int | str) -> VideoReformatter:
    """Return the scaler for frames of one size and format."""
    from av.video.reformatter import VideoReformatter

    return VideoReformatter()


def light(frame: VideoFrame) -> NDArray[np.uint8]:
    """Return the brightness of a frame as it is stored, uint8 `[h, w]`, without a copy where it has a plane of that."""
    name = frame.format.name
    if not (name in _BRIGHT_FIRST or (name.startswith(("yuv4", "yuvj4")) and name[-1] == "p")):
        frame = _scaler(frame.width, frame.height, name, "gray").reformat(frame, format="gray")
    plane: Any = frame.planes[0]
    whole: NDArray[np.uint8] = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return whole[: frame.height, : frame.width]


def matrix(frame: VideoFrame) -> tuple[int, int, int, int]:
    """Return the signs (a, b, c, d) of the display matrix: x' = a x + c y, y' = b x + d y (ISO 14496-12, 8.3.2).

    (1, 0, 0, 1), nothing to do, where there is none or it is no right angle.
    """
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = (float(value) for value in np.frombuffer(bytes(data), np.int32)[:5])
    scale = max(abs(a), abs(b), abs(c), abs(d), 1.0)
    signs = [round(value / scale) for value in (a, b, c, d)]
    straight = signs[0] and signs[3] and not (signs[1] or signs[2])
    turned = signs[1] and signs[2] and not (signs[0] or signs[3])
    return (signs[0], signs[1], signs[2], signs[3]) if straight or turned else (1, 0, 0, 1)


def turn(image: NDArray[np.uint8], signs: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Return `image` as the display matrix with those signs shows it."""
    a, b, c, d = signs
    if b and c:
        image, a, d = image.swapaxes(0, 1), c, b
    if a < 0:
        image = image[:, ::-1]
    if d < 0:
        image = image[::-1]
    return image


def empty_film(reader: Reader) -> Exception:
    """Return the error for a film stream of which nothing decoded."""
    if reader.notes():
        return UnreadableMedia(f"no frame of the film decodes: {'; '.join(reader.notes())}")
    return NothingToExamine("the film has no frames")
