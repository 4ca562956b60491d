"""Metrics of probabilities: whether forecasts of p come true in a share p of the cases.

Probabilities of being spoof, 0..1. A likelihood ratio becomes one only with a prior (`posterior`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checked import MetricError, checked, numbers

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """The points of a reliability diagram, one for each bin that holds anything: mean forecast, share, count."""

    forecast: F64
    observed: F64
    count: F64

    def interval(self, z: float = 1.959963984540054) -> tuple[F64, F64]:
        """Return Wilson's interval of each observed share; it takes the trials as independent."""
        n, share = self.count, self.observed
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        return np.clip(middle - half, 0.0, 1.0), np.clip(middle + half, 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrierParts:
    """Brier score = reliability - resolution + uncertainty + within (Murphy 1973; `within`: Stephenson et al. 2008).

    `within` is what binning hides, 0 when every bin holds one forecast.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def posterior(llr: ArrayLike, *, p_spoof: float = 0.5) -> F64:
    """Return the probability of spoof from log10 likelihood ratios and a prior (inside 0..1)."""
    if not 0.0 < p_spoof < 1.0:
        msg = f"a prior lies inside 0..1, got {p_spoof}"
        raise MetricError(msg)
    from scipy.special import expit

    with np.errstate(over="ignore"):  # beyond 1e307 a ratio is infinite, and the probability 0 or 1
        return np.asarray(expit(numbers(llr) * np.log(10.0) + np.log(p_spoof / (1.0 - p_spoof))))


def brier(probability: ArrayLike, spoof: ArrayLike) -> float:
    """Return the mean squared error of `probability` (0..1) of being spoof."""
    values, labels = _forecasts(probability, spoof)
    return float(np.mean((values - labels) ** 2))


def brier_parts(probability: ArrayLike, spoof: ArrayLike, *, bins: int | None = None) -> BrierParts:
    """Return the parts of the Brier score over equal-width bins, or, without `bins`, over the distinct forecasts."""
    values, labels = _forecasts(probability, spoof)
    where = np.unique(values, return_inverse=True)[1] if bins is None else _equal_width(values, bins)
    told = _told(values, labels, where)
    base, n = float(labels.mean()), values.size
    reliability = float((told.count * (told.forecast - told.observed) ** 2).sum() / n)
    resolution = float((told.count * (told.observed - base) ** 2).sum() / n)
    uncertainty = base * (1.0 - base)
    total = float(np.mean((values - labels) ** 2))
    within = 0.0 if bins is None else total - reliability + resolution - uncertainty
    return BrierParts(reliability=reliability, resolution=resolution, uncertainty=uncertainty, within=within)


def reliability(probability: ArrayLike, spoof: ArrayLike, *, bins: int = 10, adaptive: bool = False) -> Reliability:
    """Return the reliability diagram over `bins` bins.

    Equal-width bins are [0, 1/b), ..., [1 - 1/b, 1]. Adaptive ones hold equally many trials as far as ties allow:
    equal forecasts stay in one bin.
    """
    values, labels = _forecasts(probability, spoof)
    return _told(values, labels, (_equal_count if adaptive else _equal_width)(values, bins))


def ece(probability: ArrayLike, spoof: ArrayLike, *, bins: int = 10, adaptive: bool = False) -> float:
    """Return the expected calibration error: mean over trials of |share of spoof - mean forecast| of their bin.

    Bins as in `reliability`. A binned figure shrinks as bins grow wider and is above 0 by chance alone: compare only
    figures of the same bins and counts (Kumar, Liang & Ma 2019).
    """
    told = reliability(probability, spoof, bins=bins, adaptive=adaptive)
    return float((told.count * np.abs(told.observed - told.forecast)).sum() / told.count.sum())


def _forecasts(probability: ArrayLike, spoof: ArrayLike) -> tuple[F64, NDArray[np.bool_]]:
    values, labels = checked(probability, spoof)
    if values.min() < 0.0 or values.max() > 1.0:
        msg = f"probabilities lie in 0..1, got {values.min()} to {values.max()}"
        raise MetricError(msg)
    return values, labels


def _equal_width(values: F64, bins: int) -> NDArray[np.intp]:
    edges = np.arange(1, _counted(bins)) / bins
    return np.searchsorted(edges, values, side="right")


def _equal_count(values: F64, bins: int) -> NDArray[np.intp]:
    from scipy.stats import rankdata

    # The middle rank is one for all equal values, so that none is split.
    return np.asarray((rankdata(values) - 0.5) * _counted(bins) / values.size).astype(np.intp)


def _counted(bins: int) -> int:
    if bins < 1:
        msg = f"at least one bin is needed, got {bins}"
        raise MetricError(msg)
    return bins


def _told(values: F64, labels: NDArray[np.bool_], where: NDArray[np.intp]) -> Reliability:
    count = np.bincount(where).astype(np.float64)
    kept = count > 0
    forecast = np.bincount(where, weights=values)[kept] / count[kept]
    observed = np.bincount(where, weights=labels)[kept] / count[kept]
    return Reliability(forecast=forecast, observed=observed, count=count[kept])
