"""The learned eye for pictures: its contract and its shipped model; a small training of it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from assay.datasets.corpus import BONA_FIDE, SPOOF, CorpusError, Item
from assay.detect.finding import Evidence, Finding, ModelError, Skipped
from assay.detect.model import golden_input, load, shipped
from assay.detect.train import visual_encoder
from assay.detect.train import visual_stages as training
from assay.detect.train.eyes.encoder import TINY, load_encoder, made
from assay.detect.train.nuisance import shifts, without_mark
from assay.detect.train.table import Table
from assay.detect.visual.face import LEAST_FACE, FaceDetector
from assay.media.audio import Audio
from assay.media.encode import encode_image
from assay.media.image import Still
from assay.media.video import Film, Frame
from assay.media.view import View
from assay.provenance.marks import image_scheme
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
    assert np.allclose(model.scores(golden_input(model.inputs)[:1]), model.card["golden"], rtol=1e-3, atol=1e-2)
    assert -2.0 < model.lowest <= 0 <= model.highest < 2.0
    assert model.card["metrics"]["clean"]["auc_interval"][0] > 0.7
    assert "MIT licence" in model.card["encoder"]["about"]
    assert abs(model.card["metrics"]["control_shuffled_after"]["auc"] - 0.5) < 0.1


def _table(rng: np.random.Generator, *, marked: bool) -> Table:
    """Forty items of five numbers, clean and laundered; marked versions are moved along (3, 0, -1, 0, 0)."""
    names = ("a", "b")
    items = tuple(
        Item(id=f"{n}", path=Path(), sha256="", label=BONA_FIDE, maker="", group=f"{n}", kind="image")
        for n in range(40)
    )
    plain = rng.normal(size=(80, 5)) * [1, 2, 3, 4, 5]
    values = np.concatenate([plain, plain + np.array([3, 0, -1, 0, 0]) + rng.normal(scale=1e-3, size=plain.shape)])
    chain = [("none", names[n % 2])[k] for n in range(40) for k in range(2)]
    chain += [("mark", f"mark+{names[n % 2]}")[k] for n in range(40) for k in range(2)]
    item = np.tile(np.repeat(np.arange(40), 2), 2)
    count = 160 if marked else 80
    return Table(items=items, values=values[:count].astype(np.float32), item=item[:count], chain=tuple(chain[:count]))


def test_what_the_mark_moves_is_taken_out_and_nothing_else(rng: np.random.Generator) -> None:
    table = _table(rng, marked=True)
    assert np.allclose(shifts(table), [3, 0, -1, 0, 0], atol=0.01)
    matrix = without_mark(table, directions=1)
    assert np.abs(shifts(table) @ matrix).max() < 0.02
    assert np.allclose(matrix @ matrix, matrix)
    assert np.linalg.matrix_rank(matrix) == 4
    assert np.allclose(matrix[[1, 3, 4]], np.eye(5)[[1, 3, 4]], atol=0.01)


def test_without_marked_versions_nothing_is_taken_out(rng: np.random.Generator) -> None:
    assert np.array_equal(without_mark(_table(rng, marked=False), directions=3), np.eye(5))


def test_the_shipped_model_scores_a_marked_picture_almost_as_the_same_unmarked(astronaut: Pixels) -> None:
    model = shipped(NAME)
    plain, shift = _finding(Still(pixels=astronaut)).llr, []
    for seed in range(3):
        marked = image_scheme().embed(astronaut, seed, bytes([seed] * 32))
        shift.append(_finding(Still(pixels=marked)).llr - plain)
    assert abs(float(np.mean(shift))) < 0.1 * (model.highest - model.lowest)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small random CLIP, in the layout that `--encoder` reads."""
    folder = tmp_path_factory.mktemp("clip")
    made({"model_type": "clip_vision_model", **TINY, "num_hidden_layers": visual_encoder.BLOCKS}).save_pretrained(
        folder
    )
    (folder / "SOURCE.txt").write_text("nobody's, MIT licence\n")
    return folder


def test_a_small_training_runs_to_a_model_that_loads_twice_the_same(
    tmp_path: Path, astronaut: Pixels, rng: np.random.Generator, tiny: Path
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
    settings = training.Settings(
        seed=3, laundered=1, folds=3, cache=tmp_path / "cache", chains=("jpeg-70",), encoder=tiny
    )
    card = training.train(items, out=tmp_path / "a", settings=settings)
    again = training.train(items, out=tmp_path / "b", settings=settings)
    assert card.read_bytes() == again.read_bytes()
    told = json.loads(card.read_text())
    assert "marked" in told["metrics"]
    assert "nobody's, MIT licence" in told["encoder"]["about"]
    assert load(card.with_suffix(".onnx"), card).inputs == shipped(NAME).inputs
    (tmp_path / "a" / told["encoder"]["file"]).write_bytes(b"another")
    with pytest.raises(ModelError, match="install the package again"):
        load(card.with_suffix(".onnx"), card)
    (tmp_path / "a" / told["encoder"]["file"]).unlink()
    with pytest.raises(ModelError, match="expected a model at"):
        load(card.with_suffix(".onnx"), card)
    with pytest.raises(CorpusError, match="real and fake pictures"):
        training.train(items[:4], out=tmp_path / "c")


def test_the_kept_encoder_reads_what_the_tower_reads(tiny: Path, rng: np.random.Generator) -> None:
    import torch

    frozen = visual_encoder.made_of(tiny)
    tower = visual_encoder.Tower(load_encoder(tiny), visual_encoder.BLOCKS)
    crops = rng.random((2, 3 * visual_encoder.SIDE**2), dtype=np.float32)
    with torch.inference_mode():
        own = tower(torch.from_numpy(crops)).numpy()
    assert np.allclose(frozen.reader()(crops), own, rtol=1e-4, atol=1e-4)
    assert own.std(axis=0).max() > 0.01, "it answers to what it is shown"


def test_weights_that_were_stepped_come_back_as_they_were(rng: np.random.Generator) -> None:
    whole, scale = visual_encoder.stepped(rng.normal(size=(8, 5)).astype(np.float32), axis=1)
    assert np.abs(whole).max(axis=1).tolist() == [visual_encoder.LEVELS] * 8
    again, same = visual_encoder.stepped(whole.astype(np.float32) * scale, axis=1)
    assert np.array_equal(again, whole)
    assert np.allclose(same, scale, rtol=1e-6)


def test_an_encoder_of_too_few_blocks_or_another_kind_is_refused(tmp_path: Path) -> None:
    for kind in ("clip_vision_model", "dinov2"):
        folder = tmp_path / kind
        made({"model_type": kind, **TINY}).save_pretrained(folder)
        with pytest.raises(ModelError, match="expected a picture encoder of CLIP"):
            visual_encoder.made_of(folder)
    with pytest.raises(ModelError, match="name the folder of one by --encoder"):
        visual_encoder.kept(tmp_path)
