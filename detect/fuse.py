"""Join findings into one verdict.

The question is whether *any* part of the file is synthetic. Detectors of one modality look at the same pixels or
samples and may share their mistakes, so they are averaged (a log opinion pool, which no repetition can inflate).
Modalities are joined as alternatives: with likelihood ratios L1 and L2 and no reason to prefer one way of faking, the
ratio for "sound, picture or both" is the mean over the non-empty subsets, (L1 + L2 + L1 L2) / 3. What the file
declares of itself is added on top by stated rules. Findings without calibration explain and are left out of the sum.
See docs/verdict.md.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from enum import StrEnum

from ..provenance.marks.interface import Mark
from ..provenance.verification import State, Verification
from ..provenance.verify import broken_ingredients, declares_synthetic
from .finding import Evidence, Finding, Skipped

LLR_LIKELY = 1.0
"""From here (10 : 1) a verdict says likely synthetic, if its interval lies above 0."""
LLR_OPEN = 0.3
"""From here (2 : 1) up to `LLR_LIKELY` a verdict is inconclusive."""
CHANGED_STEPS = (3, 9, 10)
"""Steps of a verification whose failure shows a change after signing: signature, assertions, content."""
LLR_BOUND = 4.0
"""No verdict claims more than 10,000 : 1 either way: nothing here was measured on enough files for that."""


class Conclusion(StrEnum):
    """The one-line answer. `NOTHING_FOUND` is not "real": it says that these detectors saw nothing."""

    ALTERED = "altered since signing"
    INVALID = "manifest not reliable"
    DECLARED = "declared synthetic"
    LIKELY = "likely synthetic"
    INCONCLUSIVE = "inconclusive"
    NOTHING_FOUND = "nothing found"
    NOT_EXAMINED = "not examined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The joined answer: `llr` log10 with its 95 % `interval`, `findings`, `skipped`, and `conflicts` in sentences."""

    conclusion: Conclusion
    llr: float
    interval: tuple[float, float]
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    conflicts: tuple[str, ...] = ()

    @property
    def rests(self) -> bool:
        """Whether the ratio rests on anything: a stated rule, or a finding that weighs."""
        return any(finding.modality == "declared" or finding.weighs for finding in self.findings)

    @property
    def complete(self) -> bool:
        """Whether some detector looked at the content and none broke."""
        looked = any(finding.modality != "declared" and finding.weighs for finding in self.findings)
        return looked and not any(skip.failed for skip in self.skipped)


def fuse(findings: tuple[Finding, ...], skipped: tuple[Skipped, ...], evidence: Evidence) -> Verdict:
    """Return the verdict over `findings`, in the light of what `evidence` declares and carries."""
    llr, spread = _measured([finding for finding in findings if finding.modality != "declared" and finding.weighs])
    declared = max((finding.llr for finding in findings if finding.modality == "declared"), default=0.0)
    if _contradicted(evidence):
        declared = 0.0
    total = _bounded(llr + declared)
    interval = (_bounded(llr - spread + declared), _bounded(llr + spread + declared))
    return Verdict(
        conclusion=_conclude(findings, evidence, total, interval),
        llr=total,
        interval=interval,
        findings=findings,
        skipped=skipped,
        conflicts=tuple(_conflicts(findings, evidence)),
    )


def _bounded(llr: float) -> float:
    return max(-LLR_BOUND, min(LLR_BOUND, llr))


def _measured(findings: list[Finding]) -> tuple[float, float]:
    """Return the log10 ratio for "any modality is synthetic" and the half width of its interval."""
    by_modality: dict[str, list[Finding]] = {}
    for finding in findings:
        by_modality.setdefault(finding.modality, []).append(finding)
    pooled = [math.fsum(f.llr for f in group) / len(group) for group in by_modality.values()]
    if not pooled:
        return 0.0, 0.0
    subsets = [
        math.fsum(chosen) for size in range(1, len(pooled) + 1) for chosen in itertools.combinations(pooled, size)
    ]
    top = max(subsets)
    mean = math.fsum(10.0 ** (value - top) for value in subsets) / len(subsets)
    # Shared mistakes within a modality: the widest spread counts; modalities err apart: their spreads add in square.
    spread = math.sqrt(math.fsum(max(f.spread for f in group) ** 2 for group in by_modality.values()))
    return top + math.log10(mean), spread


def _conclude(
    findings: tuple[Finding, ...], evidence: Evidence, llr: float, interval: tuple[float, float]
) -> Conclusion:
    if evidence.verification is not None and evidence.verification.state is State.INVALID:
        changed = any(c.outcome == "fail" and c.step in CHANGED_STEPS for c in evidence.verification.checks)
        return Conclusion.ALTERED if changed else Conclusion.INVALID
    if _contradicted(evidence):
        return Conclusion.INCONCLUSIVE
    if _says_synthetic(evidence):
        return Conclusion.DECLARED
    if not any(finding.modality != "declared" and finding.weighs for finding in findings):
        return Conclusion.NOT_EXAMINED
    if llr >= LLR_LIKELY and interval[0] > 0.0:
        return Conclusion.LIKELY
    return Conclusion.INCONCLUSIVE if llr >= LLR_OPEN else Conclusion.NOTHING_FOUND


def _says_synthetic(evidence: Evidence) -> bool:
    manifest = evidence.verification is not None and declares_synthetic(evidence.verification)
    return manifest or _forgeable(evidence)


def _forgeable(evidence: Evidence) -> bool:
    """Tell whether a mark or an unsigned label says synthetic: anybody can write either."""
    return bool(evidence.marks) or any(label.says == "synthetic" for label in evidence.labels)


def _contradicted(evidence: Evidence) -> bool:
    """Tell whether only what anybody can write says synthetic, against a trusted signer who does not."""
    verification = evidence.verification
    if verification is None or verification.state not in (State.TRUSTED, State.RECOVERED):
        return False
    return _forgeable(evidence) and not declares_synthetic(verification)


def _conflicts(findings: tuple[Finding, ...], evidence: Evidence) -> list[str]:
    """Return, in sentences, where what the file declares, carries and shows do not agree."""
    verification = evidence.verification
    found = []
    if verification is not None and verification.state not in (State.ABSENT, State.INVALID):
        manifest = declares_synthetic(verification)
        strongest = max((f.llr for f in findings if f.modality != "declared"), default=0.0)
        if not manifest and strongest >= LLR_LIKELY:
            found.append("the manifest declares nothing synthetic, yet a detector finds traces of it")
        if not manifest and evidence.marks:
            found.append("a generator's mark is in the content, yet the manifest declares nothing synthetic")
        if not manifest and any(label.says == "synthetic" for label in evidence.labels):
            found.append("a metadata label says AI, yet the signed manifest does not")
        if any(label.says == "captured" for label in evidence.labels) and manifest:
            found.append("a metadata label says camera original, yet the signed manifest declares AI")
        found += _other_ids(verification, evidence.marks)
        found += [f"a part of it ({title}) no longer is what was signed" for title in broken_ingredients(verification)]
    if any(label.says == "captured" for label in evidence.labels) and _forgeable(evidence):
        found.append("a metadata label says camera original, yet a mark or another label says synthetic")
    ids = {mark.payload for mark in evidence.marks if mark.payload is not None}
    if len(ids) > 1:
        found.append(f"marks with {len(ids)} different ids are in one file: parts of it come from different works")
    return found


def _other_ids(verification: Verification, marks: tuple[Mark, ...]) -> list[str]:
    """Compare the ids read from the content with the soft bindings that the manifest declares."""
    bound = {str(binding.get("value", "")).lower() for binding in verification.facts.get("soft_bindings", ())}
    read = {f"{mark.payload:016x}" for mark in marks if mark.payload is not None}
    if bound and read and not bound & read:
        return ["the mark in the content has another id than the manifest binds: one was moved from another work"]
    return []
