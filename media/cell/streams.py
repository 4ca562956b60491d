"""Sound and film containers, inside the decoding process: open, describe, and decode packet by packet."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..errors import LimitExceeded, NothingToExamine, UnreadableMedia
from ..limits import Limits
from ..wire import Body, Header

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, Packet, VideoFrame, VideoStream
    from av.container import InputContainer

_FORMATS = {"mp4": "mov", "mov": "mov", "m4a": "mov", "mkv": "matroska", "webm": "matroska"}
_ESTIMATED = {"mp3", "aac"}  # their length is a guess from the bit rate: no ground to call them cut off
_MICROSECONDS = 1_000_000


class Reader:
    """An open container: its first film and sound stream, and what did not decode so far."""

    def __init__(self, file: BinaryIO, limits: Limits, *, container: str) -> None:
        """Open `file` as `container`. Raises `UnreadableMedia`, `LimitExceeded` or `NothingToExamine`."""
        import av

        self.limits, self.name = limits, container
        av.logging.set_level(None)
        try:
            # the format is fixed by our own sniffing, so that no playlist or reference can name another file
            self.container = av.open(
                file,
                mode="r",
                format=_format(file, container),
                metadata_errors="replace",
                buffer_size=1 << 18,
                container_options={"protocol_whitelist": "none"},
            )
        except av.FFmpegError as error:
            raise UnreadableMedia(_unopened(container, error)) from error
        self.video = _first_video(self.container)
        self.audio = next((stream for stream in self.container.streams.audio if stream.codec_context), None)
        self.broken_packets = self.corrupt_frames = 0
        self._cut = ""
        if self.video is None and self.audio is None:
            msg = f"the {container} file holds neither film nor sound that can be decoded"
            raise NothingToExamine(msg)
        self._check()

    def frames(self, *streams: VideoStream | AudioStream) -> Iterator[VideoFrame | AudioFrame]:
        """Yield decoded frames of `streams` in file order, counting what is broken instead of stopping."""
        import av
        from av.stream import Discard

        for stream in self.container.streams:
            if stream not in streams:
                stream.discard = Discard.all
        for stream in streams:
            if stream.type == "video":
                stream.codec_context.thread_type = "AUTO"
        packets = self.container.demux(*streams)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self._cut = f"reading stopped early: {_words(error)}"
                break
            if packet is None:
                return
            yield from self.decoded(packet)
        for stream in streams:
            yield from self._drained(stream)

    def notes(self) -> list[str]:
        """Say what was damaged, in words."""
        notes = [self._cut] if self._cut else []
        if self.broken_packets:
            notes.append(f"{self.broken_packets} packets did not decode and were passed over: the file is damaged")
        if self.corrupt_frames:
            notes.append(f"{self.corrupt_frames} frames decoded with errors in them: the file is damaged")
        return notes

    def shortfall(self, stream: VideoStream | AudioStream, seconds: float, *, slack: float) -> list[str]:
        """Say so if the header promises more than the `seconds` that decoded."""
        declared = declared_seconds(stream)
        if declared is None or self.name in _ESTIMATED or seconds >= declared * 0.97 - slack:
            return []
        kind = "film" if stream.type == "video" else "sound"
        return [f"the {kind} is cut off: its header says {declared:.2f} s, {seconds:.2f} s decode"]

    def close(self) -> None:
        """Close the container."""
        self.container.close()

    def decoded(self, packet: Packet[Any]) -> Iterator[VideoFrame | AudioFrame]:
        """Yield the frames that a packet completes, counting what is broken."""
        import av

        corrupt = packet.is_corrupt
        try:
            for frame in packet.decode():
                if isinstance(frame, (av.VideoFrame, av.AudioFrame)):
                    self.corrupt_frames += bool(frame.is_corrupt)
                    yield frame
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, MemoryError):
                raise
            if not isinstance(error, av.error.EOFError):
                corrupt = True
        self.broken_packets += corrupt

    def _drained(self, stream: VideoStream | AudioStream) -> Iterator[VideoFrame | AudioFrame]:
        import av

        try:
            yield from stream.codec_context.decode(None)
        except av.FFmpegError:
            self.broken_packets += 1

    def _check(self) -> None:
        limits = self.limits
        if self.video is not None:
            check_size(self.video.codec_context.width, self.video.codec_context.height, limits)
        if self.audio is not None:
            check_sound(self.audio.codec_context.sample_rate, self.audio.codec_context.channels, limits)
        for stream in (self.video, self.audio):
            seconds = None if stream is None else declared_seconds(stream)
            if seconds is not None and seconds > limits.seconds and self.name not in _ESTIMATED:
                msg = f"the file says it lasts {seconds:.0f} s; the most accepted is {limits.seconds:.0f} s"
                raise LimitExceeded(msg)


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


def declared_seconds(stream: VideoStream | AudioStream) -> float | None:
    """Return the length that the header gives, in seconds."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    whole: int | None = getattr(stream.container, "duration", None)
    return whole / _MICROSECONDS if whole and whole > 0 else None


def check_size(width: int, height: int, limits: Limits) -> None:
    """Raise `LimitExceeded` if frames are larger than accepted."""
    if max(width, height) > limits.side or width * height > limits.pixels:
        msg = (
            f"frames are {width} x {height} pixels; "
            f"the most accepted is {limits.pixels} pixels and {limits.side} a side"
        )
        raise LimitExceeded(msg)


def check_sound(rate: int, channels: int, limits: Limits) -> None:
    """Raise `LimitExceeded` if the sound has more hertz or channels than accepted."""
    if rate > limits.rate or channels > limits.channels:
        msg = (
            f"the sound has {channels} channels at {rate} Hz; "
            f"the most accepted is {limits.channels} channels and {limits.rate} Hz"
        )
        raise LimitExceeded(msg)


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


def _format(file: BinaryIO, container: str) -> str:
    """Return FFmpeg's name of the container."""
    if container != "mpeg":
        return _FORMATS.get(container, container)
    head = file.read(4)
    file.seek(0)
    if head == b"\x00\x00\x01\xba":
        return "mpeg"
    return "mpegvideo" if head == b"\x00\x00\x01\xb3" else "mpegts"


def _first_video(container: InputContainer) -> VideoStream | None:
    """Return the first film stream that can be decoded; cover pictures are none."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if stream.codec_context and not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def _unopened(container: str, error: Exception) -> str:
    """Say why a container did not open."""
    words = _words(error)
    if container in {"mp4", "mov", "m4a"}:
        return (
            f"the file begins like {container} but its index (moov) is missing or damaged: "
            f"it is cut off or was never finished; the decoder says: {words}"
        )
    return f"the file begins like {container} but does not open: it is damaged or cut off; the decoder says: {words}"


def _words(error: Exception) -> str:
    """Return FFmpeg's message without the file's name."""
    return str(getattr(error, "strerror", None) or error)


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
    signs = (1, 0, 0, 1)
    ticks: list[int] = []
    for packet in reader.container.demux(stream):
        if not ticks:
            for frame in reader.decoded(packet):
                signs = matrix(frame)  # type: ignore[arg-type]
                break
        if packet.pts is not None:
            ticks.append(packet.pts)
        if len(ticks) >= 200:
            break
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
