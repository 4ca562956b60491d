"""Which seconds of a recording are made: a score for each 160 ms, then the likeliest course of two states.

The score is that of the shipped model `audio-part`, a line over how 1.1 s of speech differ from the whole recording.
The course is found by Viterbi's algorithm on the calibrated log ratios, with a price for each change: a change-point
method whose pieces are either recorded or made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...media.extent import Span
from ..model import Model, shipped
from .frontends.interface import F32, RATE
from .moments import GROUP, HOP, compared, moments

NAME = "audio-part"
RESOLUTION = GROUP * HOP / RATE
"""Seconds that a score is about: 0.16, as PartialSpoof's segments."""
PRICE = 1.0
"""What a change of state costs, in log10. This and `PRIOR` were chosen for about one false span a minute."""
PRIOR = -0.3
"""Log10 odds that a moment is made, before it is heard."""

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The log10 ratio of each `RESOLUTION` seconds `[n]`, and the stretches that are likelier made."""

    llrs: F64
    spans: tuple[Span, ...]
    strengths: tuple[float, ...]
    """Of each span, its summed log10 ratio above the prior."""


def model() -> Model:
    """Return the shipped model. Raises `ModelError` if it is missing or damaged."""
    return shipped(NAME)


def segment_scores(samples: F32) -> F64:
    """Return the raw score of each 160 ms of `samples` `[n]` (mono, 16 kHz), higher = made; none below 0.32 s."""
    rows = moments(samples)
    if len(rows) < 2 * GROUP:
        return np.zeros(0)
    return model().scores(compared(rows))


def segment_llrs(scores: ArrayLike) -> F64:
    """Return log10 ratios of raw scores, without the bounds that the calibration set supports: they find, not weigh."""
    used = model()
    return used.slope * np.asarray(scores, np.float64) + used.intercept


def course(llrs: F64, *, price: float = PRICE, prior: float = PRIOR, start: float = 0.0) -> Course:
    """Return the likeliest course over `llrs` `[n]`, whose first moment is at `start` seconds."""
    made = viterbi(llrs + prior, price)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], made.astype(np.int8), [0]]))).reshape(-1, 2)
    spans = tuple(Span(start=start + first * RESOLUTION, end=start + last * RESOLUTION) for first, last in edges)
    strengths = tuple(float((llrs[first:last] + prior).sum()) for first, last in edges)
    return Course(llrs=llrs, spans=spans, strengths=strengths)


def viterbi(odds: F64, price: float) -> NDArray[np.bool_]:
    """Return the course of two states that maximises the sum of `odds` where it is True, less `price` for each change.

    After Viterbi, IEEE Transactions on Information Theory 13, 1967.
    """
    count = odds.size
    if not count:
        return np.zeros(0, np.bool_)
    stay = np.zeros((count, 2), np.bool_)  # whether the best way into a state came from the same state
    low, high = 0.0, float(odds[0])
    for place in range(1, count):
        from_low, from_high = low >= high - price, high >= low - price
        stay[place] = from_low, from_high
        low, high = (low if from_low else high - price), (high if from_high else low - price) + float(odds[place])
    states = np.zeros(count, np.bool_)
    states[-1] = high > low
    for place in range(count - 1, 0, -1):
        now = bool(states[place])
        states[place - 1] = now if stay[place, int(now)] else not now
    return states


def segment_labels(spans: NDArray[np.float64], *, count: int) -> NDArray[np.bool_]:
    """Return for each 160 ms of `count` moments whether any of it lies in one of `spans` `[m, 2]` (seconds)."""
    labels = np.zeros(-(-count // GROUP), np.bool_)
    for first, last in np.round(np.asarray(spans, np.float64) / RESOLUTION, 6):
        labels[int(first) : int(np.ceil(last))] = True
    return labels
