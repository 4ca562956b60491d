"""68 landmarks of a followed face as a series over time: calibrated from frame to frame, aligned, cut into windows.

After Sun et al., "Improving the efficiency and robustness of deepfakes detection through precise geometric features",
CVPR 2021, sections 3.1 to 3.3: landmarks of every frame are aligned, then calibrated by tracking, then cut into
windows of 60 frames. What they leave open is said where it is decided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...media.faces import Followed, moved, similarity, template
from ...media.faces.follow import CROP_SIDE
from .cues.cue import evenly

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
WINDOW = 60
"""Frames of a window, as in the paper; the next begins where it ends."""
RATE = 25.0
"""Frames a second to which a film is brought whose own rate is outside `RATES`."""
RATES = (23.0, 31.0)
"""Frame rates that are taken as they are: what the published networks met, and no frame has to be made up."""
LEAST_RATE = 20.0

IBUG: tuple[int, ...] = (
    *(127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356),  # 0-16 the jaw
    *(70, 63, 105, 66, 107),  # 17-21 the brow that lies left in the picture, from outside
    *(336, 296, 334, 293, 300),  # 22-26 the other brow, from inside
    *(168, 197, 5, 4),  # 27-30 the ridge of the nose, down to its tip
    *(98, 97, 2, 326, 327),  # 31-35 the nose from below
    *(33, 160, 158, 133, 153, 144),  # 36-41 the left eye, from its outer corner over the upper lid
    *(362, 385, 387, 263, 373, 380),  # 42-47 the other eye, from its inner corner over the upper lid
    *(61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91),  # 48-59 the lips from outside, from the left corner
    *(78, 82, 13, 312, 308, 317, 14, 87),  # 60-67 the lips from inside
)
"""Of MediaPipe's 468 landmarks those that lie at the 68 of iBUG 300-W (the order of dlib), by contours and corners.

The numbers are those of MediaPipe's canonical face model; contours are its own (`face_mesh_connections`), and the jaw's
points are chosen in pairs that mirror each other.
"""
MIRROR: tuple[int, ...] = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *(27, 28, 29, 30, 35, 34, 33, 32, 31),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)
"""The place that each landmark takes in the mirrored face."""
RIGID = (27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45)
"""Landmarks that expressions hardly move: nose and corners of the eyes."""
_CORNERS = ((33, 133), (263, 362), (1,), (61,), (291,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """How tracking and detection are weighed, in pixels of a followed crop of 128 pixels.

    `moved` is the deviation of a tracked step, `seen` that of a detection, `back` the distance by which a point that is
    tracked forth and back may miss itself; beyond it the detection alone counts.
    """

    moved: float = 0.25
    seen: float = 0.5
    back: float = 1.0
    window: int = 15
    levels: int = 2


def upright(followed: Followed) -> F32:
    """Return the 68 landmarks in the pixels of the followed face's own crops, float32 `[n, 68, 2]`."""
    out = np.empty((len(followed.points), len(IBUG), 2), np.float32)
    for place, points in zip(out, followed.points[..., :2].astype(np.float64), strict=True):
        five = np.stack([points[list(marks)].mean(axis=0) for marks in _CORNERS])
        place[:] = moved(points[list(IBUG)], similarity(five, template(0.15) * CROP_SIDE))
    return out


def calibrated(points: F32, crops: NDArray[np.uint8], told: Filter | None = None) -> F32:
    """Return landmarks `[n, 68, 2]` in pixels of `crops` `[n, side, side, 3]`, each joined with where it was tracked.

    Section 3.2 of the paper: pyramidal Lucas-Kanade from the frame before, forth and back; what comes back is the
    prediction of a Kalman filter whose measurement is the detection. The paper does not print the filter's variances.
    """
    import cv2

    told = told or Filter()
    grey = [cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops]
    ways = {"winSize": (told.window, told.window), "maxLevel": told.levels}
    out = np.array(points, np.float32)
    variance = np.full(points.shape[1], told.seen**2)
    for turn in range(1, len(out)):
        start = np.ascontiguousarray(out[turn - 1][:, None])
        there, found, _ = cv2.calcOpticalFlowPyrLK(grey[turn - 1], grey[turn], start, None, **ways)  # type: ignore[call-overload]
        again, back, _ = cv2.calcOpticalFlowPyrLK(grey[turn], grey[turn - 1], there, None, **ways)  # type: ignore[call-overload]
        miss = np.linalg.norm(again - start, axis=2)[:, 0]
        kept = (found[:, 0] == 1) & (back[:, 0] == 1) & (miss < told.back)
        ahead = variance + told.moved**2
        gain = np.where(kept, ahead / (ahead + told.seen**2), 1.0)
        tracked = np.where(kept[:, None], there[:, 0], points[turn])
        out[turn] = tracked + gain[:, None] * (points[turn] - tracked)
        variance = np.where(kept, (1.0 - gain) * ahead, told.seen**2)
    return out


def aligned(points: F32) -> F32:
    """Return landmarks `[n, 68, 2]` with shift, turn and size of each frame's head taken off.

    Each frame's rigid landmarks are laid on those of the mean face; then the middle of the mean face lies at 0 and it
    reaches from -1 to 1 in height. That zero is in the middle of the face is what the published weights themselves tell
    (docs/detectors.md); that the face reaches to 1 is the usual way to put it there.
    """
    plane = points[..., 0].astype(np.float64) + 1j * points[..., 1].astype(np.float64)
    rigid = plane[:, list(RIGID)]
    target = rigid.mean(axis=0)
    middle, goal = rigid.mean(axis=1, keepdims=True), target.mean()
    # Turn and size in one complex number: least squares without mirroring, as `media.faces.similarity` of each frame.
    around = rigid - middle
    turn = (around.conj() @ (target - goal)) / np.maximum((abs(around) ** 2).sum(axis=1), 1e-12)
    plane = (plane - middle) * turn[:, None] + goal
    flat = np.stack([plane.real, plane.imag], axis=2)
    mean = flat.mean(axis=0)
    low, high = mean.min(axis=0), mean.max(axis=0)
    half = max(float(high[1] - low[1]) / 2.0, 1e-6)
    return np.asarray((flat - (low + high) / 2.0) / half, np.float32)


def series(followed: Followed, *, calm: F32 | None = None) -> F32:
    """Return the aligned landmarks of a followed face, float32 `[n, 68, 2]`, at the film's rate if it is in `RATES`.

    They are calibrated first, unless `calm` has them, aligned, at the film's rate.
    """
    points = aligned(calibrated(upright(followed), followed.crops)) if calm is None else calm
    if len(points) < 2 or RATES[0] <= followed.rate <= RATES[1]:
        return points
    return np.asarray(evenly(followed.times, points, RATE), np.float32)


def windows(landmarks: F32) -> F32:
    """Return the windows of a series `[n, 68, 2]`, float32 `[k, WINDOW, 68, 2]`; what is left at the end is dropped."""
    count = len(landmarks) // WINDOW
    return np.ascontiguousarray(landmarks[: count * WINDOW].reshape(count, WINDOW, *landmarks.shape[1:]))


def flat(cut: F32) -> F32:
    """Return windows `[k, WINDOW, 68, 2]` as the networks take them, `[k, WINDOW * 136]`: x and y of point by point."""
    return np.ascontiguousarray(cut.reshape(len(cut), -1), np.float32)


def tremble(landmarks: F32) -> float:
    """Return the median second difference of all landmarks of a series, in thousandths of half the face's height."""
    bend = landmarks[2:] - 2.0 * landmarks[1:-1] + landmarks[:-2]
    return float(1000.0 * np.median(np.linalg.norm(bend, axis=2)))
