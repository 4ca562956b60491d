"""Puts the sound of a film, as it was encoded, beside its newly encoded pictures: in a process of its own, capped.

Packets of sound are copied, not decoded; their times are counted from the first picture, as the new pictures' are. The
film's own tags (title, dates, place) go over too.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...media.errors import UnreadableMedia, WorkerFailed
from ...media.limits import Limits

if TYPE_CHECKING:
    from av.container import InputContainer

_COMMAND: Final = ("-P", "-c", "from assay.provenance.labels.remux import serve; serve()")
_MUXERS: Final = {"mp4": "mp4", "mov": "mov", "mkv": "matroska", "webm": "webm"}


def with_sound_of(source: Path, made: bytes, container: str, *, limits: Limits) -> bytes:
    """Return the film `made` (pictures only) with the sound tracks and tags of the film at `source`.

    Raises `UnreadableMedia` if the sound cannot be copied, `WorkerFailed` if that takes too long or too much memory.
    """
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        pictures, out = Path(folder) / "pictures", Path(folder) / "out"
        pictures.write_bytes(made)
        command = [sys.executable, *_COMMAND, str(limits.memory_bytes), _MUXERS[container]]
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and code
                [*command, os.path.abspath(source), str(pictures), str(out)],  # noqa: PTH100 - links stay links
                capture_output=True,
                timeout=limits.worker_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            msg = f"copying the film's sound took longer than {limits.worker_seconds:g} s and was stopped"
            raise WorkerFailed(msg) from error
        if done.returncode:
            told = done.stderr.decode(errors="replace").strip().splitlines()
            msg = f"the film's sound cannot be copied beside the new pictures: {told[-1] if told else 'it died'}"
            raise UnreadableMedia(msg)
        return out.read_bytes()


def serve() -> None:
    """Do what `argv` says: memory cap, muxer, film with the sound, film with the pictures, place of the result."""
    import av
    from av.error import FFmpegError

    cap, muxer, source, pictures, out = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(cap), int(cap)))
    av.logging.set_level(None)
    try:
        with av.open(source) as old, av.open(pictures) as new:
            _copy(old, new, out, muxer)
    except (FFmpegError, ValueError, MemoryError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


def _copy(old: InputContainer, new: InputContainer, out: str, muxer: str) -> None:
    import av

    options = {"fflags": "+bitexact"}
    rates = [stream.rate for stream in old.streams.audio]
    if rates and muxer in {"mp4", "mov"}:
        options["movie_timescale"] = str(rates[0])  # edit lists count in it: else too coarse for samples
    with av.open(out, mode="w", format=muxer, container_options=options) as made:
        film = new.streams.video[0]
        target: dict[int, Any] = {stream.index: made.add_stream_from_template(stream) for stream in old.streams.audio}
        screen = made.add_stream_from_template(film)
        made.metadata.update({key: value for key, value in old.metadata.items() if key not in _OWN})
        picture = old.streams.video[0]
        begin = Fraction(picture.start_time or 0) * (picture.time_base or 1)
        for _, stream, packet in merge(
            _packets(new, (film,), lambda _: screen, Fraction(0)),
            _packets(old, tuple(old.streams.audio), lambda index: target[index], begin),
            key=lambda item: item[0],
        ):
            packet.stream = stream
            made.mux(packet)


_OWN = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder", "AIGC", "DURATION"})
"""Tags that tell of the file itself, or that labels replace."""


def _packets(
    container: InputContainer,
    streams: tuple[Any, ...],
    target: Any,  # noqa: ANN401 - index of a stream -> stream of the result
    begin: Fraction,
) -> Iterator[tuple[float, Any, Any]]:
    """Yield (seconds, stream of the result, packet), times counted from `begin`."""
    if not streams:
        return
    for packet in container.demux(*streams):
        if packet.dts is None:  # the flush at the end
            continue
        shift = round(begin / packet.time_base)
        packet.dts -= shift
        if packet.pts is not None:
            packet.pts -= shift
        yield float(packet.dts * packet.time_base), target(packet.stream.index), packet
