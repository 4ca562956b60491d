"""Metrics against hand-worked cases, definitions written out in O(n^2), and scikit-learn."""

from __future__ import annotations

import math
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from assay.eval import metrics
from assay.eval.statistics import group_bootstrap
from hypothesis import given, settings
from hypothesis import strategies as st

METRICS = [metrics.auc, metrics.average_precision, metrics.eer, metrics.cllr, metrics.min_cllr]

scored = st.lists(st.tuples(st.integers(-6, 6).map(lambda i: i / 2), st.booleans()), min_size=2, max_size=60).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


def _arrays(rows: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([s for s, _ in rows]), np.array([label for _, label in rows])


@given(scored)
def test_auc_is_the_chance_that_a_spoof_scores_higher(rows: list[tuple[float, bool]]) -> None:
    scores, spoof = _arrays(rows)
    pairs = [(a > b) + 0.5 * (a == b) for a, b in product(scores[spoof], scores[~spoof])]
    assert metrics.auc(scores, spoof) == pytest.approx(np.mean(pairs), abs=1e-12)


@given(scored)
@settings(deadline=None)
def test_auc_and_average_precision_agree_with_scikit_learn(rows: list[tuple[float, bool]]) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores, spoof = _arrays(rows)
    assert metrics.auc(scores, spoof) == pytest.approx(roc_auc_score(spoof, scores), abs=1e-12)
    assert metrics.average_precision(scores, spoof) == pytest.approx(average_precision_score(spoof, scores), abs=1e-12)


@given(scored)
def test_eer_lies_where_the_two_error_rates_cross(rows: list[tuple[float, bool]]) -> None:
    scores, spoof = _arrays(rows)
    points = [(1.0, 0.0)] + [
        (float(np.mean(scores[spoof] < t)), float(np.mean(scores[~spoof] >= t))) for t in sorted(set(scores))[::-1]
    ]
    for (miss_0, alarm_0), (miss_1, alarm_1) in pairwise(points):
        if alarm_1 >= miss_1:
            share = (miss_0 - alarm_0) / ((miss_0 - alarm_0) + (alarm_1 - miss_1))
            assert metrics.eer(scores, spoof) == pytest.approx(alarm_0 + share * (alarm_1 - alarm_0), abs=1e-12)
            return
    pytest.fail("the error rates must cross")


@pytest.mark.parametrize(
    ("scores", "spoof", "wanted"),
    [
        pytest.param([3, 2, 1, 0], [1, 1, 0, 0], 0.0, id="separated"),
        pytest.param([0, 1, 2, 3], [1, 1, 0, 0], 1.0, id="reversed"),
        pytest.param([0, 0, 0, 0], [1, 1, 0, 0], 0.5, id="all equal"),
        pytest.param([4, 3, 2, 1], [1, 0, 1, 0], 0.5, id="interleaved"),
    ],
)
def test_eer_of_hand_worked_cases(scores: list[float], spoof: list[int], wanted: float) -> None:
    assert metrics.eer(scores, spoof) == pytest.approx(wanted)


def test_cllr_of_hand_worked_cases() -> None:
    assert metrics.cllr([0.0, 0.0], [1, 0]) == pytest.approx(1.0)
    wanted = (math.log2(1 + 1 / 10) + math.log2(1 + 10**-2)) / 2
    assert metrics.cllr([1.0, -2.0], [1, 0]) == pytest.approx(wanted)
    assert metrics.cllr([-4.0, 4.0], [1, 0]) > 10.0


@given(scored)
def test_no_monotone_change_of_scores_beats_min_cllr(rows: list[tuple[float, bool]]) -> None:
    scores, spoof = _arrays(rows)
    best = metrics.min_cllr(scores, spoof)
    for slope, shift in product((0.0, 0.2, 0.5, 1.0, 3.0), (-1.0, -0.2, 0.0, 0.2, 1.0)):
        assert best <= metrics.cllr(slope * scores + shift, spoof) + 1e-9
    assert metrics.min_cllr(np.exp(scores), spoof) == pytest.approx(best)


def test_min_cllr_of_separated_scores_is_zero_and_of_equal_ones_is_one() -> None:
    assert metrics.min_cllr([3, 2, 1, 0], [1, 1, 0, 0]) == pytest.approx(0.0)
    assert metrics.min_cllr([1, 1, 1, 1, 1], [1, 1, 0, 0, 0]) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("scores", "spoof", "message"),
    [
        pytest.param([1.0, 2.0], [1, 1], "both classes", id="one class"),
        pytest.param([1.0, math.nan], [1, 0], "NaN", id="nan"),
        pytest.param([1.0], [1, 0], "one length", id="lengths"),
    ],
)
def test_metrics_refuse_what_they_cannot_measure(metric: Any, scores: Any, spoof: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric(scores, spoof)


def test_tpr_at_fpr_never_exceeds_the_false_positive_rate_asked_for() -> None:
    scores, spoof = [5, 4, 3, 2, 1, 0], [1, 0, 1, 1, 0, 0]
    assert metrics.tpr_at_fpr(scores, spoof, fpr=0.0) == pytest.approx(1 / 3)
    assert metrics.tpr_at_fpr(scores, spoof, fpr=0.34) == pytest.approx(1.0)


def test_bootstrap_over_groups_is_wider_than_over_files_and_covers_the_value(rng: np.random.Generator) -> None:
    shift = np.repeat(rng.normal(size=20), 10)
    spoof = np.repeat(np.arange(20) % 2 == 0, 10)
    scores = shift + 0.1 * rng.normal(size=200) + spoof
    by_group = group_bootstrap(metrics.auc, scores, spoof, [str(i) for i in np.repeat(np.arange(20), 10)], seed=1)
    by_file = group_bootstrap(metrics.auc, scores, spoof, [str(i) for i in range(200)], seed=1)
    assert by_group.low is not None
    assert by_group.high is not None
    assert by_file.low is not None
    assert by_file.high is not None
    assert by_group.low < by_group.value < by_group.high
    assert by_group.high - by_group.low > 1.5 * (by_file.high - by_file.low)
    assert (by_group.groups, by_file.groups) == (20, 200)


def test_bootstrap_gives_the_same_interval_for_the_same_seed(rng: np.random.Generator) -> None:
    scores, spoof = rng.normal(size=30), np.arange(30) % 3 == 0
    groups = [str(i // 2) for i in range(30)]
    once, again = (group_bootstrap(metrics.eer, scores, spoof, groups, draws=50, seed=7) for _ in range(2))
    assert once == again
