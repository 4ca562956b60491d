"""What every calibrator can do, and the catalogue of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...media.errors import InputError
from ..metrics.checked import MetricError, checked

F64 = NDArray[np.float64]
METHODS = {
    "affine": ".affine:Affine",
    "temperature": ".affine:Temperature",
    "isotonic": ".isotonic:Isotonic",
    "fusion": ".fusion:Fusion",
    "conformal": ".conformal:Conformal",
}


class CalibrationError(InputError):
    """A calibrator cannot be fitted, saved or loaded as asked."""


class Calibrator(Protocol):
    """A fitted calibrator: numbers in, log10 likelihood ratios out."""

    @classmethod
    def fit(cls, scores: F64, spoof: NDArray[np.bool_], groups: Sequence[str], *, prior: float, seed: int) -> Self:
        """Return the calibrator fitted on `scores` `[n, detectors]` of higher = spoof, NaN = skipped.

        Raises `CalibrationError` if the material does not suffice.
        """
        ...

    def llr(self, scores: F64) -> F64:
        """Return log10 likelihood ratios `[n]` for `scores` `[n, detectors]`; NaN where nothing was to be said."""
        ...

    def tensors(self) -> dict[str, F64]:
        """Return all that was learned."""
        ...

    @classmethod
    def of(cls, tensors: Mapping[str, F64]) -> Self:
        """Return the calibrator that `tensors` holds. Raises `CalibrationError` if they do not fit together."""
        ...


def method(name: str) -> type[Calibrator]:
    """Return the calibrator's class. Raises `CalibrationError` for an unknown name."""
    if name not in METHODS:
        msg = f"no calibration is named {name!r}: choose from {', '.join(METHODS)}"
        raise CalibrationError(msg)
    module, _, attribute = METHODS[name].partition(":")
    return cast("type[Calibrator]", getattr(import_module(module, __package__), attribute))


def single(scores: F64, spoof: ArrayLike) -> tuple[F64, NDArray[np.bool_]]:
    """Return one detector's finite scores `[n]` and labels, skipped trials left out.

    Raises `CalibrationError` for several detectors, infinite scores or one class.
    """
    column = one_column(scores)
    kept = ~np.isnan(column)
    if np.isinf(column).any():
        msg = "scores to calibrate must be finite"
        raise CalibrationError(msg)
    try:
        return checked(column[kept], np.asarray(spoof)[kept])
    except MetricError as error:
        msg = f"a calibration cannot be fitted: {error}"
        raise CalibrationError(msg) from error


def one_column(scores: F64) -> F64:
    """Return `[n]` of `[n, 1]`. Raises `CalibrationError` for several detectors."""
    if scores.ndim != 2 or scores.shape[1] != 1:
        msg = f"this method takes one detector's scores, got an array of shape {scores.shape}: fuse several first"
        raise CalibrationError(msg)
    return np.asarray(scores[:, 0])


def numbers_of(tensors: Mapping[str, F64], *names: str) -> list[F64]:
    """Return the named arrays. Raises `CalibrationError` if one is missing or not finite."""
    missing = [name for name in names if name not in tensors]
    if missing or not all(np.isfinite(tensors[name]).all() for name in names):
        msg = f"expected finite arrays {', '.join(names)}, got {', '.join(sorted(tensors))}"
        raise CalibrationError(msg)
    return [np.asarray(tensors[name], dtype=np.float64) for name in names]
