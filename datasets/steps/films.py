"""What happens to films as wholes: codecs, frames lost, another rate, a cut. Times start at zero again."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...media.audio import Audio
from ...media.extent import Span
from ...media.video import Frame
from .. import codecs

Film = tuple[Frame, ...]


def coded(frames: Film, _: np.random.Generator, *, codec: codecs.FilmCodec) -> Film:
    """Return `frames` through `codec`."""
    return codecs.through_film(frames, codec)


def every_other(frames: Film, _: np.random.Generator) -> Film:
    """Return every other frame, at its own time."""
    return _counted(frames[::2])


def lossy(frames: Film, rng: np.random.Generator, *, share: float) -> Film:
    """Return `frames` without a drawn `share` of them, the first one kept; the others stay at their times."""
    kept = rng.random(len(frames)) >= share
    kept[0] = True
    return _counted(frame for frame, stays in zip(frames, kept, strict=True) if stays)


def at_rate(frames: Film, _: np.random.Generator, *, rate: float) -> Film:
    """Return the film at `rate` frames a second: at each new time the nearest old frame, left out or shown again."""
    times = np.array([frame.time for frame in frames])
    end = times[-1] + 1 / float(codecs.rate_of(frames))
    wanted = np.arange(times[0], max(end - 0.5 / rate, times[0] + 1e-9), 1 / rate)
    after = np.clip(np.searchsorted(times, wanted), 1, max(1, len(times) - 1))
    near = [
        int(i) - (abs(t - times[i - 1]) <= abs(times[min(i, len(times) - 1)] - t))
        for i, t in zip(after, wanted, strict=True)
    ]
    return tuple(Frame(index=k, time=k / rate, image=frames[min(i, len(frames) - 1)].image) for k, i in enumerate(near))


def drawn_span(frames: Film, rng: np.random.Generator, *, seconds: float) -> Span:
    """Return `seconds` of the film from a drawn frame on, all of it if it is shorter."""
    first = frames[0].time
    last_start = frames[-1].time + 1 / float(codecs.rate_of(frames)) - seconds
    starts = [frame.time for frame in frames if frame.time <= last_start + 1e-6] or [first]
    start = float(rng.choice(starts))
    return Span(start=start, end=start + seconds)


def within(frames: Film, span: Span) -> Film:
    """Return the frames that are shown in `span`."""
    return _counted(frame for frame in frames if span.start - 1e-9 <= frame.time < span.end - 1e-6)


def sound_within(audio: Audio, span: Span) -> Audio | None:
    """Return the sound that is heard in `span`, `None` if it has ended before."""
    kept = audio.samples[:, round(span.start * audio.rate) : round(span.end * audio.rate)]
    return Audio(samples=np.ascontiguousarray(kept), rate=audio.rate) if kept.size else None


def _counted(frames: Iterable[Frame]) -> Film:
    """Return `frames` counted from 0, the first at time 0."""
    kept = tuple(frames)
    return tuple(Frame(index=k, time=one.time - kept[0].time, image=one.image) for k, one in enumerate(kept))
