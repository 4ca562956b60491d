"""Reliability, pooling and spans, against hand-worked cases and slow definitions."""

from __future__ import annotations

import numpy as np
import pytest
from assay.eval import metrics
from assay.eval.metrics import MetricError, Track
from hypothesis import given, settings
from hypothesis import strategies as st

forecasts = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: len({label for _, label in rows}) == 2
)


@given(rows=forecasts, bins=st.sampled_from([None, 1, 5, 10]))
@settings(deadline=None, max_examples=60)
def test_the_parts_of_the_brier_score_add_up(rows: list[tuple[int, bool]], bins: int | None) -> None:
    chance, spoof = np.array([p / 20 for p, _ in rows]), np.array([y for _, y in rows])
    parts = metrics.brier_parts(chance, spoof, bins=bins)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(metrics.brier(chance, spoof), abs=1e-12)
    assert bins is not None or parts.within == 0.0


def test_calibration_error_of_a_hand_worked_case() -> None:
    chance, spoof = [0.05, 0.15, 0.1, 0.95, 1.0], [0, 0, 1, 1, 1]
    # Bins [0, .1): 0.05 / 0; [.1, .2): 0.125 / 0.5; [.9, 1]: 0.975 / 1.
    assert metrics.ece(chance, spoof) == pytest.approx((0.05 + 2 * 0.375 + 2 * 0.025) / 5)
    told = metrics.reliability(chance, spoof)
    assert told.count.tolist() == [1, 2, 2]
    assert metrics.ece(chance, spoof, bins=1) == pytest.approx(0.6 - 0.45)


def test_adaptive_bins_hold_equally_many_and_split_no_ties(rng: np.random.Generator) -> None:
    chance = rng.random(1000)
    told = metrics.reliability(chance, chance > 0.3, bins=10, adaptive=True)
    assert told.count.tolist() == [100] * 10
    tied = metrics.reliability(np.repeat([0.2, 0.8], [30, 10]), np.arange(40) % 2 == 0, bins=10, adaptive=True)
    assert tied.forecast.tolist() == pytest.approx([0.2, 0.8])


def test_true_probabilities_have_a_small_calibration_error(rng: np.random.Generator) -> None:
    chance = rng.random(200_000)
    assert metrics.ece(chance, rng.random(200_000) < chance) < 0.01
    assert metrics.ece(chance**2, rng.random(200_000) < chance) > 0.1


SLOW = {
    "mean": np.mean,
    "median": np.median,
    "max": np.max,
    "top-10%": lambda v: np.sort(v)[-max(1, int(np.ceil(len(v) / 10 - 1e-9))) :].mean(),
    "top-25%": lambda v: np.sort(v)[-max(1, int(np.ceil(len(v) / 4 - 1e-9))) :].mean(),
    "trimmed-10%": lambda v: np.sort(v)[len(v) // 10 : len(v) - len(v) // 10].mean(),
    "log-mean-exp": lambda v: np.log10(np.mean(10.0**v)),
}


@pytest.mark.parametrize("how", metrics.WAYS)
def test_pooling_is_what_each_group_alone_would_give(how: str, rng: np.random.Generator) -> None:
    groups = rng.choice([f"film {i}" for i in range(12)], size=300, p=np.arange(1, 13) / 78)
    scores = rng.normal(size=300) * 3
    pooled = metrics.pool(scores, groups.tolist(), how=how)
    assert list(pooled.names) == list(dict.fromkeys(groups.tolist()))
    wanted = [SLOW[how](scores[groups == name]) for name in pooled.names]
    np.testing.assert_allclose(pooled.scores, wanted, atol=1e-12)
    assert pooled.counts.sum() == 300


def test_a_film_is_spoof_if_any_of_its_frames_is() -> None:
    assert metrics.pool_labels([0, 0, 1, 0], ["b", "a", "b", "a"]).tolist() == [True, False]
    with pytest.raises(MetricError, match="pooled by mean"):
        metrics.pool([1.0], ["a"], how="vote")


def test_segments_touched_by_a_span_are_spoof() -> None:
    labels = metrics.segment_labels([(0.15, 0.3), (0.9, 5.0)], seconds=1.0, resolution=0.1)
    assert labels.tolist() == [False, True, True] + [False] * 6 + [True]
    assert metrics.segment_labels([], seconds=0.25, resolution=0.1).tolist() == [False] * 3
    assert metrics.segment_scores([1, 5, 2, 0, 7], hop=0.02, resolution=0.04).tolist() == [5, 2, 7]
    with pytest.raises(MetricError, match="whole number of hops"):
        metrics.segment_scores([1.0], hop=0.02, resolution=0.03)


def test_segment_eer_counts_over_all_files() -> None:
    labels = [metrics.segment_labels([(0.0, 0.2)], seconds=0.4, resolution=0.1), np.zeros(2, dtype=bool)]
    scores = [[3.0, 0.5, 0.0, 0.1], [1.0, 0.2]]
    assert metrics.segment_eer(scores, labels) == pytest.approx(metrics.eer(np.concatenate(scores), [1, 1, 0, 0, 0, 0]))


TRACKS = [
    Track.of(true=[(0, 1), (2, 4)], proposed=[(0, 1), (2, 3), (0, 0.9)], scores=[0.9, 0.8, 0.95]),
    Track.of(true=[(5, 6)], proposed=[(5.2, 6.2), (0, 1)], scores=[0.5, 0.99]),
    Track.of(true=[], proposed=[(0, 1)], scores=[0.1]),
]


def test_average_precision_of_spans_by_hand() -> None:
    # By score: wrong (.99), right (.95, IoU .9), taken (.9), right at IoU .5 (.8), right at .5 (.5, IoU .667), wrong.
    # Precision at the hits 1/2, 2/4, 3/5; made falling: .6 each; three true spans.
    assert metrics.ap_at_iou(TRACKS, iou=0.5) == pytest.approx(0.6)
    assert metrics.ap_at_iou(TRACKS, iou=0.75) == pytest.approx(0.5 / 3)
    assert metrics.ap_at_iou(TRACKS, iou=0.95) == pytest.approx((1 / 3) / 3)


def test_average_recall_of_spans_by_hand() -> None:
    # Best overlaps with all proposals: 1, .5, 2/3; at one a file: .9, 0, 0.
    assert metrics.ar_at(TRACKS, proposals=10, ious=(0.5, 0.6, 0.7)) == pytest.approx((3 + 1 + 2) / 9)
    assert metrics.ar_at(TRACKS, proposals=1, ious=(0.5, 0.95)) == pytest.approx(1 / 6)
    assert metrics.span_precision_recall(TRACKS, iou=0.5, threshold=0.6) == pytest.approx((2 / 4, 2 / 3))
    assert metrics.point_precision_recall([1, -1, 2, -2], [1, 1, 0, 0]) == (0.5, 0.5)


@pytest.mark.parametrize(
    "spans",
    [pytest.param([(1, 1)], id="empty"), pytest.param([(2, 1)], id="back"), pytest.param([(0, np.inf)], id="inf")],
)
def test_spans_that_are_none_are_refused(spans: list[tuple[float, float]]) -> None:
    with pytest.raises(MetricError, match="later end"):
        Track.of(true=spans, proposed=[], scores=[])
