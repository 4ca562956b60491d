"""The line between bona fide and spoof as it runs inside a source: what differs between sources is taken away first.

A source (a page, a corpus, a speaker's session) has its own microphone, codec and level of noise, and most sources hold
more of one class than of the other, so a line drawn over all of them learns to tell sources. Here both classes of a
source are moved so that their midpoint is zero, clean and laundered apart; what is left is what a fake differs by from
real speech of the same source (within-group or fixed-effects estimation: Mundlak, Econometrica 46, 1978). What our own
mark does to a sound is taken out (nuisance attribute projection: Solomonoff, Campbell, Boardman, ICASSP 2005).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .fit import F64, made
from .nuisance import shifts
from .table import F32, Table, TrainingError

_WEIGHS_MADE = 0.25
"""Share of the spoof class's weight that goes to fakes which training makes itself: more costs on strangers' fakes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A score for numbers `[n, k]`: `values @ weights + offset`, higher = spoof; 0 lies between the classes."""

    weights: F64
    offset: float

    def scores(self, values: F32) -> F64:
        """Return the score of each row of `values`."""
        return np.asarray(values.astype(np.float64) @ self.weights + self.offset)


def fit_within(table: Table, rows: NDArray[np.bool_], *, strength: float, lone: float) -> Line:
    """Return the line fitted to the `rows` of `table`; `strength` is the inverse of the weights' penalty.

    The windows of one version of a clip are one example, their mean: the line is applied to means over windows, too.
    Examples of a source that holds one class alone cannot be centred: they count `lone` times as much as others, made
    speech excepted.
    Raises `TrainingError` unless both classes are there.
    """
    from sklearn.linear_model import LogisticRegression

    clips = clip_means(table, rows)
    spoof = clips.spoof
    if spoof.all() or not spoof.any():
        msg = f"expected bona fide and spoof rows to train on, got {int((~spoof).sum())} and {int(spoof.sum())}"
        raise TrainingError(msg)
    mean, spread = clips.values.mean(axis=0), clips.values.std(axis=0) + np.float32(1e-8)
    values = (clips.values - mean) / spread
    mark = _marks(replace(clips, values=values))
    values -= np.outer(values @ mark, mark)
    weights, own = clip_weights(clips), np.array([made(one) for one in clips.items])[clips.item]
    alone = _centred(values, spoof, _cells(clips))
    weights[alone & ~own] *= lone
    for chosen in (spoof, ~spoof):
        weights[chosen] *= 0.5 * len(spoof) / weights[chosen].sum()
    model = LogisticRegression(C=strength, max_iter=200).fit(values, spoof, sample_weight=weights)
    found = model.coef_[0].astype(np.float64)
    folded = (found - mark * (found @ mark)) / spread
    return Line(weights=folded, offset=float(model.intercept_[0] - folded @ mean))


def _marks(clips: Table) -> F32:
    """Return the direction, of length 1, in which our mark moves others' clips on average; 0 where none is marked."""
    own = np.array([made(one) for one in clips.items])[clips.item]
    theirs = np.flatnonzero(~own)
    chains = tuple(clips.chain[row] for row in theirs)
    moved = shifts(replace(clips, values=clips.values[theirs], item=clips.item[theirs], chain=chains))
    if not len(moved):
        return np.zeros(clips.values.shape[1], np.float32)
    mean = moved.astype(np.float32).mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def clip_means(table: Table, rows: NDArray[np.bool_]) -> Table:
    """Return a table with one row for each clip and chain in `rows`: the mean over its windows, float32."""
    item = table.item[rows]
    chain = np.array(table.chain)[rows]
    names, code = np.unique(chain, return_inverse=True)
    keys, where = np.unique(item * len(names) + code, return_inverse=True)
    order = np.argsort(where, kind="stable")
    starts = np.searchsorted(where[order], np.arange(len(keys)))
    sums = np.add.reduceat(table.values[rows][order], starts, axis=0)
    return replace(
        table,
        values=(sums / np.bincount(where)[:, None]).astype(np.float32),
        item=keys // len(names),
        chain=tuple(names[keys % len(names)].tolist()),
    )


def _cells(clips: Table) -> NDArray[np.int64]:
    """Return a number for each row's source and whether the row is laundered."""
    groups = np.array([one.group for one in clips.items])[clips.item]
    keys = [f"{group} {chain == 'none'}" for group, chain in zip(groups, clips.chain, strict=True)]
    return np.asarray(np.unique(keys, return_inverse=True)[1])


def _centred(values: F32, spoof: NDArray[np.bool_], cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Move `values`, in place, so that the classes' midpoint in each cell is 0; return the rows of one-class cells."""
    alone = np.zeros(len(values), bool)
    for cell in np.unique(cells):
        here = cells == cell
        if not (spoof & here).any() or not (~spoof & here).any():
            alone |= here
            continue
        values[here] -= (values[spoof & here].mean(axis=0) + values[~spoof & here].mean(axis=0)) / 2
    return alone


def clip_weights(clips: Table) -> F64:
    """Return a weight for each row: clips weigh the same in a maker or source, makers and sources by their root's size.

    Both classes weigh the same in all; fakes that training makes have their own share of the spoof's.
    """
    item, spoof = clips.item, clips.spoof
    weights = 1.0 / np.bincount(item)[item]
    own = np.array([made(one) for one in clips.items])[item]
    keys = np.array([one.maker if one.spoof else f"real {one.group}" for one in clips.items])[item]
    for key in np.unique(keys):
        weights[keys == key] /= np.sqrt(weights[keys == key].sum())
    shares = ((~spoof, 0.5), (spoof & own, 0.5 * _WEIGHS_MADE), (spoof & ~own, 0.5 * (1 - _WEIGHS_MADE)))
    for chosen, share in shares:
        if chosen.any():
            weights[chosen] *= share * len(item) / weights[chosen].sum()
    return np.asarray(weights)
