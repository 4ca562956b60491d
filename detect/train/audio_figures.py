"""What the scores of a voice detector in training are worth: for its calibration and for its card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.corpus import Item
from .fit import F64, by_item, figures, interval, made
from .nuisance import MARKED
from .table import Table


def versions(table: Table, scores: F64) -> tuple[list[int], F64]:
    """Return a score for each clip as it is, and one for it laundered: positions of items and mean scores.

    Fakes made in training are left out: they are easier than a stranger's and would make the ratios too sure.
    """
    clean, washed = _clean(table), _washed(table)
    first, second = by_item(table, scores, clean), by_item(table, scores, washed)
    positions, means = first[0] + second[0], np.concatenate([first[1], second[1]])
    theirs = np.array([not made(table.items[i]) for i in positions])
    return [i for i, kept in zip(positions, theirs, strict=True) if kept], means[theirs]


def metrics(table: Table, scores: F64, *, seed: int) -> dict[str, Any]:
    """Return what the unseen scores are worth: over the corpus, laundered, by sort of spoof, and on the own copies."""
    clean = _clean(table)
    out: dict[str, Any] = {
        "protocol": "every clip by a model that saw neither its source nor its maker; own copies: the maker is known"
    }
    for name, chosen in (("clean", clean), ("laundered", _washed(table))):
        positions, means = by_item(table, scores, chosen)
        theirs = np.array([not made(table.items[i]) for i in positions])
        items = [table.items[i] for i, kept in zip(positions, theirs, strict=True) if kept]
        out[name] = figures(items, means[theirs]) | {"auc_interval": interval(items, means[theirs], seed=seed)}
        if name == "clean":
            out["by_sort"] = by_sort([table.items[i] for i in positions], means)
    return out


def by_sort(items: Sequence[Item], scores: F64) -> dict[str, Any]:
    """Return the figures of each sort of spoof against all bona fide items."""
    sorts = sorted({item.process or "spoof" for item in items if item.spoof})
    out = {}
    for sort in sorts:
        chosen = [i for i, item in enumerate(items) if not item.spoof or (item.process or "spoof") == sort]
        out[sort] = figures([items[i] for i in chosen], scores[chosen])
    return out


def _clean(table: Table) -> NDArray[np.bool_]:
    """Return the rows of clips as they are."""
    return np.array([chain == "none" for chain in table.chain])


def _washed(table: Table) -> NDArray[np.bool_]:
    """Return the rows of clips that went through something other than the mark alone."""
    return np.array([chain not in ("none", MARKED) for chain in table.chain])
