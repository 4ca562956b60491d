"""Where a received picture may lie on the original canvas: a search over scale and turn by the template's waves."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .canvas import SIDE
from .template import Placement, Received, place, waves

RATIO = (0.56, 1.18)
"""Width (height) of what came over that of the whole picture at the same scale: crop below 1, turned frame above."""
LEAST_AREA = 0.42
TURN = 6.0
"""Degrees that are searched to either side."""
KEPT = ((288, 0.008), (40, 0.004))
"""Candidates that are kept, and by how much their neighbours differ, after each round."""
NEARLY = 0.012
"""Turn in radians, or difference of a ratio from 1, that may be an error of measurement."""
PLACED = 12
"""Refined candidates whose shift is found."""


def _power(spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return the power over its own surroundings, clipped: about 1 where there is no wave."""
    import cv2

    power = np.abs(spectrum).astype(np.float32) ** 2
    around = cv2.blur(power, (13, 13))
    flat: NDArray[np.float32] = np.minimum(power / (around + 1e-6), 9.0)
    return flat


def matrices(
    ratios_x: NDArray[np.float64], ratios_y: NDArray[np.float64], turns: NDArray[np.float64], aspect: float
) -> NDArray[np.float64]:
    """Return `[n, 2, 2]`: original canvas coordinates from received ones; `aspect` = received height / width."""
    x, y, cos, sin = ratios_x, ratios_y, np.cos(turns), np.sin(turns)
    out = np.stack([x * cos, x * aspect * sin, -y / aspect * sin, y * cos], axis=-1)
    return out.reshape(-1, 2, 2)


def _indices(matrices: NDArray[Any], cycles: NDArray[Any]) -> NDArray[np.int32]:
    """Return where in the flat spectrum each placement `[n]` puts each wave, int32 `[n, waves]`."""
    flat, waved = matrices.astype(np.float32), cycles.astype(np.float32)
    middle = np.float32(SIDE // 2 + 0.5)
    across = np.outer(flat[:, 0, 0], waved[:, 0]) + np.outer(flat[:, 1, 0], waved[:, 1]) + middle
    down = np.outer(flat[:, 0, 1], waved[:, 0]) + np.outer(flat[:, 1, 1], waved[:, 1]) + middle
    return down.astype(np.int32) * SIDE + across.astype(np.int32)


@lru_cache(maxsize=1)
def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    count = int(np.ceil(np.log(RATIO[1] / RATIO[0]) / 0.024)) + 1
    ratios = np.geomspace(*RATIO, count)
    turns = np.deg2rad(np.linspace(-TURN, TURN, 10))
    x, y, turn = (part.ravel() for part in np.meshgrid(ratios, ratios, turns, indexing="ij"))
    keep = (x * y >= LEAST_AREA) & (x * y <= 1.25)
    return x[keep], y[keep], turn[keep]


@lru_cache(maxsize=8)
def _coarse(aspect: float, key: bytes, scheme: str) -> NDArray[np.int32]:
    x, y, turn = _grid()
    return _indices(matrices(x, y, turn, aspect), waves(key, scheme).cycles)


def _of(places: NDArray[np.float64], aspect: float) -> NDArray[np.float64]:
    return matrices(places[:, 0], places[:, 1], places[:, 2], aspect)


def _neighbours(places: NDArray[np.float64], by: float) -> NDArray[np.float64]:
    """Return the 27 neighbours `[27 n, 3]` of each of `places` `[n, 3]`: ratios across and down, turn in radians."""
    steps = np.array(np.meshgrid(*3 * [[-by, 0.0, by]], indexing="ij")).reshape(3, -1).T
    around = np.stack([steps] * len(places))
    around[:, :, :2] = places[:, None, :2] * np.exp(around[:, :, :2])
    around[:, :, 2] += places[:, None, 2]
    return around.reshape(-1, 3)


def search(seen: Received, aspect: float, key: bytes, scheme: str) -> list[Placement]:
    """Return the likeliest placements, best first, of a received picture of this height / width."""
    import cv2

    these = waves(key, scheme)
    power = _power(seen.spectrum)
    wide = cv2.dilate(power, np.ones((3, 3), dtype=np.uint8))
    scores = wide.ravel().take(_coarse(aspect, key, scheme)).mean(axis=1)
    places = np.stack(_grid(), axis=1)
    for kept, by in KEPT:
        places = _neighbours(places[np.argpartition(scores, -kept)[-kept:]], by)
        scores = power.ravel().take(_indices(_of(places, aspect), these.cycles)).mean(axis=1)
    best = places[_apart(places, scores)]
    placements = [place(seen, matrix, these) for matrix in _of(best, aspect)]
    return sorted(placements, key=lambda one: -one.score)


def _apart(places: NDArray[np.float64], scores: NDArray[np.float32]) -> list[int]:
    """Return the `PLACED` best of `places`, no two of them the same but for a step."""
    chosen: list[int] = []
    for row in np.argsort(-scores)[: 40 * PLACED]:
        if all(np.abs(places[row] - places[other]).max() > 0.006 for other in chosen):
            chosen.append(int(row))
        if len(chosen) == PLACED:
            break
    return chosen


def simpler(placed: Placement, aspect: float) -> list[Placement]:
    """Return plainer placements that `placed` may stand for: not turned, not scaled, not sheared."""
    matrix = placed.matrix
    turn = float(np.arctan2(matrix[0, 1] / aspect - matrix[1, 0] * aspect, matrix[0, 0] + matrix[1, 1]))
    x = float(np.hypot(matrix[0, 0], matrix[0, 1] / aspect))
    y = float(np.hypot(matrix[1, 1], matrix[1, 0] * aspect))
    straight = 0.0 if abs(turn) < NEARLY else turn
    whole = (1.0, 1.0) if max(abs(x - 1.0), abs(y - 1.0)) < NEARLY else (x, y)
    even = (x + y) / 2.0
    plain = {(x, y, turn), (x, y, straight), (*whole, turn), (*whole, straight), (even, even, straight)}
    across, down, turns = np.array(sorted(plain)).T
    return [Placement(one, placed.shift, placed.score) for one in matrices(across, down, turns, aspect)]
