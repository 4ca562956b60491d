"""How good a calibration is on people it has not met: cross-fitting over groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from ..statistics import Estimate, Metric, group_bootstrap
from .interface import CalibrationError, Calibrator

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]
FOLDS = 5
DRAWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Figures of ratios each given by a calibration fitted without that file's group.

    `cllr` and `min_cllr` in bits, `ece` of probabilities at prior 0.5 in ten equal-count bins; `answered` files of
    `items`, in `folds` folds.
    """

    cllr: Estimate
    min_cllr: Estimate
    ece: Estimate
    answered: int
    items: int
    folds: int


def folds_of(spoof: Bools, groups: Sequence[str], *, folds: int = FOLDS, seed: int = 0) -> NDArray[np.intp]:
    """Return a fold 0..k-1 for each item, whole groups together, groups of each make-up spread evenly.

    k is `folds` or, if fewer, the number of groups of the rarer class. Raises `CalibrationError` below two.
    """
    names, where = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    fewest = min(len(set(where[spoof].tolist())), len(set(where[~spoof].tolist())))
    count = min(folds, fewest)
    if count < 2:
        msg = f"cross-fitting needs two groups of each class at least, got {fewest}"
        raise CalibrationError(msg)
    share = np.bincount(where, weights=spoof) / np.bincount(where)
    kind = np.where(share == 0.0, 0, np.where(share == 1.0, 1, 2))
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(kind[order], kind="stable")]
    fold = np.empty(len(names), dtype=np.intp)
    fold[order] = np.arange(len(names)) % count
    return np.asarray(fold[where])


def cross_fitted(
    way: type[Calibrator], scores: F64, spoof: Bools, groups: Sequence[str], *, prior: float, seed: int
) -> F64:
    """Return for each item the ratio of a calibration fitted on the other folds; NaN where it gave none.

    `scores` `[n, detectors]`. Raises `CalibrationError` if a fold's remainder does not suffice.
    """
    fold = folds_of(spoof, groups, seed=seed)
    names = np.asarray(groups, dtype=str)
    answer = np.full(len(scores), np.nan)
    for number in range(int(fold.max()) + 1):
        rest, out = fold != number, fold == number
        fitted = way.fit(scores[rest], spoof[rest], names[rest].tolist(), prior=prior, seed=seed)
        answer[out] = fitted.llr(scores[out])
    return answer


def held_out(
    way: type[Calibrator], scores: F64, spoof: Bools, groups: Sequence[str], *, prior: float, seed: int
) -> HeldOut:
    """Return Cllr, min Cllr and ECE of cross-fitted ratios, with intervals over groups."""
    llr = cross_fitted(way, scores, spoof, groups, prior=prior, seed=seed)
    kept = ~np.isnan(llr)
    names = np.asarray(groups, dtype=str)[kept].tolist()

    def figure(metric: Metric) -> Estimate:
        return group_bootstrap(metric, llr[kept], spoof[kept], names, draws=DRAWS, seed=seed)

    return HeldOut(
        cllr=figure(metrics.cllr),
        min_cllr=figure(metrics.min_cllr),
        ece=figure(lambda told, labels: metrics.ece(metrics.posterior(told), labels, adaptive=True)),
        answered=int(kept.sum()),
        items=len(scores),
        folds=int(folds_of(spoof, groups, seed=seed).max()) + 1,
    )
