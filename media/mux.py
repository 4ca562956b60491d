"""Writing sound and film into a container, block by block."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from .audio import Audio
from .errors import InputError
from .video import Frame

if TYPE_CHECKING:
    from av.container import OutputContainer

_LOG = logging.getLogger("assay.media")
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_CODEC_OPTIONS = {
    "libx264": {"preset": "fast", "bf": "0"},  # frames in order: else uneven times make the header's length wrong
    "libvpx-vp9": {"b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundKind:
    """How a container carries sound: FFmpeg's muxer, the encoder, its sample format, and bits a second by default."""

    muxer: str
    codec: str
    layout: str
    bit_rate: int | None = None


class Output:
    """A container being written; it is whole when the block ends well."""

    def __init__(self, muxer: str, file: IO[bytes], audio: Audio | None = None) -> None:
        """Begin a container for FFmpeg's `muxer` in `file`, which can seek; `audio` begins the sound it will hold."""
        import av

        av.logging.set_level(None)
        self._seconds: dict[int, float] = {}
        self._streams: list[Any] = []
        # bit-exact: no version of a library in the file, the same bytes from the same media
        options = {"fflags": "+bitexact"}
        if audio is not None and muxer in {"ipod", "mp4", "mov"}:
            # edit lists count in the film's own ticks, by default a thousandth of a second: too coarse for samples
            options["movie_timescale"] = str(audio.rate)
        self._file = _Sink(file)
        self._container: OutputContainer = av.open(self._file, mode="w", format=muxer, container_options=options)

    def __enter__(self) -> Output:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish the file, unless the block failed. Raises as `write`."""
        try:
            if kind is None:
                for stream in self._streams:
                    self._put(stream, None)
        finally:
            self._container.close()
        if kind is None:
            self._file.check()

    def add_sound(self, audio: Audio, kind: SoundKind, bit_rate: int | None) -> Any:  # noqa: ANN401 - PyAV's types do not tell the kinds apart
        """Add a stream for sound like `audio`."""
        import av

        rates = av.Codec(kind.codec, "w").audio_rates
        if rates and audio.rate not in rates:
            msg = f"{kind.codec} takes {', '.join(map(str, sorted(rates)))} Hz, got {audio.rate}: resample first"
            raise InputError(msg)
        stream: Any = self._container.add_stream(kind.codec, rate=audio.rate)
        stream.codec_context.layout = _layout(audio.samples.shape[0])
        stream.codec_context.format = kind.layout
        wanted = bit_rate or kind.bit_rate
        if wanted:
            stream.codec_context.bit_rate = wanted
        self._streams.append(stream)
        return stream

    def add_film(self, first: Frame, codec: str, rate: Fraction, crf: float) -> Any:  # noqa: ANN401
        """Add a stream for frames like `first`."""
        height, width = first.image.shape[:2]
        stream: Any = self._container.add_stream(codec, rate=rate, options={"crf": f"{crf:g}", **_CODEC_OPTIONS[codec]})
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        stream.codec_context.time_base = _base(rate)
        stream.codec_context.colorspace = stream.codec_context.color_primaries = 1  # BT.709
        stream.codec_context.color_trc, stream.codec_context.color_range = 1, 1  # BT.709, limited range
        if (width % 2, height % 2) != (0, 0):
            _LOG.info("padded %d x %d frames to even sides", width, height)
        self._streams.append(stream)
        return stream

    def write(self, stream: Any, frame: Any) -> None:  # noqa: ANN401 - either kind
        """Encode one frame. Raises `InputError` if encoder or container do not take it, `OSError` as the file does."""
        self._seconds[stream.index] = float(frame.pts * frame.time_base)
        self._put(stream, frame)

    def written(self, stream: Any) -> float:  # noqa: ANN401
        """Seconds of `stream` written so far."""
        return self._seconds.get(stream.index, 0.0)

    def _put(self, stream: Any, frame: Any) -> None:  # noqa: ANN401
        import av

        try:
            self._container.mux(stream.encode(frame))
        except av.FFmpegError as error:
            msg = f"expected what {stream.codec_context.name} and the container take, but: {error.strerror}"
            raise InputError(msg) from error
        self._file.check()


class _Sink:
    """The file as FFmpeg sees it. It never fails there, since PyAV cannot tell a fault twice: `check` raises it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._fault = file, cast("OSError | None", None)

    def check(self) -> None:
        """Raise what went wrong first, if anything did."""
        if self._fault is not None:
            raise self._fault

    def write(self, data: bytes) -> int:
        """Write `data`, or drop it after a fault."""
        self._try(lambda: self._file.write(data))
        return len(data)

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to `place`."""
        return self._try(lambda: self._file.seek(place, whence))

    def tell(self) -> int:
        """Return the place."""
        return self._try(self._file.tell)

    def _try(self, do: Callable[[], int]) -> int:
        try:
            return 0 if self._fault is not None else do()
        except OSError as error:
            self._fault = error
            return 0


def pcm16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return samples as 16-bit integers, rounded and clipped; decoding divides by 32768."""
    return np.rint(samples.astype(np.float64) * 32768.0).clip(-32768, 32767).astype(np.int16)


def _layout(channels: int) -> str:
    if channels not in _LAYOUTS:
        msg = f"expected 1 to {max(_LAYOUTS)} channels, got {channels}"
        raise InputError(msg)
    return _LAYOUTS[channels]


def sound_frames(blocks: Iterable[Audio], kind: SoundKind) -> Iterator[Any]:
    """Yield the sound in pieces of 0.1 s, wherever the `blocks` end.

    Raises `InputError` if rate or channels change between them.
    """
    start, first, held = 0, None, np.zeros((0, 0), np.float32)
    for block in blocks:
        first = first or (block.samples.shape[0], block.rate)
        if first != (block.samples.shape[0], block.rate):
            msg = f"all blocks of a sound must be alike: expected {first}, got {block.samples.shape[0]}, {block.rate}"
            raise InputError(msg)
        held = np.concatenate([held, block.samples], axis=1) if held.size else block.samples
        step = max(1024, block.rate // 10)
        whole = held.shape[1] // step * step
        for at in range(0, whole, step):
            yield _sound_frame(held[:, at : at + step], block.rate, start + at, kind)
        held, start = held[:, whole:], start + whole
    if held.size and first is not None:
        yield _sound_frame(held, first[1], start, kind)


def _sound_frame(piece: NDArray[np.float32], rate: int, start: int, kind: SoundKind) -> Any:  # noqa: ANN401
    from av import AudioFrame

    data: NDArray[Any] = pcm16(piece) if kind.layout == "s16" else piece
    if not kind.layout.endswith("p"):
        data = data.T.reshape(1, -1)
    layout = _layout(piece.shape[0])
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(data), format=kind.layout, layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
    return frame


def film_frames(first: Frame, rest: Iterator[Frame], rate: Fraction) -> Iterator[Any]:
    """Yield encodable frames with their times. Raises `InputError` if sizes change or times do not rise."""
    from av import VideoFrame

    base, last = _base(rate), -1
    step = round(1 / (rate * base))
    for frame in _chain(first, rest):
        if frame.image.shape != first.image.shape:
            msg = f"all frames must be alike: the first is {first.image.shape}, one is {frame.image.shape}"
            raise InputError(msg)
        stamp = round((frame.time - first.time) / float(base))
        if stamp <= last:
            msg = f"frame times must rise, got {frame.time} s after {float(last * base) + first.time} s"
            raise InputError(msg)
        height, width = frame.image.shape[:2]
        image = np.pad(frame.image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        picture.pts, picture.time_base, picture.duration = stamp, base, step
        last = stamp
        yield picture


def _chain(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest


def _base(rate: Fraction) -> Fraction:
    """Return the time base: a whole number of ticks a frame, and at least 20,000 a second for uneven times."""
    ticks = rate.numerator
    while ticks < 20_000:
        ticks *= 2
    return Fraction(1, ticks)
