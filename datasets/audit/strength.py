"""How well a score tells two classes apart: the area under the ROC curve, with an interval over groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Area under the ROC curve, and its 95 % interval from a bootstrap over groups."""

    value: float
    low: float
    high: float


def area(scores: ArrayLike, spoof: ArrayLike, groups: Sequence[str], *, seed: int = 0) -> Area:
    """Return the AUC of `scores` (higher = spoof; ties count half) with a percentile interval over whole groups.

    A draw that lacks a class is left out. Both classes must be there.
    """
    values, labels = np.asarray(scores, np.float64), np.asarray(spoof, bool)
    _, place = np.unique(values, return_inverse=True)
    _, member = np.unique(np.asarray(groups, str), return_inverse=True)
    rng = np.random.default_rng(seed)
    count = int(member.max()) + 1
    drawn = []
    for _ in range(DRAWS):
        times = np.bincount(rng.integers(count, size=count), minlength=count)[member].astype(np.float64)
        if times[labels].any() and times[~labels].any():
            drawn.append(_weighted(place, labels, times))
    low, high = np.quantile(drawn, (0.025, 0.975)) if drawn else (0.0, 1.0)
    return Area(value=_weighted(place, labels, np.ones(values.size)), low=float(low), high=float(high))


def _weighted(place: NDArray[np.intp], labels: NDArray[np.bool_], times: NDArray[np.float64]) -> float:
    """Return the AUC when the item whose score is the `place`-th smallest occurs `times` times."""
    positive = np.bincount(place, weights=times * labels)
    negative = np.bincount(place, weights=times * ~labels)
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))
