"""The learned ear: asks the shipped model about every window of speech, a recording of any length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...media.extent import Span
from ..finding import Evidence, Finding, Skipped
from ..model import Model
from .hearing import Heard, hear, spans_over
from .scoring import NAME, SIZE, ear

SPAN_LLR = 0.3
"""From this ratio on (2 : 1) a window is told as a span."""
_SECONDS = SIZE / 16_000


class EarDetector:
    """Tells synthetic from recorded speech by what Whisper's first layers hear and by statistics of cepstra."""

    name = NAME
    version = "2"

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return one finding with the suspicious stretches, or why there is none.

        Raises `ModelError` if the shipped model is missing or damaged, and what decoding raises.
        """
        found = hear(evidence.view)
        return Skipped(detector=self.name, why=found) if isinstance(found, str) else (self._finding(found),)

    def _finding(self, found: Heard) -> Finding:
        model = ear()
        score = float(found.scores.mean())
        spans = spans_of(found.starts, found.scores, model, end=found.seconds)
        stretches = "1 stretch stands" if len(spans) == 1 else f"{len(spans)} stretches stand"
        where = f"; {stretches} out" if spans and len(found.starts) > 1 else ""
        note = f"traces of synthesis looked for in {len(found.starts)} windows of {_SECONDS:g} s with speech{where}"
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


def spans_of(starts: tuple[float, ...], scores: NDArray[np.float64], model: Model, *, end: float) -> tuple[Span, ...]:
    """Return the stretches, in seconds up to `end`, whose windows alone reach `SPAN_LLR`; touching ones are joined."""
    return spans_over(starts, np.array([model.llr(float(score)) >= SPAN_LLR for score in scores], np.bool_), end)
