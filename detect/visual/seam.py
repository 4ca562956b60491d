"""The learned eye for seams: every face of a picture or film, frame by frame, with where it looked and the boundary."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ...media.extent import Region
from ...media.view import Crop, View
from ..finding import UNCALIBRATED, Evidence, Finding, Moment, Skipped
from ..model import Model, shipped
from .faces import flat
from .looking import ACTIVATION, MOST_SHOWN, Where

NAME = "visual-seam"
SIDE, MARGIN = 176, 0.12
"""Pixels of a crop, and how far it reaches beyond forehead and chin, in sides of the face."""
MOST_SIGHTINGS = 16
"""Frames of one track that are scored, evenly spread."""
LEAST_FACE = 64
"""Pixels: the shorter side of a face below which there is too little to see."""
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One face in one picture or frame: raw `score` and log10 ratio `llr` of it alone, and what the network drew.

    `where` float32 `[11, 11]` is what each place of the crop adds to the score, its mean the score: where the model
    looked, not what was manipulated. `seams` float32 `[22, 22]`, 0..1, is the blending boundary, which was trained with
    the masks of blends. `blended` and `drawn` are the logits of both questions; `matrix` leads from picture to crop.
    """

    region: Region
    matrix: F64
    score: float
    llr: float
    where: F32
    seams: F32
    blended: float
    drawn: float
    index: int | None = None
    time: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One face of a still or one track of a film: the pooled score, its ratio, and its looks in order of time."""

    track: int | None
    score: float
    llr: float
    looks: tuple[Look, ...]


class SeamDetector:
    """Draws where a face may have been blended in, and tells whether it looks blended or drawn by a network."""

    name = NAME
    version = "1"

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return one finding over all faces, each with its region, or why there is none.

        Raises `ModelError` if the shipped model is missing or damaged, and what decoding raises.
        """
        view = evidence.view
        if view.kind == "audio":
            return self._skip("there is no picture")
        crops = view.crops(SIDE, margin=MARGIN)
        if not crops:
            return self._skip("no face was found")
        if not any(_large(crop) for crop in crops):
            largest = max(_side(crop) for crop in crops)
            return self._skip(f"needs a face of at least {LEAST_FACE} pixels, the largest has {largest:.0f} pixels")
        return (self._finding(explain(view), view),)

    def where(self, view: View) -> tuple[Where, ...]:
        """Return where it looked in the most suspect faces of a picture, in the most suspect frame of a film."""
        shown = 1 if view.kind == "video" else MOST_SHOWN
        return tuple(_where(max(track.looks, key=lambda look: look.score), view) for track in explain(view)[:shown])

    def _skip(self, why: str) -> Skipped:
        return Skipped(detector=self.name, why=why)

    def _finding(self, tracks: Sequence[Track], view: View) -> Finding:
        model = shipped(self.name)
        told = ", ".join(f"{one.score:+.1f}" for one in tracks[:8])
        times = {look.time for one in tracks for look in one.looks}
        frames = f" over {len(times)} frame{'s' * (len(times) > 1)}" if view.kind == "video" else ""
        about = f"{len(tracks)} face{'s' * (len(tracks) > 1)}{frames}"
        return Finding(
            detector=self.name,
            version=f"{self.version}+{model.version}",
            llr=0.0,  # near chance on fakes by others (docs/detectors.md): it explains, and weighs nothing
            calibration=UNCALIBRATED,
            note=f"log odds of blending or drawing by a network at {about}: {told}; not calibrated: it does not count",
            modality="visual",
            regions=tuple(look.region for one in tracks for look in one.looks),
            moments=tuple(
                Moment(time=look.time, face=number, score=round(look.score, 4))
                for number, one in enumerate(tracks)
                for look in one.looks
                if look.time is not None
            ),
        )


def _where(look: Look, view: View) -> Where:
    crops = view.crops(SIDE, margin=MARGIN)
    (seen,) = (crop for crop in crops if crop.index == look.index and np.array_equal(crop.matrix, look.matrix))
    return Where(
        region=look.region,
        score=look.score,
        crop=seen.image,
        heat=look.where.astype(np.float64),
        method=ACTIVATION,
        boundary=look.seams.astype(np.float64),
        boundary_of="blending boundary, trained with the masks of blends",
    )


_ASKED: WeakKeyDictionary[View, tuple[Track, ...]] = WeakKeyDictionary()


def explain(view: View) -> tuple[Track, ...]:
    """Return what the shipped network says of every face of `view`, most suspect first; none without a usable face.

    A view is looked at once, however often this is called. Raises `ModelError` if the shipped model is missing or
    damaged, and what decoding raises.
    """
    if view.kind == "audio":
        return ()
    if view not in _ASKED:
        _ASKED[view] = _tracks(view, shipped(NAME))
    return _ASKED[view]


def _tracks(view: View, model: Model) -> tuple[Track, ...]:
    by_track: dict[int, list[Crop]] = defaultdict(list)
    for number, crop in enumerate(crop for crop in view.crops(SIDE, margin=MARGIN) if _large(crop)):
        by_track[-1 - number if crop.track is None else crop.track].append(crop)
    tracks = []
    for number, seen in by_track.items():
        looks = tuple(_look(crop, model) for crop in thinned(seen))
        score = pooled([look.score for look in looks])
        tracks.append(Track(track=None if number < 0 else number, score=score, llr=model.llr(score), looks=looks))
    return tuple(sorted(tracks, key=lambda one: -one.score))


def pooled(scores: Sequence[float]) -> float:
    """Return the mean of a track's scores without the highest and the lowest quarter of them."""
    ordered = np.sort(np.asarray(scores, np.float64))
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def _look(crop: Crop, model: Model) -> Look:
    told: dict[str, Any] = model.outputs(flat([crop.image]))
    score = float(told["score"][0, 0])
    return Look(
        region=replace(crop.face.region, time=crop.time),
        matrix=np.asarray(crop.matrix, np.float64),
        score=score,
        llr=model.llr(score),
        where=np.asarray(told["map"][0], np.float32),
        seams=np.asarray(told["seams"][0], np.float32),
        blended=float(told["asked"][0, 0]),
        drawn=float(told["asked"][0, 1]),
        index=crop.index,
        time=crop.time,
    )


def thinned(seen: Sequence[Crop]) -> list[Crop]:
    """Return at most `MOST_SIGHTINGS` of a track, evenly spread."""
    chosen = np.linspace(0, len(seen) - 1, min(len(seen), MOST_SIGHTINGS)).round().astype(int)
    return [seen[number] for number in dict.fromkeys(chosen.tolist())]


def _side(crop: Crop) -> float:
    return min(crop.face.region.width, crop.face.region.height)


def _large(crop: Crop) -> bool:
    return _side(crop) >= LEAST_FACE
