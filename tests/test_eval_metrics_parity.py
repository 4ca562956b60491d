"""Metrics on real scores and made ones, by another route: the published definitions as loops, scikit-learn, llreval."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from assay.eval import metrics
from assay.eval.metrics import Asv, Costs, MetricError, Ranked, TandemCosts
from hypothesis import given, settings
from hypothesis import strategies as st

LN10 = float(np.log(10.0))
CLOSE = 1e-9


@pytest.fixture(scope="module")
def literal() -> ModuleType:
    """The definitions written out in benchmarks/parts."""
    path = Path(__file__).resolve().parents[1] / "benchmarks/parts/literal_metrics.py"
    spec = importlib.util.spec_from_file_location("literal_metrics", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Real:
    """Trials of ASVspoof 5: a verifier and a countermeasure; label 1 target, 2 non-target, 0 spoof."""

    def __init__(self, path: Path) -> None:
        """Read them."""
        self.asv, self.cm, label = np.loadtxt(path, delimiter=",", skiprows=1).T
        self.spoof, self.target, self.nontarget = label == 0, label == 1, label == 2
        self.bona_fide, self.fake = self.cm[~self.spoof], self.cm[self.spoof]
        self.classes = self.asv[self.target], self.asv[self.nontarget], self.asv[self.spoof]
        self.ranked = Ranked.of(-self.cm, self.spoof)
        self.verifier = Asv.of(target=self.classes[0], nontarget=self.classes[1], spoof=self.classes[2])


@pytest.fixture(scope="module")
def real(shared: Path) -> Real:
    """The real trials, where they are."""
    path = shared / "media/scores/asvspoof5_dev_scores.csv"
    if not path.is_file():
        pytest.skip("the score file is not beside the checkout")
    return Real(path)


def test_figures_of_the_challenge_agree_on_real_scores(real: Real, literal: ModuleType) -> None:
    natural = Ranked.of(-real.cm / LN10, real.spoof)
    pair = real.bona_fide, real.fake
    assert metrics.eer(real.ranked, convention="nearest") == pytest.approx(literal.eer(*pair)[0], abs=CLOSE)
    assert metrics.min_dcf(real.ranked) == pytest.approx(literal.min_dcf(*pair), abs=CLOSE)
    assert metrics.act_dcf(natural) == pytest.approx(literal.act_dcf(*pair), abs=CLOSE)
    assert metrics.cllr(natural) == pytest.approx(literal.cllr(*pair), abs=CLOSE)
    assert metrics.min_cllr(real.ranked) == pytest.approx(literal.min_cllr(*pair), abs=CLOSE)
    for legacy in (True, False):
        wanted = literal.min_tdcf(*pair, literal.asv_rates(*real.classes), legacy=legacy)
        found = metrics.min_tdcf(real.ranked, asv=real.verifier.rates(), legacy=legacy)
        assert found == pytest.approx(wanted, abs=CLOSE)
    for joint in (real.asv, real.cm, real.cm + 10 * real.asv):
        parts = joint[real.target], joint[real.nontarget], joint[real.spoof]
        found = metrics.min_adcf(target=parts[0], nontarget=parts[1], spoof=parts[2])
        assert found == pytest.approx(literal.min_adcf(*parts), abs=CLOSE)


def test_the_tandem_eer_agrees_on_a_part_of_the_real_scores(real: Real, literal: ModuleType) -> None:
    few = slice(None, None, 5)
    asv = [part[few] for part in real.classes]
    bona_fide, fake = real.bona_fide[few], real.fake[few]
    trials = Ranked.of(-np.concatenate((bona_fide, fake)), np.repeat([0, 1], [bona_fide.size, fake.size]))
    found = metrics.t_eer(trials, asv=Asv.of(target=asv[0], nontarget=asv[1], spoof=asv[2]))
    assert found.value == pytest.approx(literal.t_eer(bona_fide, fake, *asv), abs=CLOSE)
    # Where all three rates of the tandem agree: its misses and its two kinds of acceptances.
    miss, accept = float(np.mean(bona_fide <= -found.cm_threshold)), float(np.mean(fake > -found.cm_threshold))
    rejected = [float(np.mean(part <= found.asv_threshold)) for part in asv]
    assert miss + (1 - miss) * rejected[0] == pytest.approx(found.value, abs=2e-3)
    assert (1 - miss) * (1 - rejected[1]) == pytest.approx(found.value, abs=2e-3)
    assert accept * (1 - rejected[2]) == pytest.approx(found.value, abs=2e-3)


def test_scikit_learn_agrees_on_real_scores(real: Real) -> None:
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

    scores, spoof = -real.cm, real.spoof
    assert metrics.auc(real.ranked) == pytest.approx(roc_auc_score(spoof, scores), abs=CLOSE)
    assert metrics.average_precision(real.ranked) == pytest.approx(average_precision_score(spoof, scores), abs=CLOSE)
    for part in (0.001, 0.05, 0.5):
        wanted = roc_auc_score(spoof, scores, max_fpr=part)
        assert metrics.partial_auc(real.ranked, max_fpr=part) == pytest.approx(wanted, abs=CLOSE)
    chance = metrics.posterior(scores / LN10)
    assert metrics.brier(chance, spoof) == pytest.approx(brier_score_loss(spoof, chance), abs=CLOSE)
    for ours, theirs in zip(metrics.roc(real.ranked), roc_curve(spoof, scores, drop_intermediate=False), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_llreval_agrees_on_real_scores(real: Real) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from llreval.cllr import cllr, min_cllr
        from llreval.pav_rocch import PAV, ROCCH

    hull = PAV(-real.cm, real.spoof.astype(int))
    assert metrics.min_cllr(real.ranked) == pytest.approx(min_cllr(hull), abs=CLOSE)
    assert metrics.eer(real.ranked, convention="hull") == pytest.approx(ROCCH(hull).EER(), abs=CLOSE)
    natural = Ranked.of(-real.cm / LN10, real.spoof)
    assert metrics.cllr(natural) == pytest.approx(cllr(-real.fake, -real.bona_fide), abs=CLOSE)


# Scores from few values, so that most trials are tied; both classes are there.
tied = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=50).filter(
    lambda rows: len({label for _, label in rows}) == 2
)
ORDER = {
    "auc": metrics.auc,
    "eer": metrics.eer,
    "nearest": lambda s, y: metrics.eer(s, y, convention="nearest"),
    "hull": lambda s, y: metrics.eer(s, y, convention="hull"),
    "min_dcf": metrics.min_dcf,
    "min_cllr": metrics.min_cllr,
    "average_precision": metrics.average_precision,
    "partial_auc": lambda s, y: metrics.partial_auc(s, y, max_fpr=0.3),
}


def _arrays(rows: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([s for s, _ in rows], dtype=float), np.array([y for _, y in rows])


@pytest.mark.parametrize("name", ORDER)
@given(rows=tied)
@settings(deadline=None, max_examples=40)
def test_rising_maps_and_repeated_trials_change_no_figure_of_the_order(name: str, rows: list[tuple[int, bool]]) -> None:
    scores, spoof = _arrays(rows)
    value = ORDER[name](scores, spoof)
    assert ORDER[name](np.exp(scores) - 7.0, spoof) == pytest.approx(value, abs=1e-12)
    assert ORDER[name](np.tile(scores, 3), np.tile(spoof, 3)) == pytest.approx(value, abs=1e-12)
    assert ORDER[name](scores[::-1], spoof[::-1]) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", ["auc", "eer", "hull", "min_cllr"])
@given(rows=tied)
@settings(deadline=None, max_examples=40)
def test_swapping_classes_and_sign_changes_nothing(name: str, rows: list[tuple[int, bool]]) -> None:
    scores, spoof = _arrays(rows)
    assert ORDER[name](-scores, ~spoof) == pytest.approx(ORDER[name](scores, spoof), abs=1e-12)


@given(rows=tied, prior=st.floats(0.01, 0.99), alarm=st.floats(0.1, 20), miss=st.floats(0.1, 20))
@settings(deadline=None, max_examples=60)
def test_the_least_cost_is_that_of_every_threshold_tried(
    rows: list[tuple[int, bool]], prior: float, alarm: float, miss: float
) -> None:
    scores, spoof = _arrays(rows)
    costs = Costs(p_spoof=prior, false_alarm=alarm, missed_spoof=miss)
    blind = min((1 - prior) * alarm, prior * miss)
    tried = [
        ((1 - prior) * alarm * np.mean(scores[~spoof] >= t) + prior * miss * np.mean(scores[spoof] < t)) / blind
        for t in [*scores, np.inf]
    ]
    best = metrics.best_operating(scores, spoof, costs=costs)
    assert best.cost == pytest.approx(min(tried), abs=1e-12)
    assert best.cost <= 1.0 + 1e-12


def test_the_least_cost_among_many_trials_is_found_without_looking_at_all(rng: np.random.Generator) -> None:
    spoof = rng.random(60_000) < 0.4
    scores = np.round(rng.normal(size=60_000) + spoof, 4)
    false_positive, true_positive, _ = metrics.roc(scores, spoof)
    for prior in (0.001, 0.05, 0.5, 0.99):
        alarm, miss = Costs(p_spoof=prior).weights
        wanted = (alarm * false_positive + miss * (1 - true_positive)).min()
        assert metrics.min_dcf(scores, spoof, costs=Costs(p_spoof=prior)) == pytest.approx(wanted, abs=1e-12)


def test_actual_cost_is_never_below_the_least_and_meets_it_after_the_best_threshold(rng: np.random.Generator) -> None:
    spoof = rng.random(500) < 0.5
    llr = rng.normal(size=500) + spoof
    best = metrics.best_operating(llr, spoof)
    assert metrics.act_dcf(llr, spoof) >= best.cost
    moved = llr - best.threshold + metrics.ASVSPOOF5.threshold
    assert metrics.act_dcf(moved, spoof) == pytest.approx(best.cost, abs=1e-12)


def test_hand_worked_costs_and_conventions() -> None:
    scores, spoof = [4.0, 3.0, 2.0, 1.0, 0.0], [1, 0, 1, 0, 0]
    # Thresholds 4: misses 1/2, alarms 0; 2: misses 0, alarms 1/3. Weights 1.9 and 1.
    assert metrics.min_dcf(scores, spoof) == pytest.approx(min(0.5, 1.9 / 3))
    assert metrics.eer(scores, spoof, convention="nearest") == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert metrics.eer(scores, spoof) == pytest.approx(1 / 3)
    assert metrics.eer(scores, spoof, convention="hull") == pytest.approx(0.2)
    assert metrics.balanced_accuracy(scores, spoof, threshold=2.0) == pytest.approx(5 / 6)
    assert metrics.fpr_at_tpr(scores, spoof, tpr=0.6) == pytest.approx(1 / 3)
    assert metrics.partial_auc(scores, spoof, max_fpr=1 / 3, standardised=False) == pytest.approx(1 / 6)


def test_infinite_ratios_are_ties_of_their_own() -> None:
    scores, spoof = [np.inf, np.inf, 1.0, -np.inf, -np.inf], [1, 0, 1, 0, 0]
    assert metrics.auc(scores, spoof) == pytest.approx((0.5 + 1 + 1 + 0 + 1 + 1) / 6)
    assert metrics.roc(scores, spoof)[0].size == 4
    assert metrics.cllr([np.inf, -np.inf], [1, 0]) == 0.0
    assert metrics.cllr([np.inf, -np.inf], [0, 1]) == np.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: metrics.auc([1.0, 2.0, 3.0], [0, 1, 2]), "got 0, 1, 2", id="a third class is no spoof"),
        pytest.param(lambda: metrics.auc([1.0, 2.0], ["real", "fake"]), "true or 1", id="words"),
        pytest.param(lambda: metrics.auc([1.0, 2.0]), "labels", id="no labels"),
        pytest.param(lambda: metrics.eer([1, 2], [0, 1], convention="best"), "nearest or hull", id="convention"),  # type: ignore[arg-type]
        pytest.param(lambda: Costs(p_spoof=0.0), "inside 0..1", id="prior"),
        pytest.param(lambda: TandemCosts(p_spoof=0.995), "for targets", id="no prior for targets"),
        pytest.param(lambda: Asv.of(target=[1.0], nontarget=[], spoof=[0.0]), "no nontarget", id="no non-target"),
        pytest.param(lambda: metrics.partial_auc([1, 2], [0, 1], max_fpr=0.0), "max_fpr", id="empty part"),
    ],
)
def test_what_cannot_be_measured_is_refused(call: object, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        call()  # type: ignore[operator]
