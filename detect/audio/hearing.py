"""Hearing a recording of any length, minute by minute: where somebody speaks, and what the shipped model says there.

Nothing longer than a stretch is held: three hours take the memory of two minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio
from ...media.extent import Span
from ...media.silero import CHUNK, VoiceMeter
from ...media.speech import spoken
from ...media.view import View
from .frontends.interface import F32, RATE
from .gate import SILENT, VOICED, Windows, windows
from .scoring import MOST, SIZE, window_scores

STRETCH = 60.0
"""Seconds that are looked at together; the level and what counts as a pause are found anew in each."""
_LEAST_STRETCH = 10.0
"""Seconds: a shorter rest is joined to the stretch before it."""
LEAST_SPEECH = 0.5
"""Seconds of speech that a window needs beside `VOICED` seconds of active sound: music and noise are no speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A minute or so of a recording: mono `samples` `[n]` at 16 kHz from `start` seconds on.

    `speech` says of each 32 ms whether somebody speaks, `[ceil(n / 512)]`.
    """

    start: float
    samples: F32
    speech: NDArray[np.bool_]

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.samples.size / RATE

    @property
    def spoken_seconds(self) -> float:
        """Seconds of speech."""
        return float(self.speech.sum()) * CHUNK / RATE

    def spoken_between(self, start: float, seconds: float) -> float:
        """Return the seconds of speech within `seconds` from `start` on, both from the beginning of the stretch."""
        first, last = int(start * RATE / CHUNK), int(np.ceil((start + seconds) * RATE / CHUNK))
        return float(self.speech[first:last].sum()) * CHUNK / RATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the shipped model says of a recording: raw `scores` `[n]` of windows that begin at `starts` seconds.

    `strongest` is the window with the highest score, as it was scored, float32 `[SIZE]`.
    """

    starts: tuple[float, ...]
    scores: NDArray[np.float64]
    strongest: F32
    seconds: float
    speech: float

    @property
    def strongest_start(self) -> float:
        """Seconds at which the window with the highest score begins."""
        return self.starts[int(np.argmax(self.scores))]


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What is known so far."""

    starts: list[float] = field(default_factory=list)
    scores: list[NDArray[np.float64]] = field(default_factory=list)
    strongest: F32 = field(default_factory=lambda: np.zeros(SIZE, np.float32))
    best: float = -np.inf
    seconds: float = 0.0
    speech: float = 0.0
    power: float = 0.0
    active: float = 0.0


def hear(view: View) -> Heard | str:
    """Return what the shipped model says of the sound of `view`, or why it says nothing, in a sentence.

    The answer is kept with the view. Raises what decoding raises, and `ModelError`.
    """
    return view.shared("heard", lambda: _hear(view))


def _hear(view: View) -> Heard | str:
    tally = _Tally()
    for stretch in stretches(view):
        tally.seconds = stretch.start + stretch.seconds
        tally.speech += stretch.spoken_seconds
        tally.power += float(np.square(stretch.samples, dtype=np.float64).sum())
        found = speech_windows(stretch)
        tally.active += found.active
        if not found.starts:
            continue
        scores = window_scores(found.samples)
        tally.starts += [stretch.start + start for start in found.starts]
        tally.scores.append(scores)
        if scores.max() > tally.best:
            tally.best, tally.strongest = float(scores.max()), found.samples[int(np.argmax(scores))].copy()
    if not tally.starts:
        return _why(tally)
    return Heard(
        starts=tuple(tally.starts),
        scores=np.concatenate(tally.scores),
        strongest=tally.strongest,
        seconds=tally.seconds,
        speech=tally.speech,
    )


def speech_windows(stretch: Stretch, *, size: int = SIZE, most: int = MOST) -> Windows:
    """Return at most `most` windows of `stretch` in which somebody speaks; `starts` count from its beginning."""
    if stretch.spoken_seconds < LEAST_SPEECH:
        return Windows(starts=(), samples=np.zeros((0, size), np.float32), active=0.0)
    found = windows(Audio(samples=stretch.samples[None], rate=RATE), size=size)
    said = np.array([stretch.spoken_between(start, size / RATE) for start in found.starts])
    kept = np.flatnonzero(said >= LEAST_SPEECH)
    if kept.size > most:
        kept = kept[np.linspace(0, kept.size - 1, most).round().astype(int)]
    return Windows(starts=tuple(found.starts[i] for i in kept), samples=found.samples[kept], active=found.active)


def stretches(view: View) -> Iterator[Stretch]:
    """Yield the sound of `view` in stretches of `STRETCH` seconds, the last one 10 to 70 s or all there is."""
    meter = VoiceMeter()
    size, least = int(STRETCH * RATE), int(_LEAST_STRETCH * RATE)
    samples, chances = np.zeros(0, np.float32), np.zeros(0, np.float32)
    start = 0
    for block in view.listen(RATE):
        samples = np.concatenate([samples, block.samples[0]])
        chances = np.concatenate([chances, meter.feed(block.samples[0])])
        while samples.size >= size + least:
            chunks = size // CHUNK
            yield Stretch(start=start / RATE, samples=samples[:size], speech=spoken(chances[:chunks]))
            samples, chances, start = samples[size:], chances[chunks:], start + size
    if samples.size:
        chances = np.concatenate([chances, meter.end()])
        yield Stretch(start=start / RATE, samples=samples, speech=spoken(chances))


def _why(tally: _Tally) -> str:
    """Say why no window was scored."""
    if not tally.seconds:
        return "there is no sound"
    if tally.power < SILENT**2 * tally.seconds * RATE:
        return "the sound is silent (below -80 dB of full scale)"
    if tally.seconds < VOICED:
        return f"too short: {tally.seconds:.2g} s of sound, needs at least {VOICED:g} s of speech"
    rest = tally.seconds - tally.speech
    if tally.speech < VOICED:
        said = f"needs at least {VOICED:g} s of speech, found {tally.speech:.1f} s"
        return f"{said}; the other {rest:.1f} s are silence, music or noise" if rest > 1.0 else said
    return f"needs at least {VOICED:g} s of clearly audible speech at a stretch, found {tally.active:.1f} s"


def spans_over(starts: tuple[float, ...], chosen: NDArray[np.bool_], end: float) -> tuple[Span, ...]:
    """Return the stretches, in seconds up to `end`, of the windows that are `chosen`; touching ones are joined."""
    spans: list[Span] = []
    for start in np.asarray(starts)[chosen]:
        begin, until = float(start), min(end, float(start) + SIZE / RATE)
        if spans and begin <= spans[-1].end:
            spans[-1] = Span(start=spans[-1].start, end=max(until, spans[-1].end))
        elif until > begin:
            spans.append(Span(start=begin, end=until))
    return tuple(spans)
