"""The learned eye for what a network drew: pieces of pictures and films at their own size, with a face or without.

Nothing is scaled: what a network leaves when it enlarges its maps is as fine as the pixels are, and scaling wipes it
out. What the first blocks of a frozen CLIP make of a piece is read by lines that were taught on real pictures and on
the same pictures drawn anew by small networks, both sent the same way through codecs (detect/train/visual_drawn.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...media.extent import Region
from ...media.faces import Face
from ...media.view import View
from ..finding import UNCALIBRATED, Evidence, Finding, Moment, Skipped
from ..model import Model, shipped
from .faces import flat
from .looking import Pixels, Where, occluded

NAME = "visual-drawn"
SIDE = 224
"""Pixels a side of a piece: a picture or film must have as many."""
FRAMES = 4
"""Frames of a film that are looked at."""
LEAST_FACE = 64
"""Pixels: the shorter side of a face below which pieces are chosen as if it were not there."""
Corner = tuple[int, int]
"""Top and left of a piece, in pixels of its picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of a picture or frame, uint8 `[SIDE, SIDE, 3]`, and where it is; of a film with the frame's time."""

    pixels: Pixels
    region: Region


class DrawnDetector:
    """Looks at pieces of a picture or film at their own size: whether a network drew or enlarged them."""

    name = NAME
    version = "1"

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return one finding over all pieces, or why there is none.

        Raises `ModelError` if the shipped model is missing or damaged, and what decoding raises.
        """
        view = evidence.view
        if view.kind == "audio":
            return self._skip("there is no picture")
        seen = pieces(view)
        if not seen:
            return self._skip(f"needs {SIDE} pixels of width and height: pieces are looked at in their own size")
        model = shipped(self.name)
        scores = view.shared(self.name, lambda: [float(model.scores(flat([one.pixels]))[0]) for one in seen])
        return (self._finding(view, seen, scores, model.of(view.kind)),)

    def where(self, view: View) -> tuple[Where, ...]:
        """Return where it looked in the most suspect piece; nothing if it did not answer. Raises `ModelError`."""
        scores = view.known(self.name)
        if not isinstance(scores, list) or not scores:
            return ()
        if _uncounted(view):
            return ()  # what does not count needs no explanation that takes seconds
        worst, model = int(np.argmax(scores)), shipped(self.name).of(view.kind)
        piece = pieces(view)[worst]
        return (occluded(model, piece.pixels, piece.region, scores[worst]),)

    def _finding(self, view: View, seen: Sequence[Piece], scores: list[float], model: Model) -> Finding:
        score, why = pooled(scores), _uncounted(view)
        film = view.kind == "video"
        if not film:  # the page numbers them by what they say
            order = np.argsort(scores)[::-1]
            seen, scores = [seen[place] for place in order], [scores[place] for place in order]
        listed = ", ".join(f"{model.scaled(one):+.2f}" for one in scores)
        about = f"{len(seen)} {'frame' if film else 'piece'}{'s' * (len(seen) > 1)}"
        note = f"texture of {about} at their own size, log10 ratio each: {listed}"
        return Finding(
            detector=self.name,
            version=f"{self.version}+{model.version}",
            llr=0.0 if why else model.llr(score),
            spread=0.0 if why else model.spread(score),
            calibration=UNCALIBRATED if why else model.calibration,
            note=f"{note}; {why}, so it does not count" if why else note,
            modality="visual",
            regions=tuple(one.region for one in seen),
            moments=tuple(
                Moment(time=one.region.time, face=0, score=round(model.scaled(found), 4))
                for one, found in zip(seen, scores, strict=True)
                if one.region.time is not None
            ),
        )

    def _skip(self, why: str) -> Skipped:
        return Skipped(detector=self.name, why=why)


def pooled(scores: Sequence[float]) -> float:
    """Return the score of a picture or film: the median over its pieces."""
    return float(np.median(scores))


def pieces(view: View) -> list[Piece]:
    """Return the pieces of a picture, or one of each of up to `FRAMES` frames of a film; none where it is too small."""
    return [cut_out(image, corner, time) for image, corner, time in places(view)]


def places(view: View) -> Iterator[tuple[Pixels, Corner, float | None]]:
    """Yield each picture or frame with the corner of a piece and, of a film, its time."""
    if view.kind == "image":
        if view.still is not None and min(view.still.pixels.shape[:2]) >= SIDE:
            for corner in corners(view.still.pixels, _face(view.faces)):
                yield view.still.pixels, corner, None
        return
    frames = [
        (frame, face)
        for frame, face in zip(view.frames, map(_face, view.frame_faces), strict=True)
        if min(frame.image.shape[:2]) >= SIDE
    ]
    with_face = [one for one in frames if one[1] is not None] or frames
    chosen = np.linspace(0, len(with_face) - 1, min(len(with_face), FRAMES)).round().astype(int)
    for number in chosen.tolist():
        frame, face = with_face[number]
        yield frame.image, _first(frame.image, face), frame.time


def corners(image: Pixels, face: Face | None) -> list[Corner]:
    """Return the corners of the pieces of a picture: at its face, or in its middle, and the most textured elsewhere."""
    import cv2

    height, width = image.shape[:2]
    first = _first(image, face)
    fine = cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_16S)  # whole numbers: half the memory
    np.abs(fine, out=fine)
    grid = [(top, left) for top in _steps(height) for left in _steps(width) if _apart((top, left), first)]
    if not grid:
        return [first]
    return [
        first,
        max(grid, key=lambda at: float(fine[at[0] : at[0] + SIDE, at[1] : at[1] + SIDE].mean(dtype=np.float64))),
    ]


def _first(image: Pixels, face: Face | None) -> Corner:
    """Return the corner of the piece at the face, or in the middle."""
    height, width = image.shape[:2]
    middle = (height / 2, width / 2)
    if face is not None:
        middle = (face.region.top + face.region.height / 2, face.region.left + face.region.width / 2)
    return _within(middle[0], height), _within(middle[1], width)


def cut_out(image: Pixels, corner: Corner, time: float | None = None) -> Piece:
    """Return the piece of `image` at `corner`."""
    top, left = corner
    pixels = np.ascontiguousarray(image[top : top + SIDE, left : left + SIDE])
    return Piece(pixels=pixels, region=Region(left=left, top=top, width=SIDE, height=SIDE, time=time))


def _uncounted(view: View) -> str:
    """Return why what it says of `view` does not count; nothing if it counts."""
    # Its calibration set shows faces: photographs of anything else it takes for drawn far too often.
    if not any(map(_face, view.frame_faces)):
        return "calibrated on faces alone and there is none"
    if view.asset is not None and view.asset.container.name == "gif":
        return "a palette's dots look drawn to it"
    return ""


def _face(faces: Sequence[Face]) -> Face | None:
    large = [face for face in faces if min(face.region.width, face.region.height) >= LEAST_FACE]
    return large[0] if large else None


def _within(middle: float, length: int) -> int:
    return int(np.clip(round(middle - SIDE / 2), 0, length - SIDE))


def _steps(length: int) -> list[int]:
    """Return where pieces begin that cover `length` with as little overlap as can be."""
    return [round(begin) for begin in np.linspace(0, length - SIDE, max(1, -(-length // SIDE))).tolist()]


def _apart(one: Corner, other: Corner) -> bool:
    """Tell whether two pieces share less than half of their pixels."""
    shared = max(0, SIDE - abs(one[0] - other[0])) * max(0, SIDE - abs(one[1] - other[1]))
    return shared < SIDE**2 / 2
