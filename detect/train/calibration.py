"""From a score to a likelihood ratio that the material can support."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .logistic import logistic

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`llr = clip(slope * score + intercept, lowest, highest)`, log10; learned from `groups` groups of `items` items.

    `variance` holds the bootstrap variances of slope and intercept and their covariance: the spread of a ratio is
    `1.96 * sqrt(score**2 * variance[0] + 2 * score * variance[2] + variance[1])`.
    """

    slope: float
    intercept: float
    lowest: float
    highest: float
    items: int
    groups: int
    variance: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def llr(self, score: F64) -> F64:
        """Return calibrated log10 likelihood ratios of raw scores."""
        return np.asarray(np.clip(self.slope * score + self.intercept, self.lowest, self.highest))


SILENT = Calibration(slope=0.0, intercept=0.0, lowest=0.0, highest=0.0, items=0, groups=0)
"""Without material of both classes a score says nothing."""


def calibrate(scores: F64, spoof: NDArray[np.bool_], groups: Sequence[str], *, seed: int = 0) -> Calibration:
    """Return the calibration of `scores` (higher = spoof) of items whose groups and makers the model has not seen.

    Logistic regression with both classes weighing the same (Brummer & du Preez, Computer Speech & Language 20, 2006),
    then bounds by `supported`. A score that does not separate gets slope 0: it says nothing.
    """
    slope, intercept = _line(scores, spoof)
    lowest, highest = supported(slope * scores + intercept, spoof, groups)
    lines = np.array(list(_resampled(scores, spoof, groups, seed)))
    spread = np.cov(lines.T) if len(lines) > 2 else np.zeros((2, 2))
    return Calibration(
        slope=slope,
        intercept=intercept,
        lowest=lowest,
        highest=highest,
        items=len(scores),
        groups=len(set(groups)),
        variance=(float(spread[0, 0]), float(spread[1, 1]), float(spread[0, 1])),
    )


def _line(scores: F64, spoof: NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and intercept, log10, of the logistic regression on `scores`; 0, 0 where they do not separate."""
    columns = np.column_stack([scores, np.ones(len(scores))])
    # The slope's square is penalised, so that it stays finite.
    line = logistic(columns, spoof, penalty=np.array([1.0, 0.0]), towards=np.zeros(2))
    slope, intercept = line / np.log(10)
    return (float(slope), float(intercept)) if slope > 0 else (0.0, 0.0)


def _resampled(
    scores: F64, spoof: NDArray[np.bool_], groups: Sequence[str], seed: int, draws: int = 100
) -> Iterator[tuple[float, float]]:
    """Yield the line on material whose groups were drawn with replacement."""
    rng = np.random.default_rng(seed)
    names, where = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    members = [np.flatnonzero(where == number) for number in range(len(names))]
    for _ in range(draws):
        rows = np.concatenate([members[number] for number in rng.integers(len(names), size=len(names))])
        if 0 < spoof[rows].sum() < rows.size:
            yield _line(scores[rows], spoof[rows])


def supported(llr: F64, spoof: NDArray[np.bool_], groups: Sequence[str]) -> tuple[float, float]:
    """Return the lowest and highest log10 likelihood ratio that this material can support, `lowest <= 0 <= highest`.

    After the empirical lower and upper bound (ELUB) of Vergeer, van Es, de Jongh, Alberink & Stoel, "Numerical
    likelihood ratios outputted by LR systems are often based on extrapolation", Science & Justice 56, 2016: within the
    bounds, decisions by the ratio still cost less than decisions without it after one more, most misleading, case of
    each class. That case weighs one group, not one file, since files of a group are not independent.
    """
    names = np.asarray(groups, dtype=str)
    n_spoof, n_real = len(set(names[spoof])), len(set(names[~spoof]))
    grid = np.linspace(-4, 4, 801)
    odds = 10.0**-grid
    missed = np.searchsorted(np.sort(llr[spoof]), grid, side="right") / spoof.sum()
    alarmed = 1 - np.searchsorted(np.sort(llr[~spoof]), grid, side="right") / (~spoof).sum()
    cost = odds * (missed * n_spoof + 1) / (n_spoof + 1) + (alarmed * n_real + 1) / (n_real + 1)
    kept = grid[cost < np.minimum(odds, 1.0)]
    if not kept.size:
        return 0.0, 0.0
    return float(min(0.0, kept.min())), float(max(0.0, kept.max()))
