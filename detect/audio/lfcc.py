"""The first learned ear: LFCC statistics and a linear classifier, two seconds at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio
from ...media.extent import Span
from ...media.speech import voiced
from ..finding import Evidence, Finding, Skipped
from ..model import Model
from .gate import SILENT, VOICED, WINDOW, Windows, windows
from .scoring import ear, window_scores

MOST_WINDOWS = 240
"""Windows that are scored; of a longer recording as many are taken, evenly spread, and the note says so."""
SPAN_LLR = 0.3
"""From this ratio on (2 : 1) a window is told as a span."""


class LfccDetector:
    """Tells synthetic from recorded speech by the statistics of linear-frequency cepstra."""

    name = "audio-lfcc"
    version = "1"

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return one finding with the suspicious stretches, or why there is none.

        Raises `ModelError` if the shipped model is missing or damaged, and what decoding raises.
        """
        audio = evidence.view.audio
        if audio is None:
            return self._skip("there is no sound")
        found = hearable(audio)
        return self._skip(found) if isinstance(found, str) else (self._finding(found),)

    def _skip(self, why: str) -> Skipped:
        return Skipped(detector=self.name, why=why)

    def _finding(self, found: Windows) -> Finding:
        model = ear()
        starts, samples = thinned(found)
        scores = window_scores(samples)
        score = float(scores.mean())
        spans = spans_of(starts, scores, model)
        stretches = "1 stretch stands" if len(spans) == 1 else f"{len(spans)} stretches stand"
        where = f"; {stretches} out" if spans and len(starts) > 1 else ""
        part = f" of {len(found.starts)}" if len(starts) < len(found.starts) else ""
        note = f"spectral traces over {len(starts)}{part} windows of {WINDOW:g} s with speech{where}"
        return Finding(
            detector=self.name,
            version=f"{self.version}+{model.version}",
            llr=model.llr(score),
            spread=model.spread(score),
            calibration=model.calibration,
            note=note,
            modality="audio",
            spans=spans,
        )


def hearable(audio: Audio) -> Windows | str:
    """Return the windows of `audio` that hold speech, or why there are none, in a sentence."""
    if float(np.sqrt(np.mean(audio.samples.astype(np.float64) ** 2))) < SILENT:
        return "the sound is silent (below -80 dB of full scale)"
    speech = sum(span.end - span.start for span in voiced(audio))
    if speech < VOICED:
        return f"needs at least {VOICED:g} s of speech, found {speech:.1f} s"
    found = windows(audio)
    if not found.starts:
        return f"needs at least {VOICED:g} s of clearly audible speech, found {found.active:.1f} s"
    return found


def thinned(found: Windows) -> tuple[tuple[float, ...], NDArray[np.float32]]:
    """Return at most `MOST_WINDOWS` windows, evenly spread: their starts in seconds and samples."""
    count = len(found.starts)
    chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_WINDOWS)).round().astype(int))
    return tuple(found.starts[i] for i in chosen), found.samples[chosen]


def spans_of(starts: tuple[float, ...], scores: NDArray[np.float64], model: Model) -> tuple[Span, ...]:
    """Return the stretches, in seconds, whose windows alone reach `SPAN_LLR`; touching ones are joined."""
    spans: list[Span] = []
    for start, score in zip(starts, scores, strict=True):
        if model.llr(float(score)) < SPAN_LLR:
            continue
        end = start + WINDOW
        if spans and start <= spans[-1].end:
            spans[-1] = Span(start=spans[-1].start, end=max(end, spans[-1].end))
        else:
            spans.append(Span(start=start, end=end))
    return tuple(spans)
