"""Calibration, fusion and abstention: right on held-out groups, saved whole, refused when changed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from assay.eval import metrics
from assay.eval.calibration import METHODS, CalibrationError, method
from assay.eval.calibration.affine import Affine, Temperature
from assay.eval.calibration.conformal import Answer, Conformal
from assay.eval.calibration.fusion import Fusion
from assay.eval.calibration.heldout import cross_fitted, folds_of, held_out
from assay.eval.calibration.isotonic import Isotonic
from assay.eval.calibration.store import Origin, Stored, load, save

ORIGIN = Origin(
    calibration_set="made",
    digest="0" * 64,
    scores=("score",),
    higher="spoof",
    bona_fide=1,
    spoof=1,
    groups=2,
    prior=0.5,
    seed=0,
    commit="unknown",
    command="",
)


def gaussian(rng: np.random.Generator, count: int = 2000) -> tuple[np.ndarray, np.ndarray, list[str], np.ndarray]:
    """Return raw scores, labels, groups, and the true log10 ratios: N(+1, 1) against N(-1, 1), scaled and moved."""
    spoof = np.arange(count) % 2 == 0
    clean = rng.normal(size=count) + np.where(spoof, 1.0, -1.0)
    return clean * 5.0 + 40.0, spoof, [f"p{i // 4}" for i in range(count)], 2.0 * clean / np.log(10.0)


@pytest.mark.parametrize("prior", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("way", [Affine, Isotonic])
def test_a_calibration_finds_the_true_ratios_whatever_the_unit_and_the_prior(
    way: type[Affine | Isotonic], prior: float, rng: np.random.Generator
) -> None:
    scores, spoof, groups, true = gaussian(rng, 8000)
    llr = way.fit(scores[:, None], spoof, groups, prior=prior, seed=0).llr(scores[:, None])
    assert np.abs(llr - np.clip(true, llr.min(), llr.max()))[np.abs(true) < 1].max() < (0.12 if way is Affine else 0.5)
    assert metrics.cllr(llr, spoof) == pytest.approx(metrics.cllr(true, spoof), abs=0.01)
    assert llr.max() < 4.0


def test_a_temperature_quiets_ratios_that_are_too_loud(rng: np.random.Generator) -> None:
    _, spoof, groups, true = gaussian(rng)
    fitted = Temperature.fit(3.0 * true[:, None], spoof, groups, prior=0.5, seed=0)
    assert fitted.slope == pytest.approx(1 / 3, abs=0.03)
    assert fitted.intercept == 0.0


def test_a_score_that_points_the_wrong_way_says_nothing(rng: np.random.Generator) -> None:
    scores, spoof, groups, _ = gaussian(rng)
    fitted = Affine.fit(-scores[:, None], spoof, groups, prior=0.5, seed=0)
    assert set(fitted.llr(-scores[:, None]).tolist()) == {0.0}


def test_isotonic_ratios_rise_and_keep_finite_ends(rng: np.random.Generator) -> None:
    scores, spoof, groups, _ = gaussian(rng, 400)
    fitted = Isotonic.fit(scores[:, None], spoof, groups, prior=0.5, seed=0)
    asked = np.linspace(-100, 200, 500)[:, None]
    told = fitted.llr(asked)
    assert (np.diff(told) >= 0).all()
    assert np.isfinite(told).all()
    assert -3 < told[0] < 0 < told[-1] < 3


def test_fusion_of_a_detector_and_its_copy_is_no_surer_than_the_detector(rng: np.random.Generator) -> None:
    scores, spoof, groups, true = gaussian(rng, 4000)
    twice = np.column_stack([scores, scores])
    llr = Fusion.fit(twice, spoof, groups, prior=0.5, seed=0).llr(twice)
    assert metrics.cllr(llr, spoof) == pytest.approx(metrics.cllr(true, spoof), abs=0.01)
    assert metrics.cllr(2 * true, spoof) > metrics.cllr(llr, spoof) + 0.02


def test_fusion_of_independent_detectors_adds_their_ratios_and_never_weighs_below_zero(
    rng: np.random.Generator,
) -> None:
    first, spoof, groups, one = gaussian(rng, 6000)
    second, _, _, other = gaussian(rng, 6000)
    noise = rng.normal(size=6000)
    told = np.column_stack([first, second, noise])
    fused = Fusion.fit(told, spoof, groups, prior=0.5, seed=0)
    assert metrics.cllr(fused.llr(told), spoof) == pytest.approx(metrics.cllr(one + other, spoof), abs=0.01)
    assert (fused.weights >= 0).all()


def test_a_skipped_detector_leaves_the_others_their_full_say(rng: np.random.Generator) -> None:
    scores, spoof, groups, true = gaussian(rng, 4000)
    told = np.column_stack([scores, scores + 0.01 * rng.normal(size=4000)])
    told[rng.random(4000) < 0.3, 1] = np.nan
    fused = Fusion.fit(told, spoof, groups, prior=0.5, seed=0)
    alone = np.column_stack([scores, np.full(4000, np.nan)])
    # Filling the gap with ratio 0 would halve the ratio: the copies share one weight.
    slope = np.polyfit(true[np.abs(true) < 1], fused.llr(alone)[np.abs(true) < 1], 1)[0]
    assert slope == pytest.approx(1.0, abs=0.1)
    assert np.isnan(fused.llr(np.full((1, 2), np.nan))).all()


def test_folds_keep_groups_whole_and_spread_the_classes(rng: np.random.Generator) -> None:
    groups = [f"g{i}" for i in rng.integers(40, size=300)]
    spoof = np.array([int(name[1:]) % 3 == 0 for name in groups])
    fold = folds_of(spoof, groups, seed=3)
    assert all(len({f for f, g in zip(fold, groups, strict=True) if g == name}) == 1 for name in set(groups))
    assert all(0 < spoof[fold == number].sum() < (fold == number).sum() for number in range(5))
    with pytest.raises(CalibrationError, match="two groups"):
        folds_of(np.array([True, False, False]), ["a", "b", "c"])


def test_held_out_figures_see_the_overfit_that_fitted_ones_hide(rng: np.random.Generator) -> None:
    spoof = np.arange(120) % 2 == 0
    groups = [f"g{i // 2}" for i in range(120)]
    noise = rng.normal(size=(120, 1))
    fitted = Isotonic.fit(noise, spoof, groups, prior=0.5, seed=0).llr(noise)
    crossed = cross_fitted(Isotonic, noise, spoof, groups, prior=0.5, seed=0)
    assert metrics.cllr(fitted, spoof) < 1.0 <= metrics.cllr(crossed, spoof)
    told = held_out(Affine, noise, spoof, groups, prior=0.5, seed=0)
    assert told.cllr.value == pytest.approx(1.0, abs=0.1)
    assert told.cllr.groups == 60


def test_abstention_keeps_its_promise_on_new_groups_of_both_classes() -> None:
    rng = np.random.default_rng(5)
    alpha, lost = 0.1, np.zeros(2)
    for _ in range(300):
        # 39 groups a class with a level of their own; a new group's file must keep its true class.
        level = rng.normal(size=80).repeat(5) * 2
        spoof = np.tile(np.arange(5) % 2 == 0, 80)
        scores = (level + rng.normal(size=400) + 3 * spoof)[:, None]
        fitted = Conformal.fit(scores[:390], spoof[:390], [str(i // 5) for i in range(390)], prior=0.5, seed=1)
        bona_fide, spoofed = fitted.p_values(scores[395:])
        lost += [bona_fide[1] <= alpha, spoofed[0] <= alpha]
    assert (lost / 300 < alpha + 3 * np.sqrt(alpha * (1 - alpha) / 300)).all()
    assert (lost > 0).all()


def test_answers_name_both_neither_and_one() -> None:
    fitted = Conformal(bona_fide=np.arange(-19.0, 0.0), spoof=np.arange(1.0, 20.0))
    told = fitted.answers(np.array([[-5.0], [5.0], [0.0], [np.nan]]), alpha=0.1)
    assert told.tolist() == [Answer.BONA_FIDE, Answer.SPOOF, Answer.NEITHER, Answer.ABSTAIN]
    mixed = Conformal(bona_fide=np.arange(19.0), spoof=np.arange(19.0))
    assert mixed.answers(np.array([[9.0]]), alpha=0.1).tolist() == [Answer.ABSTAIN]
    with pytest.raises(CalibrationError, match=r"at least 0\.0500"):
        fitted.answers(np.zeros((1, 1)), alpha=0.01)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_survives_the_disk_and_answers_the_same(
    name: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    scores, spoof, groups, _ = gaussian(rng, 400)
    before = scores.copy()
    fitted = method(name).fit(scores[:, None], spoof, groups, prior=0.5, seed=0)
    save(Stored(method=name, calibrator=fitted, origin=ORIGIN, held_out=None), tmp_path / "c.json")
    again = load(tmp_path / "c.json")
    assert again.origin == ORIGIN
    asked = np.append(scores, np.nan)[:, None]
    np.testing.assert_array_equal(again.calibrator.llr(asked), fitted.llr(asked))
    assert np.isnan(fitted.llr(asked)[-1])
    np.testing.assert_array_equal(scores, before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.json", "c.safetensors"]
    (tmp_path / "plain").touch()
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {(tmp_path / "plain").stat().st_mode & 0o777}, "as the user's umask has it"


def test_changed_numbers_and_foreign_cards_are_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    scores, spoof, groups, _ = gaussian(rng, 100)
    fitted = Affine.fit(scores[:, None], spoof, groups, prior=0.5, seed=0)
    card, numbers = save(Stored(method="affine", calibrator=fitted, origin=ORIGIN, held_out=None), tmp_path / "c.json")
    whole = numbers.read_bytes()
    numbers.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CalibrationError, match="SHA-256") as caught:
        load(card)
    assert caught.value.exit_code == 3, "it is there, but cannot be used"
    numbers.write_bytes(whole)
    told = json.loads(card.read_text())
    for change in ({"format": "other-1"}, {"method": "magic"}, {"origin": {}}):
        card.write_text(json.dumps(told | change))
        with pytest.raises(CalibrationError, match="format"):
            load(card)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "fusion"])
def test_methods_for_one_detector_refuse_several_and_one_class(name: str) -> None:
    with pytest.raises(CalibrationError, match="one detector"):
        method(name).fit(np.zeros((4, 2)), np.array([True, False] * 2), list("abcd"), prior=0.5, seed=0)
    with pytest.raises(CalibrationError, match="both classes"):
        method(name).fit(np.zeros((4, 1)), np.ones(4, dtype=bool), list("abcd"), prior=0.5, seed=0)


def test_fusion_refuses_what_it_cannot_learn_from() -> None:
    with pytest.raises(CalibrationError, match="groups of each class"):
        Fusion.fit(np.zeros((4, 2)), np.array([True, False] * 2), ["a"] * 4, prior=0.5, seed=0)
    with pytest.raises(CalibrationError, match="no calibration is named"):
        method("guess")
