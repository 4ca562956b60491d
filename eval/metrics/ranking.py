"""Metrics that look at the order of the scores alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checked import checked


def roc(scores: ArrayLike, spoof: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return false-positive rates, true-positive rates and thresholds, from strict to lax.

    A file is called spoof when its score is >= the threshold. Equal scores are one point: ties are never broken. The
    first point is (0, 0) at threshold +inf, the last (1, 1).
    """
    values, labels = checked(scores, spoof)
    order = np.argsort(-values, kind="stable")
    values, labels = values[order], labels[order]
    last = np.append(np.flatnonzero(np.diff(values)), values.size - 1)
    hits = np.cumsum(labels)[last]
    alarms = last + 1 - hits
    positives, negatives = hits[-1], alarms[-1]
    return (
        np.concatenate(([0.0], alarms / negatives)),
        np.concatenate(([0.0], hits / positives)),
        np.concatenate(([np.inf], values[last])),
    )


def auc(scores: ArrayLike, spoof: ArrayLike) -> float:
    """Return the area under the ROC curve: P(spoof score > bona fide score) + half P(equal) (Mann-Whitney)."""
    false_positive, true_positive, _ = roc(scores, spoof)
    return float(np.trapezoid(true_positive, false_positive))


def average_precision(scores: ArrayLike, spoof: ArrayLike) -> float:
    """Return the average precision for the class spoof: sum over thresholds of recall gained x precision there."""
    values, labels = checked(scores, spoof)
    false_positive, true_positive, _ = roc(values, labels)
    hits, alarms = true_positive * labels.sum(), false_positive * (~labels).sum()
    precision = hits[1:] / (hits[1:] + alarms[1:])
    return float(np.sum(np.diff(true_positive) * precision))


def eer(scores: ArrayLike, spoof: ArrayLike) -> float:
    """Return the equal error rate, 0..1: where the ROC polyline, ties as one point, meets misses = false alarms.

    Convention: linear interpolation between the two neighbouring operating points (not the convex hull), so that it
    can be reached by choosing between two thresholds at random.
    """
    false_positive, true_positive, _ = roc(scores, spoof)
    miss = 1.0 - true_positive
    after = int(np.argmax(false_positive >= miss))
    gap_before = miss[after - 1] - false_positive[after - 1]
    gap_after = false_positive[after] - miss[after]
    share = gap_before / (gap_before + gap_after)
    return float(false_positive[after - 1] + share * (false_positive[after] - false_positive[after - 1]))


def tpr_at_fpr(scores: ArrayLike, spoof: ArrayLike, *, fpr: float) -> float:
    """Return the largest true-positive rate at a false-positive rate of at most `fpr` (0..1), not interpolated."""
    false_positive, true_positive, _ = roc(scores, spoof)
    return float(true_positive[false_positive <= fpr].max())
