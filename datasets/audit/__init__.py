"""Audits: what else than the fake tells the classes apart, and what of the test set stands in the training set.

A detector trained on a set in which all fakes are 24 kHz learns the sample rate. `confounds` lets classifiers that see
file headers and trivial measures alone try; `leaks` looks for people, copies and near-copies on both sides of a split.
"""

from __future__ import annotations

from .confounds import LIMIT, Audit, Guilty, confounds
from .facts import Facts, facts_of, measures
from .leaks import Leak, Leaks, leaks
from .nearness import Near, clustered, near_duplicates

__all__ = [
    "LIMIT",
    "Audit",
    "Facts",
    "Guilty",
    "Leak",
    "Leaks",
    "Near",
    "clustered",
    "confounds",
    "facts_of",
    "leaks",
    "measures",
    "near_duplicates",
]
