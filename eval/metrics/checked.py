"""The one check that every metric makes of its arguments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...media.errors import InputError


class MetricError(InputError, ValueError):
    """A metric was asked of what it cannot measure: one class alone, NaN, arrays of two lengths, labels not 0 or 1."""


def numbers(values: ArrayLike, *, what: str = "scores") -> NDArray[np.float64]:
    """Return float64 `[n]`. Raises `MetricError` unless one-dimensional, numeric, without NaN (infinities may be)."""
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"{what} must be numbers: {error}"
        raise MetricError(msg) from error
    if found.ndim != 1:
        msg = f"{what} must be one array of one dimension, got shape {found.shape}"
        raise MetricError(msg)
    if np.isnan(found).any():
        msg = f"{what} must be numbers, got {int(np.isnan(found).sum())} NaN: count failures, do not score them"
        raise MetricError(msg)
    return found


def binary(spoof: ArrayLike) -> NDArray[np.bool_]:
    """Return labels bool `[n]`. Raises `MetricError` unless each is true/false or 0/1: a third class is no spoof."""
    labels = np.asarray(spoof)
    if labels.dtype == np.bool_:
        return labels
    if labels.dtype.kind not in "iuf" or not ((labels == 0) | (labels == 1)).all():
        shown = ", ".join(map(str, np.unique(labels)[:5].tolist()))
        msg = f"labels must be true or 1 for spoof and false or 0 for bona fide, got {shown}"
        raise MetricError(msg)
    return labels.astype(np.bool_)


def checked(scores: ArrayLike, spoof: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return scores float64 `[n]` and labels bool `[n]`.

    Raises `MetricError`, which is a `ValueError` too, unless they are one-dimensional, equally long, without NaN, with
    both classes present.
    """
    shape, other = np.shape(scores), np.shape(spoof)
    if len(shape) != 1 or shape != other:
        msg = f"scores and labels must be two arrays of one length, got shapes {shape} and {other}"
        raise MetricError(msg)
    values, labels = numbers(scores), binary(spoof)
    if not labels.any() or labels.all():
        msg = f"both classes are needed, got {int(labels.sum())} spoof and {int((~labels).sum())} bona fide"
        raise MetricError(msg)
    return values, labels


def share(value: float, *, what: str) -> float:
    """Return `value`. Raises `MetricError` unless it lies in 0..1."""
    if not 0.0 <= value <= 1.0:
        msg = f"{what} lies in 0..1, got {value}"
        raise MetricError(msg)
    return value
