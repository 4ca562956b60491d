"""Metrics that look at the order of the scores alone."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checked import MetricError, share
from .ranked import Ranked, Scored, ranked

F64 = NDArray[np.float64]
EerConvention = Literal["interpolated", "nearest", "hull"]


def roc(scores: Scored, spoof: ArrayLike | None = None) -> tuple[F64, F64, F64]:
    """Return false-positive rates, true-positive rates and thresholds, from strict to lax.

    A file is called spoof when its score is >= the threshold. Equal scores are one point: ties are never broken. The
    first point is (0, 0) at threshold +inf, the last (1, 1).
    """
    trials = ranked(scores, spoof)
    points = trials.points
    return points.alarms / trials.bona_fide.size, points.hits / trials.spoof.size, points.thresholds


def det(scores: Scored, spoof: ArrayLike | None = None) -> tuple[F64, F64, F64]:
    """Return false-alarm rates, miss rates and thresholds, strict to lax: a DET curve once both axes are probits.

    Only the corners of the staircase are kept, so that a curve of millions of trials can be drawn as it is (Martin et
    al., "The DET curve in assessment of detection task performance", Eurospeech 1997).
    """
    false_positive, true_positive, thresholds = roc(scores, spoof)
    level, upright = np.diff(true_positive) == 0, np.diff(false_positive) == 0
    inner = (level[:-1] & level[1:]) | (upright[:-1] & upright[1:])
    kept = np.flatnonzero(~np.concatenate(([False], inner, [False])))
    return false_positive[kept], 1.0 - true_positive[kept], thresholds[kept]


def auc(scores: Scored, spoof: ArrayLike | None = None) -> float:
    """Return the area under the ROC curve: P(spoof score > bona fide score) + half P(equal) (Mann-Whitney)."""
    trials = ranked(scores, spoof)
    if trials.spoof.size <= trials.bona_fide.size:
        return _wins(trials.spoof, trials.bona_fide)
    return 1.0 - _wins(trials.bona_fide, trials.spoof)


def _wins(few: F64, many: F64) -> float:
    """Return how often one of `few` beats one of `many`, an equal pair half; both ascending. Counted in integers."""
    below = np.searchsorted(many, few, side="left").sum(dtype=np.int64)
    reached = np.searchsorted(many, few, side="right").sum(dtype=np.int64)
    return float((int(below) + int(reached)) / (2 * few.size * many.size))


def partial_auc(scores: Scored, spoof: ArrayLike | None = None, *, max_fpr: float, standardised: bool = True) -> float:
    """Return the area under the ROC curve from false-positive rate 0 to `max_fpr` (in (0, 1]).

    The polyline is cut by linear interpolation. Standardised after McClish 1989: 0.5 is chance, 1 perfect; else the raw
    area, at most `max_fpr`. Raises `MetricError` for `max_fpr` outside.
    """
    if not 0.0 < max_fpr <= 1.0:
        msg = f"max_fpr lies in (0, 1], got {max_fpr}"
        raise MetricError(msg)
    false_positive, true_positive, _ = roc(scores, spoof)
    stop = int(np.searchsorted(false_positive, max_fpr, side="right"))
    end = float(np.interp(max_fpr, false_positive[stop - 1 : stop + 1], true_positive[stop - 1 : stop + 1]))
    area = float(np.trapezoid(np.append(true_positive[:stop], end), np.append(false_positive[:stop], max_fpr)))
    if not standardised:
        return area
    least = 0.5 * max_fpr**2
    return 0.5 * (1.0 + (area - least) / (max_fpr - least))


def average_precision(scores: Scored, spoof: ArrayLike | None = None) -> float:
    """Return the average precision for the class spoof: sum over thresholds of recall gained x precision there."""
    trials = ranked(scores, spoof)
    hits, alarms = trials.points.hits, trials.points.alarms
    precision = hits[1:] / (hits[1:] + alarms[1:])
    return float(np.sum(np.diff(hits) * precision) / trials.spoof.size)


def eer(scores: Scored, spoof: ArrayLike | None = None, *, convention: EerConvention = "interpolated") -> float:
    """Return the equal error rate, 0..1, where misses = false alarms; ties are one operating point.

    - `interpolated` (default): where the ROC polyline crosses, by linear interpolation between the two neighbouring
      operating points, which can be reached by choosing between two thresholds at random;
    - `nearest`: the mean of the two rates at the operating point where they differ least, the stricter one if two
      differ alike: what the evaluation scripts of ASVspoof 2019 to 5 print (they break ties between the classes);
    - `hull`: where the convex hull of the ROC crosses (ROCCH-EER of BOSARIS, Brummer & de Villiers 2011).
    """
    trials = ranked(scores, spoof)
    if convention == "hull":
        return _hull_eer(trials)
    if convention not in ("interpolated", "nearest"):
        msg = f"the EER is interpolated, nearest or hull, got {convention!r}"
        raise MetricError(msg)
    before, after = (trials.rates(threshold) for threshold in trials.crossing)
    if convention == "interpolated":
        return _crossing(before, after)
    alarm, miss = min(before, after, key=lambda rates: abs(rates[0] - rates[1]))
    return (alarm + miss) / 2.0


def _hull_eer(trials: Ranked) -> float:
    corners = trials.hull
    alarm = trials.points.alarms[corners] / trials.bona_fide.size
    miss = 1.0 - trials.points.hits[corners] / trials.spoof.size
    after = int(np.argmax(alarm >= miss))
    return _crossing((alarm[after - 1], miss[after - 1]), (alarm[after], miss[after]))


def _crossing(before: tuple[float, float], after: tuple[float, float]) -> float:
    """Return where the segment from `before` to `after`, each (false alarms, misses), has both equal."""
    gap_before, gap_after = before[1] - before[0], after[0] - after[1]
    part = gap_before / (gap_before + gap_after)
    return float(before[0] + part * (after[0] - before[0]))


def eer_threshold(scores: Scored, spoof: ArrayLike | None = None) -> float:
    """Return the threshold of the operating point whose two error rates differ least, the stricter if two do alike."""
    trials = ranked(scores, spoof)
    return min(trials.crossing, key=lambda threshold: abs(np.subtract(*trials.rates(threshold))))


def tpr_at_fpr(scores: Scored, spoof: ArrayLike | None = None, *, fpr: float) -> float:
    """Return the largest true-positive rate at a false-positive rate of at most `fpr` (0..1), not interpolated."""
    share(fpr, what="a false-positive rate")
    false_positive, true_positive, _ = roc(scores, spoof)
    return float(true_positive[false_positive <= fpr].max())


def fpr_at_tpr(scores: Scored, spoof: ArrayLike | None = None, *, tpr: float) -> float:
    """Return the smallest false-positive rate at a true-positive rate of at least `tpr` (0..1), not interpolated."""
    share(tpr, what="a true-positive rate")
    false_positive, true_positive, _ = roc(scores, spoof)
    return float(false_positive[true_positive >= tpr].min())
