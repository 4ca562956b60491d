"""Trials sorted once: each class by itself, merged only for metrics that need every operating point.

Sorting two classes apart takes a tenth of the time of an `argsort` over both (numpy sorts plain float64 with vector
instructions), and most metrics need no more: the EER is found by bisection, the DCF on a few blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checked import MetricError, checked

F64 = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """Every operating point, from strict to lax: a trial is called spoof when its score is >= the threshold.

    `alarms` counts bona fide called spoof, `hits` spoof called spoof. Equal scores are one point: ties are never
    broken. The first point calls nothing spoof (threshold +inf), the last everything.
    """

    alarms: Counts
    hits: Counts
    thresholds: F64


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranked:
    """The scores of each class, ascending, at least one each: what several metrics can share.

    Every metric takes either `(scores, spoof)` or one `Ranked`.
    """

    bona_fide: F64
    spoof: F64

    @classmethod
    def of(cls, scores: ArrayLike, spoof: ArrayLike) -> Ranked:
        """Return the trials sorted. Raises `MetricError` as every metric does."""
        values, labels = checked(scores, spoof)
        classes = values.compress(~labels), values.compress(labels)  # four times as fast as a mask in brackets
        for kept in classes:
            kept.sort()
        return cls(bona_fide=classes[0], spoof=classes[1])

    def rates(self, threshold: float) -> tuple[float, float]:
        """Return the shares of bona fide called spoof and of spoof missed at `threshold`."""
        alarms = self.bona_fide.size - int(np.searchsorted(self.bona_fide, threshold))
        return alarms / self.bona_fide.size, int(np.searchsorted(self.spoof, threshold)) / self.spoof.size

    @cached_property
    def points(self) -> Points:
        """Every operating point; merges the two classes on first use."""
        both = np.concatenate((self.bona_fide, self.spoof))
        order = np.argsort(both, kind="stable")  # two ascending runs: timsort only merges them
        values = both[order]
        starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
        spoof_below = np.concatenate(([0], np.cumsum(order >= self.bona_fide.size)))[starts]
        hits = (self.spoof.size - spoof_below)[::-1]
        alarms = (self.bona_fide.size - (starts - spoof_below))[::-1]
        return Points(
            alarms=np.concatenate(([0], alarms)),
            hits=np.concatenate(([0], hits)),
            thresholds=np.concatenate(([np.inf], values[starts][::-1])),
        )

    @cached_property
    def hull(self) -> NDArray[np.intp]:
        """The points that are corners of the ROC's convex hull, strict to lax, found by pool adjacent violators."""
        from scipy.optimize import isotonic_regression

        hits, alarms = np.diff(self.points.hits), np.diff(self.points.alarms)
        counts = (hits + alarms).astype(np.float64)
        fit = isotonic_regression(hits / counts, weights=counts, increasing=False)
        return np.asarray(fit.blocks, dtype=np.intp)

    @cached_property
    def crossing(self) -> tuple[float, float]:
        """The two neighbouring thresholds between which misses and false alarms cross: before (stricter) and after."""
        after = max(self._last_lax(self.bona_fide), self._last_lax(self.spoof))
        above = [
            float(values[place])
            for values in (self.bona_fide, self.spoof)
            if (place := int(np.searchsorted(values, after, side="right"))) < values.size
        ]
        return min(above, default=np.inf), after

    def _last_lax(self, values: F64) -> float:
        """Return the largest of ascending `values` at which false alarms are at least misses, or -inf."""
        low, high = 0, values.size
        while low < high:
            middle = (low + high) // 2
            alarm, miss = self.rates(float(values[middle]))
            low, high = (middle + 1, high) if alarm >= miss else (low, middle)
        return float(values[low - 1]) if low else -np.inf


Scored = ArrayLike | Ranked


def ranked(scores: Scored, spoof: ArrayLike | None) -> Ranked:
    """Return `scores` if they are ranked, else rank them. Raises `MetricError` for labels too many or missing."""
    if isinstance(scores, Ranked):
        if spoof is not None:
            msg = "ranked trials know their labels: give none beside them"
            raise MetricError(msg)
        return scores
    if spoof is None:
        msg = "scores need labels (true = spoof), or to be ranked before"
        raise MetricError(msg)
    return Ranked.of(scores, spoof)
