"""What the file says of itself: its manifest and its labels."""

from __future__ import annotations

from collections.abc import Iterator

from ..provenance.labels.interface import Label
from ..provenance.verification import State, Verification
from ..provenance.verify import declares_generative, declares_itself_synthetic, declares_synthetic
from .finding import Evidence, Finding, Skipped

# A declaration cannot be calibrated like a measurement: these are stated rules, in log10. A false confession of being
# synthetic is rare but costs nothing to write, so a signed one weighs more than an unsigned one.
LLR_TRUSTED = 3.0
LLR_UNTRUSTED = 2.0
LLR_LABEL = 1.5
LLR_SUSPECTED = 0.5
POLICY = "policy: what a file declares of itself (docs/verdict.md)"


class DeclaredDetector:
    """Reads declarations of synthetic origin. That nothing is declared is no evidence at all."""

    name = "declared"
    version = "1"

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return a finding for the manifest and one for each label that declares AI, or why there is none."""
        if evidence.verification is None:
            return Skipped(detector=self.name, why="what the file declares was withheld from this examination")
        found = (*self._manifest(evidence.verification), *self._labels(evidence.labels))
        if found:
            return found
        return Skipped(detector=self.name, why="the file declares nothing about being synthetic; that is no evidence")

    def _manifest(self, verification: Verification) -> Iterator[Finding]:
        state = verification.state
        if state is State.INVALID:
            failed = "; ".join(check.sentence for check in verification.checks if check.outcome == "fail")
            yield self._finding(0.0, f"the manifest cannot be relied on: {failed or 'it is broken'}")
        elif declares_synthetic(verification):
            who = verification.facts.get("issuer") or "an unnamed signer"
            known = state in (State.TRUSTED, State.RECOVERED)
            how = "a trusted signer" if known else "a signer unknown to the trust store"
            what = "made or changed by AI" if declares_generative(verification) else "computed without AI, not recorded"
            part = "" if declares_itself_synthetic(verification) else "a part "
            note = f"the manifest, signed by {how} ({who}), declares {part or 'content '}{what}"
            yield self._finding(LLR_TRUSTED if known else LLR_UNTRUSTED, note)

    def _labels(self, labels: tuple[Label, ...]) -> Iterator[Finding]:
        for label in labels:
            if label.says in ("synthetic", "suspected"):
                llr = LLR_LABEL if label.says == "synthetic" else LLR_SUSPECTED
                note = f"an unsigned {label.form} label ({label.rule}) says: {label.says}; anybody can write one"
                yield self._finding(llr, note)

    def _finding(self, llr: float, note: str) -> Finding:
        return Finding(
            detector=self.name, version=self.version, llr=llr, calibration=POLICY, note=note, modality="declared"
        )
