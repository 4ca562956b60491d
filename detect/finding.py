"""What a detector answers: a finding, or why it has none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from ..media.errors import AssayError
from ..media.extent import Region, Span
from ..media.view import View
from ..provenance.labels.interface import Label
from ..provenance.marks.interface import Mark
from ..provenance.verification import Verification

if TYPE_CHECKING:
    from .audio.voices import Voice

UNCALIBRATED = "uncalibrated"
"""What a finding names as its calibration when its number was measured on nothing: it explains and weighs nothing."""


class ModelError(AssayError):
    """A detector's model is missing, damaged or of another version than its code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a detector makes of one face in one frame of a film, at `time` seconds.

    `face` numbers the people of a finding, the most suspect first, from 0. `score` is the log10 ratio of this frame
    alone before it is bounded: it tells frames from each other, and the finding's own ratio is what counts.
    """

    time: float
    face: int
    score: float

    def __post_init__(self) -> None:
        """Raise `ValueError` unless the time is not negative and the score finite."""
        if not (math.isfinite(self.score) and math.isfinite(self.time) and self.time >= 0.0 and self.face >= 0):
            got = f"{self.time}, {self.face}, {self.score}"
            msg = f"a moment needs a time >= 0, a face >= 0 and a finite score, got {got}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one detector found.

    `llr` is a log10 likelihood ratio, positive = synthetic or manipulated, calibrated on the set that `calibration`
    names; `calibration` starts with `policy:` where the number is a stated rule (declared facts, marks) and is
    `uncalibrated` where no set was at hand. `spread` is half the width of the 95 % interval of `llr` that the size
    of the calibration set leaves open (bootstrap over its groups). `modality` says what was looked at; `declared`
    is what the file itself says. `spans` and `regions` say where; `note` says it in a sentence. `figures` are what was
    measured, by name, where a detector tells it; `moments`, of a film, what a learned eye made of each face and frame
    that it looked at, by face and in order of time.
    """

    detector: str
    version: str
    llr: float
    calibration: str
    note: str
    modality: Literal["audio", "visual", "declared"]
    spread: float = 0.0
    spans: tuple[Span, ...] = ()
    regions: tuple[Region, ...] = ()
    figures: tuple[tuple[str, float], ...] = ()
    moments: tuple[Moment, ...] = ()

    def __post_init__(self) -> None:
        """Raise `ValueError` unless `llr` is finite, 0 without calibration, and `spread` finite and not negative."""
        if not (math.isfinite(self.llr) and math.isfinite(self.spread) and self.spread >= 0.0):
            msg = f"a finding needs a finite log10 likelihood ratio and spread >= 0, got {self.llr} and {self.spread}"
            raise ValueError(msg)
        if not self.weighs and self.llr:
            msg = f"an uncalibrated finding weighs nothing: expected a ratio of 0, got {self.llr}"
            raise ValueError(msg)

    @property
    def weighs(self) -> bool:
        """Whether it may move a verdict; one without calibration only explains."""
        return self.calibration != UNCALIBRATED


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

    `verification` is `None` when provenance is withheld (benchmarks); forensic detectors use `view` alone. `enrolled`
    are voices that the user knows to be genuine.
    """

    view: View
    verification: Verification | None
    marks: tuple[Mark, ...] = ()
    labels: tuple[Label, ...] = ()
    enrolled: tuple[Voice, ...] = ()


class Detector(Protocol):
    """One way of telling. The same evidence gives the same answer; evidence is never changed."""

    name: str
    version: str

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return the findings (at least one), or why there are none."""
        ...
