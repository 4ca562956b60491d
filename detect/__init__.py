"""Detectors, and the verdict that they lead to.

`CATALOGUE` names every detector; each is imported only when it is asked for, so a missing part breaks one entry.
Those in `ON_REQUEST` are slow, explain without weighing, or fail a control: they run only where they are named.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import cast

from ..media.errors import InputError
from .finding import Detector, Evidence, Finding, Skipped

__all__ = ["CATALOGUE", "ON_REQUEST", "Detector", "Evidence", "Finding", "Skipped", "detector", "names"]

CATALOGUE = {
    "declared": ".declared:DeclaredDetector",
    "marks": ".marks:MarksDetector",
    "audio-whisper": ".audio.ear:EarDetector",
    "audio-part": ".audio.part:PartDetector",
    "audio-speaker": ".audio.cues.speaker:SpeakerDetector",
    "audio-pauses": ".audio.cues.pauses:PausesDetector",
    "audio-phase": ".audio.cues.phase:PhaseDetector",
    "audio-splice": ".audio.cues.splice:SpliceDetector",
    "audio-codec": ".audio.cues.codec:CodecDetector",
    "visual-residual": ".visual.residual:ResidualDetector",
    "visual-face": ".visual.face:FaceDetector",
    "visual-drawn": ".visual.drawn:DrawnDetector",
    "visual-seam": ".visual.seam:SeamDetector",
    "visual-mesonet": ".visual.mesonet:MesoNetDetector",
    "visual-lrnet": ".visual.lrnet:LRNetDetector",
    "visual-pulse": ".visual.cues.pulse:PulseDetector",
    "visual-sync": ".visual.cues.sync:SyncDetector",
    "visual-blink": ".visual.cues.blink:BlinkDetector",
    "visual-steadiness": ".visual.cues.steadiness:SteadinessDetector",
    "visual-noise": ".visual.cues.noise:NoiseDetector",
    "visual-cfa": ".visual.cues.noise:ColourFilterDetector",
    "visual-spectrum": ".visual.cues.spectrum:SpectrumDetector",
    "visual-compression": ".visual.cues.compression:CompressionDetector",
    "visual-edits": ".visual.cues.edits:EditsDetector",
    "visual-eyes": ".visual.cues.eyes:EyesDetector",
}

ON_REQUEST = frozenset(
    {
        "audio-part",
        "audio-speaker",
        "audio-pauses",
        "audio-phase",
        "audio-splice",
        "audio-codec",
        "visual-seam",
        "visual-mesonet",
        "visual-lrnet",
        "visual-pulse",
        "visual-sync",
        "visual-blink",
        "visual-steadiness",
        "visual-noise",
        "visual-cfa",
        "visual-spectrum",
        "visual-compression",
        "visual-edits",
        "visual-eyes",
    }
)
"""Detectors that a scan runs only when it is asked for them by name."""


def detector(name: str) -> Detector:
    """Return a new detector of that name. Raises `InputError` for an unknown name, naming the known."""
    names((name,))
    module, _, attribute = CATALOGUE[name].partition(":")
    return cast("Detector", getattr(import_module(module, __package__), attribute)())


def names(chosen: Iterable[str] | None = None) -> tuple[str, ...]:
    """Return `chosen`, checked against the catalogue, or all that run unasked.

    Raises `InputError` for an unknown name.
    """
    if chosen is None:
        return tuple(name for name in CATALOGUE if name not in ON_REQUEST)
    kept = tuple(chosen)
    for name in kept:
        if name not in CATALOGUE:
            msg = f"no detector is named {name!r}: choose from {', '.join(CATALOGUE)}"
            raise InputError(msg)
    return kept
