"""What a cue answers, in sound and in pictures alike, and how that becomes a finding that weighs nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ..media.extent import Region, Span
from .finding import UNCALIBRATED, Finding, Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a cue measured: a sentence, the `figures`, where in time, and of cues of pictures a `score`.

    The score is finite, higher = less like a camera's picture or a film of a person; sound's cues have none.
    """

    note: str
    figures: dict[str, float] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """A cue that cannot tell, and `why` in a sentence: its conditions of use are not met."""

    why: str


class Named(Protocol):
    """What has a name and a version."""

    name: str
    version: str


def explained(
    cue: Named,
    answer: Measured | Untold,
    *,
    modality: Literal["audio", "visual"],
    spans: tuple[Span, ...] = (),
    regions: tuple[Region, ...] = (),
) -> tuple[Finding, ...] | Skipped:
    """Return a cue's answer as a finding that explains and weighs nothing, or as skipped with its reason.

    `spans` are those of the answer unless given. Figures that could not be measured (not finite) are left out.
    """
    if isinstance(answer, Untold):
        return Skipped(detector=cue.name, why=answer.why)
    return (
        Finding(
            detector=cue.name,
            version=cue.version,
            llr=0.0,
            calibration=UNCALIBRATED,
            note=f"{answer.note}; it explains and does not count",
            modality=modality,
            spans=spans or answer.spans,
            regions=regions,
            figures=tuple((name, round(value, 4)) for name, value in answer.figures.items() if math.isfinite(value)),
        ),
    )
