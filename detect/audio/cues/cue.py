"""What a cue in sound is given, and its conditions of use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....media.audio import Audio
from ....media.extent import Span
from ....media.speech import voiced
from ....media.view import View
from ...cue import Measured, Untold, explained
from ...finding import Evidence, Finding, Skipped

if TYPE_CHECKING:
    from ..voices import Voice

F64 = NDArray[np.float64]

LONGEST = 600.0
"""Seconds of a recording that cues look at, from its beginning: bounds memory and time."""
SILENT = 1e-4
"""Root mean square (-80 dB of full scale) below which a recording counts as silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording as cues hear it: one channel at its own rate, where somebody speaks, and the codec of the file.

    `codec` is empty for sound in memory. `enrolled` are voices to compare with; `whole` says whether it is all of it.
    """

    audio: Audio
    speech: tuple[Span, ...]
    codec: str = ""
    whole: bool = True
    enrolled: tuple[Voice, ...] = ()

    @property
    def samples(self) -> F64:
        """The samples, `[n]`."""
        return np.asarray(self.audio.samples[0], np.float64)

    @property
    def rate(self) -> int:
        """Hertz."""
        return self.audio.rate

    @property
    def spoken(self) -> float:
        """Seconds of speech."""
        return float(sum(span.end - span.start for span in self.speech))


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Conditions of use: `seconds` of sound, `speech` seconds of speech, a sampling `rate` in hertz."""

    seconds: float = 1.0
    speech: float = 0.0
    rate: int = 8000


class AudioCue(ABC):
    """A detector that asks one question about the sound. It explains and weighs nothing: see docs/audio-cues.md."""

    name: str
    version: str
    needs: Needs

    @abstractmethod
    def measure(self, heard: Recording) -> Measured | Untold:
        """Return what the cue measured, or why it cannot tell."""

    def ask(self, heard: Recording) -> Measured | Untold:
        """Return what the cue measured if its conditions of use are met, or why it cannot tell."""
        short = unmet(heard, self.needs)
        return self.measure(heard) if short is None else Untold(why=short)

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return the cue's finding, with ratio 0, or why there is none. Raises what decoding raises."""
        heard = recording_in(evidence.view, enrolled=evidence.enrolled)
        if heard is None:
            return explained(self, Untold(why="there is no sound"), modality="audio")
        answer = self.ask(heard)
        if isinstance(answer, Measured) and not heard.whole:
            answer = replace(answer, note=f"{answer.note} (the first {LONGEST:g} s)")
        return explained(self, answer, modality="audio")


def recording_in(view: View, *, enrolled: tuple[Voice, ...] = ()) -> Recording | None:
    """Return the sound of `view` as cues hear it, made once a view; `None` without sound. Raises as `view.audio`."""
    kept = view.shared("recording for cues", lambda: _of(view))
    return None if kept is None else replace(kept, enrolled=enrolled)


def _of(view: View) -> Recording | None:
    audio = view.audio
    if audio is None:
        return None
    said = view.asset.audio.codec if view.asset is not None and view.asset.audio is not None else ""
    return recorded(audio, codec=said)


def recorded(audio: Audio, *, codec: str = "", enrolled: tuple[Voice, ...] = ()) -> Recording:
    """Return `audio` as cues hear it: the mean of its channels, at most `LONGEST` seconds."""
    mono = audio.mono()[: round(LONGEST * audio.rate)]
    one = Audio(samples=np.ascontiguousarray(mono[None]), rate=audio.rate)
    loud = float(np.sqrt(np.mean(mono.astype(np.float64) ** 2))) >= SILENT
    whole = mono.size == audio.samples.shape[1]
    return Recording(audio=one, speech=voiced(one) if loud else (), codec=codec, whole=whole, enrolled=enrolled)


def unmet(heard: Recording, needs: Needs) -> str | None:
    """Return which condition of use is not met, or `None`."""
    if float(np.sqrt(np.mean(heard.samples**2))) < SILENT:
        return "the sound is silent (below -80 dB of full scale)"
    if heard.audio.seconds < needs.seconds:
        return f"needs {needs.seconds:g} s of sound, got {heard.audio.seconds:.1f} s"
    if heard.spoken < needs.speech:
        return f"needs {needs.speech:g} s of speech, got {heard.spoken:.1f} s"
    if heard.rate < needs.rate:
        return f"needs a sampling rate of {needs.rate} Hz, got {heard.rate}"
    return None


def framed(samples: F64, size: int, step: int) -> F64:
    """Return a view of the frames of `size` every `step` samples, `[frames, size]`; none if there are too few."""
    if samples.size < size:
        return np.zeros((0, size))
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::step]


def decibels(power: F64 | float) -> F64:
    """Return `power` in decibels, not below -200."""
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-20)))


def inside(times: F64, spans: tuple[Span, ...]) -> NDArray[np.bool_]:
    """Return which of `times` (seconds) lie in one of `spans`."""
    out = np.zeros(len(times), np.bool_)
    for span in spans:
        out |= (times >= span.start) & (times < span.end)
    return out
