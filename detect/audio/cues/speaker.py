"""Whether one person speaks throughout, and whether it is the voice that the user knows.

Another voice is no fake, and a good clone is the same voice: this tells who seems to speak, never whether it is
synthetic. Hence it weighs nothing in a verdict, whatever it says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ....media.audio import resample
from ....media.extent import Span
from ...cue import Measured, Untold
from ...finding import ModelError
from ...model import WEIGHTS
from ..frontends.interface import F32, RATE
from ..voices import STEP, WINDOW, Voice, levelled, mean_of, window_vectors
from .codec import band_edge
from .cue import AudioCue, Needs, Recording, inside

SIDE = 5
"""Windows of 0.8 s, each 0.4 s after the last, on either side of a place that are compared (2.4 s of speech)."""
LEAST_SIDE = 3
"""Windows that a side needs at least."""
NARROW = 5000.0
"""Hertz: over a band that ends earlier (a telephone) the encoder hardly knows anybody, see docs/audio-cues.md."""
CARD = "audio-speaker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How cosines become log10 ratios for "the same speaker", and below which cosine a change of voice is told."""

    slope: float
    intercept: float
    lowest: float
    highest: float
    change: float
    calibration: str

    def llr(self, cosine: float) -> float:
        """Return the log10 likelihood ratio for the same speaker."""
        return float(np.clip(self.slope * cosine + self.intercept, self.lowest, self.highest))


@cache
def scale() -> Scale:
    """Return the shipped calibration. Raises `ModelError` if it is missing or damaged."""
    path = WEIGHTS / f"{CARD}.json"
    try:
        told: dict[str, Any] = json.loads(path.read_text())
        found = told["calibration"]
        numbers = {name: float(found[name]) for name in ("slope", "intercept", "lowest", "highest", "change")}
        return Scale(**numbers, calibration=str(found["set"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"expected the calibration of {CARD} at {path}: {error}: install the package again"
        raise ModelError(msg) from error


def changes(times: np.ndarray[Any, np.dtype[np.float64]], vectors: F32) -> tuple[tuple[float, float], ...]:
    """Return where the voice may change: seconds, and the cosine of the voices before and after, lowest first.

    `times` `[n]` are the middles of windows with speech, `vectors` `[n, 256]` their d-vectors. Places are `SIDE`
    windows apart, so that one change is told once.
    """
    places = np.arange(LEAST_SIDE, len(times) - LEAST_SIDE + 1)
    if not len(places):
        return ()
    heights = np.array([float(mean_of(vectors[max(0, n - SIDE) : n]) @ mean_of(vectors[n : n + SIDE])) for n in places])
    found: list[tuple[int, float]] = []
    for one in np.argsort(heights):
        if all(abs(int(places[one]) - other) >= SIDE for other, _ in found):
            found.append((int(places[one]), float(heights[one])))
    return tuple((float((times[n - 1] + times[n]) / 2), height) for n, height in found)


def speech_vectors(heard: Recording) -> tuple[np.ndarray[Any, np.dtype[np.float64]], F32]:
    """Return the middles in seconds and the d-vectors of the windows of `heard` that hold speech."""
    samples = levelled(resample(heard.audio.samples[0], heard.rate, RATE))
    starts, vectors = window_vectors(samples)
    length = WINDOW * STEP / RATE
    grid = np.linspace(0.05, length - 0.05, 8)
    share = np.array([inside(start + grid, heard.speech).mean() for start in starts])
    kept = share >= 0.6
    return starts[kept] + length / 2, vectors[kept]


class SpeakerDetector(AudioCue):
    """Follows the speaker through the recording, and compares with voices that the user knows."""

    name = "audio-speaker"
    version = "1"
    needs = Needs(seconds=1.0, speech=1.0)

    def measure(self, heard: Recording) -> Measured | Untold:
        """Return whether the voice changes and, with enrolled voices, whether it is theirs."""
        times, vectors = speech_vectors(heard)
        if len(times) < 2:
            return Untold(why="needs two stretches of 0.8 s of speech, got less")
        found = changes(times, vectors)
        said: list[str] = []
        figures: dict[str, float] = {}
        spans: tuple[Span, ...] = ()
        if found:
            figures["change"] = found[0][1]
            turns = sorted(when for when, height in found if height < scale().change)
            spans = tuple(Span(start=max(0.0, when - 0.4), end=min(heard.audio.seconds, when + 0.4)) for when in turns)
            if turns:
                where = ", ".join(f"{when:.1f} s" for when in turns[:5]) + (" and more" if len(turns) > 5 else "")
                said.append(f"two voices, or one that changed: it turns at {where} (cosine {found[0][1]:.2f})")
            else:
                said.append(f"one voice throughout (lowest cosine {found[0][1]:.2f})")
        else:
            said.append("too short to follow one voice")
        if heard.enrolled:
            edge = min(band_edge(heard.samples, heard.rate)[0], *(voice.edge for voice in heard.enrolled))
            if edge < NARROW:
                said.append(
                    f"not compared with {_named(heard.enrolled)}: a band of {edge / 1000:.1f} kHz is too narrow"
                )
            else:
                cosine = float(mean_of(vectors) @ enrolled_vector(heard.enrolled))
                figures |= {"cosine": cosine, "same_speaker_llr": scale().llr(cosine)}
                said.append(_compared(cosine, heard.enrolled))
        return Measured(note="; ".join(said), figures=figures, spans=spans)


def enrolled_vector(voices: tuple[Voice, ...]) -> F32:
    """Return the mean direction of enrolled voices, `[256]` of length 1."""
    return mean_of(np.array([voice.vector for voice in voices], np.float32))


def _compared(cosine: float, voices: tuple[Voice, ...]) -> str:
    """Return what the comparison with enrolled voices says, with what it does not."""
    ratio = scale().llr(cosine)
    names = _named(voices)
    if ratio >= 0.5:
        verdict = "sounds like the same speaker as"
        warning = "a good clone does too"
    elif ratio <= -0.5:
        verdict = "does not sound like the speaker of"
        warning = "another mood, age, microphone or line may do that too"
    else:
        verdict, warning = "cannot be told from or tied to the speaker of", "too near to either"
    return f"{verdict} {names}: 10^{ratio:+.1f} for the same speaker (cosine {cosine:.2f}); {warning}"


def _named(voices: tuple[Voice, ...]) -> str:
    return ", ".join(voice.name for voice in voices)
