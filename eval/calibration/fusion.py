"""Join several detectors' scores into one likelihood ratio, whichever of them answered.

Detectors that look at the same thing share their mistakes, so their ratios may not be added: logistic regression
weighs them together. Which detectors answer differs from file to file (no face, no speech). Filling a gap with ratio 0
would be wrong: the other detectors' weights were learned beside it, and alone they deserve more. So each set of
detectors that occurs gets its own weights, fitted on all files where at least these answered, the others ignored.
That a detector was skipped is no evidence here, by choice: in a file at hand it mostly tells about the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...detect.train.calibration import supported
from ...detect.train.logistic import logistic
from .interface import CalibrationError, numbers_of

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]
GROUPS_LEAST = 3
"""Groups of each class that a set of detectors needs to get weights of its own."""
PENALTY = 4.0
"""In trials: how firmly the weights are held to those of a log opinion pool, equal shares of each one alone."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fusion:
    """For each set of detectors (`sets` bool `[s, d]`) its `weights` `[s, d]` and `lines` `[s, 3]`.

    `lines` holds intercept, lowest and highest. A file whose set is not among them is answered by the largest set that
    it contains, the first of equals; where it contains none, the answer is NaN: not examined.
    """

    sets: Bools
    weights: F64
    lines: F64

    @classmethod
    def fit(cls, scores: F64, spoof: Bools, groups: Sequence[str], *, prior: float, seed: int) -> Self:
        """Return the fusion; see `Calibrator.fit`. Nothing is random: `seed` is not used.

        Weights are never negative: a detector that speaks for spoof may not count against it.
        """
        del seed
        if scores.ndim != 2 or np.isinf(scores).any():
            msg = f"fusion takes finite scores [files, detectors], NaN = skipped, got shape {scores.shape}"
            raise CalibrationError(msg)
        names = np.asarray(groups, dtype=str)
        found = []
        for chosen in _sets(~np.isnan(scores)):
            rows = ~np.isnan(scores[:, chosen]).any(axis=1)
            if min(len(set(names[rows & spoof])), len(set(names[rows & ~spoof]))) < GROUPS_LEAST:
                continue
            weights, intercept = _weights(scores[np.ix_(rows, chosen)], spoof[rows], prior)
            llr = scores[np.ix_(rows, chosen)] @ weights + intercept
            lowest, highest = supported(llr, spoof[rows], names[rows].tolist())
            whole = np.zeros(scores.shape[1])
            whole[chosen] = weights
            found.append((chosen, whole, (intercept, lowest, highest)))
        if not found:
            msg = f"no set of detectors answered on {GROUPS_LEAST} groups of each class: nothing can be fitted"
            raise CalibrationError(msg)
        sets, weights_of, lines = (np.array(part) for part in zip(*found, strict=True))
        return cls(sets=sets, weights=weights_of, lines=lines)

    def llr(self, scores: F64) -> F64:
        """Return log10 likelihood ratios `[n]` of scores `[n, detectors]`; NaN where no known set answered."""
        if scores.ndim != 2 or scores.shape[1] != self.sets.shape[1]:
            msg = f"expected scores of {self.sets.shape[1]} detectors, got an array of shape {scores.shape}"
            raise CalibrationError(msg)
        answer = np.full(len(scores), np.nan)
        present = ~np.isnan(scores)
        filled = np.where(present, scores, 0.0)
        for chosen, weights, (intercept, lowest, highest) in zip(self.sets, self.weights, self.lines, strict=True):
            rows = np.isnan(answer) & present[:, chosen].all(axis=1)  # largest sets come first
            answer[rows] = np.clip(filled[rows] @ weights + intercept, lowest, highest)
        return answer

    def tensors(self) -> dict[str, F64]:
        """Return sets (0/1), weights and lines."""
        return {"sets": self.sets.astype(np.float64), "weights": self.weights, "lines": self.lines}

    @classmethod
    def of(cls, tensors: Mapping[str, F64]) -> Self:
        """Return the fusion in `tensors`. Raises `CalibrationError` if shapes or bounds do not fit together."""
        sets, weights, lines = numbers_of(tensors, "sets", "weights", "lines")
        fits = sets.ndim == 2 and sets.shape == weights.shape and lines.shape == (len(sets), 3) and sets.size
        if not fits or (weights < 0.0).any() or (lines[:, 1] > 0.0).any() or (lines[:, 2] < 0.0).any():
            msg = "expected sets and weights [s, d] without negative weights, and lines [s, 3] with bounds around 0"
            raise CalibrationError(msg)
        return cls(sets=sets > 0.5, weights=weights, lines=lines)


def _sets(present: Bools) -> Iterator[Bools]:
    """Yield the sets of detectors that occur and each detector alone, largest first, then in order."""
    single = np.eye(present.shape[1], dtype=np.bool_)
    occurring = np.unique(np.concatenate([present, single]), axis=0)[::-1]
    order = np.argsort(-occurring.sum(axis=1), kind="stable")
    yield from (chosen for chosen in occurring[order] if chosen.any())


def _weights(scores: F64, spoof: Bools, prior: float) -> tuple[F64, float]:
    """Return weights (at least 0) and intercept, log10: logistic regression drawn towards an equal share for each."""
    middle, scale = scores.mean(axis=0), scores.std(axis=0)
    scale[scale == 0.0] = 1.0
    standard = (scores - middle) / scale
    count = scores.shape[1]
    alone = [_line(standard[:, [place]], spoof, prior) for place in range(count)]
    towards = np.maximum(alone, 0.0) / count
    used = towards > 0.0
    fitted = np.zeros(count + 1)
    while used.any():
        columns = np.column_stack([standard[:, used], np.ones(len(scores))])
        penalty = np.append(np.full(int(used.sum()), PENALTY), 0.0)
        weights = logistic(columns, spoof, penalty=penalty, towards=np.append(towards[used], 0.0), prior=prior)
        fitted[:] = 0.0
        fitted[np.append(used, True)] = weights
        if (weights[:-1] >= 0.0).all():
            break
        used[int(np.argmin(fitted[:-1]))] = False
        fitted[:] = 0.0
    slopes = fitted[:-1] / scale / np.log(10.0)
    return slopes, float(fitted[-1] / np.log(10.0) - slopes @ middle)


def _line(column: F64, spoof: Bools, prior: float) -> float:
    columns = np.column_stack([column, np.ones(len(column))])
    return float(logistic(columns, spoof, penalty=np.array([1.0, 0.0]), towards=np.zeros(2), prior=prior)[0])
