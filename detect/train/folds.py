"""The folds of a network's training: each is taught once, and what it says of those it never met is kept in files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...datasets import splits
from .fit import F64, Progress, made
from .loop import Pace, Run
from .table import Table, TrainingError

Taught = Callable[[NDArray[np.int64], NDArray[np.int64], Run], F64]
"""Teaches a network on the rows numbered first, in a run, and returns its scores of the rows numbered second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """At most `count` folds, each at `pace`, in a folder of their own inside `run`."""

    count: int
    pace: Pace
    run: Path
    progress: Progress
    split: tuple[tuple[list[int], list[int]], ...] = ()
    """Positions of items to train and to test each fold on; if not given, `splits.unseen` of all items."""


def scores_of_unseen(table: Table, folds: Folds, taught_on: NDArray[np.bool_] | None, taught: Taught) -> F64:
    """Return the score of every row of `table` by a network that met neither its group nor its maker, `[rows]`.

    Makers whose fakes training makes itself are known, their groups are not. Only rows in `taught_on` are trained on,
    all if it is not given. Scores of a finished fold are kept in `folds.run`, so that a broken run does not train it
    again. Raises `TrainingError` if a fold lacks a class.
    """
    scores = np.full(len(table.item), np.nan)
    known = {item.maker for item in table.items if made(item)}
    count = min(folds.count, len({item.group for item in table.items}))
    split = folds.split or splits.unseen(table.items, folds=count, seed=folds.pace.seed, known=known)
    for number, (train, test) in enumerate(split):
        kept = folds.run / f"fold-{number}.npy"
        held = np.flatnonzero(table.rows(test))
        if kept.exists():
            scores[held] = np.load(kept, allow_pickle=False)
            continue
        rows = table.rows(train)
        chosen = np.flatnonzero(rows if taught_on is None else rows & taught_on)
        if len(set(table.spoof[chosen])) < 2:
            msg = f"expected both classes to train fold {number} on, got one: fewer folds, or a larger corpus"
            raise TrainingError(msg)
        told = partial(folds.progress, f"fold {number + 1} of {count}")
        scores[held] = taught(chosen, held, Run(pace=folds.pace, folder=folds.run / f"fold-{number}", told=told))
        temporary = kept.with_suffix(".tmp.npy")
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(temporary, scores[held], allow_pickle=False)
        temporary.replace(kept)
    return scores


def run_folder(run: Path, *, resume: bool) -> Path:
    """Return the folder `run` of a plan's checkpoints, made if need be, emptied unless it is to be resumed."""
    if run.exists() and not resume:
        shutil.rmtree(run)
    run.mkdir(parents=True, exist_ok=True)
    return run
