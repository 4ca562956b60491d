"""The t-EER: an equal error rate of countermeasure and verifier together, without priors and costs.

Kinnunen, Lee, Tak, Evans & Nautsch, "t-EER: parameter-free tandem evaluation of countermeasures and biometric
comparators", IEEE TPAMI 2023.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checked import MetricError
from .ranked import Scored, ranked
from .tandem import Asv

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TandemEer:
    """The concurrent t-EER, 0..1, and where it lies: the verifier's threshold and the countermeasure's."""

    value: float
    asv_threshold: float
    cm_threshold: float


def t_eer(scores: Scored, spoof: ArrayLike | None = None, *, asv: Asv) -> TandemEer:
    """Return the concurrent t-EER: where the tandem misses as often as it accepts non-targets and accepts spoofs.

    `scores` are the countermeasure's, its bona fide being targets and non-targets alike; both systems err independently
    (sect. 4 of the paper). Convention, as in ASVspoof 5: for each threshold of the verifier at which it misses less
    than it accepts spoofs, the countermeasure's operating point whose miss and spoof acceptance rates in tandem differ
    least (the one rejecting less, if two do alike); of these pairs the one where the ratio of the verifier's two
    acceptance rates is nearest to the countermeasure's accepted spoofs to accepted bona fide; the value is the tandem's
    spoof acceptance rate there. Ties are one operating point. Raises `MetricError` where no threshold is allowed.
    """
    trials = ranked(scores, spoof)
    cm_miss = trials.points.alarms / trials.bona_fide.size
    cm_accept = 1.0 - trials.points.hits / trials.spoof.size
    thresholds, miss, false_accept, spoof_accept = _allowed(asv)
    nearest = _nearest(cm_miss, cm_accept, miss, spoof_accept)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.abs(false_accept / spoof_accept - cm_accept[nearest] / (1.0 - cm_miss[nearest]))
    best = int(np.argmin(np.where(np.isnan(gap), np.inf, gap)))
    return TandemEer(
        value=float(cm_accept[nearest[best]] * spoof_accept[best]),
        asv_threshold=float(thresholds[best]),
        cm_threshold=float(trials.points.thresholds[nearest[best]]),
    )


def _allowed(asv: Asv) -> tuple[F64, F64, F64, F64]:
    """Return thresholds and the three error rates of each verifier's operating point that misses less than it admits.

    A score up to the threshold is rejected; the first threshold rejects nothing.
    """
    thresholds = np.append(-np.inf, np.unique(np.concatenate((asv.target, asv.nontarget, asv.spoof))))
    miss, *accept = (
        np.searchsorted(values, thresholds, side="right") / values.size
        for values in (asv.target, asv.nontarget, asv.spoof)
    )
    false_accept, spoof_accept = (1.0 - rejected for rejected in accept)
    kept = miss < spoof_accept
    if not kept.any():
        msg = "the t-EER needs a verifier that somewhere misses fewer targets than it accepts spoofs"
        raise MetricError(msg)
    return thresholds[kept], miss[kept], false_accept[kept], spoof_accept[kept]


def _nearest(cm_miss: F64, cm_accept: F64, miss: F64, spoof_accept: F64) -> NDArray[np.intp]:
    """Return, for each operating point of the verifier, the countermeasure's at which the tandem's rates are nearest.

    The tandem's miss rate less its acceptance rate rises with the countermeasure's strictness, so that one bisection
    runs for all points of the verifier at once.
    """

    def gap(place: NDArray[np.intp]) -> F64:
        return np.asarray(cm_miss[place] + (1.0 - cm_miss[place]) * miss - cm_accept[place] * spoof_accept)

    low, high = np.zeros(miss.size, dtype=np.intp), np.full(miss.size, cm_miss.size - 1, dtype=np.intp)
    while (low < high).any():
        middle = (low + high) // 2
        risen = gap(middle) >= 0.0
        low, high = np.where(risen, low, np.minimum(middle + 1, high)), np.where(risen, middle, high)
    before = np.maximum(low - 1, 0)
    return np.asarray(np.where(np.abs(gap(before)) <= np.abs(gap(low)), before, low))
