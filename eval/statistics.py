"""Intervals that respect how the data came: files of one speaker or source film are not independent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Metric = Callable[[NDArray[np.float64], NDArray[np.bool_]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval: `value`, `low` and `high` (percentile bootstrap), from `groups` groups.

    `low` and `high` are `None` where there are too few groups for an interval to mean anything.
    """

    value: float
    low: float | None
    high: float | None
    groups: int


def group_bootstrap(
    metric: Metric, scores: ArrayLike, spoof: ArrayLike, groups: Sequence[str], *, draws: int = 1000, seed: int = 0
) -> Estimate:
    """Return `metric` with its 95 % percentile-bootstrap interval, drawing whole groups with replacement.

    Groups are drawn within bona fide-only, spoof-only and mixed groups apart, so that a draw keeps both classes in
    nearly their numbers; a draw that lacks a class all the same is drawn again. Reference: Field & Welsh 2007 (cluster
    bootstrap). Raises `ValueError` if lengths differ or a class is missing.
    """
    values, labels = np.asarray(scores, dtype=np.float64), np.asarray(spoof).astype(np.bool_)
    if len(groups) != values.size:
        msg = f"every score needs a group, got {values.size} scores and {len(groups)} groups"
        raise ValueError(msg)
    value = metric(values, labels)
    strata = _strata(labels, groups)
    rng = np.random.default_rng(seed)
    drawn = np.sort([metric(values[rows], labels[rows]) for rows in _draws(strata, labels, draws, rng)])
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(value=value, low=float(low), high=float(high), groups=sum(map(len, strata)))


def _strata(labels: NDArray[np.bool_], groups: Sequence[str]) -> list[list[NDArray[np.intp]]]:
    """Return the rows of each group, the groups sorted into bona fide only, spoof only and mixed."""
    _, where = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    order = np.argsort(where, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(where[order])) + 1)
    strata: list[list[NDArray[np.intp]]] = [[], [], []]
    for rows in members:
        share = labels[rows].mean()
        strata[0 if share == 0 else 1 if share == 1 else 2].append(rows)
    return [stratum for stratum in strata if stratum]


def _draws(
    strata: list[list[NDArray[np.intp]]], labels: NDArray[np.bool_], draws: int, rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    kept: list[NDArray[np.intp]] = []
    while len(kept) < draws:
        rows = np.concatenate([stratum[i] for stratum in strata for i in rng.integers(len(stratum), size=len(stratum))])
        if 0 < labels[rows].sum() < rows.size:
            kept.append(rows)
    return kept
