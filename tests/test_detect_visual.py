"""The visual detector: its contract, its shipped model, its self-blends, and a whole small training."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from assay.datasets.corpus import BONA_FIDE, SPOOF, CorpusError, Item
from assay.detect.finding import Evidence, Finding, Skipped
from assay.detect.model import WEIGHTS, golden_input, load, shipped
from assay.detect.train import visual as training
from assay.detect.train.portraits import features_of, portraits, washed
from assay.detect.train.selfblend import Portrait, self_blend
from assay.detect.visual.features import SIZE, FaceCrop, features, signed_distance
from assay.detect.visual.residual import LEAST_FACE, ResidualDetector
from assay.media.audio import Audio
from assay.media.encode import encode_image
from assay.media.image import Still
from assay.media.video import Film, Frame
from assay.media.view import View
from numpy.typing import NDArray

NAME = "visual-residual"
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    """A public-domain photograph with one face of about 100 pixels."""
    from skimage.data import astronaut as photograph

    return np.ascontiguousarray(photograph(), np.uint8)


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory, astronaut: Pixels) -> Portrait:
    path = tmp_path_factory.mktemp("face") / "a.png"
    path.write_bytes(encode_image(astronaut, "png"))
    return portraits(path, "image", None)[0]


def _examine(media: Still | Audio | Film) -> tuple[Finding, ...] | Skipped:
    return ResidualDetector().examine(Evidence(view=View.of(media), verification=None))


def _finding(media: Still | Film) -> Finding:
    answer = _examine(media)
    assert isinstance(answer, tuple), answer
    (finding,) = answer
    return finding


def _film(images: list[Pixels]) -> Film:
    frames = tuple(Frame(index=i, time=i / 25, image=image) for i, image in enumerate(images))
    return Film(frames=lambda: iter(frames), rate=Fraction(25))


def test_the_same_picture_gives_the_same_finding_and_is_not_changed(astronaut: Pixels) -> None:
    kept = astronaut.copy()
    once, again = _finding(Still(pixels=astronaut)), _finding(Still(pixels=astronaut))
    assert once == again
    assert np.array_equal(astronaut, kept)
    model = shipped(NAME)
    assert model.lowest <= once.llr <= model.highest
    assert once.modality == "visual"


def test_every_face_of_a_still_has_its_region(astronaut: Pixels) -> None:
    pair = np.concatenate([astronaut, astronaut[:, ::-1]], axis=1)
    finding = _finding(Still(pixels=np.ascontiguousarray(pair)))
    assert len(finding.regions) == 2
    assert {region.left > 512 for region in finding.regions} == {True, False}
    assert all(region.time is None for region in finding.regions)
    assert "2 faces" in finding.note


def test_a_film_is_scored_by_track_with_times(astronaut: Pixels) -> None:
    finding = _finding(_film([np.roll(astronaut, step, axis=1) for step in range(4)]))
    assert [region.time for region in finding.regions] == pytest.approx([0.0, 0.04, 0.08, 0.12])
    assert "1 face over 4 frames" in finding.note


def test_a_film_of_one_frame_is_answered(astronaut: Pixels) -> None:
    assert len(_finding(_film([astronaut])).regions) == 1


@pytest.mark.parametrize(
    ("pixels", "why"),
    [
        pytest.param(np.zeros((64, 64, 3), np.uint8), "no face", id="black"),
        pytest.param(np.full((1, 1, 3), 255, np.uint8), "no face", id="one pixel"),
    ],
)
def test_a_picture_without_a_face_is_skipped(pixels: Pixels, why: str) -> None:
    answer = _examine(Still(pixels=pixels))
    assert isinstance(answer, Skipped)
    assert not answer.failed
    assert why in answer.why


def test_a_small_face_is_skipped_and_told_how_small(astronaut: Pixels) -> None:
    import cv2

    answer = _examine(
        Still(pixels=np.asarray(cv2.resize(astronaut, (200, 200), interpolation=cv2.INTER_AREA), np.uint8))
    )
    assert isinstance(answer, Skipped)
    assert f"needs a face of at least {LEAST_FACE} pixels" in answer.why


def test_sound_has_no_picture() -> None:
    answer = _examine(Audio(samples=np.ones((1, 100), np.float32), rate=8000))
    assert isinstance(answer, Skipped)
    assert answer.why == "there is no picture"


def test_signed_distance_is_negative_inside_and_grows_outward() -> None:
    angle = np.linspace(0, 2 * np.pi, 90)
    outline = (128 + 60 * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(np.float32)
    distance = signed_distance(outline)
    assert distance[128, 128] == pytest.approx(-60, abs=2)
    assert distance[128, 228] == pytest.approx(40, abs=2)


@pytest.mark.parametrize("value", [0, 255])
def test_features_are_finite_for_flat_and_odd_crops(value: int, rng: np.random.Generator) -> None:
    flat = np.full((SIZE, SIZE, 3), value, np.uint8)
    noise = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    far = np.array([[900, 900], [950, 900], [900, 950]], np.float32)
    near = np.array([[-50, -50], [400, -50], [400, 400], [-50, 400]], np.float32)
    for pixels in (flat, noise):
        for outline in (far, near):
            found = features(FaceCrop(pixels=pixels, outline=outline))
            assert found.shape == (shipped(NAME).inputs,)
            assert np.isfinite(found).all()


def test_a_self_blend_changes_the_face_and_leaves_size_and_seed_fixed(portrait: Portrait) -> None:
    first = self_blend(portrait, np.random.default_rng(4))
    again = self_blend(portrait, np.random.default_rng(4))
    assert np.array_equal(first.pixels, again.pixels)
    assert first.pixels.shape == portrait.pixels.shape
    blends = [self_blend(portrait, np.random.default_rng(seed)).pixels for seed in range(6)]
    centre = portrait.mesh.mean(axis=0).astype(int)
    window = np.s_[centre[1] - 15 : centre[1] + 15, centre[0] - 15 : centre[0] + 15]
    assert all((blend[window] != portrait.pixels[window]).any() for blend in blends)


@pytest.mark.parametrize("chain", ["half", "h264-crf35", "resize+jpeg-70"])
def test_laundering_carries_the_landmarks_along(chain: str, portrait: Portrait, rng: np.random.Generator) -> None:
    after = washed(portrait, chain, rng)
    share = after.mesh.mean(axis=0) / np.array(after.pixels.shape[1::-1])
    before = portrait.mesh.mean(axis=0) / np.array(portrait.pixels.shape[1::-1])
    assert share == pytest.approx(before, abs=0.01)
    assert np.isfinite(features_of(after)).all()


def test_the_shipped_card_tells_what_it_must() -> None:
    model = shipped(NAME)
    assert {"sha256", "training_data", "metrics", "calibration", "golden", "papers", "training"} <= set(model.card)
    assert all(entry["makers"] in ([], ["self-blend made in training"]) for entry in model.card["training_data"])
    assert (WEIGHTS / f"{NAME}.onnx").stat().st_size < 300_000
    assert np.allclose(model.scores(golden_input(model.inputs)), model.card["golden"], rtol=1e-3)


def test_a_weak_detector_claims_little() -> None:
    model = shipped(NAME)
    assert model.card["metrics"]["others"]["auc"] > 0.5
    assert -0.7 < model.lowest <= 0 <= model.highest < 1.0


def test_a_film_has_a_calibration_of_its_own_that_claims_less(astronaut: Pixels) -> None:
    pictures, films = shipped(NAME), shipped(NAME).of("video")
    assert films.calibration != pictures.calibration == shipped(NAME).of("image").calibration
    assert films.slope < pictures.slope
    assert pictures.lowest < films.lowest <= 0 <= films.highest < pictures.highest
    still, film = _finding(Still(pixels=astronaut)), _finding(_film([astronaut] * 4))
    assert (still.calibration, film.calibration) == (pictures.calibration, films.calibration)
    assert films.lowest <= film.llr <= films.highest


def _corpus(root: Path, astronaut: Pixels, rng: np.random.Generator) -> list[Item]:
    root.mkdir()
    items = []
    for number in range(6):
        bright = np.clip(astronaut * rng.uniform(0.8, 1.1), 0, 255).astype(np.uint8)[:320, 60:380]
        path = root / f"{number}.png"
        path.write_bytes(encode_image(np.ascontiguousarray(bright), "png"))
        spoof = number >= 4
        items.append(
            Item(
                id=str(number),
                path=path,
                sha256=str(number),
                label=SPOOF if spoof else BONA_FIDE,
                maker=f"m{number}" if spoof else "",
                group=f"g{number}",
                kind="image",
            )
        )
    return items


def test_a_small_training_runs_to_a_model_that_loads(
    tmp_path: Path, astronaut: Pixels, rng: np.random.Generator
) -> None:
    items = _corpus(tmp_path / "corpus", astronaut, rng)
    settings = training.Settings(seed=3, laundered=2, folds=3, cache=tmp_path / "cache", chains=("none", "jpeg-70"))
    card = training.train(items, out=tmp_path / "a", settings=settings)
    again = training.train(items, out=tmp_path / "b", settings=replace(settings, cache=None))
    assert card.read_bytes() == again.read_bytes()
    assert load(card.with_suffix(".onnx"), card).inputs == shipped(NAME).inputs


def test_reals_alone_cannot_be_calibrated() -> None:
    item = Item(id="1", path=Path("x.png"), sha256="", label=BONA_FIDE, maker="", group="g", kind="image")
    with pytest.raises(CorpusError, match="fakes to calibrate on"):
        training.train([item], out=Path("never"))


def test_a_long_track_is_thinned_evenly(astronaut: Pixels) -> None:
    finding = _finding(_film([astronaut] * 24))
    times = [region.time for region in finding.regions]
    assert len(times) == 16
    assert (times[0], times[-1]) == (0.0, pytest.approx(23 / 25))
    assert "over 16 frames" in finding.note
