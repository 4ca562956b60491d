"""Intervals that respect how the data came: files of one speaker or source film are not independent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .metrics.checked import MetricError, checked

F64 = NDArray[np.float64]
Metric = Callable[[F64, NDArray[np.bool_]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval: `value`, `low` and `high`, from `groups` groups.

    `low` and `high` are `None` where there are too few groups for an interval to mean anything.
    """

    value: float
    low: float | None
    high: float | None
    groups: int


def group_bootstrap(
    metric: Metric,
    scores: ArrayLike,
    spoof: ArrayLike,
    groups: Sequence[str],
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    method: Literal["percentile", "bca"] = "percentile",
) -> Estimate:
    """Return `metric` with its bootstrap interval, drawing whole groups with replacement.

    Groups are drawn within bona fide-only, spoof-only and mixed groups apart, so that a draw keeps both classes in
    nearly their numbers; a draw that lacks a class all the same is drawn again. Reference: Field & Welsh 2007 (cluster
    bootstrap). `bca` corrects bias and skew (Efron, JASA 82, 1987) with a jackknife over groups; where the figure or
    the draws do not vary it is the percentile interval. Raises `MetricError` if lengths differ or a class is missing.
    """
    values, labels = checked(scores, spoof)
    if len(groups) != values.size:
        msg = f"every score needs a group, got {values.size} scores and {len(groups)} groups"
        raise MetricError(msg)
    if draws < 1 or not 0.0 < level < 1.0 or method not in ("percentile", "bca"):
        msg = f"at least one draw, a level inside 0..1, percentile or bca, got {draws}, {level}, {method!r}"
        raise MetricError(msg)
    value = metric(values, labels)
    _, where = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    strata = _strata(labels, where)
    drawn = np.sort([metric(values[rows], labels[rows]) for rows in _draws(strata, where, labels, draws, seed)])
    tails = ((1.0 - level) / 2.0, (1.0 + level) / 2.0)
    if method == "bca":
        tails = _corrected(tails, drawn, value, np.array(list(_left_out(metric, values, labels, where))))
    low, high = _ends(drawn, tails)
    return Estimate(value=value, low=float(low), high=float(high), groups=sum(map(len, strata)))


def _ends(drawn: F64, tails: tuple[float, float]) -> F64:
    """Return the quantiles of the draws; one that lies beside an infinite draw (a Cllr may be) is that draw."""
    with np.errstate(invalid="ignore"):
        ends = np.quantile(drawn, tails)
    return np.where(np.isnan(ends), np.quantile(drawn, tails, method="higher"), ends)


def _strata(labels: NDArray[np.bool_], where: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return the groups' numbers, sorted into bona fide only, spoof only and mixed; empty ones left out."""
    count = np.bincount(where)
    hits = np.bincount(where, weights=labels)
    kind = np.where(hits == 0, 0, np.where(hits == count, 1, 2))
    return [numbers for place in range(3) if (numbers := np.flatnonzero(kind == place)).size]


def _draws(
    strata: list[NDArray[np.intp]], where: NDArray[np.intp], labels: NDArray[np.bool_], draws: int, seed: int
) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of each draw, ascending, a row as often as its group was drawn."""
    rng = np.random.default_rng(seed)
    rows, kept = np.arange(where.size), 0
    while kept < draws:
        times = np.zeros(int(where.max()) + 1, dtype=np.intp)
        for stratum in strata:
            times += np.bincount(rng.choice(stratum, size=stratum.size), minlength=times.size)
        drawn = np.repeat(rows, times[where])
        if 0 < np.count_nonzero(labels[drawn]) < drawn.size:
            kept += 1
            yield drawn


def _left_out(metric: Metric, values: F64, labels: NDArray[np.bool_], where: NDArray[np.intp]) -> Iterator[float]:
    """Yield the figure without each group in turn; a group that holds all of a class is not left out."""
    for number in range(int(where.max()) + 1):
        kept = where != number
        if 0 < np.count_nonzero(labels[kept]) < np.count_nonzero(kept):
            yield metric(values[kept], labels[kept])


def _corrected(tails: tuple[float, float], drawn: F64, value: float, jackknife: F64) -> tuple[float, float]:
    """Return the shares of draws at which the BCa interval ends."""
    from scipy.special import ndtr, ndtri

    below = (np.count_nonzero(drawn < value) + 0.5 * np.count_nonzero(drawn == value)) / drawn.size
    apart = jackknife.mean() - jackknife if jackknife.size else np.zeros(1)
    spread = float((apart**2).sum())
    if not 0.0 < below < 1.0 or spread == 0.0:
        return tails
    bias, skew = float(ndtri(below)), float((apart**3).sum()) / (6.0 * spread**1.5)
    shifted = [bias + float(ndtri(tail)) for tail in tails]
    low, high = (float(ndtr(bias + part / (1.0 - skew * part))) for part in shifted)
    return low, high
