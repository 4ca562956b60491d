"""What the scores of a network that looks are worth, each by one that saw neither the item's people nor its maker."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...datasets.corpus import Item
from .fit import F64, by_item, figures, interval, made
from .table import Tabled


def clean_scores(crops: Tabled, scores: F64) -> tuple[list[Item], F64]:
    """Return real items and others' fakes, each as it is, with the mean score over its examples."""
    clean = np.array([chain == "none" for chain in crops.table.chain])
    positions, means = by_item(crops.table, scores, clean)
    theirs = np.array([not made(crops.table.items[i]) for i in positions])
    return [crops.table.items[i] for i, kept in zip(positions, theirs, strict=True) if kept], means[theirs]


def metrics(crops: Tabled, scores: F64, *, seed: int) -> dict[str, Any]:
    """Return what the unseen scores are worth: on others' fakes, by kind and maker, and on the fakes made here."""
    items, means = clean_scores(crops, scores)
    out: dict[str, Any] = {"protocol": "each item by a network that saw neither its people nor its maker"}
    out["others"] = figures(items, means) | {"auc_interval": interval(items, means, seed=seed)}
    for kind in ("image", "video"):
        chosen = [i for i, item in enumerate(items) if item.kind == kind]
        out[kind] = figures([items[i] for i in chosen], means[chosen])
    out["by_maker"] = {}
    for maker in sorted({item.maker for item in items if item.spoof}):
        chosen = [i for i, item in enumerate(items) if not item.spoof or item.maker == maker]
        out["by_maker"][maker] = figures([items[i] for i in chosen], means[chosen])
    positions, every = by_item(crops.table, scores, np.ones(len(scores), bool))
    out["made_here"] = {}
    for sort in sorted({one.process for one in crops.table.items if made(one)}):
        chosen = [k for k, i in enumerate(positions) if _is(crops.table.items[i], sort)]
        out["made_here"][sort] = figures([crops.table.items[positions[k]] for k in chosen], every[chosen])
    return out


def _is(item: Item, sort: str) -> bool:
    return not item.spoof or (made(item) and item.process == sort)
