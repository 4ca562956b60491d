"""Whether classifiers that see trivial facts alone can tell bona fide from spoof, and which fact is guilty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...media.errors import MissingExtra
from ..corpus import CorpusError, Item, both_labels
from ..splits import group_folds
from .facts import Facts
from .strength import Area, area

LIMIT = 0.6
"""AUC from which on a set must be mended before it teaches anybody anything."""
FOLDS = 5

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guilty:
    """One fact and what it alone is worth, on groups that its direction was not chosen on."""

    fact: str
    auc: Area
    guilty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What trivial facts are worth. `declared`, `measured` and `together`: boosted trees on the facts of each sort.

    `facts` are single facts, the worst first. `shuffled` is the same classifier on shuffled labels, a control that must
    come out at chance. `clean` tells whether nothing reached `LIMIT` with an interval above one half.
    """

    items: int
    groups: int
    together: Area
    declared: Area | None
    measured: Area | None
    shuffled: Area
    facts: tuple[Guilty, ...]

    @property
    def clean(self) -> bool:
        """Whether neither a single fact nor all of them tell the classes apart."""
        sorts = [one for one in (self.together, self.declared, self.measured) if one is not None]
        return not any(map(guilty, sorts)) and not any(fact.guilty for fact in self.facts)


def guilty(found: Area) -> bool:
    """Return whether an AUC is at `LIMIT` or above and its interval lies above one half."""
    return found.value >= LIMIT and found.low > 0.5


def confounds(items: Sequence[Item], facts: Sequence[Facts], *, seed: int = 0) -> Audit:
    """Return what the `facts` of `items` are worth for telling bona fide from spoof.

    Every score comes from a classifier that has not seen the item's group. Raises `CorpusError` unless both classes and
    at least `FOLDS` groups are there and each item has facts, and `MissingExtra` without scikit-learn.
    """
    if len(items) != len(facts):
        msg = f"expected facts for each of {len(items)} items, got {len(facts)}"
        raise CorpusError(msg)
    both_labels(items, "the audited set")
    fold_of = np.array(group_folds(items, folds=FOLDS, seed=seed))
    labels = np.array([item.spoof for item in items])
    groups = [item.group for item in items]
    names, table = _table(facts)
    sorts = {sort: [i for i, name in enumerate(names) if name.startswith(sort)] for sort in ("declared", "measured")}

    def worth(columns: Sequence[int], truth: NDArray[np.bool_]) -> Area:
        return area(_unseen(table[:, columns], truth, fold_of, seed), truth, groups, seed=seed)

    shuffled = np.random.default_rng(seed).permutation(labels)
    everything = list(range(len(names)))
    singles = [_single(name, table[:, i], labels, fold_of, groups) for i, name in enumerate(names)]
    return Audit(
        items=len(items),
        groups=len(set(groups)),
        together=worth(everything, labels),
        declared=worth(sorts["declared"], labels) if sorts["declared"] else None,
        measured=worth(sorts["measured"], labels) if sorts["measured"] else None,
        shuffled=worth(everything, shuffled),
        facts=tuple(sorted(singles, key=lambda one: -one.auc.value)),
    )


def _table(facts: Sequence[Facts]) -> tuple[list[str], F64]:
    """Return names and values `[items, names]`; a category becomes a column for each of its values, absent is NaN."""
    columns: dict[str, F64] = {}

    def column(name: str, empty: float) -> F64:
        return columns.setdefault(name, np.full(len(facts), empty))

    for row, one in enumerate(facts):
        for name, value in one.values.items():
            if isinstance(value, str):
                column(f"{name} is {value}", 0.0)[row] = 1.0
            else:
                column(name, np.nan)[row] = value
    varied = {name: values for name, values in columns.items() if np.unique(values).size > 1}
    if not varied:
        msg = "expected facts that differ between items, found none: is the set a single file?"
        raise CorpusError(msg)
    names = sorted(varied)
    return names, np.stack([varied[name] for name in names], axis=1)


def _unseen(table: F64, labels: NDArray[np.bool_], fold_of: NDArray[np.int_], seed: int) -> F64:
    """Return a score for each row by boosted trees fitted on the other folds, ranked within its fold."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError as error:
        feature = "auditing a corpus"
        raise MissingExtra(feature, "train") from error
    scores = np.zeros(len(labels))
    for fold in range(FOLDS):
        test = fold_of == fold
        model = HistGradientBoostingClassifier(
            max_iter=60, max_depth=3, learning_rate=0.1, min_samples_leaf=10, class_weight="balanced", random_state=seed
        )
        model.fit(table[~test], labels[~test])
        scores[test] = model.decision_function(table[test])
    return scores


def _single(
    name: str, values: F64, labels: NDArray[np.bool_], fold_of: NDArray[np.int_], groups: Sequence[str]
) -> Guilty:
    """Return what one fact is worth, its direction taken from the other folds; absent counts as the median."""
    filled = np.where(np.isnan(values), np.nanmedian(values), values)
    ranks = np.argsort(np.argsort(filled, kind="stable"), kind="stable").astype(np.float64)
    _, first = np.unique(filled, return_inverse=True)
    ranks = np.bincount(first, weights=ranks)[first] / np.bincount(first)[first]
    scores = np.zeros(len(labels))
    for fold in range(FOLDS):
        rest = fold_of != fold
        way = np.sign(ranks[rest & labels].mean() - ranks[rest & ~labels].mean())
        scores[~rest] = (way or 1.0) * (ranks[~rest] - ranks.mean())
    found = area(scores, labels, groups)
    return Guilty(fact=name, auc=found, guilty=guilty(found))


def as_json(audit: Audit) -> Mapping[str, object]:
    """Return `audit` as plain values."""

    def figures(found: Area | None) -> dict[str, float] | None:
        return None if found is None else {"auc": found.value, "low": found.low, "high": found.high}

    return {
        "items": audit.items,
        "groups": audit.groups,
        "limit": LIMIT,
        "clean": audit.clean,
        "together": figures(audit.together),
        "declared": figures(audit.declared),
        "measured": figures(audit.measured),
        "shuffled labels": figures(audit.shuffled),
        "facts": [{"fact": one.fact, "guilty": one.guilty, **(figures(one.auc) or {})} for one in audit.facts],
    }
