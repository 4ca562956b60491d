"""A straight line from score to log likelihood ratio, and a line through zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...detect.train.calibration import supported
from ...detect.train.logistic import logistic
from .interface import CalibrationError, numbers_of, one_column, single

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """`llr = clip(slope * score + intercept, lowest, highest)`, log10: prior-weighted, as in FoCal/BOSARIS.

    The bounds are what the material supports (`detect.train.calibration.supported`). A score that does not separate,
    or points the wrong way, gets slope 0: it says nothing.
    """

    slope: float
    intercept: float
    lowest: float
    highest: float

    @classmethod
    def fit(cls, scores: F64, spoof: NDArray[np.bool_], groups: Sequence[str], *, prior: float, seed: int) -> Self:
        """Return the line of the logistic regression; see `Calibrator.fit`. Nothing is random: `seed` is not used."""
        del seed
        values, labels = single(scores, spoof)
        # Scores of any unit: the penalty on the slope must not depend on it.
        scale = float(values.std()) or 1.0
        columns = np.column_stack([(values - values.mean()) / scale, np.ones(values.size)])
        line = logistic(columns, labels, penalty=np.array([1.0, 0.0]), towards=np.zeros(2), prior=prior)
        slope = float(line[0] / scale / np.log(10.0))
        intercept = float(line[1] / np.log(10.0) - slope * values.mean())
        slope, intercept = (slope, intercept) if slope > 0.0 else (0.0, 0.0)
        kept = [group for group, value in zip(groups, scores[:, 0], strict=True) if not np.isnan(value)]
        lowest, highest = supported(slope * values + intercept, labels, kept)
        return cls(slope=slope, intercept=intercept, lowest=lowest, highest=highest)

    def llr(self, scores: F64) -> F64:
        """Return log10 likelihood ratios `[n]` of scores `[n, 1]`; NaN stays NaN."""
        return np.asarray(np.clip(self.slope * one_column(scores) + self.intercept, self.lowest, self.highest))

    def tensors(self) -> dict[str, F64]:
        """Return the four numbers."""
        return {"line": np.array([self.slope, self.intercept]), "bounds": np.array([self.lowest, self.highest])}

    @classmethod
    def of(cls, tensors: Mapping[str, F64]) -> Self:
        """Return the line in `tensors`. Raises `CalibrationError` for a falling line or bounds that exclude 0."""
        line, bounds = numbers_of(tensors, "line", "bounds")
        if line.shape != (2,) or bounds.shape != (2,) or line[0] < 0.0 or not bounds[0] <= 0.0 <= bounds[1]:
            msg = f"expected a rising line and bounds around 0, got {line.tolist()} and {bounds.tolist()}"
            raise CalibrationError(msg)
        return cls(slope=float(line[0]), intercept=float(line[1]), lowest=float(bounds[0]), highest=float(bounds[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Temperature(Affine):
    """A line through zero (Guo et al., ICML 2017): for scores that are log ratios of the right sign but too loud."""

    @classmethod
    def fit(cls, scores: F64, spoof: NDArray[np.bool_], groups: Sequence[str], *, prior: float, seed: int) -> Self:
        """Return the line through zero; see `Calibrator.fit`. Nothing is random: `seed` is not used."""
        del seed
        values, labels = single(scores, spoof)
        scale = float(np.sqrt(np.mean(values**2))) or 1.0
        line = logistic(values[:, None] / scale, labels, penalty=np.ones(1), towards=np.zeros(1), prior=prior)
        slope = max(0.0, float(line[0] / scale / np.log(10.0)))
        kept = [group for group, value in zip(groups, scores[:, 0], strict=True) if not np.isnan(value)]
        lowest, highest = supported(slope * values, labels, kept)
        return cls(slope=slope, intercept=0.0, lowest=lowest, highest=highest)
