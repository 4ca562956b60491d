"""The report on one file: everything that was found, in plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..media.asset import Asset
from ..media.errors import AssayError
from ..provenance.labels.interface import Label
from ..provenance.marks.interface import Mark
from ..provenance.verification import Verification
from .finding import Finding
from .fuse import Conclusion, Verdict

if TYPE_CHECKING:
    from ..provenance.foreign.interface import ForeignMark
    from ..provenance.receipts import LogReceipt
    from ..provenance.tree import Node
    from .preview import Preview

EXIT_NOTHING_FOUND = 0
EXIT_FOUND = 1
EXIT_USAGE = 2
EXIT_NOT_EXAMINED = 3

_FOUND = {Conclusion.ALTERED, Conclusion.INVALID, Conclusion.DECLARED, Conclusion.LIKELY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """How much of a film was looked at: `looked_at` of its `count` frames; `scenes` is what cuts divide it into."""

    looked_at: int
    count: int
    scenes: int

    def __str__(self) -> str:
        """Return it as a sentence."""
        scenes = f"{self.scenes} scene{'s' * (self.scenes != 1)}"
        return f"of {self.count:,} frames in {scenes} {self.looked_at} were looked at, the sharpest of each stretch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a scan says of one file.

    `seconds` tells where the time went, `notes` what decoding did or met, `frames` how much of a film that was decoded
    was looked at; `preview`, and the provenance `tree` of a file with a manifest, are there if they were asked for.
    `receipts` are the logs' beside the file; none says nothing. `foreign_marks` are those of others' tools, if they
    were asked for; they do not enter the verdict.
    """

    asset: Asset
    verification: Verification
    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]
    verdict: Verdict
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    preview: Preview | None = None
    receipts: tuple[LogReceipt, ...] = ()
    tree: Node | None = None
    foreign_marks: tuple[ForeignMark, ...] = ()
    frames: Frames | None = None

    @property
    def exit_code(self) -> int:
        """1 if something was found, 3 if the file was not fully examined, else 0."""
        if self.verdict.conclusion in _FOUND:
            return EXIT_FOUND
        return EXIT_NOTHING_FOUND if self.verdict.complete else EXIT_NOT_EXAMINED

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values; ids are 16 hexadecimal digits, times are seconds.

        `where_looked` is there if previews were asked for: it costs what a page costs.
        """
        asset, verdict = self.asset, self.verdict
        looked = () if self.preview is None else self.preview.looked
        return {
            "path": str(asset.path),
            "sha256": asset.sha256,
            "kind": asset.kind,
            "container": asset.container.name,
            "verification": self.verification.to_json(),
            "marks": [mark_json(mark) for mark in self.marks],
            "foreign_marks": [mark.to_json() for mark in self.foreign_marks],
            "labels": [asdict(label) for label in self.labels],
            "receipts": [asdict(receipt) for receipt in self.receipts],
            "verdict": {
                "conclusion": verdict.conclusion.value,
                "llr": round(verdict.llr, 4) if verdict.rests else None,
                "interval": [round(bound, 4) for bound in verdict.interval] if verdict.rests else None,
            },
            "findings": [finding_json(finding) for finding in verdict.findings],
            "skipped": [asdict(skip) for skip in verdict.skipped],
            "conflicts": list(verdict.conflicts),
            "frames": None if self.frames is None else asdict(self.frames),
            "where_looked": [one.to_json() for one in looked],
            "notes": list(self.notes),
            "seconds": {stage: round(value, 4) for stage, value in self.seconds.items()},
            "assay": __version__,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexamined:
    """A file that could not be examined, and why: errors are data, so that a batch goes on."""

    path: str
    error: AssayError

    @property
    def exit_code(self) -> int:
        """2 where the request was wrong, else 3."""
        return self.error.exit_code

    def to_json(self) -> dict[str, Any]:
        """Return the same fields as a report, empty, with the error beside them."""
        return {
            "path": self.path,
            "sha256": None,
            "error": {"type": type(self.error).__name__, "message": str(self.error)},
            "verification": {"state": "not checked"},
            "marks": [],
            "foreign_marks": [],
            "labels": [],
            "receipts": [],
            "verdict": {"conclusion": Conclusion.NOT_EXAMINED.value, "llr": None, "interval": None},
            "findings": [],
            "skipped": [],
            "conflicts": [],
            "frames": None,
            "where_looked": [],
            "assay": __version__,
        }


def mark_json(mark: Mark) -> dict[str, Any]:
    """Return a mark as plain JSON values, its id in hexadecimal because JSON numbers end at 2**53."""
    return {**asdict(mark), "payload": None if mark.payload is None else f"{mark.payload:016x}"}


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain JSON values."""
    figures = {"figures": dict(finding.figures)}
    return {**asdict(finding), "llr": round(finding.llr, 4), "spread": round(finding.spread, 4), **figures}
