"""Metrics as pure functions of raw scores: float arrays, higher = more likely spoof; labels true = spoof.

No function applies a sigmoid, rounds, bins (but those of `reliability`, which say how) or sorts ties in its favour.
Every one raises `MetricError` for arrays that differ in length, hold NaN, or lack one of the two classes. Sort once
with `Ranked.of(scores, spoof)` and give that to several.
"""

from __future__ import annotations

from .calibration import calibration_loss, cllr, min_cllr
from .checked import MetricError
from .decisions import ASVSPOOF5, Costs, Operating, act_dcf, balanced_accuracy, best_operating, min_dcf
from .pooling import WAYS, Pooled, pool, pool_labels
from .ranked import Points, Ranked, Scored
from .ranking import (
    auc,
    average_precision,
    det,
    eer,
    eer_threshold,
    fpr_at_tpr,
    partial_auc,
    roc,
    tpr_at_fpr,
)
from .reliability import BrierParts, Reliability, brier, brier_parts, ece, posterior, reliability
from .spans import (
    Track,
    ap_at_iou,
    ar_at,
    point_precision_recall,
    segment_eer,
    segment_labels,
    segment_scores,
    span_precision_recall,
)
from .tandem import ASVSPOOF, Asv, AsvRates, TandemCosts, min_adcf, min_tdcf
from .tandem_eer import TandemEer, t_eer

__all__ = [
    "ASVSPOOF",
    "ASVSPOOF5",
    "WAYS",
    "Asv",
    "AsvRates",
    "BrierParts",
    "Costs",
    "MetricError",
    "Operating",
    "Points",
    "Pooled",
    "Ranked",
    "Reliability",
    "Scored",
    "TandemCosts",
    "TandemEer",
    "Track",
    "act_dcf",
    "ap_at_iou",
    "ar_at",
    "auc",
    "average_precision",
    "balanced_accuracy",
    "best_operating",
    "brier",
    "brier_parts",
    "calibration_loss",
    "cllr",
    "det",
    "ece",
    "eer",
    "eer_threshold",
    "fpr_at_tpr",
    "min_adcf",
    "min_cllr",
    "min_dcf",
    "min_tdcf",
    "partial_auc",
    "point_precision_recall",
    "pool",
    "pool_labels",
    "posterior",
    "reliability",
    "roc",
    "segment_eer",
    "segment_labels",
    "segment_scores",
    "span_precision_recall",
    "t_eer",
    "tpr_at_fpr",
]
