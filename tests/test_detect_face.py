"""The learned eye for pictures: its contract and its shipped model; a small training of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from assay.datasets.corpus import BONA_FIDE, SPOOF, CorpusError, Item
from assay.detect.finding import Evidence, Finding, Skipped
from assay.detect.model import golden_input, load, shipped
from assay.detect.train import visual_stages as training
from assay.detect.visual.face import LEAST_FACE, FaceDetector
from assay.media.audio import Audio
from assay.media.encode import encode_image
from assay.media.image import Still
from assay.media.video import Film, Frame
from assay.media.view import View
from numpy.typing import NDArray

NAME = "visual-face"
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    """A public-domain photograph with one face of about 100 pixels."""
    from skimage.data import astronaut as photograph

    return np.ascontiguousarray(photograph(), np.uint8)


def _examine(media: Still | Audio | Film) -> tuple[Finding, ...] | Skipped:
    return FaceDetector().examine(Evidence(view=View.of(media), verification=None))


def _finding(media: Still) -> Finding:
    answer = _examine(media)
    assert isinstance(answer, tuple), answer
    (finding,) = answer
    return finding


def _film(images: list[Pixels]) -> Film:
    frames = tuple(Frame(index=i, time=i / 25, image=image) for i, image in enumerate(images))
    return Film(frames=lambda: iter(frames), rate=Fraction(25))


def test_the_same_picture_gives_the_same_bounded_finding_and_is_not_changed(astronaut: Pixels) -> None:
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
    assert {region.left > 512 for region in finding.regions} == {True, False}
    assert "2 faces" in finding.note


def test_a_film_is_left_to_others(astronaut: Pixels) -> None:
    answer = _examine(_film([astronaut] * 3))
    assert isinstance(answer, Skipped)
    assert not answer.failed
    assert "at chance" in answer.why


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
    assert why in answer.why


def test_a_small_face_is_skipped_and_told_how_small(astronaut: Pixels) -> None:
    import cv2

    small = np.asarray(cv2.resize(astronaut, (180, 180), interpolation=cv2.INTER_AREA), np.uint8)
    answer = _examine(Still(pixels=small))
    assert isinstance(answer, Skipped)
    assert f"needs a face of at least {LEAST_FACE} pixels" in answer.why


def test_sound_has_no_picture() -> None:
    answer = _examine(Audio(samples=np.ones((1, 100), np.float32), rate=8000))
    assert isinstance(answer, Skipped)
    assert answer.why == "there is no picture"


def test_the_card_tells_what_it_was_taught_and_the_numbers_hold() -> None:
    model = shipped(NAME)
    assert {"sha256", "training_data", "metrics", "calibration", "golden", "papers", "training"} <= set(model.card)
    assert np.allclose(model.scores(golden_input(model.inputs)), model.card["golden"], rtol=1e-3, atol=1e-3)
    assert -2.0 < model.lowest <= 0 <= model.highest < 2.0
    assert model.card["metrics"]["clean"]["auc_interval"][0] > 0.6
    assert abs(model.card["metrics"]["control_shuffled_after"]["auc"] - 0.5) < 0.1


def test_a_small_training_runs_to_a_model_that_loads_twice_the_same(
    tmp_path: Path, astronaut: Pixels, rng: np.random.Generator
) -> None:
    items = []
    for number in range(6):
        bright = np.clip(astronaut * rng.uniform(0.8, 1.1), 0, 255).astype(np.uint8)[:320, 60:380]
        path = tmp_path / f"{number}.png"
        path.write_bytes(encode_image(np.ascontiguousarray(bright), "png"))
        maker = f"m{number}" if number >= 4 else ""
        label = SPOOF if maker else BONA_FIDE
        items.append(
            Item(id=path.stem, path=path, sha256=path.stem, label=label, maker=maker, group=path.stem, kind="image")
        )
    settings = training.Settings(seed=3, laundered=1, folds=3, cache=tmp_path / "cache", chains=("jpeg-70",))
    card = training.train(items, out=tmp_path / "a", settings=settings)
    again = training.train(items, out=tmp_path / "b", settings=settings)
    assert card.read_bytes() == again.read_bytes()
    assert load(card.with_suffix(".onnx"), card).inputs == shipped(NAME).inputs
    with pytest.raises(CorpusError, match="real and fake pictures"):
        training.train(items[:4], out=tmp_path / "c")
