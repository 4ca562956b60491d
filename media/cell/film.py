"""One pass over a film, inside the decoding process: its sound, a spread of frames, a run of frames."""

from __future__ import annotations

import time as clocks
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import AssayError, LimitExceeded
from ..limits import Limits
from ..sampling import Chooser, Passing
from ..wire import Body, Header
from .frames import Clock, Packer, empty_film, light
from .sound import Blocks, empty_sound
from .streams import Reader, check_size

if TYPE_CHECKING:
    from av import AudioFrame, VideoFrame

_BEAT_SECONDS = 1.0
_HELD_BYTES = 1 << 28  # of frames that wait to be chosen: more are held only where they are small
_SHARE_HELD = 4  # a quarter of the memory at worst


def survey(
    file: BinaryIO, limits: Limits, *, container: str, sampling: dict[str, Any], passing: dict[str, Any] | None = None
) -> Iterator[tuple[Header, Body]]:
    """Send sound blocks, run frames and those that pass as they decode, then the spread frames, then what was found."""
    reader = Reader(file, limits, container=container)
    yield from _Survey(reader, limits, sampling, Passing(**passing) if passing else None).items()
    reader.close()


class _Survey:
    """The state of one pass."""

    def __init__(self, reader: Reader, limits: Limits, sampling: dict[str, Any], passing: Passing | None) -> None:
        self._reader, self._limits, self._sampling, self._passing = reader, limits, sampling, passing
        self._passed = Packer(limits, max_side=passing.max_side if passing else None)
        self._runs = Packer(limits, max_side=sampling["run_side"])
        self._sound: Blocks | None = None
        self._clock: Clock | None = None
        self._errors: dict[str, list[str]] = {}
        self._beat = clocks.monotonic()
        self._most_sound = sampling["audio_seconds" if reader.video is None else "film_audio_seconds"]
        if reader.audio is not None and self._most_sound > 0:
            self._sound = Blocks(limits, seconds=10.0, most=self._most_sound, declared=reader.padded_end())
        self._held: Chooser[tuple[int, float, VideoFrame]] = Chooser(0, room=0)
        if reader.video is not None:
            self._clock = Clock(reader.video, limits)
            self._held = self._thinned(reader.video.codec_context.width * reader.video.codec_context.height)

    def items(self) -> Iterator[tuple[Header, Body]]:
        """Yield all messages."""
        from av import AudioFrame

        reader = self._reader
        streams = [stream for stream in (reader.video, reader.audio if self._sound else None) if stream is not None]
        for frame in reader.frames(*streams):
            if isinstance(frame, AudioFrame):
                yield from self._hear(frame)
            else:
                yield from self._see(frame)
            if clocks.monotonic() - self._beat > _BEAT_SECONDS:
                self._beat = clocks.monotonic()
                yield {"kind": "beat"}, b""
        if self._sound is not None:
            yield from self._sound.rest()
        chosen = Packer(self._limits, max_side=self._sampling["max_side"])
        for index, time, picture in self._held.chosen():
            yield chosen.alone(picture, index=index, time=time)
        yield self._last(), b""

    def _hear(self, frame: AudioFrame) -> Iterator[tuple[Header, Body]]:
        """Take sound; what is wrong with it must not cost the pictures."""
        if self._sound is None or "sound" in self._errors:
            return
        try:
            yield from self._sound.add(frame)
        except LimitExceeded:
            raise
        except AssayError as error:
            self._errors["sound"] = [type(error).__name__, str(error)]

    def _see(self, frame: VideoFrame) -> Iterator[tuple[Header, Body]]:
        """Take a frame."""
        if self._clock is None:
            return
        check_size(frame.width, frame.height, self._limits)
        index, time = self._clock.tick(frame)
        self._held.add((index, time, frame), light(frame))
        if self._passing is not None and self._passing.shows(time):
            header, body = self._passed.packed(frame, index=index, time=time)
            yield {**header, "kind": "pass"}, body
        if index < self._sampling["run_frames"]:
            header, body = self._runs.packed(frame, index=index, time=time)
            yield {**header, "kind": "run"}, body

    def _thinned(self, pixels: int) -> Chooser[tuple[int, float, VideoFrame]]:
        """Return a place for frames of so many pixels: fewer than asked if memory would not hold them."""
        each = max(1, 2 * pixels)  # bytes of a decoded frame, 4:2:0 with edges
        most = min(int(self._sampling["frames"]), max(1, self._limits.memory_bytes // _SHARE_HELD // (2 * each)))
        return Chooser(most, room=min(8 * most, _HELD_BYTES // each))

    def _last(self) -> Header:
        """Return what is known at the end."""
        reader, sound, clock = self._reader, self._sound, self._clock
        notes = reader.notes()
        header: Header = {"kind": "last", "audio_start": 0.0, "count": 0, "seconds": sound.seconds if sound else 0.0}
        if sound is not None and "sound" not in self._errors:
            if not sound.samples:
                error = empty_sound(reader)
                self._errors["sound"] = [type(error).__name__, str(error)]
            elif reader.audio is not None:
                notes += reader.shortfall(reader.audio, sound.seconds, slack=0.25)
            if sound.kept < sound.samples:
                notes.append(f"of {sound.seconds:.0f} s of sound the first {self._most_sound:g} s are kept")
        if clock is not None and reader.video is not None:
            if not clock.count:
                error = empty_film(reader)
                self._errors["film"] = [type(error).__name__, str(error)]
            else:
                notes += clock.notes() + reader.shortfall(reader.video, clock.seconds, slack=0.5)
            header.update(count=clock.count, seconds=clock.seconds or header["seconds"], scenes=self._held.scenes)
            if sound is not None and sound.start is not None and clock.first is not None:
                header["audio_start"] = sound.start - clock.first
        return {**header, "notes": notes, "errors": self._errors}
