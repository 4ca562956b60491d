"""The last pixel of a placement: the lattice itself says, without the id, how well a picture lies.

The template shows where a cropped or turned picture lies to about one part in a thousand, which is half a pixel too
little. On a marked picture all sums lie near one of two interleaved lattices if it lies right, whatever the id; so
many placements around the template's are tried by how well the sums fit. That is cheap because so small a movement
changes the sums linearly: their derivatives are measured, and placements are tried on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import canvas, template_search
from .template import Placement, onto_canvas

AROUND = (0.0012, 0.0012, 0.0010, 0.0011, 0.0011)
"""How wrong the template's placement is: ratios across and down, turn in radians, shift across and down in widths."""
ROUNDS = ((1.0, 3000), (0.4, 1200))
"""Share of `AROUND` and number of the placements that are tried, each round from the best of the one before."""
NUDGE = 0.0008
"""Distance over which the derivatives are measured."""
STRAIGHT = 0.012
"""Radians: a picture that seems turned by less is taken to be straight."""

Pose = NDArray[np.float64]


def aligned(
    greys: Sequence[NDArray[np.float32]], placed: Placement, aspect: float, where: canvas.Layout
) -> tuple[Placement, float]:
    """Return the placement near `placed` where the sums of all `greys` fit the lattice best, and the score of the fit.

    The score is in standard deviations of unmarked media at one placement; the best of all that are tried there is
    about 3.5. `aspect` is the received height / width.
    """
    pose = pose_of(placed, aspect)
    reach = np.array(AROUND)
    if abs(pose[2]) < STRAIGHT:
        pose[2], reach[2] = 0.0, 0.0
    score = 0.0
    for share, count in ROUNDS:
        tried = _draws()[:count] * reach * share
        scores = np.sum([_scores(grey, pose, tried, aspect, where) for grey in greys], axis=0)
        best = int(np.argmax(scores))
        score, pose = float(scores[best]) / len(greys) ** 0.5, pose + tried[best]
    return placement_of(pose, aspect, placed.score), score


def pose_of(placed: Placement, aspect: float) -> Pose:
    """Return the ratios across and down, the turn and the shift of `placed`; a shear is left out."""
    matrix = placed.matrix
    turn = np.arctan2(matrix[0, 1] / aspect - matrix[1, 0] * aspect, matrix[0, 0] + matrix[1, 1])
    across, down = np.hypot(matrix[0, 0], matrix[0, 1] / aspect), np.hypot(matrix[1, 1], matrix[1, 0] * aspect)
    return np.array([across, down, turn, *placed.shift])


def placement_of(pose: Pose, aspect: float, score: float) -> Placement:
    """Return the placement that `pose` stands for."""
    matrix = template_search.matrices(pose[:1], pose[1:2], pose[2:3], aspect)[0]
    return Placement(matrix, pose[3:], score)


@lru_cache(maxsize=1)
def _draws() -> NDArray[np.float64]:
    """Return the placements that are tried, the first as it is: always the same ones, so that reading repeats."""
    out = np.random.default_rng(0).standard_normal((max(count for _, count in ROUNDS), len(AROUND)))
    out[0] = 0.0
    return out


def _phases(
    grey: NDArray[np.float32], pose: Pose, aspect: float, where: canvas.Layout
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    moved, there = onto_canvas(grey, placement_of(pose, aspect, 0.0))
    return canvas.sums_of(canvas.forward(moved, where), where) / np.float32(where.grid.step), there


def _scores(
    grey: NDArray[np.float32], pose: Pose, tried: NDArray[np.float64], aspect: float, where: canvas.Layout
) -> NDArray[np.float32]:
    """Return how well the sums fit at each of `pose` + `tried` `[n, 5]`, in standard deviations."""
    phases, there = _phases(grey, pose, aspect, where)
    used = there > 0
    slopes = np.zeros((tried.shape[1], int(used.sum()) * where.grid.sums), dtype=np.float32)
    for number in np.flatnonzero(tried.any(axis=0)):
        step = np.zeros(tried.shape[1])
        step[number] = NUDGE
        more, less = (_phases(grey, one, aspect, where)[0] for one in (pose + step, pose - step))
        slopes[number] = ((more - less)[used] / np.float32(2.0 * NUDGE)).ravel()
    weights = np.repeat(there[used], where.grid.sums)
    turned = tried.astype(np.float32) @ slopes
    turned += (phases - where.dither)[used].ravel()
    turned *= np.float32(4.0 * np.pi)
    norm = np.sqrt(float(np.square(weights).sum()) / 2.0) + 1e-9
    scores: NDArray[np.float32] = np.cos(turned) @ weights / np.float32(norm)
    return scores
