"""The best rising map from score to log likelihood ratio, with ends that the material can support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...detect.train.calibration import supported
from ..metrics.ranked import Ranked
from .interface import CalibrationError, numbers_of, one_column, single

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Isotonic:
    """`llr` by linear interpolation between `knots` (scores, rising) and `values` (log10, rising), level beyond.

    Pool adjacent violators gives each block of scores one ratio; between blocks the map is a straight line. Blocks of
    one class alone would be infinite: the ends are bounded by what the material supports (ELUB). It has many more
    freedoms than a line, and needs hundreds of groups.
    """

    knots: F64
    values: F64

    @classmethod
    def fit(cls, scores: F64, spoof: NDArray[np.bool_], groups: Sequence[str], *, prior: float, seed: int) -> Self:
        """Return the rising map; see `Calibrator.fit`. It is the best at every prior, so `prior` does not matter."""
        del prior, seed
        values, labels = single(scores, spoof)
        trials = Ranked.of(values, labels)
        corners = trials.hull
        hits, alarms = np.diff(trials.points.hits[corners]), np.diff(trials.points.alarms[corners])
        with np.errstate(divide="ignore"):
            llr = np.log10(hits / trials.spoof.size) - np.log10(alarms / trials.bona_fide.size)
        # A block runs from the threshold that lets all of it in up to the first that let any in.
        low, high = trials.points.thresholds[corners[1:]], trials.points.thresholds[corners[:-1] + 1]
        knots, steps = np.column_stack([low, high])[::-1].ravel(), np.repeat(llr[::-1], 2)
        inside = np.searchsorted(low[::-1], values, side="right") - 1
        kept = [group for group, value in zip(groups, scores[:, 0], strict=True) if not np.isnan(value)]
        lowest, highest = supported(np.clip(llr[::-1][inside], -99.0, 99.0), labels, kept)
        return cls(knots=knots, values=np.clip(steps, lowest, highest))

    def llr(self, scores: F64) -> F64:
        """Return log10 likelihood ratios `[n]` of scores `[n, 1]`; NaN stays NaN."""
        return np.asarray(np.interp(one_column(scores), self.knots, self.values))

    def tensors(self) -> dict[str, F64]:
        """Return knots and values."""
        return {"knots": self.knots, "values": self.values}

    @classmethod
    def of(cls, tensors: Mapping[str, F64]) -> Self:
        """Return the map in `tensors`. Raises `CalibrationError` unless both rise and are equally many."""
        knots, values = numbers_of(tensors, "knots", "values")
        rising = all(part.ndim == 1 and (np.diff(part) >= 0.0).all() for part in (knots, values))
        if not rising or knots.shape != values.shape or not knots.size:
            msg = "expected rising knots and as many rising values"
            raise CalibrationError(msg)
        return cls(knots=knots, values=values)
