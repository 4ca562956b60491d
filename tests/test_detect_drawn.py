"""The eye for what a network drew: pieces at their own size, fakes of them coded the same way, a small training."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from assay.datasets.corpus import BONA_FIDE, SPOOF, CorpusError, Item
from assay.detect import model
from assay.detect.finding import UNCALIBRATED, Evidence, Finding, ModelError, Skipped
from assay.detect.train import drawn_material as material
from assay.detect.train import visual_drawn as training
from assay.detect.train.enlarge import enlarged
from assay.detect.train.redraw import Copiers
from assay.detect.visual.drawn import FRAMES, SIDE, DrawnDetector, corners, pieces
from assay.media.audio import Audio
from assay.media.encode import encode_image
from assay.media.errors import MissingExtra
from assay.media.extent import Region
from assay.media.faces import Face
from assay.media.image import Still
from assay.media.video import Film, Frame
from assay.media.view import View
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@pytest.fixture
def scene(rng: np.random.Generator) -> Pixels:
    """A calm picture of 480 x 720 pixels whose lower right corner is full of texture."""
    import cv2

    coarse = rng.integers(90, 160, (8, 12, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (720, 480), interpolation=cv2.INTER_CUBIC)
    image[256:, 496:] = rng.integers(0, 255, (224, 224, 3))
    return np.asarray(image, np.uint8)


def _face(left: float, top: float, side: float) -> Face:
    return Face(
        region=Region(left=left, top=top, width=side, height=side), score=1.0, points=np.zeros((5, 2), np.float32)
    )


def _examine(media: Still | Audio | Film) -> tuple[Finding, ...] | Skipped:
    return DrawnDetector().examine(Evidence(view=View.of(media), verification=None))


def test_pieces_are_at_the_face_and_where_there_is_most_texture(scene: Pixels) -> None:
    assert corners(scene, _face(100, 100, 80)) == [(28, 28), (256, 496)]
    assert corners(scene, _face(0, 0, 70))[0] == (0, 0), "a piece stays within the picture"
    assert corners(scene, None)[0] == (128, 248), "without a face its middle"


def test_a_picture_as_large_as_a_piece_is_one(scene: Pixels) -> None:
    (only,) = pieces(View.of(Still(pixels=np.ascontiguousarray(scene[:SIDE, :SIDE]))))
    assert np.array_equal(only.pixels, scene[:SIDE, :SIDE])


def test_no_pixel_of_a_piece_is_changed(scene: Pixels) -> None:
    for one in pieces(View.of(Still(pixels=scene))):
        top, left = int(one.region.top), int(one.region.left)
        assert np.array_equal(one.pixels, scene[top : top + SIDE, left : left + SIDE])


def test_what_is_too_small_is_skipped_and_told_why() -> None:
    small = np.zeros((SIDE, SIDE - 1, 3), np.uint8)
    frames = tuple(Frame(index=i, time=i / 25, image=small) for i in range(3))
    for media in (Still(pixels=small), Film(frames=lambda: iter(frames), rate=Fraction(25))):
        answer = _examine(media)
        assert isinstance(answer, Skipped)
        assert f"needs {SIDE} pixels" in answer.why
        assert not answer.failed
    silent = _examine(Audio(samples=np.ones((1, 100), np.float32), rate=8000))
    assert isinstance(silent, Skipped)
    assert silent.why == "there is no picture"


def _portrait() -> Pixels:
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut(), np.uint8)


def test_a_portrait_is_judged_by_two_pieces_and_the_same_each_time() -> None:
    answers = [_examine(Still(pixels=_portrait())) for _ in range(2)]
    assert answers[0] == answers[1]
    assert isinstance(answers[0], tuple)
    (finding,) = answers[0]
    shipped = model.shipped(DrawnDetector.name)
    assert shipped.lowest <= finding.llr <= shipped.highest
    assert finding.weighs
    assert len(finding.regions) == 2
    assert not finding.moments


def test_a_picture_without_a_face_is_told_of_but_does_not_count(scene: Pixels) -> None:
    answer = _examine(Still(pixels=scene))
    assert isinstance(answer, tuple)
    (finding,) = answer
    assert finding.llr == 0.0
    assert not finding.weighs
    assert finding.calibration == UNCALIBRATED
    assert "log10 ratio each" in finding.note
    assert "does not count" in finding.note


def test_a_film_is_judged_by_its_own_calibration_frame_by_frame() -> None:
    frames = tuple(Frame(index=i, time=i / 5, image=np.roll(_portrait(), 3 * i, axis=1)) for i in range(9))
    answer = _examine(Film(frames=lambda: iter(frames), rate=Fraction(5)))
    assert isinstance(answer, tuple)
    (finding,) = answer
    film = model.shipped(DrawnDetector.name).of("video")
    assert film.lowest <= finding.llr <= film.highest
    assert len(finding.moments) == len(finding.regions) == FRAMES
    assert finding.calibration == film.calibration


def test_where_it_looked_is_shown_for_the_most_suspect_piece_if_it_counts(scene: Pixels) -> None:
    faceless, view = View.of(Still(pixels=scene)), View.of(Still(pixels=_portrait()))
    detector = DrawnDetector()
    assert detector.where(view) == ()
    for one in (faceless, view):
        detector.examine(Evidence(view=one, verification=None))
    assert detector.where(faceless) == ()
    (where,) = detector.where(view)
    assert where.crop.shape == (SIDE, SIDE, 3)
    assert np.isfinite(where.heat).all()


def test_models_that_read_through_one_encoder_load_it_once() -> None:
    assert model.shipped("visual-face").encoder is model.shipped(DrawnDetector.name).encoder


def test_the_card_names_no_fake_by_others_among_what_it_was_taught() -> None:
    card = model.shipped(DrawnDetector.name).card
    taught = {maker for part in card["training_data"] for maker in part["makers"]}
    assert taught == {"redrawn made in training", "upscaled made in training"}
    assert card["training"]["commit"]
    assert card["metrics"]["video, as they are"]["auc_interval"][0] > 0.5
    assert card["metrics"]["image, as they are"]["auc_interval"][0] > 0.5


@pytest.mark.parametrize("corner", [(700, 333), (0, 0), (791, 799), (791, 0)])
def test_what_surrounds_a_piece_keeps_it_and_the_grid_of_codecs(scene: Pixels, corner: tuple[int, int]) -> None:
    large = np.ascontiguousarray(np.tile(scene, (3, 2, 1))[:1015, :1023])
    kept = material.around(large, corner)
    middle = (kept.middle[0] / kept.pixels.shape[0], kept.middle[1] / kept.pixels.shape[1])
    top, left = corner
    assert np.array_equal(material.piece(kept.pixels, middle), large[top : top + SIDE, left : left + SIDE])
    tops, lefts = (range(0, length, material.GRID) for length in large.shape[:2])
    high, wide = kept.pixels.shape[:2]
    found = [large[y : y + high, x : x + wide] for y in tops for x in lefts]
    assert any(one.shape == kept.pixels.shape and np.array_equal(one, kept.pixels) for one in found)


def test_what_networks_draw_keeps_size_and_shows_the_same(scene: Pixels, rng: np.random.Generator) -> None:
    torch.manual_seed(1)
    for sort in material.SORTS:
        made = material.drawn(sort, scene[:230, :250], Copiers().eval(), rng)
        assert made.shape == (230, 250, 3)
        assert np.abs(made.astype(float) - scene[:230, :250]).mean() < 12
        assert not np.array_equal(made, scene[:230, :250])


def test_an_unknown_network_that_enlarges_is_an_error_of_ours(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModelError, match="could not be loaded"):
        enlarged(np.zeros((16, 16, 3), np.uint8), "none-of-them")
    capfd.readouterr()


def _corpus(folder: Path, scene: Pixels) -> list[Item]:
    """Four real pictures and three fakes, which are the same ones smoothed and sharpened again."""
    import cv2

    items = []
    for number in range(7):
        spoof = number >= 4
        pixels = np.ascontiguousarray(np.roll(scene, 61 * number, axis=1)[:, :500])
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 1.5), np.uint8) if spoof else pixels
        path = folder / f"{number}.png"
        path.write_bytes(encode_image(pixels, "png"))
        told = {"label": SPOOF if spoof else BONA_FIDE, "maker": "another" if spoof else ""}
        items.append(Item(id=f"{number}", path=path, sha256=f"{number}", group=f"{number}", kind="image", **told))
    return items


def test_a_small_training_gives_a_model_that_loads_and_teaches_no_fake_by_others(
    tmp_path: Path, scene: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = _corpus(tmp_path, scene)
    settings = training.Settings(copying=2, copied=2, versions=1, folds=2, cache=tmp_path / "cache")
    card = training.train(items, out=tmp_path / "out", settings=settings)
    told = json.loads(card.read_text())
    made = {maker for part in told["training_data"] for maker in part["makers"]}
    assert made == {"redrawn made in training", "upscaled made in training"}
    (tmp_path / "out" / "visual-face-encoder.onnx").unlink(missing_ok=True)
    monkeypatch.setattr(material, "drawn", None)  # what was read lies in the cache: nothing is drawn again
    table = training.examples(items, settings, training.kept(), lambda _what, _done: None)
    chains = {(table.items[n].process, chain) for n, chain in zip(table.item, table.chain, strict=True)}
    drawn = {chain for process, chain in chains if process in material.SORTS}
    assert drawn <= {chain for process, chain in chains if not process}, "fakes went where the real ones went"
    assert "none" not in drawn
    usable = training.taught_on(table)
    assert not any(table.items[n].maker == "another" for n in table.item[usable])


def test_what_training_lacks_is_said_before_anything_is_taught(
    tmp_path: Path, scene: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_name: str) -> None:
        feature = "enlarging"
        raise MissingExtra(feature, "makers")

    monkeypatch.setattr(training, "enlarger", missing)
    monkeypatch.setattr(training, "copiers_of", None)
    with pytest.raises(MissingExtra, match="makers"):
        training.train(_corpus(tmp_path, scene), out=tmp_path, settings=training.Settings(cache=tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


def test_without_fakes_to_calibrate_on_nothing_is_trained(tmp_path: Path, scene: Pixels) -> None:
    with pytest.raises(CorpusError, match="fakes to calibrate on"):
        training.train(_corpus(tmp_path, scene)[:4], out=tmp_path)


def test_a_gif_does_not_count(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(_portrait()).save(tmp_path / "a.gif")
    evidence = Evidence(view=View.open(tmp_path / "a.gif"), verification=None)
    answer = DrawnDetector().examine(evidence)
    assert isinstance(answer, tuple)
    assert not answer[0].weighs
    assert "palette" in answer[0].note
