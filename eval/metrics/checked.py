"""The one check that every metric makes of its arguments."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def checked(scores: ArrayLike, spoof: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return scores float64 `[n]` and labels bool `[n]`.

    Raises `ValueError` unless both are one-dimensional, equally long, without NaN, with both classes present.
    """
    values = np.asarray(scores, dtype=np.float64)
    labels = np.asarray(spoof)
    if values.ndim != 1 or labels.shape != values.shape:
        msg = f"scores and labels must be two arrays of one length, got shapes {values.shape} and {labels.shape}"
        raise ValueError(msg)
    if np.isnan(values).any():
        msg = f"scores must be numbers, got {int(np.isnan(values).sum())} NaN: count failures, do not score them"
        raise ValueError(msg)
    labels = labels.astype(np.bool_)
    if not labels.any() or labels.all():
        msg = f"both classes are needed, got {int(labels.sum())} spoof and {int((~labels).sum())} bona fide"
        raise ValueError(msg)
    return values, labels
