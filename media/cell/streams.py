"""Sound and film containers, inside the decoding process: open, describe, and decode packet by packet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import LimitExceeded, NothingToExamine, UnreadableMedia
from ..limits import Limits

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, Packet, VideoFrame, VideoStream
    from av.container import InputContainer

_FORMATS = {"mp4": "mov", "mov": "mov", "m4a": "mov", "mkv": "matroska", "webm": "matroska"}
_ESTIMATED = {"mp3", "aac"}  # their length is a guess from the bit rate: no ground to call them cut off
_MICROSECONDS = 1_000_000
_THREADS_MOST = 4


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
        except av.error.EOFError as error:
            msg = f"the {container} file ends before its first frame or sample: it is empty or cut off"
            raise NothingToExamine(msg) from error
        except av.FFmpegError as error:
            raise UnreadableMedia(_unopened(container, error)) from error
        self.video = _first_video(self.container)
        self.audio = next((stream for stream in self.container.streams.audio if stream.codec_context), None)
        self.broken_packets = self.torn_packets = self.corrupt_frames = 0
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
                # each thread holds frames of its own: on a machine of many cores they would fill the memory
                stream.codec_context.thread_count = min(_THREADS_MOST, os.cpu_count() or 1)
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
        if self.torn_packets:
            notes.append(f"{self.torn_packets} packets are incomplete: the file is cut off or damaged")
        if self.broken_packets:
            notes.append(f"{self.broken_packets} packets did not decode and were passed over: the file is damaged")
        if self.corrupt_frames:
            notes.append(f"{self.corrupt_frames} frames decoded with errors in them: the file is damaged")
        return notes

    def shortfall(self, stream: VideoStream | AudioStream, seconds: float, *, slack: float) -> list[str]:
        """Say so if the header promises more than the `seconds` that decoded."""
        # Matroska gives one length, that of the longest stream
        own = self.name not in {"mkv", "webm"} or len(self.container.streams) == 1
        declared = declared_seconds(stream) if own else None
        if declared is None or self.name in _ESTIMATED or seconds >= declared * 0.97 - slack:
            return []
        kind = "film" if stream.type == "video" else "sound"
        return [f"the {kind} is cut off: its header says {declared:.2f} s, {seconds:.2f} s decode"]

    def padded_end(self) -> float | None:
        """Return where the sound ends by an edit list (ISO 14496-12, 8.6.6), which FFmpeg heeds only at the start."""
        if self.audio is None or not self.audio.duration or self.name not in {"mp4", "mov", "m4a"}:
            return None
        return declared_seconds(self.audio)

    def close(self) -> None:
        """Close the container."""
        self.container.close()

    def decoded(self, packet: Packet[Any]) -> Iterator[VideoFrame | AudioFrame]:
        """Yield the frames that a packet completes, counting what is broken."""
        import av

        self.torn_packets += bool(packet.is_corrupt)
        try:
            for frame in packet.decode():
                if isinstance(frame, (av.VideoFrame, av.AudioFrame)):
                    self.corrupt_frames += bool(frame.is_corrupt)
                    yield frame
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, MemoryError):
                raise
            self.broken_packets += not isinstance(error, av.error.EOFError)

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
