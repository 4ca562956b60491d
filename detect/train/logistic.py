"""Logistic regression that weighs both classes by a stated prior: what calibration and fusion are fitted by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def logistic(columns: F64, spoof: NDArray[np.bool_], *, penalty: F64, towards: F64, prior: float = 0.5) -> F64:
    """Return weights, natural log, so that `columns @ weights` is a log likelihood ratio for spoof.

    `columns` `[n, k]`; the classes weigh as if spoof had the probability `prior` (Brummer & du Preez, Computer Speech
    & Language 20, 2006: where between strong and weak evidence the fit is best). `penalty` `[k]`, in trials, on half
    the squared distance of each weight from `towards` `[k]`; above 0 it keeps a weight finite where classes separate.
    """
    each = np.where(spoof, prior / max(1, spoof.sum()), (1.0 - prior) / max(1, (~spoof).sum())) * len(columns)
    offset = np.log(prior / (1.0 - prior))
    weights = np.array(towards, dtype=np.float64)
    for _ in range(50):  # Newton's method
        chance = 1 / (1 + np.exp(-np.clip(columns @ weights + offset, -500, 500)))
        slope = columns.T @ (each * (chance - spoof)) + penalty * (weights - towards)
        curve = (columns * (each * chance * (1 - chance) + 1e-12)[:, None]).T @ columns + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        weights -= np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-8:
            break
    return weights
