"""One pass over a file, whatever it is: what `View` shares among all who look."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .asset import Asset
from .audio import Audio
from .decode import decode_image, film_frame, place, sound
from .errors import AssayError, NothingToExamine, UnreadableMedia
from .image import Still
from .limits import Limits
from .sampling import Chooser, Passing, Sampling
from .video import Film, Frame
from .wire import Header
from .worker import stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What one pass gave: `errors` holds, under "sound" and "film", why that part is missing.

    `scenes` are those that hard cuts divide the film into. `count` and `seconds` are frames and length as decoded,
    `audio_start` the seconds from first frame to first sample.
    """

    still: Still | None = None
    audio: Audio | None = None
    frames: tuple[Frame, ...] = ()
    scenes: int = 0
    run: tuple[Frame, ...] = ()
    rate: Fraction | None = None
    count: int = 0
    seconds: float | None = None
    audio_start: float = 0.0
    notes: tuple[str, ...] = ()
    errors: dict[str, AssayError] = field(default_factory=dict)


Watcher = tuple[Callable[[Frame], None], Passing]
"""Who is shown frames as they go by, and which."""


def survey_file(asset: Asset, *, limits: Limits, sampling: Sampling, watcher: Watcher | None = None) -> Survey:
    """Decode the file once. Raises as the functions of `decode` do if nothing at all comes of it."""
    if asset.kind == "image":
        still = decode_image(asset, limits=limits)
        return Survey(still=still, notes=still.notes)
    where, name = place(asset)
    parts: dict[str, list[tuple[Header, NDArray[np.uint8]]]] = {"sound": [], "frame": [], "run": [], "last": []}
    passing = asdict(watcher[1]) if watcher else None
    jobs = stream("film", where, limits=limits, container=name, sampling=asdict(sampling), passing=passing)
    with closing(jobs):
        for header, body in jobs:
            if watcher and header["kind"] == "pass":
                watcher[0](film_frame(header, body))
            elif header["kind"] in parts:
                parts[header["kind"]].append((header, body))
    last = parts["last"][-1][0]
    audio = _joined([sound(*part) for part in parts["sound"]])
    return Survey(
        audio=None if "sound" in last["errors"] else audio,
        frames=tuple(film_frame(*part) for part in parts["frame"]),
        run=tuple(film_frame(*part) for part in parts["run"]),
        rate=asset.video.rate if asset.video else None,
        count=int(last["count"]),
        scenes=int(last.get("scenes", 0)),
        seconds=float(last["seconds"]),
        audio_start=float(last["audio_start"]),
        notes=tuple(last["notes"]),
        errors={part: _error(*told) for part, told in last["errors"].items()},
    )


def survey_film(film: Film, *, sampling: Sampling) -> Survey:
    """Go once through a film in memory. Frames are shared, not copied or scaled."""
    held: Chooser[Frame] = Chooser(sampling.frames, room=8 * sampling.frames)
    run: list[Frame] = []
    count, end = 0, 0.0
    for frame in film.frames():
        held.add(frame, frame.image[..., 1])
        if count < sampling.run_frames:
            run.append(frame)
        count, end = count + 1, frame.time
    errors: dict[str, AssayError] = {} if count else {"film": NothingToExamine("the film has no frames")}
    return Survey(
        audio=film.audio,
        frames=tuple(held.chosen()),
        scenes=held.scenes,
        run=tuple(run),
        rate=film.rate,
        count=count,
        seconds=end + float(1 / film.rate) if count else 0.0,
        errors=errors,
    )


def _joined(parts: list[Audio]) -> Audio | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return Audio(samples=np.concatenate([part.samples for part in parts], axis=1), rate=parts[0].rate)


def _error(kind: str, message: str) -> AssayError:
    return NothingToExamine(message) if kind == "NothingToExamine" else UnreadableMedia(message)
