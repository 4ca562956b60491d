"""What decisions cost: detection cost functions at the best and at the chosen threshold, and balanced accuracy.

Speaker people call bona fide the target class. Here spoof is what is detected, so their C_miss (a bona fide rejected)
is `false_alarm`, and their C_fa (a spoof let through) is `missed_spoof`; the figures are the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checked import MetricError
from .ranked import Ranked, Scored, ranked

Places = NDArray[np.intp]
_WIDTHS = (4096, 128, 8, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """The prior of a spoof and what each error costs. Defaults: ASVspoof 5 (0.05, C_miss 1, C_fa 10)."""

    p_spoof: float = 0.05
    false_alarm: float = 1.0
    missed_spoof: float = 10.0

    def __post_init__(self) -> None:
        """Raise `MetricError` unless the prior lies inside 0..1 and both costs are above 0."""
        finite = math.isfinite(self.false_alarm) and math.isfinite(self.missed_spoof)
        if not (0.0 < self.p_spoof < 1.0 and finite and min(self.false_alarm, self.missed_spoof) > 0.0):
            msg = f"the prior lies inside 0..1 and costs are above 0, got {self}"
            raise MetricError(msg)

    @property
    def weights(self) -> tuple[float, float]:
        """The weights of the false-alarm rate and of the miss rate, divided by the cost of deciding blindly."""
        alarm, miss = (1.0 - self.p_spoof) * self.false_alarm, self.p_spoof * self.missed_spoof
        blind = min(alarm, miss)
        return alarm / blind, miss / blind

    @property
    def threshold(self) -> float:
        """The Bayes threshold, a log10 likelihood ratio: from here on, calling it spoof costs less."""
        alarm, miss = self.weights
        return math.log10(alarm / miss)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating:
    """A threshold, its normalised cost, and its two error rates."""

    cost: float
    threshold: float
    false_alarm: float
    miss: float


ASVSPOOF5 = Costs()


def min_dcf(scores: Scored, spoof: ArrayLike | None = None, *, costs: Costs = ASVSPOOF5) -> float:
    """Return the least normalised detection cost over all thresholds: 0 perfect, 1 no better than deciding blindly.

    Ties are one operating point. The threshold is chosen on these very trials: an optimist's figure (see `act_dcf`).
    """
    return best_operating(scores, spoof, costs=costs).cost


def best_operating(scores: Scored, spoof: ArrayLike | None = None, *, costs: Costs = ASVSPOOF5) -> Operating:
    """Return the operating point of least cost, the strictest if several cost the same.

    The best threshold is a spoof's score or above all: any other misses as many and alarms no less. Blocks of spoof
    whose best conceivable cost is above one already found are left out.
    """
    trials = ranked(scores, spoof)
    count, width = trials.spoof.size, _WIDTHS[0]
    starts = np.arange(0, count, width)
    for step in _WIDTHS[1:]:
        starts = _open_blocks(trials, starts, width, costs)
        starts = (starts[:, None] + np.arange(0, width, step)).ravel()
        starts, width = starts[starts < count], step
    candidates = np.append(starts, count)
    found = _costs_at(trials, candidates, costs)
    best = int(candidates[found.size - 1 - int(np.argmin(found[::-1]))])
    threshold = float(trials.spoof[best]) if best < count else math.inf
    return _operating(trials, threshold, costs)


def _open_blocks(trials: Ranked, starts: Places, width: int, costs: Costs) -> Places:
    """Return those blocks of ranks, `width` long, in which a cost as low as the lowest found may lie."""
    alarm, miss = costs.weights
    stops = np.minimum(starts + width, trials.spoof.size)
    found = min(_costs_at(trials, starts, costs).min(), _costs_at(trials, stops, costs).min())
    alarms = trials.bona_fide.size - _below(trials, stops)
    least = alarm * alarms / trials.bona_fide.size + miss * starts / trials.spoof.size
    return np.asarray(starts[least <= found * (1.0 + 1e-12)])


def _below(trials: Ranked, places: Places) -> Places:
    """Return how many bona fide score below each spoof of rank `places`; past the last spoof, all."""
    inside = np.minimum(places, trials.spoof.size - 1)
    below = np.searchsorted(trials.bona_fide, trials.spoof[inside])
    return np.asarray(np.where(places < trials.spoof.size, below, trials.bona_fide.size))


def _costs_at(trials: Ranked, places: Places, costs: Costs) -> NDArray[np.float64]:
    """Return the cost with each spoof's score of rank `places` as threshold (of tied ones, the lowest rank is true)."""
    alarm, miss = costs.weights
    alarms = trials.bona_fide.size - _below(trials, places)
    return np.asarray(alarm * (alarms / trials.bona_fide.size) + miss * (places / trials.spoof.size))


def _operating(trials: Ranked, threshold: float, costs: Costs) -> Operating:
    false_alarm, missed = (0.0, 1.0) if threshold == math.inf else trials.rates(threshold)
    alarm, miss = costs.weights
    return Operating(
        cost=alarm * false_alarm + miss * missed, threshold=threshold, false_alarm=false_alarm, miss=missed
    )


def act_dcf(llr: Scored, spoof: ArrayLike | None = None, *, costs: Costs = ASVSPOOF5) -> float:
    """Return the normalised detection cost at the Bayes threshold of `costs`; scores are log10 likelihood ratios."""
    return _operating(ranked(llr, spoof), costs.threshold, costs).cost


def balanced_accuracy(scores: Scored, spoof: ArrayLike | None = None, *, threshold: float = 0.0) -> float:
    """Return the mean of the two classes' shares decided rightly at a threshold fixed beforehand (spoof when >= it)."""
    false_alarm, miss = ranked(scores, spoof).rates(threshold)
    return 1.0 - (false_alarm + miss) / 2.0
