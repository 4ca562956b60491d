"""The learned eye for pictures: what a network for everyday pictures notices first, read by lines taught on fakes."""

from __future__ import annotations

import math

import numpy as np

from ...media.view import Crop
from ..finding import Evidence, Finding, Skipped
from ..model import shipped
from .faces import MARGIN, SIDE, flat, shown

LEAST_FACE = 64
"""Pixels: the shorter side of a face below which there is too little to see."""


class FaceDetector:
    """Looks at the texture of every face of a picture; films it leaves to others, since there it is at chance."""

    name = "visual-face"
    version = "1"

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
        told = model.card["input"]
        side, margin = int(told["side"]), float(told["margin"])
        scores = [float(model.scores(flat([shown(crop.image, side, margin)]))[0]) for crop in usable]
        ratios = [model.llr(score) for score in scores]
        order = np.argsort(ratios)[::-1]
        listed = ", ".join(f"{ratios[number]:+.2f}" for number in order[:8])
        return (
            Finding(
                detector=self.name,
                version=f"{self.version}+{model.version}",
                # Whichever face it is: the ratio for "one of them is a fake" is the mean of theirs.
                llr=math.log10(math.fsum(10.0**ratio for ratio in ratios) / len(ratios)),
                spread=model.spread(scores[order[0]]),
                calibration=model.calibration,
                note=f"learned texture of {len(usable)} face{'s' * (len(usable) > 1)}, log10 ratio each: {listed}",
                modality="visual",
                regions=tuple(usable[number].face.region for number in order),
            ),
        )

    def _skip(self, why: str) -> Skipped:
        return Skipped(detector=self.name, why=why)


def _side(crop: Crop) -> float:
    return min(crop.face.region.width, crop.face.region.height)
