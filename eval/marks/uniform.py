"""The p-values of presence under many keys: uniform over keys on unmarked media, and no two files alike under one key.

One cut of every file is tested under the same drawn keys. Over keys the p-values are exact, so all of them together
are held against the uniform law. Under one key files that resemble each other get similar p-values: then the means of
the keys spread more than those of independent draws, and a test of many files under one key errs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets.launder import launder
from ...media.image import Still
from .alarms import CHAINS, cut, presence, scheme_of
from .ledger import Record
from .material import Piece, draw, load

KEYS = {"image": 25, "audio": 12, "film": 60}
"""Keys under which a cut is tested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A unit of work: one unmarked cut of one file, under every key."""

    piece: Piece
    seed: int

    @property
    def unit(self) -> str:
        """What this unit is called in the file of rows."""
        return f"uniform|{self.piece.item}"


def tested(work: Drawn) -> Iterator[Record]:
    """Yield one row: the p-values of presence under the keys, in order."""
    piece = work.piece
    media = load(piece)
    about = {"kind": piece.kind, "item": piece.item, "group": piece.group}
    if media is None:
        yield {**about, "row": "left out", "why": "cannot be read, too small, too short or silent"}
        return
    rng = np.random.default_rng(draw(work.seed, "uniform", piece.item))
    part = launder(cut(media, rng), str(rng.choice(CHAINS[piece.kind])), rng)
    plain = part.pixels if isinstance(part, Still) else part
    scheme = scheme_of(piece.kind)
    keys = (hashlib.sha256(f"{work.seed} uniform {number}".encode()).digest() for number in range(KEYS[piece.kind]))
    values = [presence(scheme, plain, key) for key in keys]
    yield {**about, "row": "uniform", "p": [float(f"{value:.4g}") for value in values if value is not None]}


def spread(rows: Sequence[Record]) -> dict[str, Any]:
    """Return how uniform the p-values of `rows` are over all, and how alike files are under one key.

    `alike` is the deviation of the keys' means over that of independent draws: 1 where no files resemble each other.
    """
    from scipy.stats import kstest

    each = np.array([row["p"] for row in rows if row["row"] == "uniform"], np.float64)
    if each.size == 0:
        return {"n": 0}
    test = kstest(each.ravel(), "uniform")
    return {
        "n": int(each.size),
        "files": len(each),
        "keys": each.shape[1],
        "ks": float(test.statistic),
        "ks_p": float(test.pvalue),
        "alike": float(each.mean(axis=0).std(ddof=1) / np.sqrt(1.0 / 12.0 / len(each))),
        "below": {str(level): float(np.mean(each <= level)) for level in (0.1, 0.01, 0.001)},
    }
