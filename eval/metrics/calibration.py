"""Metrics that look at what the scores mean: here scores are log10 likelihood ratios, + = spoof."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checked import checked
from .ranked import Ranked, Scored, ranked

_LN10 = float(np.log(10.0))
_CHUNK = 1 << 14
_LARGE = 700.0  # exp overflows at 709


def cllr(llr: Scored, spoof: ArrayLike | None = None) -> float:
    """Return the log-likelihood-ratio cost in bits (Brummer & du Preez 2006, eq. 14).

    0 is perfect, 1 is a system that always answers llr 0; above 1 it misleads.
    """
    if isinstance(llr, Ranked) or spoof is None:
        trials = ranked(llr, spoof)
        wrong, right = trials.bona_fide, trials.spoof
    else:
        values, labels = checked(llr, spoof)  # no need to sort
        wrong, right = values.compress(~labels), values.compress(labels)
    return (_softplus(right, -_LN10) / right.size + _softplus(wrong, _LN10) / wrong.size) / (2.0 * float(np.log(2.0)))


def _softplus(values: NDArray[np.float64], scale: float) -> float:
    """Return the sum of ln(1 + exp(scale * value)): never overflows, in pieces that stay in the cache."""
    pieces = []
    for start in range(0, values.size, _CHUNK):
        with np.errstate(over="ignore"):  # beyond 1e307 it is infinite, as it should be
            piece = values[start : start + _CHUNK] * scale
        if piece.max() > _LARGE:  # ln(1 + exp(x)) = max(x, 0) + ln(1 + exp(-|x|))
            pieces.append(float(np.maximum(piece, 0.0).sum()))
            np.negative(np.abs(piece, out=piece), out=piece)
        np.exp(piece, out=piece)
        np.log1p(piece, out=piece)
        pieces.append(float(piece.sum()))
    return math.fsum(pieces)


def min_cllr(scores: Scored, spoof: ArrayLike | None = None) -> float:
    """Return the Cllr that remains after the best monotone calibration of `scores` (pool adjacent violators).

    Infinite likelihood ratios at the ends are kept: they cost nothing there, as in Brummer & du Preez 2006, sect. 4.
    """
    trials = ranked(scores, spoof)
    hits = np.diff(trials.points.hits[trials.hull]).astype(np.float64)
    alarms = np.diff(trials.points.alarms[trials.hull]).astype(np.float64)
    # A block without spoofs (or without bona fides) has an infinite ratio and, rightly, no cost for the other class.
    both = (hits > 0) & (alarms > 0)
    hits, alarms = hits[both], alarms[both]
    natural = np.log(hits / trials.spoof.size) - np.log(alarms / trials.bona_fide.size)
    misses = (hits * np.logaddexp(0.0, -natural)).sum() / trials.spoof.size
    false = (alarms * np.logaddexp(0.0, natural)).sum() / trials.bona_fide.size
    return float((misses + false) / (2.0 * np.log(2.0)))


def calibration_loss(llr: Scored, spoof: ArrayLike | None = None) -> float:
    """Return Cllr - min Cllr in bits: what is lost because the ratios, though well ordered, mean something else."""
    trials = ranked(llr, spoof)
    return cllr(trials) - min_cllr(trials)
