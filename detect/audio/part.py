"""Which seconds of a recording sound made where the rest does not: spans for the listener, and no weight."""

from __future__ import annotations

import numpy as np

from ...media.extent import Span
from ...media.view import View
from ..finding import UNCALIBRATED, Evidence, Finding, Skipped
from .gate import VOICED
from .hearing import Stretch, stretches
from .localise import NAME, RESOLUTION, course, model, segment_llrs, segment_scores

LEAST_SECONDS = 1.5
"""Seconds of sound that are needed: a moment is compared with what lies around it."""
MOST_SPANS = 50
"""Spans that are told; of more, the strongest."""


class PartDetector:
    """Finds synthetic stretches within a recording, to 160 ms, of any length."""

    name = NAME
    version = "1"

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return one finding with the stretches, ratio 0, or why there is none.

        Raises `ModelError` if the shipped network is missing or damaged, and what decoding raises.
        """
        found: list[tuple[Span, float]] = []
        seconds = speech = 0.0
        for stretch in stretches(evidence.view):
            seconds = stretch.start + stretch.seconds
            speech += stretch.spoken_seconds
            found += made_in(stretch)
        why = _short(seconds, speech)
        if why:
            return Skipped(detector=self.name, why=why)
        kept = sorted(found, key=lambda one: -one[1])[:MOST_SPANS]
        spans = tuple(sorted((span for span, _ in kept), key=lambda span: span.start))
        total = sum(span.end - span.start for span, _ in found)
        return (
            Finding(
                detector=self.name,
                version=f"{self.version}+{model().version}",
                llr=0.0,
                calibration=UNCALIBRATED,
                note=_note(len(found), total, seconds),
                modality="audio",
                spans=spans,
                figures=(("seconds that stand out", round(total, 2)), ("stretches", float(len(found)))),
            ),
        )


def made_in(stretch: Stretch) -> list[tuple[Span, float]]:
    """Return the spans of `stretch` that sound made, with their strengths in log10, in order of time."""
    llrs = segment_llrs(segment_scores(stretch.samples))
    spoken = [stretch.spoken_between(place * RESOLUTION, RESOLUTION) > 0.0 for place in range(llrs.size)]
    found = course(np.where(spoken, llrs, 0.0), start=stretch.start)
    end = stretch.start + stretch.seconds
    spans = [Span(start=span.start, end=min(end, span.end)) for span in found.spans]
    return list(zip(spans, found.strengths, strict=True))


def spans_in(view: View) -> tuple[Span, ...]:
    """Return all spans of the sound of `view` that sound made."""
    return tuple(span for stretch in stretches(view) for span, _ in made_in(stretch))


def _short(seconds: float, speech: float) -> str:
    """Say what is missing, empty if nothing is."""
    if not seconds:
        return "there is no sound"
    if seconds < LEAST_SECONDS:
        return f"too short: {seconds:.2g} s of sound, needs at least {LEAST_SECONDS:g} s"
    return f"needs at least {VOICED:g} s of speech, found {speech:.1f} s" if speech < VOICED else ""


def _note(count: int, total: float, seconds: float) -> str:
    if not count:
        return f"no stretch of {seconds:.1f} s of sound stands out as made; it explains and does not count"
    which = "1 stretch" if count == 1 else f"{count} stretches"
    return (
        f"{which}, {total:.1f} of {seconds:.1f} s, sound made beside the rest; it explains and does not count: "
        "a cut between real recordings may look so too"
    )
