"""What must not decide: the directions in which our own mark moves the numbers of a table are found and taken out."""

from __future__ import annotations

import numpy as np

from .fit import F64
from .table import Table

MARKED = "mark"
"""How the chain of a version begins that bears our mark; `mark` alone stands against `none`, `mark+x` against `x`."""


def is_marked(chain: str) -> bool:
    """Return whether a version's chain says that it bears our mark."""
    return chain.split("+")[0] == MARKED


def without_mark(table: Table, *, directions: int) -> F64:
    """Return the matrix `[k, k]` that takes what our mark moves out of rows of `table`: `values @ matrix`.

    On standardised numbers it projects away the `directions` along which marked versions lie farthest from the same
    versions unmarked (nuisance attribute projection: Solomonoff, Campbell, Boardman, ICASSP 2005). Labels are not
    looked at. The identity where nothing is marked.
    """
    width = table.values.shape[1]
    spread = np.maximum(table.values.std(axis=0, dtype=np.float64), 1e-8)
    moved = shifts(table) / spread
    if not len(moved):
        return np.eye(width)
    # Not centred: the mean shift is what counts most, and it is the first of them.
    found = np.linalg.eigh(moved.T @ moved)[1][:, ::-1][:, :directions]
    kept = np.eye(width) - found @ found.T
    return np.asarray(kept * spread / spread[:, None])


def shifts(table: Table) -> F64:
    """Return marked versions less the same versions unmarked, `[pairs, k]`."""
    keys = list(zip(table.item.tolist(), table.chain, strict=True))
    plain = {key: row for row, key in enumerate(keys) if not is_marked(key[1])}
    pairs = []
    for row, (item, chain) in enumerate(keys):
        other = plain.get((item, chain.removeprefix(MARKED).removeprefix("+") or "none"))
        if is_marked(chain) and other is not None:
            pairs.append((row, other))
    marked, unmarked = np.array(pairs, np.int64).reshape(-1, 2).T
    return table.values[marked].astype(np.float64) - table.values[unmarked]
