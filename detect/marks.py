"""What the file carries: watermarks of generators."""

from __future__ import annotations

import math

from ..provenance.marks.interface import Mark
from .finding import Evidence, Finding, Skipped

# Whoever can read a symmetric mark can write one, so a mark is a strong hint and never proof, however small its
# false-alarm probability is.
LLR_MOST = 2.5
POLICY = "policy: -log10 of the false-alarm probability, at most 2.5 (docs/verdict.md)"


class MarksDetector:
    """Turns marks that were read into findings. That no mark is found is no evidence at all."""

    name = "marks"
    version = "1"

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return a finding for each mark, or why there is none."""
        if not evidence.marks:
            return Skipped(detector=self.name, why="no known watermark was read; that is no evidence")
        return tuple(self._finding(mark) for mark in evidence.marks)

    def _finding(self, mark: Mark) -> Finding:
        strength = -math.log10(max(mark.p_false_alarm, 1e-300))
        what = f"id {mark.payload:016x}" if mark.payload is not None else "presence only, no id"
        return Finding(
            detector=self.name,
            version=self.version,
            llr=min(LLR_MOST, max(0.0, strength)),
            calibration=POLICY,
            note=f"carries the generator mark {mark.scheme}, {what}, false-alarm probability {mark.p_false_alarm:.1e}",
            modality="declared",
            spans=mark.spans,
        )
