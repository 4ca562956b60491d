"""Intervals and paired tests against other libraries, exact enumeration and coverage on made data."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from assay.eval import metrics
from assay.eval.comparison import delong, delong_test, holm, mcnemar, permutation_test
from assay.eval.metrics import MetricError
from assay.eval.statistics import group_bootstrap


def _pair(rng: np.random.Generator, count: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    spoof = np.arange(count) % 3 == 0
    shared = rng.normal(size=count)
    first = np.round(shared + rng.normal(size=count) + 1.5 * spoof, 1)
    return first, np.round(shared + rng.normal(size=count) + 0.8 * spoof, 1), spoof


def test_delong_agrees_with_another_implementation(rng: np.random.Generator) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from rocauc_comparison.delong import delong_roc_variance, fastDeLong

    first, second, spoof = _pair(rng)
    area, variance = delong_roc_variance(spoof.astype(int), first)
    found = delong(first, spoof)
    assert found.value == pytest.approx(float(area), abs=1e-12)
    assert found.low == pytest.approx(float(area - 1.959963984540054 * variance**0.5), abs=1e-9)
    # Its own test breaks under numpy 2: its covariance of the two areas, then the normal tail by hand.
    areas, covariance = fastDeLong(np.stack([first, second])[:, np.argsort(~spoof, kind="stable")], int(spoof.sum()))
    z = abs(areas[0] - areas[1]) / math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert delong_test(first, second, spoof).p == pytest.approx(math.erfc(z / math.sqrt(2)), abs=1e-9)


def test_delong_of_equal_or_separated_detectors_claims_nothing(rng: np.random.Generator) -> None:
    first, _, spoof = _pair(rng)
    assert delong_test(first, first, spoof).p == 1.0
    assert delong(spoof.astype(float), spoof).low is None


def test_permutation_by_group_is_exact_for_few_groups() -> None:
    spoof = np.array([1, 0] * 4, dtype=bool)
    groups = [str(i // 2) for i in range(8)]
    first, second = np.array([5, 1, 6, 2, 7, 3, 8, 4.0]), np.array([1, 5, 6, 2, 3, 7, 8, 4.0])
    found = permutation_test(metrics.auc, (first, second), spoof, groups)
    wanted = abs(metrics.auc(first, spoof) - metrics.auc(second, spoof))
    far = 0
    for swaps in itertools.product([False, True], repeat=4):
        rows = np.repeat(swaps, 2)
        one, other = np.where(rows, second, first), np.where(rows, first, second)
        far += abs(metrics.auc(one, spoof) - metrics.auc(other, spoof)) >= wanted - 1e-12
    assert found.p == far / 16


def test_permutation_finds_a_difference_and_holds_its_level(rng: np.random.Generator) -> None:
    spoof = np.arange(200) % 2 == 0
    groups = [str(i // 4) for i in range(200)]
    good, bad = rng.normal(size=200) + 2 * spoof, 100 + 30 * rng.normal(size=200)
    assert permutation_test(metrics.auc, (good, bad), spoof, groups, draws=200).p < 0.02
    p_values = [
        permutation_test(
            metrics.auc, (rng.normal(size=40), rng.normal(size=40)), spoof[:40], groups[:40], draws=49, seed=i
        ).p
        for i in range(60)
    ]
    assert 0.3 < np.mean(p_values) < 0.7


def test_mcnemar_and_holm_by_hand() -> None:
    # 1 against 5 apart: 2 * (1 + 6) / 64.
    first, second = [1, 1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 1, 1]
    assert mcnemar(first, second).p == pytest.approx(14 / 64)
    assert mcnemar([1, 0], [1, 0]).p == 1.0
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    with pytest.raises(MetricError, match="p-values"):
        holm([0.2, 1.2])


def test_bca_is_scipys_where_every_trial_is_a_group_of_one_class() -> None:
    from scipy.stats import bootstrap

    sample = np.random.default_rng(2).exponential(size=60)
    # One class decides the figure: the mean of the spoof scores.
    scores, spoof = np.append(sample, [0.0]), np.append(np.ones(60, dtype=bool), [False])

    def mean(values: np.ndarray, labels: np.ndarray) -> float:
        return float(values[labels].mean())

    names = [str(i) for i in range(61)]
    found = group_bootstrap(mean, scores, spoof, names, draws=4000, seed=1, method="bca")
    wanted = bootstrap((sample,), np.mean, n_resamples=4000, rng=np.random.default_rng(3)).confidence_interval
    assert found.low == pytest.approx(wanted.low, abs=0.02)
    assert found.high == pytest.approx(wanted.high, abs=0.02)
    plain = group_bootstrap(mean, scores, spoof, names, draws=4000, seed=1)
    assert found.high is not None
    assert plain.high is not None
    assert found.high > plain.high


def test_bca_of_a_figure_that_does_not_vary_is_that_figure() -> None:
    told = group_bootstrap(metrics.auc, [2.0, 3.0, 0.0, 1.0], [1, 1, 0, 0], list("abcd"), draws=50, method="bca")
    assert (told.low, told.high) == (1.0, 1.0)
