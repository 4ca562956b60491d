"""Reports as lines for a terminal. Every text that came out of a file is escaped before it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import escaped

if TYPE_CHECKING:
    from ...detect.finding import Finding
    from ...detect.fuse import Verdict
    from ...detect.report import Report, Unexamined
    from ...provenance.verification import Verification

_TICK = {"pass": "+", "fail": "x", "not done": "-"}


def verification_lines(path: Path, found: Verification) -> list[str]:
    """Return the state in words, then each numbered step with its outcome, codes and remedy."""
    from ...provenance.batch import BORROWED_SAYS, OUTCOMES
    from ...provenance.verification import is_borrowed
    from ...provenance.verify import broken_ingredients

    says = BORROWED_SAYS if is_borrowed(found) else OUTCOMES[found.state.value]
    lines = [f"{escaped(path)}: {found.state.value}: {says}"]
    broken = broken_ingredients(found)
    if broken:
        names = ", ".join(map(escaped, broken[:5])) + (", ..." if len(broken) > 5 else "")
        lines.append(f"  BROKEN INGREDIENTS: {len(broken)} ({names}); what it was made from does not hold, see step 12")
    for check in found.checks:
        codes = f" [{', '.join(map(escaped, check.codes))}]" if check.codes else ""
        lines.append(f"  {_TICK[check.outcome]} {check.step:2d} {check.name}: {escaped(check.sentence)}{codes}")
        if check.outcome == "fail" and check.remedy:
            lines.append(f"       {escaped(check.remedy)}")
    return lines


def terminal(answer: Report | Unexamined, *, verbose: int) -> str:
    """Return a report for people: the conclusion first, then what led to it. `verbose` adds steps and times."""
    from ...detect.report import Report
    from ...provenance.batch import OUTCOMES

    if not isinstance(answer, Report):
        return f"{escaped(answer.path)}: not examined\n  {escaped(answer.error)}"
    verdict, state = answer.verdict, answer.verification.state.value
    lines = [
        f"{escaped(answer.asset.path)}: {verdict.conclusion.value}",
        f"  evidence   {_evidence(verdict)}",
        f"  provenance {state}: {OUTCOMES[state]}",
    ]
    lines += [f"  mark       {mark.scheme} {_payload(mark.payload)}" for mark in answer.marks]
    lines += [f"  foreign    {escaped(mark.sentence)} ({escaped(mark.false_alarms)})" for mark in answer.foreign_marks]
    lines += [f"  label      {label.rule} ({label.form}): {label.says}" for label in answer.labels]
    lines += [
        f"  receipt    {escaped(receipt.log or '-')} {receipt.state}: {escaped(receipt.sentence)}"
        for receipt in answer.receipts
    ]
    lines += [f"  conflict   {escaped(conflict)}" for conflict in verdict.conflicts]
    lines += [_finding_line(finding) for finding in verdict.findings]
    lines += [f"  skipped    {skip.detector}: {escaped(skip.why)}" for skip in verdict.skipped]
    lines += [f"  note       {escaped(note)}" for note in answer.notes]
    if verbose:
        lines += verification_lines(answer.asset.path, answer.verification)[1:]
        lines.append("  seconds    " + ", ".join(f"{name} {value:.2f}" for name, value in answer.seconds.items()))
    return "\n".join(lines)


def _evidence(verdict: Verdict) -> str:
    if not verdict.rests:
        return "none: nothing that counts was measured" if verdict.findings else "none: nothing was measured"
    low, high = verdict.interval
    interval = "by stated rules" if low == high else f"95 % {low:+.2f} to {high:+.2f}"
    return f"log10 LR {verdict.llr:+.2f} ({interval}; + is synthetic)"


def _payload(payload: int | None) -> str:
    return "present" if payload is None else f"id {payload:016x}"


def _finding_line(finding: Finding) -> str:
    return f"  finding    {finding.detector} {finding.llr:+.2f}: {escaped(finding.note)}"


def one_line(answer: dict[str, Any]) -> str:
    """Return one line on a report that came as plain JSON values: path, conclusion, evidence, provenance."""
    verdict = answer["verdict"]
    if answer.get("error"):
        return f"{escaped(answer['path'])}: not examined: {escaped(answer['error']['message'])}"
    llr = "no evidence" if verdict["llr"] is None else f"evidence {verdict['llr']:+.2f}"
    return f"{escaped(answer['path'])}: {verdict['conclusion']} ({llr}, provenance {answer['verification']['state']})"
