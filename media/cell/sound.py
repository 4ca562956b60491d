"""Sound, inside the decoding process: native rate and channels, float32, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..audio import MonoStream
from ..errors import LimitExceeded, NothingToExamine, UnreadableMedia
from ..limits import Limits
from ..wire import Body, Header
from .streams import Reader, check_sound

if TYPE_CHECKING:
    from av import AudioFrame

_BLOCK_MOST = 1 << 26  # bytes of one message
_PADDING_MOST = 4096  # samples: the last packet of HE-AAC and its delay


class Blocks:
    """Gathers decoded sound and hands it on in blocks of equal length."""

    def __init__(
        self,
        limits: Limits,
        *,
        seconds: float,
        most: float | None = None,
        declared: float | None = None,
        mix: bool = False,
    ) -> None:
        """Make blocks of `seconds`, dropping what comes after the first `most`; with `mix`, of the channels' mean.

        `declared` is the length in seconds at which padding that fills the last packet is cut off.
        """
        self.rate = self.channels = self.samples = self.kept = 0
        self.start: float | None = None
        self._limits, self._seconds, self._most, self._declared = limits, seconds, most, declared
        self._mix = mix
        self._held: list[NDArray[np.float32]] = []
        self._count = 0

    def add(self, frame: AudioFrame) -> Iterator[tuple[Header, Body]]:
        """Take one decoded frame; yield the blocks that are full. Raises `UnreadableMedia`, `LimitExceeded`."""
        samples = planar(frame)
        if not samples.size:
            return
        if not self.rate:
            self.rate, self.channels = frame.sample_rate, samples.shape[0]
            self.start = frame.time
            check_sound(self.rate, self.channels, self._limits)
        self._check(frame.sample_rate, samples)
        self.samples += samples.shape[1]
        if self._most is not None:
            samples = samples[:, : max(0, int(self._most * self.rate) - self.kept)]
        if not samples.size:
            return  # an empty slice would keep the frame that it is of
        self.kept += samples.shape[1]
        if self._mix and self.channels > 1:
            mean = np.add.reduce(samples, axis=0, keepdims=True) / np.float32(self.channels)
            samples = np.asarray(mean, np.float32)
        self._held.append(samples)
        self._count += samples.shape[1]
        length = self._length()
        while self._count >= length + _PADDING_MOST:
            yield self._block(length)

    def rest(self) -> Iterator[tuple[Header, Body]]:
        """Yield what is left, without the padding after the declared end."""
        if self._declared is not None and self.kept == self.samples:
            extra = self.samples - round(self._declared * self.rate)
            if 0 < extra <= min(_PADDING_MOST, self._count - 1):
                joined = np.concatenate(self._held, axis=1)[:, :-extra]
                self._held, self._count = [joined], joined.shape[1]
        length = self._length() if self._count else 0
        while self._count > length:
            yield self._block(length)
        if self._count:
            yield self._block(self._count)

    @property
    def seconds(self) -> float:
        """Seconds decoded so far, kept or not."""
        return self.samples / self.rate if self.rate else 0.0

    def _length(self) -> int:
        return max(1, min(round(self._seconds * self.rate), _BLOCK_MOST // (4 * self.channels)))

    def _block(self, length: int) -> tuple[Header, Body]:
        joined = np.concatenate(self._held, axis=1)
        block, rest = np.ascontiguousarray(joined[:, :length]), joined[:, length:]
        self._held, self._count = [rest], rest.shape[1]
        return {"kind": "sound", "shape": block.shape, "rate": self.rate}, block.data

    def _check(self, rate: int, samples: NDArray[np.float32]) -> None:
        if rate != self.rate or samples.shape[0] != self.channels:
            msg = (
                f"the sound changes from {self.channels} channels at {self.rate} Hz "
                f"to {samples.shape[0]} at {rate} Hz after {self.seconds:.2f} s: split the file there"
            )
            raise UnreadableMedia(msg)
        if not np.isfinite(samples).all():
            msg = f"the sound holds NaN or infinite samples, the first within a frame at {self.seconds:.2f} s"
            raise UnreadableMedia(msg)
        if self.seconds > self._limits.seconds:
            msg = f"the sound is longer than the {self._limits.seconds:.0f} s accepted"
            raise LimitExceeded(msg)


def blocks(
    file: BinaryIO, limits: Limits, *, container: str, seconds: float, mono: int | None = None
) -> Iterator[tuple[Header, Body]]:
    """Send the sound in blocks of about `seconds`, then a last message with the notes.

    With `mono`, the channels' mean is sent, at that rate in hertz.
    """
    reader = Reader(file, limits, container=container)
    if reader.audio is None:
        msg = f"the {container} file holds no sound"
        raise NothingToExamine(msg)
    gathered = Blocks(limits, seconds=seconds, declared=reader.padded_end(), mix=mono is not None)
    native = _native(reader, gathered)
    yield from native if mono is None else _turned(native, mono)
    if not gathered.samples:
        raise empty_sound(reader)
    notes = reader.notes() + reader.shortfall(reader.audio, gathered.seconds, slack=0.25)
    reader.close()
    yield {"kind": "last", "notes": notes}, b""


def _native(reader: Reader, gathered: Blocks) -> Iterator[tuple[Header, Body]]:
    """Yield the blocks of the container's sound as it is."""
    if reader.audio is not None:
        for frame in reader.frames(reader.audio):
            yield from gathered.add(frame)  # type: ignore[arg-type]
    yield from gathered.rest()


def _turned(native: Iterator[tuple[Header, Body]], rate: int) -> Iterator[tuple[Header, Body]]:
    """Yield blocks of one channel at `rate`, without seams between them."""
    stream: MonoStream | None = None
    for header, body in native:
        stream = stream or MonoStream(header["rate"], rate)
        samples = np.frombuffer(body, np.float32).reshape(header["shape"])
        yield from _message(stream.feed(samples), rate)
    if stream is not None:
        yield from _message(stream.end(), rate)


def _message(samples: NDArray[np.float32], rate: int) -> Iterator[tuple[Header, Body]]:
    if samples.size:
        yield {"kind": "sound", "shape": (1, samples.size), "rate": rate}, samples.data


def empty_sound(reader: Reader) -> Exception:
    """Return the error for a sound stream of which nothing decoded."""
    if reader.notes():
        return UnreadableMedia(f"no sound decodes: {'; '.join(reader.notes())}")
    return NothingToExamine("the sound has no samples")


def planar(frame: AudioFrame) -> NDArray[np.float32]:
    """Return a frame's samples as float32 `[channels, n]`, integers scaled so that full scale is +-1."""
    kind = _KINDS.get(frame.format.name)
    channels = frame.layout.nb_channels
    if kind is None:
        data: NDArray[Any] = frame.to_ndarray()
        if not frame.format.is_planar:
            data = data.reshape(-1, channels).T
    elif frame.format.name.endswith("p"):
        # what `to_ndarray` does, in a quarter of its time: a minute of MP3 has 2,300 frames
        data = np.empty((channels, frame.samples), kind)
        planes: Any = frame.planes
        for channel, plane in enumerate(planes):
            data[channel] = np.frombuffer(plane, kind, frame.samples)
    else:
        whole: Any = frame.planes[0]
        data = np.frombuffer(whole, kind, frame.samples * channels).reshape(-1, channels).T
    if data.dtype.kind == "f":
        return data.astype(np.float32, copy=not data.flags.owndata)
    if data.dtype == np.uint8:
        return (data.astype(np.float32) - 128.0) / np.float32(128.0)
    full = float(1 << (8 * data.dtype.itemsize - 1))
    return (data / full).astype(np.float32)


_KINDS = {
    name + planes: kind
    for name, kind in {"u8": np.uint8, "s16": np.int16, "s32": np.int32, "flt": np.float32, "dbl": np.float64}.items()
    for planes in ("", "p")
}
