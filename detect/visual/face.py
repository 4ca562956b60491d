"""The learned eye for pictures: what the first blocks of a frozen CLIP make of a face, and a line taught on fakes."""

from __future__ import annotations

import math

from ...media.asset import Kind
from ...media.view import Crop, View
from ..finding import Evidence, Finding, Skipped
from ..model import Model, shipped
from .faces import MARGIN, SIDE, flat, shown
from .looking import Pixels, Where, occluded

LEAST_FACE = 64
"""Pixels: the shorter side of a face below which there is too little to see."""


class FaceDetector:
    """Looks at how every face of a picture is drawn; films it leaves to others, since there it is at chance."""

    name = "visual-face"
    version = "2"
    kinds: tuple[Kind, ...] = ("image",)
    """What it answers for: its model is large and is not loaded ahead for others."""

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return one finding over all faces, each with its region, or why there is none.

        Raises `ModelError` if the shipped model is missing or damaged, and what decoding raises.
        """
        view = evidence.view
        if view.kind == "audio":
            return self._skip("there is no picture")
        if view.kind == "video":
            return self._skip("it judges pictures: on films it was measured at chance")
        crops = view.crops(SIDE, margin=MARGIN)
        if not crops:
            return self._skip("no face was found")
        usable = [crop for crop in crops if _side(crop) >= LEAST_FACE]
        if not usable:
            largest = max(_side(crop) for crop in crops)
            return self._skip(f"needs a face of at least {LEAST_FACE} pixels, the largest has {largest:.0f} pixels")
        model = shipped(self.name)
        faces = view.shared(self.name, lambda: _scored(usable, model))
        return (self._finding(faces, model),)

    def where(self, view: View) -> tuple[Where, ...]:
        """Return where it looked in the most suspect face; nothing if it did not answer. Raises `ModelError`."""
        faces, model = view.known(self.name), shipped(self.name)
        if not isinstance(faces, list):
            return ()
        return tuple(_where(score, crop, model) for score, crop in faces[:1])

    def _finding(self, faces: list[tuple[float, Crop]], model: Model) -> Finding:
        ratios = [model.llr(score) for score, _ in faces]
        listed = ", ".join(f"{ratio:+.2f}" for ratio in ratios[:8])
        return Finding(
            detector=self.name,
            version=f"{self.version}+{model.version}",
            # Whichever face it is: the ratio for "one of them is a fake" is the mean of theirs.
            llr=math.log10(math.fsum(10.0**ratio for ratio in ratios) / len(ratios)),
            spread=model.spread(faces[0][0]),
            calibration=model.calibration,
            note=f"learned texture of {len(faces)} face{'s' * (len(faces) > 1)}, log10 ratio each: {listed}",
            modality="visual",
            regions=tuple(crop.face.region for _, crop in faces),
        )

    def _skip(self, why: str) -> Skipped:
        return Skipped(detector=self.name, why=why)


def _scored(crops: list[Crop], model: Model) -> list[tuple[float, Crop]]:
    """Return every face with its raw score, the most suspect first."""
    faces = [(float(model.scores(flat([_seen(crop, model)]))[0]), crop) for crop in crops]
    return sorted(faces, key=lambda face: -face[0])


def _seen(crop: Crop, model: Model) -> Pixels:
    """Return the face as the model sees it."""
    told = model.card["input"]
    return shown(crop.image, int(told["side"]), float(told["margin"]))


def _where(score: float, crop: Crop, model: Model) -> Where:
    return occluded(model, _seen(crop, model), crop.face.region, score)


def _side(crop: Crop) -> float:
    return min(crop.face.region.width, crop.face.region.height)
