"""Traces of cutting and coding again in how a film's frames are coded: nothing is decoded.

A film that is coded a second time keeps the rhythm of its first coding: frames that stood alone then predict the next
ones worse, so that every n-th of the later film takes more (or, saved anew, fewer) bytes. After Wang & Farid,
"Exposing digital forgeries in video by detecting double MPEG compression", ACM MM&Sec 2006, with bytes a frame in the
place of prediction errors. Coding again is common and no sign of a fake by itself; a cut or a second rhythm may be.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....media.packets import Packets, film_packets
from ....media.view import View
from ...cue import Measured, Untold, explained
from ...finding import Evidence, Finding, Skipped
from .cue import F64

LEAST_FRAMES = 90
"""Predicted frames below which no rhythm can be told."""
PERIODS = tuple(range(8, 61))
"""Frames apart at which a former coder's own frames are looked for; below lies the present coder's own pattern."""
LEAST_ROUNDS = 4
"""Times that a period must come round."""
MARGIN = 2.0
"""Deviations by which one rhythm must exceed every unrelated one: see docs/cues.md for how often single coding does."""


def rhythm(packets: Packets) -> tuple[float, int]:
    """Return by how many deviations the strongest rhythm of the predicted frames exceeds all others, and its period.

    The strength of a period is how far its highest phase stands out of the log sizes around, each phase by its own
    number of frames; periods that divide or multiply the strongest, or lie within one of those, are its own.
    """
    order = np.argsort(packets.times, kind="stable")
    keys = packets.keys[order]
    # A frame shown before one that was coded earlier is predicted from both sides, and its bytes follow the
    # present coder's own pattern: only those predicted forward tell.
    forward = (packets.times >= np.maximum.accumulate(packets.times))[order]
    # Frames next to those that stand alone now follow the present coder.
    counted = forward & ~(keys | np.roll(keys, 1) | np.roll(keys, -1))
    places = np.flatnonzero(counted)
    if len(places) < LEAST_FRAMES:
        return 0.0, 0
    kept = np.log(np.maximum(packets.sizes[order], 1.0))[places]
    change = kept - np.array([np.median(kept[max(0, n - 8) : n + 9]) for n in range(len(kept))])
    steady = np.clip(change / (1.4826 * float(np.median(np.abs(change))) + 1e-3), -5.0, 5.0)
    strength = {period: _strength(steady, places, period) for period in PERIODS}
    best = max(strength, key=lambda period: strength[period])
    rest = [height for period, height in strength.items() if not _akin(period, best)]
    return strength[best] - max(rest), best


def _strength(steady: F64, places: NDArray[np.intp], period: int) -> float:
    """Return how far the highest phase of `period` stands out, in deviations."""
    if places[-1] - places[0] < LEAST_ROUNDS * period:
        return 0.0
    number = np.bincount(places % period, minlength=period)
    total = np.bincount(places % period, weights=steady, minlength=period)
    enough = number >= LEAST_ROUNDS - 1
    return float((total / np.sqrt(np.maximum(number, 1)))[enough].max()) if enough.any() else 0.0


def _akin(first: int, second: int) -> bool:
    """Tell whether one period is nearly a simple fraction or multiple of the other."""
    low, high = sorted((first, second))
    return any(abs(high * part - low * whole) <= part for part in (1, 2, 3) for whole in range(1, 8))


def gaps(times: F64) -> int:
    """Return how many steps between frames are longer than one and a half of the usual step."""
    steps = np.diff(np.sort(times[np.isfinite(times)]))
    steps = steps[steps > 0]
    return int((steps > 1.5 * np.median(steps)).sum()) if len(steps) else 0


def judged(packets: Packets) -> Measured | Untold:
    """Return the former rhythm of a film's packets, its gaps and the length of its groups of pictures."""
    known = np.isfinite(packets.times)
    predicted = int((~packets.keys[known]).sum())
    if predicted < LEAST_FRAMES:
        return Untold(why=f"needs {LEAST_FRAMES} frames with times that are predicted from others, got {predicted}")
    timed = Packets(
        codec=packets.codec, times=packets.times[known], sizes=packets.sizes[known], keys=packets.keys[known]
    )
    margin, period = rhythm(timed)
    if not period:
        return Untold(why=f"needs {LEAST_FRAMES} frames that are predicted forward")
    groups, missing = np.diff(np.flatnonzero(timed.keys)), gaps(timed.times)
    figures = {"rhythm": margin, "period": float(period), "gaps": float(missing)}
    if len(groups):
        figures["group"] = float(np.median(groups))
    said = (
        f"every {period}th frame was coded alone before: the film was coded again"
        if margin >= MARGIN
        else "no rhythm of a former coding shows"
    )
    left = f"; {missing} step{'s' * (missing != 1)} between frames are too long" if missing else ""
    note = f"{packets.codec}: {said} ({margin:+.1f} deviations over any other rhythm){left}"
    return Measured(score=margin, note=note, figures=figures)


class EditsDetector:
    """Reads from the coded frames whether the film was coded before, or cut."""

    name = "visual-edits"
    version = "1"

    def look(self, view: View) -> Measured | Untold:
        """Return what the coded frames tell, or why they do not. Raises what reading the file raises."""
        if view.kind != "video":
            return Untold(why="it needs a film: there is none")
        if view.asset is None:
            return Untold(why="it needs the film's file")
        return judged(film_packets(view.asset))

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return the cue's finding, with ratio 0, or why there is none. Raises what reading the file raises."""
        return explained(self, self.look(evidence.view), modality="visual")
