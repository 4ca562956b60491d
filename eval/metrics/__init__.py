"""Metrics as pure functions of raw scores: float arrays, higher = more likely spoof; labels true = spoof.

No function applies a sigmoid, rounds, bins or sorts ties in its favour. Every one raises `ValueError` for arrays that
differ in length, hold NaN, or lack one of the two classes.
"""

from __future__ import annotations

from .calibration import brier, cllr, min_cllr
from .ranking import auc, average_precision, eer, roc, tpr_at_fpr

__all__ = ["auc", "average_precision", "brier", "cllr", "eer", "min_cllr", "roc", "tpr_at_fpr"]
