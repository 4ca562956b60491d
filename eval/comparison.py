"""Whether one detector is better than another on the same trials: paired tests, and correction for many of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .metrics.checked import MetricError, binary, checked
from .statistics import Estimate, Metric

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two figures on the same trials, their difference (first - second) and the two-sided p-value of "no difference".

    `low` and `high` bound the difference at 95 % where the test gives an interval.
    """

    first: float
    second: float
    p: float
    low: float | None = None
    high: float | None = None

    @property
    def difference(self) -> float:
        """First less second."""
        return self.first - self.second


def delong(scores: ArrayLike, spoof: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return the AUC with DeLong's interval, cut at 0 and 1 (DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988).

    Trials are taken as independent (`groups` counts them): with several files of one person use `group_bootstrap`.
    Where the classes are separated, or one has a single trial, the variance is 0 or unknown and there is no interval.
    """
    from scipy.special import ndtri

    values, labels = checked(scores, spoof)
    placements = _placements(values, labels)
    area = float(placements[0].mean())
    variance = float(_covariance([placements])[0, 0])
    if not variance > 0.0:
        return Estimate(value=area, low=None, high=None, groups=values.size)
    half = float(ndtri((1.0 + level) / 2.0)) * variance**0.5
    return Estimate(value=area, low=max(0.0, area - half), high=min(1.0, area + half), groups=values.size)


def delong_test(first: ArrayLike, second: ArrayLike, spoof: ArrayLike) -> Comparison:
    """Compare the AUCs of two detectors on the same, independent trials by DeLong's test.

    p is 1 where the two do not differ on any pair of trials. Raises `MetricError` as `delong`.
    """
    from scipy.special import ndtr

    pair = [_placements(*checked(scores, spoof)) for scores in (first, second)]
    areas = [float(placements[0].mean()) for placements in pair]
    covariance = _covariance(pair)
    # rounding may take a variance of 0 below it
    spread = max(0.0, float(covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1])) ** 0.5
    gap = areas[0] - areas[1]
    if not spread > 0.0:
        return Comparison(first=areas[0], second=areas[1], p=1.0 if gap == 0.0 else 0.0)
    p = float(2.0 * ndtr(-abs(gap) / spread))
    half = 1.959963984540054 * spread
    return Comparison(first=areas[0], second=areas[1], p=p, low=gap - half, high=gap + half)


def _placements(values: F64, labels: NDArray[np.bool_]) -> tuple[F64, F64]:
    """Return for each spoof the share of bona fide it beats, for each bona fide the share of spoof that beats it.

    By midranks, O(n log n): Sun & Xu, IEEE Signal Processing Letters 21, 2014.
    """
    from scipy.stats import rankdata

    ranks = rankdata(values)
    spoof, bona_fide = values[labels], values[~labels]
    beaten = (ranks[labels] - rankdata(spoof)) / bona_fide.size
    beating = 1.0 - (ranks[~labels] - rankdata(bona_fide)) / spoof.size
    return beaten, beating


def _covariance(systems: Sequence[tuple[F64, F64]]) -> F64:
    """Return the covariance of the systems' AUCs; zeros where a class has one trial."""
    total = np.zeros((len(systems), len(systems)))
    for parts in zip(*systems, strict=True):
        if parts[0].size < 2:
            return np.zeros_like(total)
        total += np.atleast_2d(np.cov(np.stack(parts))) / parts[0].size
    return total


def permutation_test(
    metric: Metric,
    pair: tuple[ArrayLike, ArrayLike],
    spoof: ArrayLike,
    groups: Sequence[str],
    *,
    draws: int = 2000,
    seed: int = 0,
    by_rank: bool = True,
) -> Comparison:
    """Compare two detectors by swapping their scores within whole groups, each group with chance one half.

    `by_rank` first turns each detector's scores into its own midranks, so that detectors on different scales can be
    swapped: right for figures of the order (AUC, EER); set it to false for figures of likelihood ratios (Cllr). With
    so few groups that 2**groups <= `draws`, every swap is tried; else p = (1 + as far) / (1 + draws). Raises
    `MetricError` as the metric does.
    """
    from scipy.stats import rankdata

    labels = checked(pair[0], spoof)[1]
    told = np.stack([checked(scores, spoof)[0] for scores in pair])
    figures = [metric(scores, labels) for scores in told]
    _, where = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    if where.size != labels.size:
        msg = f"every trial needs a group, got {labels.size} trials and {where.size} groups"
        raise MetricError(msg)
    told = np.stack([rankdata(scores) for scores in told]) if by_rank else told
    wanted = abs(metric(told[0], labels) - metric(told[1], labels)) - 1e-12
    count = int(where.max()) + 1
    exact = count < 40 and 2**count <= draws
    rng = np.random.default_rng(seed)
    far = tried = 0
    for number in range(2**count if exact else draws):
        swaps = ((number >> np.arange(count)) & 1 if exact else rng.integers(2, size=count)).astype(np.bool_)[where]
        one, other = np.where(swaps, told[1], told[0]), np.where(swaps, told[0], told[1])
        far += abs(metric(one, labels) - metric(other, labels)) >= wanted
        tried += 1
    p = far / tried if exact else (1 + far) / (1 + tried)
    return Comparison(first=figures[0], second=figures[1], p=float(p))


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> Comparison:
    """Compare the accuracies of two detectors' decisions on the same, independent trials (McNemar's exact test).

    The arrays say of each trial whether the detector decided it rightly. Raises `MetricError` for other values.
    """
    from scipy.stats import binomtest

    one, other = binary(first_right), binary(second_right)
    if one.shape != other.shape or one.ndim != 1 or not one.size:
        msg = f"two arrays of one length are needed, got shapes {one.shape} and {other.shape}"
        raise MetricError(msg)
    only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
    apart = only_first + only_second
    p = float(binomtest(only_first, apart, 0.5).pvalue) if apart else 1.0
    return Comparison(first=float(one.mean()), second=float(other.mean()), p=p)


def holm(p_values: ArrayLike) -> F64:
    """Return p-values adjusted for all being looked at (Holm 1979): the chance of any false find stays below alpha.

    Raises `MetricError` for values outside 0..1.
    """
    values = np.asarray(p_values, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0.0) & (values <= 1.0)).all():
        msg = "p-values are one array of numbers in 0..1"
        raise MetricError(msg)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
