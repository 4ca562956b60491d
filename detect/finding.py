"""What a detector answers: a finding, or why it has none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from ..media.errors import AssayError
from ..media.extent import Region, Span
from ..media.view import View
from ..provenance.labels.interface import Label
from ..provenance.marks.interface import Mark
from ..provenance.verification import Verification


class ModelError(AssayError):
    """A detector's model is missing, damaged or of another version than its code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one detector found.

    `llr` is a log10 likelihood ratio, positive = synthetic or manipulated, calibrated on the set that `calibration`
    names; `calibration` starts with `policy:` where the number is a stated rule (declared facts, marks) and is
    `uncalibrated` where no set was at hand. `spans` and `regions` say where; `note` says it in a sentence.
    """

    detector: str
    version: str
    llr: float
    calibration: str
    note: str
    spans: tuple[Span, ...] = ()
    regions: tuple[Region, ...] = ()

    def __post_init__(self) -> None:
        """Raise `ValueError` unless `llr` is finite."""
        if not math.isfinite(self.llr):
            msg = f"a finding needs a finite log10 likelihood ratio, got {self.llr}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A detector that did not answer, and `why` in a sentence.

    `failed` tells a detector that broke or could not run (a crash, a missing model) from one that simply does not
    apply (a voice detector and a silent picture): a scan with a failed detector was not full.
    """

    detector: str
    why: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that detectors may look at: the decoded media, and what the file declares and carries.

    `verification` is `None` when provenance is withheld (benchmarks); forensic detectors use `view` alone.
    """

    view: View
    verification: Verification | None
    marks: tuple[Mark, ...] = ()
    labels: tuple[Label, ...] = ()


class Detector(Protocol):
    """One way of telling. The same evidence gives the same answer; evidence is never changed."""

    name: str
    version: str

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return the findings (at least one), or why there are none."""
        ...
