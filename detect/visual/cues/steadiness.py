"""How steadily the face sits on the head: jitter of landmarks, inner against outer pose, flicker, teeth, drift, shape.

Pose after Yang, Li & Lyu, "Exposing deep fakes using inconsistent head poses", ICASSP 2019, with the
middle frame's landmarks for their model of a head.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...cue import Measured, Untold
from .cue import F64, CueDetector, Needs, Seen

_RIGID = (6, 197, 195, 168, 33, 133, 362, 263, 127, 356, 10, 151)
_INNER = (33, 133, 362, 263, 1, 4, 5, 6, 195, 197, 48, 278, 98, 327, 168)
_OUTER = (10, 338, 332, 251, 356, 454, 323, 361, 152, 132, 93, 234, 127, 21, 103, 109)
_BONE = (6, 197, 168, 33, 133, 362, 263, 127, 356, 234, 454, 10, 151, 93, 323, 98, 327, 116, 345)
OPEN = 0.18
"""Opening of the inner lips, as a share of the mouth's width, from which teeth or tongue may be seen."""
LEAST_OPEN = 10
"""Runs of three frames with an open mouth that are needed."""
_MOUTH = (slice(80, 96), slice(52, 76))
"""Rows and columns of a followed crop between the lips."""
_FINE = slice(24, 104)
"""Rows and columns of a followed crop that lie within the face."""


def jitter(points: NDArray[np.floating]) -> float:
    """Return how landmarks that sit on bone tremble, in thousandths of the face's width, of landmarks `[n, 468, 3]`.

    It is the median second difference from frame to frame, so that it depends on the frame rate, after shift, turn and
    size of the whole head are taken off.
    """
    upright = _upright(points[:, _RIGID, :2].astype(np.float64))
    bend = upright[2:] - 2.0 * upright[1:-1] + upright[:-2]
    return float(1000.0 * np.median(np.linalg.norm(bend, axis=2)))


def pose_gap(points: NDArray[np.floating]) -> float:
    """Return the angle in degrees, median over frames, between the turns of the inner and of the outer face.

    Turns are those that carry the middle frame's landmarks, three-dimensional, onto a frame's (Kabsch).
    """
    shapes = points.astype(np.float64)
    scale = np.linalg.norm(shapes[:, 454] - shapes[:, 234], axis=1)[:, None, None]
    shapes = shapes / np.maximum(scale, 1e-6)
    middle = shapes[len(shapes) // 2]
    angles = []
    for shape in shapes:
        inner, outer = (_turn(middle[list(part)], shape[list(part)]) for part in (_INNER, _OUTER))
        cosine = (float(np.trace(inner.T @ outer)) - 1.0) / 2.0
        angles.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    return float(np.median(angles))


def flicker(crops: NDArray[np.uint8]) -> float:
    """Return how the face's brightness flutters from frame to frame against how much it changes at all, in decibels.

    `crops` are `[n, side, side, 3]`. Compared are the second and the first difference over time of the crop at an
    eighth of its size: movement changes both, flutter mostly the second.
    """
    grey = crops[:, _FINE, _FINE].astype(np.float32).mean(axis=3)
    small = grey.reshape(len(grey), 10, 8, 10, 8).mean(axis=(2, 4))
    first, second = np.diff(small, axis=0), np.diff(small, n=2, axis=0)
    return float(10.0 * np.log10((np.mean(second**2) + 1e-6) / (np.mean(first**2) + 1e-6)))


def drift(crops: NDArray[np.uint8]) -> float:
    """Return how far the face's texture at the end is from that at the beginning, 0 (the same) to about 1.

    It is 1 minus the correlation of the mean high-passed crops of the first and the last third.
    """
    import cv2

    third = max(1, len(crops) // 3)
    ends = []
    for part in (crops[:third], crops[-third:]):
        mean = part[:, _FINE, _FINE].astype(np.float32).mean(axis=(0, 3))
        ends.append((mean - cv2.GaussianBlur(mean, (0, 0), 6)).ravel())
    return float(1.0 - np.corrcoef(ends[0], ends[1])[0, 1]) if all(end.std() > 0 for end in ends) else 0.0


def identity(points: NDArray[np.floating]) -> float:
    """Return how the skull's own shape changes from the first to the last third, in thousandths of the face's width.

    Of landmarks `[n, 468, 3]` those that expressions hardly move are turned and scaled onto the middle frame's; a
    third's shape is its median, so that a nod does not count. A living head keeps its shape.
    """
    shapes = points[:, _BONE].astype(np.float64)
    target = shapes[len(shapes) // 2] - shapes[len(shapes) // 2].mean(axis=0)
    width = float(np.linalg.norm(target[_BONE.index(454)] - target[_BONE.index(234)])) + 1e-6
    turned = []
    for shape in shapes:
        flat = shape - shape.mean(axis=0)
        scale = np.linalg.norm(target) / max(float(np.linalg.norm(flat)), 1e-6)
        turned.append(scale * flat @ _turn(flat, target).T)
    third = max(1, len(turned) // 3)
    first, last = (np.median(part, axis=0) for part in (turned[:third], turned[-third:]))
    return float(1000.0 * np.mean(np.linalg.norm(last - first, axis=1)) / width)


def teeth(crops: NDArray[np.uint8], points: NDArray[np.floating]) -> float | None:
    """Return how what is seen between open lips flutters against how it changes, in decibels; `None` if seldom open.

    `crops` are `[n, side, side, 3]` and upright, so that the mouth's middle stands still in them; `points` are the
    landmarks `[n, 468, 3]`. Compared are second and first differences over three frames in which the mouth is open.
    """
    gap = np.linalg.norm(points[:, 13, :2] - points[:, 14, :2], axis=1)
    across = np.linalg.norm(points[:, 61, :2] - points[:, 291, :2], axis=1)
    wide = gap > OPEN * np.maximum(across, 1e-6)
    runs = np.flatnonzero(wide[2:] & wide[1:-1] & wide[:-2])
    if len(runs) < LEAST_OPEN:
        return None
    grey = crops[:, _MOUTH[0], _MOUTH[1]].astype(np.float32).mean(axis=3)
    small = grey.reshape(len(grey), 8, 2, 12, 2).mean(axis=(2, 4))
    second = small[runs + 2] - 2.0 * small[runs + 1] + small[runs]
    first = small[runs + 1] - small[runs]
    return float(10.0 * np.log10((np.mean(second**2) + 1e-6) / (np.mean(first**2) + 1e-6)))


def _upright(points: F64) -> F64:
    """Return points `[n, m, 2]` shifted, turned and scaled onto their mean shape of unit width."""
    from ....media.faces import moved, similarity

    target = points[len(points) // 2] - points[len(points) // 2].mean(axis=0)
    target = target / max(float(np.ptp(target[:, 0])), 1e-6)
    return np.stack([moved(frame, similarity(frame, target)) for frame in points])


def _turn(start: F64, end: F64) -> F64:
    """Return the rotation `[3, 3]` that carries points `start` `[n, 3]` best onto `end` (Kabsch 1976)."""
    left, _, right = np.linalg.svd((end - end.mean(axis=0)).T @ (start - start.mean(axis=0)))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right)) or 1.0])
    return np.asarray((left * signs) @ right)


class SteadinessDetector(CueDetector):
    """Says how steady the face is along the track."""

    name = "visual-steadiness"
    version = "2"
    needs = Needs(seconds=2.0, rate=15.0, side=60.0)

    def measure(self, seen: Seen) -> Measured | Untold:
        """Return the figures; the score is the jitter."""
        face = seen.followed
        figures = {
            "jitter": jitter(face.points),
            "pose": pose_gap(face.points),
            "flicker": flicker(face.crops),
            "drift": drift(face.crops),
            "identity": identity(face.points),
        }
        between = teeth(face.crops, face.points)
        figures |= {} if between is None else {"teeth": between}
        note = (
            f"landmarks tremble by {figures['jitter']:.1f} thousandths of the face, inner and outer face turn "
            f"{figures['pose']:.1f} degrees apart, flutter {figures['flicker']:+.1f} dB, drift {figures['drift']:.2f}, "
            f"the skull's shape changes by {figures['identity']:.0f} thousandths"
        )
        return Measured(score=figures["jitter"], note=note, figures=figures)
