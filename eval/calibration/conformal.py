"""When to abstain: answers whose error rate within each class is bounded without a model of the scores.

Split conformal prediction by class (Mondrian; Vovk, Gammerman & Shafer 2005; Sadinle, Lei & Wasserman 2019). With n
calibration scores of a class, p = (1 + those at least as strange) / (n + 1), and a class is kept while p > alpha. The
guarantee: a new item of that class loses its true class with probability at most alpha, for every n.

It assumes exchangeability: the new item could have been any of the calibration items, in any order. Another maker of
fakes, another codec, another kind of speaker breaks that, and the guarantee with it. Files of one person are not
exchangeable with a new person's, so one file a group is drawn, by seed: then *groups* need to be exchangeable
(Dunn, Wasserman & Ramdas, JASA 2022), and the guarantee holds for a file of a new group. The scores must come from a
model and a fusion that have not seen the calibration files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .interface import CalibrationError, numbers_of, one_column, single

F64 = NDArray[np.float64]


class Answer(IntEnum):
    """What the set of classes that were kept says. `NEITHER`: unlike both classes, an anomaly, no verdict."""

    BONA_FIDE = 0
    SPOOF = 1
    ABSTAIN = 2
    NEITHER = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conformal:
    """The calibration scores of each class, ascending, one for each group that has the class."""

    bona_fide: F64
    spoof: F64

    @classmethod
    def fit(cls, scores: F64, spoof: NDArray[np.bool_], groups: Sequence[str], *, prior: float, seed: int) -> Self:
        """Return the calibration scores, one drawn from each group and class by `seed`; `prior` does not matter.

        Give every file a group of its own where files, not groups, are exchangeable.
        """
        del prior
        values, labels = single(scores, spoof)
        names = np.asarray(groups, dtype=str)[~np.isnan(scores[:, 0])]
        order = np.random.default_rng(seed).permutation(values.size)
        drawn = []
        for kind in (False, True):
            rows = order[labels[order] == kind]
            drawn.append(np.sort(values[rows[np.unique(names[rows], return_index=True)[1]]]))
        return cls(bona_fide=drawn[0], spoof=drawn[1])

    def p_values(self, scores: F64) -> tuple[F64, F64]:
        """Return p-values `[n]` of "bona fide" and of "spoof" for scores `[n, 1]`; NaN stays NaN."""
        values = one_column(scores)
        above = self.bona_fide.size - np.searchsorted(self.bona_fide, values, side="left")
        below = np.searchsorted(self.spoof, values, side="right")
        p_values = (1 + above) / (self.bona_fide.size + 1), (1 + below) / (self.spoof.size + 1)
        first, second = (np.where(np.isnan(values), np.nan, p) for p in p_values)
        return first, second

    def answers(self, scores: F64, *, alpha: float) -> NDArray[np.int8]:
        """Return an `Answer` for each score: a skipped one is an abstention.

        Raises `CalibrationError` if a class has too few groups for `alpha`: it could never be ruled out.
        """
        least = 1.0 / (min(self.bona_fide.size, self.spoof.size) + 1)
        if not least <= alpha < 1.0:
            msg = f"with {self.bona_fide.size} and {self.spoof.size} groups alpha is at least {least:.4f}, got {alpha}"
            raise CalibrationError(msg)
        bona_fide, spoof = (~(p <= alpha) for p in self.p_values(scores))  # NaN keeps both
        answer = np.where(bona_fide & spoof, Answer.ABSTAIN, np.where(bona_fide, Answer.BONA_FIDE, Answer.SPOOF))
        return np.where(~bona_fide & ~spoof, Answer.NEITHER, answer).astype(np.int8)

    def llr(self, scores: F64) -> F64:
        """Return log10 of p(spoof) / p(bona fide): an order, no likelihood ratio; decide by `answers`."""
        bona_fide, spoof = self.p_values(scores)
        return np.asarray(np.log10(spoof) - np.log10(bona_fide))

    def tensors(self) -> dict[str, F64]:
        """Return the scores of both classes."""
        return {"bona_fide": self.bona_fide, "spoof": self.spoof}

    @classmethod
    def of(cls, tensors: Mapping[str, F64]) -> Self:
        """Return the scores in `tensors`. Raises `CalibrationError` unless both classes are there, ascending."""
        parts = numbers_of(tensors, "bona_fide", "spoof")
        if not all(part.ndim == 1 and part.size and (np.diff(part) >= 0.0).all() for part in parts):
            msg = "expected ascending scores of both classes"
            raise CalibrationError(msg)
        return cls(bona_fide=parts[0], spoof=parts[1])
