"""Metrics that look at what the scores mean: here scores are log10 likelihood ratios, + = spoof."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checked import checked

_LN10 = float(np.log(10.0))


def cllr(llr: ArrayLike, spoof: ArrayLike) -> float:
    """Return the log-likelihood-ratio cost in bits (Brummer & du Preez 2006, eq. 14).

    0 is perfect, 1 is a system that always answers llr 0; above 1 it misleads.
    """
    values, labels = checked(llr, spoof)
    natural = values * _LN10
    misses = np.logaddexp(0.0, -natural[labels]).mean()
    alarms = np.logaddexp(0.0, natural[~labels]).mean()
    return float((misses + alarms) / (2.0 * np.log(2.0)))


def min_cllr(scores: ArrayLike, spoof: ArrayLike) -> float:
    """Return the Cllr that remains after the best monotone calibration of `scores` (pool adjacent violators).

    Infinite likelihood ratios at the ends are kept: they cost nothing there, as in Brummer & du Preez 2006, sect. 4.
    """
    values, labels = checked(scores, spoof)
    positives, negatives = labels.sum(), (~labels).sum()
    posterior, hits, counts = _pooled(values, labels)
    with np.errstate(divide="ignore"):
        natural = np.log(posterior) - np.log1p(-posterior) - np.log(positives / negatives)
    # A block without spoofs (or without bona fides) has an infinite ratio and, rightly, no cost for the other class.
    with_spoof, with_real = hits > 0, hits < counts
    misses = (hits[with_spoof] * np.logaddexp(0.0, -natural[with_spoof])).sum() / positives
    alarms = ((counts - hits)[with_real] * np.logaddexp(0.0, natural[with_real])).sum() / negatives
    return float((misses + alarms) / (2.0 * np.log(2.0)))


def brier(probability: ArrayLike, spoof: ArrayLike) -> float:
    """Return the mean squared error of `probability` (0..1) of being spoof."""
    values, labels = checked(probability, spoof)
    if values.min() < 0.0 or values.max() > 1.0:
        msg = f"probabilities lie in 0..1, got {values.min()} to {values.max()}"
        raise ValueError(msg)
    return float(np.mean((values - labels) ** 2))


def _pooled(
    values: NDArray[np.float64], labels: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return, for each block of the isotonic fit, its posterior, its spoof count and its count; ties are one block."""
    from scipy.optimize import isotonic_regression

    unique, where = np.unique(values, return_inverse=True)
    counts = np.bincount(where, minlength=unique.size).astype(np.float64)
    hits = np.bincount(where, weights=labels, minlength=unique.size)
    fit = isotonic_regression(hits / counts, weights=counts)
    blocks = np.asarray(fit.blocks[:-1])
    return np.asarray(fit.x)[blocks], np.add.reduceat(hits, blocks), np.add.reduceat(counts, blocks)
