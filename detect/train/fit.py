"""The classifier: one linear head for bona fide and one for each sort of spoof, and scores on what was never seen.

A single line between bona fide and spoof trades one sort of spoof against another (measured: docs/detectors.md). With a
head for each sort the score is the evidence for "any of them": the log of their summed odds against bona fide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol as Form

import numpy as np
from numpy.typing import NDArray

from ...datasets import splits
from ...datasets.corpus import Item
from .table import F32, Table, TrainingError

F64 = NDArray[np.float64]
Progress = Callable[[str, float], None]
"""Told what is being done, and how much of it is done, 0..1."""

Scoring = Callable[[F32], F64]
"""Numbers `[n, k]` to raw scores `[n]`."""

REAL = "bona fide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Linear heads on standardised features: `weights` float64 `[features, heads]`, `offsets` `[heads]`.

    `names[0]` is bona fide, the others are sorts of spoof.
    """

    names: tuple[str, ...]
    weights: F64
    offsets: F64

    def scores(self, values: F32) -> F64:
        """Return the raw score of each row: log summed odds of the spoof heads against bona fide."""
        heads = values.astype(np.float64) @ self.weights + self.offsets
        top = heads[:, 1:].max(axis=1)
        summed = top + np.log(np.exp(heads[:, 1:] - top[:, None]).sum(axis=1))
        return np.asarray(summed - heads[:, 0])


def sort_of(item: Item) -> str:
    """Return the head that an item trains: bona fide, its process, or `spoof` where the corpus does not tell."""
    if not item.spoof:
        return REAL
    return {"codec": "vocoder", "": "spoof"}.get(item.process, item.process)


def fit(table: Table, rows: NDArray[np.bool_], *, strength: float) -> Heads:
    """Return heads fitted to the `rows` of `table`; `strength` is the inverse of the weights' penalty.

    Bona fide weighs as much as all spoof; every sort of spoof weighs the same, every item within its sort the same.
    Raises `TrainingError` unless both classes are there.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    item = table.item[rows]
    sorts = np.array([sort_of(one) for one in table.items])[item]
    names = (REAL, *sorted(set(sorts) - {REAL}))
    if len(names) < 2 or REAL not in sorts:
        msg = f"expected bona fide and spoof rows to train on, got {sorted(set(sorts))}"
        raise TrainingError(msg)
    weights = 1.0 / np.bincount(item)[item]
    for name in names:
        share = 0.5 if name == REAL else 0.5 / (len(names) - 1)
        weights[sorts == name] *= share * len(item) / weights[sorts == name].sum()
    scaler = StandardScaler().fit(table.values[rows])
    model = LogisticRegression(C=strength, max_iter=400)
    model.fit(scaler.transform(table.values[rows]), sorts, sample_weight=weights)
    coefficients, intercepts = model.coef_, model.intercept_
    if len(names) == 2:  # scikit-learn keeps one line for two classes: that of the second
        coefficients, intercepts = np.vstack([-coefficients, coefficients]) / 2, np.array([-1, 1]) * intercepts / 2
    order = [list(model.classes_).index(name) for name in names]
    folded = (coefficients / scaler.scale_)[order]
    return Heads(names=names, weights=folded.T, offsets=intercepts[order] - folded @ scaler.mean_)


MADE = " made in training"
"""How the maker's name of a fake ends that training makes itself: known to the model, and told apart in figures."""


def made(item: Item) -> bool:
    """Return whether training made this fake itself."""
    return item.maker.endswith(MADE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How to test: `folds` by seeded hash; `others` tells whether other makers' spoofs are trained on."""

    strength: float
    folds: int = 8
    seed: int = 0
    others: bool = True


def unseen_scores(
    table: Table, protocol: Protocol, progress: Progress, *, usable: NDArray[np.bool_] | None = None
) -> F64:
    """Return the score of every row by heads that saw neither the item's group nor its maker, `[rows]`.

    Makers whose fakes training makes itself are known, their sources are not. Trained on are the `usable` rows, those
    of `trainable` if not given.
    """
    usable = trainable(table, protocol) if usable is None else usable
    folds = min(protocol.folds, len({item.group for item in table.items}))
    known = {item.maker for item in table.items if made(item)}
    split = splits.unseen(table.items, folds=folds, seed=protocol.seed, known=known)

    def fitted(rows: NDArray[np.bool_]) -> Scoring:
        return fit(table, rows & usable, strength=protocol.strength).scores

    return scores_by_fold(table, list(split), fitted, progress)


def scores_by_fold(
    table: Table,
    split: Sequence[tuple[list[int], list[int]]],
    fitted: Callable[[NDArray[np.bool_]], Scoring],
    progress: Progress,
) -> F64:
    """Return the score of each row by what was `fitted` on the rows of the fold that withheld it, `[rows]`.

    `split` has the positions of the items to train and to test on.
    """
    scores = np.full(len(table.item), np.nan)
    for number, (train, test) in enumerate(split):
        progress("testing on unseen makers", number / len(split))
        held = table.rows(test)
        scores[held] = fitted(table.rows(train))(table.values[held])
    return scores


class Choice(Form):
    """What knows whether others' fakes are trained on: a `Protocol`, or a network's plan."""

    @property
    def others(self) -> bool:
        """Whether they are."""


def trainable(table: Table, choice: Choice) -> NDArray[np.bool_]:
    """Return which rows may be trained on: all, or only bona fide ones and the fakes that training makes itself."""
    wanted = np.array([choice.others or not item.spoof or made(item) for item in table.items])
    return np.asarray(wanted[table.item])


def by_item(table: Table, scores: F64, chosen: NDArray[np.bool_]) -> tuple[list[int], F64]:
    """Return the positions of the items in the `chosen` rows and the mean score of each over those rows."""
    positions, where = np.unique(table.item[chosen], return_inverse=True)
    means = np.bincount(where, weights=scores[chosen]) / np.bincount(where)
    return positions.tolist(), np.asarray(means, np.float64)


def auc(spoof: NDArray[np.bool_], scores: F64) -> float:
    """Return the chance that a spoof scores above a bona fide item, ties counting half (Mann & Whitney 1947)."""
    from scipy.stats import rankdata

    ranks, number = rankdata(scores)[spoof].sum(), int(spoof.sum())
    return float((ranks - number * (number + 1) / 2) / (number * (spoof.size - number)))


def figures(items: Sequence[Item], scores: F64) -> dict[str, float | int]:
    """Return AUC, EER and counts of item scores; the EER is where both error rates are nearest, their mean."""
    spoof = np.array([item.spoof for item in items], dtype=bool)
    counts: dict[str, float | int] = {"bona_fide": int((~spoof).sum()), "spoof": int(spoof.sum())}
    if spoof.all() or not spoof.any():
        return counts
    real, fake = np.sort(scores[~spoof]), np.sort(scores[spoof])
    edges = np.unique(scores)
    missed = np.searchsorted(fake, edges, side="left") / fake.size
    alarmed = 1 - np.searchsorted(real, edges, side="left") / real.size
    nearest = int(np.argmin(np.abs(missed - alarmed)))
    eer = float(missed[nearest] + alarmed[nearest]) / 2
    return {"auc": round(auc(spoof, scores), 4), "eer": round(eer, 4)} | counts


def interval(items: Sequence[Item], scores: F64, *, seed: int, draws: int = 300) -> tuple[float, float]:
    """Return the 95 % interval of the AUC, drawing groups with replacement."""
    rng = np.random.default_rng(seed)
    names, where = np.unique([item.group for item in items], return_inverse=True)
    members = [np.flatnonzero(where == number) for number in range(len(names))]
    spoof = np.array([item.spoof for item in items])
    found = []
    for _ in range(draws):
        rows = np.concatenate([members[number] for number in rng.integers(len(names), size=len(names))])
        if 0 < spoof[rows].sum() < rows.size:
            found.append(auc(spoof[rows], scores[rows]))
    if not found:
        return 0.0, 1.0
    low, high = np.percentile(found, (2.5, 97.5))
    return round(float(low), 4), round(float(high), 4)
