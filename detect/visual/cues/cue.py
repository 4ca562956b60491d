"""What a cue of a followed face is given, and its conditions of use."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....media.audio import Audio
from ....media.errors import AssayError
from ....media.extent import Span
from ....media.faces import Followed
from ....media.view import View
from ...cue import Measured, Untold, explained
from ...finding import Evidence, Finding, Skipped

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One followed face, and the film's sound, which begins `audio_start` seconds after the first frame."""

    followed: Followed
    audio: Audio | None = None
    audio_start: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Conditions of use: `seconds` of one face without a gap, at `rate` frames a second, `side` pixels wide."""

    seconds: float
    rate: float = 15.0
    side: float = 60.0


class CueDetector(ABC):
    """A detector that asks one cue about the followed face. It explains and weighs nothing: nothing calibrated it."""

    name: str
    version: str
    needs: Needs

    @abstractmethod
    def measure(self, seen: Seen) -> Measured | Untold:
        """Return what the cue measured, or why it cannot tell."""

    def ask(self, seen: Seen) -> Measured | Untold:
        """Return what the cue measured if its conditions of use are met, or why it cannot tell."""
        short = unmet(seen.followed, self.needs)
        return self.measure(seen) if short is None else Untold(why=short)

    def look(self, view: View) -> Measured | Untold:
        """Return what the cue measured in `view`, or why it cannot tell. Raises what decoding raises."""
        if view.kind != "video":
            return Untold(why="it needs a film: there is none")
        followed = view.followed
        if followed is None:
            return Untold(why="no face could be followed")
        try:
            audio = view.audio
        except AssayError:
            audio = None
        return self.ask(Seen(followed=followed, audio=audio, audio_start=view.audio_start))

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return the cue's finding, with ratio 0, or why there is none. Raises what decoding raises."""
        answer = self.look(evidence.view)
        followed = None if isinstance(answer, Untold) else evidence.view.followed
        start, end = (0.0, 0.0) if followed is None else (float(followed.times[0]), float(followed.times[-1]))
        spans = (Span(start=start, end=end),) if end > start else ()
        return explained(self, answer, modality="visual", spans=spans)


def unmet(followed: Followed, needs: Needs) -> str | None:
    """Return which condition of use is not met, or `None`."""
    if followed.seconds < needs.seconds:
        return f"needs {needs.seconds:g} s of one face without a gap, got {followed.seconds:.1f} s"
    if followed.rate < needs.rate:
        return f"needs {needs.rate:g} frames a second, got {followed.rate:.1f}"
    if followed.side < needs.side:
        return f"needs a face {needs.side:g} pixels wide, got {followed.side:.0f}"
    return None


def evenly(times: F64, values: NDArray[np.floating], rate: float) -> F64:
    """Return `values` `[n, ...]`, seen at `times`, at even steps of `1 / rate` seconds; missing ones are bridged.

    Frame times are the stream's own, so that a film of varying rate keeps its frequencies. Raises `ValueError` if
    all values of a column are missing.
    """
    grid = np.arange(times[0], times[-1] + 1e-9, 1.0 / rate)
    flat = np.asarray(values, np.float64).reshape(len(times), -1)
    out = np.empty((len(grid), flat.shape[1]))
    for place in range(flat.shape[1]):
        known = np.isfinite(flat[:, place])
        if not known.any():
            msg = "expected some finite values in every column, got none"
            raise ValueError(msg)
        out[:, place] = np.interp(grid, times[known], flat[known, place])
    return out.reshape(len(grid), *values.shape[1:])
