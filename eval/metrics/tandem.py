"""Metrics of a countermeasure beside a speaker verifier (or any detector behind an identity check).

Three classes: target (bona fide, right person), non-target (bona fide, wrong person), spoof. Verifier scores: higher
= more likely the claimed person. Countermeasure scores: as everywhere here, higher = more likely spoof; scores made
for ASVspoof's scripts (higher = bona fide) are negated before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checked import MetricError, numbers
from .ranked import Ranked, Scored, ranked
from .ranking import eer_threshold

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TandemCosts:
    """Priors and costs. The prior of a target is what the others leave. Defaults: ASVspoof 2019, 2021 and 5.

    `miss`: a target rejected; `false_accept`: a non-target accepted; `false_accept_spoof`: a spoof accepted.
    """

    p_spoof: float = 0.05
    p_nontarget: float = 0.01 * 0.95
    miss: float = 1.0
    false_accept: float = 10.0
    false_accept_spoof: float = 10.0

    def __post_init__(self) -> None:
        """Raise `MetricError` unless priors and costs are above 0 and leave a prior for targets."""
        parts = (self.p_spoof, self.p_nontarget, self.miss, self.false_accept, self.false_accept_spoof, self.p_target)
        if not all(part > 0.0 and np.isfinite(part) for part in parts):
            msg = f"priors and costs are above 0 and the priors leave some for targets, got {self}"
            raise MetricError(msg)

    @property
    def p_target(self) -> float:
        """The prior of a target."""
        return 1.0 - self.p_spoof - self.p_nontarget


ASVSPOOF = TandemCosts()


@dataclass(frozen=True, slots=True, kw_only=True)
class AsvRates:
    """A verifier at one threshold: targets missed, non-targets accepted, spoofs accepted (shares)."""

    miss: float
    false_accept: float
    false_accept_spoof: float
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asv:
    """A verifier's scores (higher = the claimed person) of each class, ascending."""

    target: F64
    nontarget: F64
    spoof: F64

    @classmethod
    def of(cls, *, target: ArrayLike, nontarget: ArrayLike, spoof: ArrayLike) -> Asv:
        """Return the scores sorted. Raises `MetricError` for NaN or a class without trials."""
        parts = {"target": target, "nontarget": nontarget, "spoof": spoof}
        found = {name: np.sort(numbers(values, what=f"{name} scores")) for name, values in parts.items()}
        empty = [name for name, values in found.items() if not values.size]
        if empty:
            msg = f"a verifier needs targets, non-targets and spoofs, got no {' and no '.join(empty)}"
            raise MetricError(msg)
        return cls(**found)

    def rates(self, threshold: float | None = None) -> AsvRates:
        """Return the error rates when scores >= `threshold` are accepted.

        By default at the verifier's EER between targets and non-targets, as in the challenges: the score after whose
        rejection misses and false acceptances differ least, itself then counted as accepted.
        """
        if threshold is None:
            # A verifier's reject is a detector's alarm: negated, targets are the class that should not be called.
            flipped = Ranked(bona_fide=-self.target[::-1], spoof=-self.nontarget[::-1])
            threshold = -eer_threshold(flipped)
        return AsvRates(
            miss=float(np.searchsorted(self.target, threshold) / self.target.size),
            false_accept=1.0 - float(np.searchsorted(self.nontarget, threshold) / self.nontarget.size),
            false_accept_spoof=1.0 - float(np.searchsorted(self.spoof, threshold) / self.spoof.size),
            threshold=threshold,
        )


def min_tdcf(
    scores: Scored,
    spoof: ArrayLike | None = None,
    *,
    asv: AsvRates,
    costs: TandemCosts = ASVSPOOF,
    legacy: bool = False,
) -> float:
    """Return the least normalised tandem detection cost over the countermeasure's thresholds.

    Revised form (default; ASVspoof 2021 and 5): Kinnunen et al., "Tandem assessment of spoofing countermeasures and
    automatic speaker verification", IEEE/ACM TASLP 28, 2020, normalised by the better of no and full rejection.
    `legacy`: the form of ASVspoof 2019 (Kinnunen et al., Odyssey 2018), which leaves out the verifier's own cost; its
    cost of the countermeasure's errors is that of a target missed and of a spoof accepted. Raises `MetricError` where
    the legacy form's weights fall below 0: the verifier is worse than blind.
    """
    trials = ranked(scores, spoof)
    floor, miss, accept = _weights(asv, costs, legacy=legacy)
    points = trials.points
    cm_miss = points.alarms / trials.bona_fide.size  # the countermeasure's miss is a bona fide called spoof
    cm_accept = 1.0 - points.hits / trials.spoof.size
    return float((floor + miss * cm_miss + accept * cm_accept).min() / (floor + min(miss, accept)))


def _weights(asv: AsvRates, costs: TandemCosts, *, legacy: bool) -> tuple[float, float, float]:
    """Return C0, C1 and C2: a constant, and the weights of the countermeasure's miss and false-acceptance rates."""
    own = costs.p_target * costs.miss * asv.miss + costs.p_nontarget * costs.false_accept * asv.false_accept
    miss = costs.p_target * costs.miss - own
    accept = costs.p_spoof * costs.false_accept_spoof * asv.false_accept_spoof
    if miss <= 0.0 or accept <= 0.0:
        msg = f"the t-DCF needs a verifier better than blind that accepts some spoofs, got weights {miss} and {accept}"
        raise MetricError(msg)
    return (0.0 if legacy else own), miss, accept


def min_adcf(*, target: ArrayLike, nontarget: ArrayLike, spoof: ArrayLike, costs: TandemCosts = ASVSPOOF) -> float:
    """Return the least normalised architecture-agnostic DCF of one joint score, higher = accept.

    Shim et al., "a-DCF: an architecture agnostic metric with application to spoofing-robust speaker verification",
    Odyssey 2024: misses, non-targets and spoofs accepted at one threshold, normalised by the better of accepting all
    and rejecting all. Ties are one operating point.
    """
    joint = Asv.of(target=target, nontarget=nontarget, spoof=spoof)
    # Of all thresholds above one target and up to the next, the highest misses as many and accepts least.
    thresholds = np.append(joint.target, np.inf)
    missed = np.append(np.searchsorted(joint.target, joint.target), joint.target.size)
    wrong = costs.p_nontarget * costs.false_accept, costs.p_spoof * costs.false_accept_spoof
    cost = costs.p_target * costs.miss * missed / joint.target.size
    for values, weight in zip((joint.nontarget, joint.spoof), wrong, strict=True):
        accepted = values.size - np.searchsorted(values, thresholds)
        accepted[-1] = 0  # above all, infinite scores too
        cost = cost + weight * accepted / values.size
    return float(cost.min() / min(costs.p_target * costs.miss, sum(wrong)))
