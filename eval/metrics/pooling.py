"""From scores of frames or segments to one for a segment, a film or a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checked import MetricError, binary, numbers

F64 = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pooled:
    """One score a group: `names` in order of their first appearance, `scores` float64, `counts` of what was pooled."""

    names: tuple[str, ...]
    scores: F64
    counts: NDArray[np.int64]


# Each takes scores ascending within their group, where groups start, and how many each holds.
def _mean(values: F64, starts: Places, counts: Places) -> F64:
    return np.asarray(np.add.reduceat(values, starts) / counts)


def _max(values: F64, starts: Places, counts: Places) -> F64:
    return np.asarray(values[starts + counts - 1])


def _median(values: F64, starts: Places, counts: Places) -> F64:
    return np.asarray((values[starts + (counts - 1) // 2] + values[starts + counts // 2]) / 2.0)


def _between(values: F64, starts: Places, counts: Places, cut: tuple[Places, Places]) -> F64:
    """Return the mean of each group without its lowest `cut[0]` and its highest `cut[1]` scores."""
    rank = np.arange(values.size) - np.repeat(starts, counts)
    kept = (rank >= np.repeat(cut[0], counts)) & (rank < np.repeat(counts - cut[1], counts))
    return np.asarray(np.add.reduceat(np.where(kept, values, 0.0), starts) / (counts - cut[0] - cut[1]))


def _top(values: F64, starts: Places, counts: Places, *, share: float) -> F64:
    kept = np.maximum(1, np.ceil(share * counts - 1e-9).astype(np.intp))
    return _between(values, starts, counts, (counts - kept, np.zeros_like(counts)))


def _trimmed(values: F64, starts: Places, counts: Places, *, share: float) -> F64:
    cut = np.floor(share * counts + 1e-9).astype(np.intp)
    return _between(values, starts, counts, (cut, cut))


def _log_mean_exp(values: F64, starts: Places, counts: Places) -> F64:
    highest = _max(values, starts, counts)
    rest = np.exp((values - np.repeat(highest, counts)) * np.log(10.0))
    return np.asarray(highest + np.log10(np.add.reduceat(rest, starts) / counts))


WAYS: dict[str, Callable[[F64, Places, Places], F64]] = {
    "mean": _mean,
    "median": _median,
    "max": _max,
    "top-10%": partial(_top, share=0.1),
    "top-25%": partial(_top, share=0.25),
    "trimmed-10%": partial(_trimmed, share=0.1),
    "log-mean-exp": _log_mean_exp,
}
"""How to pool. `top-` and `trimmed-` count the nearest whole scores (top: rounded up, at least one; trimmed: rounded
down at each end); `log-mean-exp` is log10(mean(10**score)): right for ratios of parts of which one may be fake."""


def pool(scores: ArrayLike, groups: Sequence[str], *, how: str) -> Pooled:
    """Return one score for each group. Raises `MetricError` for an unknown way, NaN or infinite scores, or lengths."""
    if how not in WAYS:
        msg = f"scores are pooled by {', '.join(WAYS)}, got {how!r}"
        raise MetricError(msg)
    values = numbers(scores)
    if not np.isfinite(values).all() or not values.size:
        msg = "scores to pool must be finite and at least one"
        raise MetricError(msg)
    names, where = _where(groups, values.size)
    order = np.lexsort((values, where))
    counts = np.bincount(where, minlength=len(names))
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    return Pooled(names=names, scores=WAYS[how](values[order], starts, counts), counts=counts)


def pool_labels(spoof: ArrayLike, groups: Sequence[str]) -> NDArray[np.bool_]:
    """Return for each group, ordered as by `pool`, whether any of its parts is spoof."""
    labels = binary(spoof)
    names, where = _where(groups, labels.size)
    return np.bincount(where, weights=labels, minlength=len(names)) > 0


def _where(groups: Sequence[str], size: int) -> tuple[tuple[str, ...], Places]:
    names, first, where = np.unique(np.asarray(groups, dtype=str), return_index=True, return_inverse=True)
    if where.size != size:
        msg = f"every score needs a group, got {size} scores and {where.size} groups"
        raise MetricError(msg)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return tuple(names[order].tolist()), rank[where]
