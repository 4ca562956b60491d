"""Cues that need no time: each face of a picture, or a few sightings of each person of a film, at their own pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ....media.extent import Region
from ....media.view import View
from ...cue import Measured, Untold, explained
from ...finding import Evidence, Finding, Skipped
from ..features import MARGIN, SIZE

MOST_SIGHTINGS = 8
"""Frames of one person that are looked at, evenly spread."""
MOST_FACES = 12
"""Faces of a picture, or people of a film, that are looked at, the largest or longest seen first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """One face where it was seen: `image` uint8 `[h, w, 3]` RGB, the whole picture as decoded, never scaled.

    `points` float32 `[468, 2]` are the landmarks in its pixels.
    """

    image: NDArray[np.uint8]
    points: NDArray[np.float32]

    @property
    def side(self) -> float:
        """Width of the face from temple to temple, in pixels."""
        return float(np.linalg.norm(self.points[454] - self.points[234]))

    def around(self, reach: float) -> tuple[slice, slice]:
        """Return rows and columns of the landmarks' box widened by `reach` of its longer side, whole blocks of 8."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        more = reach * float((high - low).max())
        height, width = self.image.shape[:2]
        left, top = (max(0, int(v) // 8 * 8) for v in low - more)
        right, bottom = (int(v) // 8 * 8 for v in np.minimum(high + more, (width, height)))
        return slice(top, bottom), slice(left, right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """The picture around a face: `light` float32 `[h, w]` 0..255, `colours` uint8 `[h, w, 3]`, and two masks.

    `face` is the inside of the landmarks' hull, `beyond` what is well outside of it.
    """

    light: NDArray[np.float32]
    colours: NDArray[np.uint8]
    face: NDArray[np.bool_]
    beyond: NDArray[np.bool_]


def zones(portrait: Portrait, *, reach: float = 0.6) -> Zones:
    """Return the two zones of a face and its surroundings within `reach` of its size, whole blocks of 8 pixels."""
    import cv2

    rows, columns = portrait.around(reach)
    colours = np.ascontiguousarray(portrait.image[rows, columns])
    marks = portrait.points - np.array([columns.start, rows.start], np.float32)
    hull = cv2.convexHull(np.round(marks).astype(np.int32))
    mask = np.zeros(colours.shape[:2], np.uint8)
    if mask.size:
        cv2.fillConvexPoly(mask, hull, 1)
    edge = max(2, round(0.06 * portrait.side))
    kernel = np.ones((2 * edge + 1, 2 * edge + 1), np.uint8)
    light = np.asarray(colours @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)
    face = cv2.erode(mask, kernel, borderValue=0).astype(bool) if mask.size else mask.astype(bool)
    grown = cv2.dilate(mask, np.ones((6 * edge + 1, 6 * edge + 1), np.uint8)) if mask.size else mask
    return Zones(light=light, colours=colours, face=face, beyond=grown == 0)


class PortraitCue(ABC):
    """A detector that asks one cue about each face, at the picture's own pixels. It explains and weighs nothing."""

    name: str
    version: str
    side: float
    """Pixels from temple to temple below which it cannot tell."""

    @abstractmethod
    def measure(self, face: Portrait) -> Measured | Untold:
        """Return what the cue measured on one sighting of a face at least `side` pixels wide, or why it cannot tell."""

    def look(self, view: View) -> Measured | Untold:
        """Return what the cue measured of the face that looks least like a photograph, or why it cannot tell.

        Of a film each person's figures are medians over at most `MOST_SIGHTINGS` frames. Raises what decoding raises.
        """
        return self.asked(view)[0]

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return the cue's finding, with ratio 0 and every face's region, or why there is none."""
        answer, regions = self.asked(evidence.view)
        return explained(self, answer, modality="visual", regions=regions)

    def asked(self, view: View) -> tuple[Measured | Untold, tuple[Region, ...]]:
        """Return what `look` returns, and where the faces are that were looked at. Raises what decoding raises."""
        if view.kind == "audio":
            return Untold(why="there is no picture"), ()
        people = portraits(view)
        if not people:
            return Untold(why="no face with landmarks was found"), ()
        answers = [self._middle([portrait for portrait, _ in seen]) for seen in people]
        told = [(a, seen) for a, seen in zip(answers, people, strict=True) if isinstance(a, Measured)]
        if not told:
            return next(answer for answer in answers if isinstance(answer, Untold)), ()
        strongest = max((answer for answer, _ in told), key=lambda answer: answer.score)
        more = f", the most of {len(told)} faces" if len(told) > 1 else ""
        regions = tuple(region for _, seen in told for _, region in seen)
        return replace(strongest, note=strongest.note + more), regions

    def _middle(self, seen: list[Portrait]) -> Measured | Untold:
        """Return the medians over the sightings of one person."""
        large = [portrait for portrait in seen if portrait.side >= self.side]
        if not large:
            widest = max(portrait.side for portrait in seen)
            return Untold(why=f"needs a face {self.side:g} pixels wide, got {widest:.0f}")
        answers = [self.measure(portrait) for portrait in large]
        told = [answer for answer in answers if isinstance(answer, Measured)]
        if not told:
            return next(answer for answer in answers if isinstance(answer, Untold))
        return middle(told)


def middle(told: list[Measured]) -> Measured:
    """Return the answer whose score is the (lower) median, with every figure's own median."""
    ordered = sorted(told, key=lambda answer: answer.score)
    one = ordered[(len(ordered) - 1) // 2]
    figures = {
        name: float(np.median([answer.figures[name] for answer in told if name in answer.figures]))
        for name in {name for answer in told for name in answer.figures}
    }
    frames = f" (median of {len(told)} frames)" if len(told) > 1 else ""
    return Measured(score=one.score, note=one.note + frames, figures=figures)


def portraits(view: View) -> list[list[tuple[Portrait, Region]]]:
    """Return the sightings of each person of a picture or film, each with where it is."""
    images = {frame.index: frame.image for frame in view.frames}
    people: dict[int, list[tuple[Portrait, Region]]] = defaultdict(list)
    # The crops that other detectors use anyway say whose face each mesh is.
    for number, (crop, mesh) in enumerate(zip(view.crops(SIZE, margin=MARGIN), view.meshes, strict=True)):
        if mesh is None:
            continue
        image = images.get(crop.index) if crop.index is not None else view.still.pixels if view.still else None
        if image is not None:
            portrait = Portrait(image=image, points=mesh.points[:, :2])
            where = replace(crop.face.region, time=crop.time)
            people[number if crop.track is None else crop.track].append((portrait, where))
    longest = sorted(people.values(), key=len, reverse=True)[:MOST_FACES]
    return [
        [seen[n] for n in dict.fromkeys(np.linspace(0, len(seen) - 1, MOST_SIGHTINGS).round().astype(int).tolist())]
        for seen in longest
    ]
