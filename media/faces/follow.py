"""One face through every frame of a stretch of film: landmarks, a small crop and skin colours, in constant memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..video import Frame
from .align import cut, similarity, template
from .interface import Face, FaceFinder, Mesh, Mesher
from .track import Scenes

CROP_SIDE = 128
"""Pixels a side of the crops that are kept."""
SKIN = MappingProxyType(
    {
        "forehead": (67, 109, 10, 338, 297, 299, 337, 151, 108, 69),
        "left cheek": (116, 117, 118, 101, 36, 205, 207, 187, 123),
        "right cheek": (345, 346, 347, 330, 266, 425, 427, 411, 352),
    }
)
"""Skin that is seldom covered: its landmarks, of which the convex hull is taken. Left and right are the picture's."""
_CORNERS = ((33, 133), (263, 362), (1,), (61,), (291,))
"""Landmarks whose means are the five points of a face: eyes, nose tip, corners of the mouth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """How much is followed: up to `seconds` in one piece, looked for in the first `within` seconds of the film."""

    seconds: float = 12.0
    within: float = 40.0
    frames: int = 900
    """The most frames of one piece: a film of 240 frames a second must not fill the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A face in successive frames, none left out: `times` float64 `[n]` in seconds of the film.

    `points` float32 `[n, 468, 3]` in pixels of the frames looked at, as mesh landmarks are; `crops` uint8
    `[n, CROP_SIDE, CROP_SIDE, 3]` upright and RGB; `skin` float32 `[n, len(SKIN), 3]`, mean RGB (0..255) of each patch
    of `SKIN`, in its order; `surround` float32 `[n, 3]`, mean RGB of the picture beside and above the face, NaN where
    there is too little of it.
    """

    times: NDArray[np.float64]
    points: NDArray[np.float32]
    crops: NDArray[np.uint8]
    skin: NDArray[np.float32]
    surround: NDArray[np.float32]

    @property
    def seconds(self) -> float:
        """From the first to the last frame."""
        return float(self.times[-1] - self.times[0]) if len(self.times) > 1 else 0.0

    @property
    def rate(self) -> float:
        """Frames a second, from the median step; 0.0 for fewer than two frames."""
        return float(1.0 / max(float(np.median(np.diff(self.times))), 1e-6)) if len(self.times) > 1 else 0.0

    @property
    def side(self) -> float:
        """Median width of the face from temple to temple, in pixels; 0.0 without frames."""
        if not len(self.points):
            return 0.0
        return float(np.median(np.linalg.norm(self.points[:, 454, :2] - self.points[:, 234, :2], axis=1)))


@dataclass(slots=True)
class _Piece:
    """What was followed since the face was found."""

    times: list[float] = field(default_factory=list)
    points: list[NDArray[np.float32]] = field(default_factory=list)
    crops: list[NDArray[np.uint8]] = field(default_factory=list)
    skin: list[NDArray[np.float32]] = field(default_factory=list)
    surround: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, frame: Frame, mesh: Mesh) -> None:
        """Take what is kept of one frame."""
        flat = mesh.points[:, :2]
        self.times.append(frame.time)
        self.points.append(mesh.points)
        self.crops.append(cut(frame.image, similarity(_five(mesh), template(0.15) * CROP_SIDE), CROP_SIDE))
        self.skin.append(np.stack([_patch(frame.image, flat[list(marks)]) for marks in SKIN.values()]))
        self.surround.append(_surround(frame.image, flat))

    def seconds(self) -> float:
        """Return how long it is."""
        return self.times[-1] - self.times[0] if self.times else -1.0

    def done(self) -> Followed:
        """Return it as arrays."""
        return Followed(
            times=np.array(self.times, np.float64),
            points=np.stack(self.points),
            crops=np.stack(self.crops),
            skin=np.stack(self.skin),
            surround=np.stack(self.surround),
        )


def follow(
    frames: Iterable[Frame], *, finder: FaceFinder, mesher: Mesher, stretch: Stretch | None = None
) -> Followed | None:
    """Return the longest piece, in `frames`, in which the largest face is seen without a gap, or `None` without one.

    Frames are taken in order of time and only as far as needed. The face is looked for by `finder` where a piece
    begins; after that the landmarks of each frame say where to look in the next. A cut or a lost face ends a piece.
    """
    stretch = stretch or Stretch()
    scenes, best, piece = Scenes(), _Piece(), _Piece()
    last: Mesh | None = None
    for frame in frames:
        cut_here = scenes.cut(frame.image)
        if frame.time > stretch.within or len(piece.times) >= stretch.frames:
            break
        last = None if cut_here else last
        found = mesher.follow(frame.image, last) if last is not None else None
        if found is None or (last is not None and _leapt(last, found)):
            best, piece = max(best, piece, key=_Piece.seconds), _Piece()
            faces = finder.find(frame.image)
            found = mesher.mesh(frame.image, faces[0]) if faces else None
        last = found
        if found is not None:
            piece.add(frame, found)
        if piece.seconds() >= stretch.seconds:
            break
    best = max(best, piece, key=_Piece.seconds)
    return best.done() if best.times else None


def face_of(mesh: Mesh, *, score: float = 1.0) -> Face:
    """Return the face that a mesh describes, its box reaching from forehead to chin."""
    from ..extent import Region

    low, high = mesh.points[:, :2].min(axis=0), mesh.points[:, :2].max(axis=0)
    left, top = (max(0.0, float(v)) for v in low)
    region = Region(left=left, top=top, width=float(high[0]) - left, height=float(high[1]) - top)
    return Face(region=region, score=score, points=_five(mesh))


def _five(mesh: Mesh) -> NDArray[np.float32]:
    return np.stack([mesh.points[list(marks), :2].mean(axis=0) for marks in _CORNERS]).astype(np.float32)


def _leapt(before: Mesh, after: Mesh) -> bool:
    """Tell whether the landmarks moved or grew more than a head does from one frame to the next."""
    side = float(np.ptp(before.points[:, 0])) + 1e-6
    moved = float(np.linalg.norm(after.points[:, :2].mean(axis=0) - before.points[:, :2].mean(axis=0)))
    grown = (float(np.ptp(after.points[:, 0])) + 1e-6) / side
    return moved > 0.5 * side or not 0.6 < grown < 1.67


def _patch(image: NDArray[np.uint8], marks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean colour inside the hull of `marks`, float32 `[3]`; NaN where it lies outside the picture."""
    import cv2

    height, width = image.shape[:2]
    low = np.clip(np.floor(marks.min(axis=0)).astype(int), 0, [width, height])
    high = np.clip(np.ceil(marks.max(axis=0)).astype(int) + 1, 0, [width, height])
    if (high - low).min() < 2:
        return np.full(3, np.nan, np.float32)
    part = image[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(marks - low).astype(np.int32)), 1)
    if not mask.any():
        return np.full(3, np.nan, np.float32)
    return np.asarray(cv2.mean(part, mask=mask)[:3], np.float32)


def _surround(image: NDArray[np.uint8], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean colour of the picture well beside the face; NaN if that is under a tenth of it."""
    height, width = image.shape[:2]
    small = image[:: max(1, height // 90), :: max(1, width // 160)]
    y = np.linspace(0, height, small.shape[0], endpoint=False)[:, None]
    x = np.linspace(0, width, small.shape[1], endpoint=False)[None, :]
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, high - low
    # Below the head is the person's own body, which moves with it: only what is beside or above counts.
    away = (abs(x - middle[0]) > half[0]) & (y < high[1])
    if float(away.mean()) < 0.1:
        return np.full(3, np.nan, np.float32)
    return np.asarray(small[away].mean(axis=0), np.float32)
