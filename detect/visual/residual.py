"""The first learned eye: residuals, spectra and colours inside and outside each face, and a classifier of them."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...media.extent import Region
from ...media.faces import Mesh, moved
from ...media.view import Crop, View
from ..finding import Evidence, Finding, Moment, Skipped
from ..model import Model, shipped
from .features import MARGIN, SIZE, FaceCrop, features
from .looking import MOST_SHOWN, OCCLUSION, Pixels, Where, occlusion

MOST_SIGHTINGS = 16
"""Frames of one track that are scored, evenly spread: the median of more hardly moves."""
LEAST_FACE = 64
"""Pixels: the shorter side of a face below which residuals say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One person: raw score (of a film, the median over its frames), and where, with each sighting's score and face."""

    score: float
    regions: tuple[Region, ...]
    scores: tuple[float, ...]
    faces: tuple[FaceCrop, ...]

    def moments(self, number: int, model: Model) -> tuple[Moment, ...]:
        """Return what each frame says of this person, who has that `number`; none of a still."""
        pairs = zip(self.regions, self.scores, strict=True)
        return tuple(
            Moment(time=region.time, face=number, score=round(model.scaled(score), 4))
            for region, score in pairs
            if region.time is not None
        )


class ResidualDetector:
    """Looks for the seam and the second history that a face laid into a picture leaves."""

    name = "visual-residual"
    version = "1"

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return one finding over all faces, each with its region, or why there is none.

        Raises `ModelError` if the shipped model is missing or damaged, and what decoding raises.
        """
        view = evidence.view
        if view.kind == "audio":
            return self._skip("there is no picture")
        crops, meshes = view.crops(SIZE, margin=MARGIN), view.meshes
        if not crops:
            return self._skip("no face was found")
        usable = _thinned([(c, m) for c, m in zip(crops, meshes, strict=True) if m is not None and _large(c)])
        if not usable:
            largest = max(_side(crop) for crop in crops)
            return self._skip(
                f"needs a face of at least {LEAST_FACE} pixels with landmarks, the largest has {largest:.0f} pixels"
            )
        model = shipped(self.name).of(view.kind)
        people = view.shared(self.name, lambda: _people(usable, model))
        return (self._finding(people, view, model),)

    def where(self, view: View) -> tuple[Where, ...]:
        """Return where it looked in the most suspect faces of a picture, in the most suspect frame of a film.

        Nothing if `examine` did not answer about `view`. Raises `ModelError`.
        """
        people, model = view.known(self.name), shipped(self.name).of(view.kind)
        if not isinstance(people, list):
            return ()
        ranked = sorted(people, key=lambda person: -person.score)
        return tuple(_where(person, model) for person in ranked[: 1 if view.kind == "video" else MOST_SHOWN])

    def _skip(self, why: str) -> Skipped:
        return Skipped(detector=self.name, why=why)

    def _finding(self, people: list[_Seen], view: View, model: Model) -> Finding:
        ratios = [model.llr(person.score) for person in people]
        # Whichever face it is: the ratio for "one of them is a fake" is the mean of theirs.
        llr = math.log10(math.fsum(10.0**ratio for ratio in ratios) / len(ratios))
        order = np.argsort([-person.score for person in people], kind="stable")
        told = ", ".join(f"{ratio:+.2f}" for ratio in sorted(ratios, reverse=True)[:8])
        times = {region.time for person in people for region in person.regions}
        frames = f" over {len(times)} frame{'s' * (len(times) > 1)}" if view.kind == "video" else ""
        return Finding(
            detector=self.name,
            version=f"{self.version}+{model.version}",
            llr=llr,
            spread=model.spread(people[order[0]].score),
            calibration=model.calibration,
            note=f"blending traces at {len(people)} face{'s' * (len(people) > 1)}{frames}, log10 ratio each: {told}",
            modality="visual",
            regions=tuple(region for number in order for region in people[number].regions),
            moments=tuple(m for place, number in enumerate(order) for m in people[number].moments(place, model)),
        )


def face_crop(crop: Crop, mesh: Mesh) -> FaceCrop:
    """Return the crop with its landmarks carried into it."""
    outline = moved(mesh.points[:, :2], crop.matrix).astype(np.float32)
    return FaceCrop(pixels=crop.image, outline=outline)


def _people(usable: list[tuple[Crop, Mesh]], model: Model) -> list[_Seen]:
    """Return a score for each face of a still, and for each track of a film."""
    faces = [face_crop(crop, mesh) for crop, mesh in usable]
    scores = model.scores(np.stack([features(face) for face in faces]))
    by_track: dict[int, list[int]] = defaultdict(list)
    for number, (crop, _) in enumerate(usable):
        by_track[number if crop.track is None else crop.track].append(number)
    return [
        _Seen(
            score=float(np.median(scores[seen])),
            regions=tuple(replace(usable[n][0].face.region, time=usable[n][0].time) for n in seen),
            scores=tuple(scores[seen].tolist()),
            faces=tuple(faces[n] for n in seen),
        )
        for seen in by_track.values()
    ]


def _where(person: _Seen, model: Model) -> Where:
    """Return where the model looked in the most suspect sighting of `person`."""
    worst = int(np.argmax(person.scores))
    face = person.faces[worst]

    def scores_of(crops: list[Pixels]) -> NDArray[np.float64]:
        return model.slope * model.scores(np.stack([features(replace(face, pixels=crop)) for crop in crops]))

    return Where(
        region=person.regions[worst],
        score=model.scaled(person.scores[worst]),
        crop=face.pixels,
        heat=occlusion(face.pixels, scores_of),
        method=OCCLUSION,
    )


def _thinned(usable: list[tuple[Crop, Mesh]]) -> list[tuple[Crop, Mesh]]:
    """Return at most `MOST_SIGHTINGS` of each track, evenly spread; every face of a still."""
    by_track: dict[int | None, list[tuple[Crop, Mesh]]] = defaultdict(list)
    for crop, mesh in usable:
        by_track[crop.track].append((crop, mesh))
    kept = by_track.pop(None, [])
    for seen in by_track.values():
        chosen = np.linspace(0, len(seen) - 1, min(len(seen), MOST_SIGHTINGS)).round().astype(int)
        kept += [seen[number] for number in dict.fromkeys(chosen.tolist())]
    return kept


def _side(crop: Crop) -> float:
    return min(crop.face.region.width, crop.face.region.height)


def _large(crop: Crop) -> bool:
    return _side(crop) >= LEAST_FACE
