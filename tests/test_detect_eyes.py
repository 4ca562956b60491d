"""The networks that look: shapes, learning, the same scores on ONNX Runtime; fakes made of real faces; a training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from assay.datasets.corpus import BONA_FIDE, SPOOF, CorpusError, Item
from assay.detect.finding import ModelError
from assay.detect.model import load
from assay.detect.train import redraw, visual_crops, visual_looking, visual_networks
from assay.detect.train.eyes import EYES, encoder, eye_class
from assay.detect.train.eyes.backbones import EfficientNetLite0
from assay.detect.train.eyes.interface import Eye, Mapped, Shown
from assay.detect.train.loop import Pace
from assay.detect.train.portraits import portraits
from assay.detect.train.selfblend import Portrait
from assay.detect.visual.faces import MARGIN, SIDE, flat, framing, shown
from assay.media.encode import encode_image
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Body(torch.nn.Module):
    """A network with timm's interface that costs nothing."""

    num_features = 8

    def __init__(self) -> None:
        """Make it."""
        super().__init__()
        self.line = torch.nn.Conv2d(3, 8, 8, stride=8)

    def forward_features(self, crops: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.line(crops))


def _small(name: str) -> Eye:
    """Return the network of that name, the large ones of timm on a small body."""
    torch.manual_seed(1)
    kind: Any = eye_class(name)
    large = {"efficientnet-b4", "xception", "efficientnet-lite0", "lite0-linear"}
    made: Eye = kind(Body()) if name in large else kind()
    return made


QUICK = sorted(set(EYES) - {"inception-resnet"})


@pytest.mark.parametrize("name", QUICK)
def test_a_network_gives_two_logits_and_what_may_learn_learns(name: str) -> None:
    eye = _small(name).train()
    crops = torch.rand(2, 3, eye.SIDE, eye.SIDE, generator=torch.Generator().manual_seed(2))
    logits = eye(crops)
    assert logits.shape == (2, 2)
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
    learning = {key: weight for key, weight in eye.named_parameters() if weight.requires_grad}
    assert learning
    assert all(weight.grad is not None for weight in learning.values())
    frozen = name in ("lite0-linear", "encoder-linear")
    assert (set(learning) == {"head.weight", "head.bias"}) == frozen


@pytest.mark.parametrize("name", ["efficientnet-lite0", "srm", "f3", "mesoinception", "encoder-lora"])
def test_an_exported_network_gives_torchs_scores_and_says_where_it_looked(name: str, tmp_path: Path) -> None:
    eye = _small(name).eval()
    exported = visual_networks.onnx_of(eye)
    import onnxruntime

    session = onnxruntime.InferenceSession(exported.data, providers=["CPUExecutionProvider"])
    features = np.random.default_rng(3).random((2, exported.inputs), dtype=np.float32)
    score, where = session.run(["score", "map"], {"features": features})
    with torch.inference_mode():
        logits = eye(torch.from_numpy(features).reshape(2, 3, eye.SIDE, eye.SIDE))
    assert score[:, 0] == pytest.approx((logits[:, 0] - logits[:, 1]).numpy(), abs=1e-4)
    assert where.mean(axis=(1, 2)) == pytest.approx(score[:, 0], abs=1e-4), "the places' shares add up to the score"
    assert (where.shape[1] > 1) == isinstance(eye, Mapped)


def test_whole_networks_of_timm_and_facenet_can_be_made() -> None:
    for name in ("efficientnet-lite0", "inception-resnet"):
        eye = eye_class(name)().eval()
        with torch.inference_mode():
            assert torch.isfinite(Shown(eye)(torch.rand(1, 3 * eye.SIDE**2))[0]).all()


def test_lite0_starts_from_imagenet_and_takes_weights_from_a_file(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    first, again = EfficientNetLite0(), EfficientNetLite0()
    assert torch.equal(first.body.conv_stem.weight, again.body.conv_stem.weight)  # type: ignore[union-attr, arg-type]
    told = {
        name: value + 0.5 if value.is_floating_point() else value for name, value in first.body.state_dict().items()
    }
    save_file(told, tmp_path / "w.safetensors")
    again.load(tmp_path / "w.safetensors")
    stem: Any = again.body.conv_stem
    assert torch.equal(stem.weight, told["conv_stem.weight"])
    save_file({"conv_stem.weight": torch.zeros(1)}, tmp_path / "bad.safetensors")
    with pytest.raises(ModelError, match="expected the tensors of timm's tf_efficientnet_lite0"):
        again.load(tmp_path / "bad.safetensors")


def test_an_encoder_comes_from_a_folder_and_only_side_ways_learn(tmp_path: Path) -> None:
    encoder.made({"model_type": "clip_vision_model", **encoder.TINY}).save_pretrained(tmp_path)  # type: ignore[operator]
    plan = visual_networks.Plan(model="encoder-lora", encoder=tmp_path)
    eye = visual_networks.make(plan)
    learning = {name.rsplit(".", 1)[-1] for name, weight in eye.named_parameters() if weight.requires_grad}
    assert learning == {"narrow", "widen", "weight", "bias"}
    assert eye(torch.rand(1, 3, eye.SIDE, eye.SIDE)).shape == (1, 2)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelError, match="encoder of pictures"):
        visual_networks.make(plan)
    with pytest.raises(ModelError, match="takes no weights"):
        visual_networks.make(replace(plan, model="srm"))


def test_an_unknown_network_is_refused_with_the_known() -> None:
    with pytest.raises(ModelError, match="efficientnet-lite0"):
        eye_class("resnet-9000")


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Portrait:
    """A public-domain photograph with one face of about 100 pixels."""
    from skimage.data import astronaut

    path = tmp_path_factory.mktemp("face") / "a.png"
    path.write_bytes(encode_image(np.ascontiguousarray(astronaut(), np.uint8), "png"))
    return portraits(path, "image", None)[0]


def test_every_sort_of_fake_changes_the_face_where_it_should(portrait: Portrait) -> None:
    copiers = redraw.Copiers(4).eval()
    real = visual_crops.crop_of(portrait).astype(int)
    corner = np.s_[:20, :20]
    for sort in visual_crops.SORTS:
        fakes = [visual_crops.faked(portrait, sort, np.random.default_rng(2), copiers) for _ in range(2)]
        assert np.array_equal(fakes[0].pixels, fakes[1].pixels), "the seed decides"
        fake = visual_crops.crop_of(fakes[0]).astype(int)
        assert np.abs(fake - real)[96:160, 96:160].mean() > 0.5
        if sort == "redrawn":
            assert np.abs(fake - real)[corner].mean() > 0.05, "the surroundings are drawn anew too"
    with pytest.raises(ValueError, match="expected copiers"):
        visual_crops.faked(portrait, "redrawn", np.random.default_rng(1), None)


def test_what_is_drawn_anew_keeps_its_colours(portrait: Portrait) -> None:
    drawn = redraw.redrawn(portrait.pixels, redraw.Copiers(4).eval(), np.random.default_rng(1))
    assert drawn.shape == portrait.pixels.shape
    assert drawn.mean(axis=(0, 1)) == pytest.approx(portrait.pixels.mean(axis=(0, 1)), abs=4)


def test_copiers_come_to_copy(portrait: Portrait) -> None:
    faces = [portrait.pixels]
    lesson = redraw.Lesson(steps=60, width=4, rate=5e-3)
    kept: list[int] = []
    copiers = redraw.taught(faces, lesson, kept=lambda _copiers, step: kept.append(step))
    assert kept == [15, 30, 45, 60]
    real = redraw._tensor(portrait.pixels[None, :64, :64])
    with torch.inference_mode():
        before = redraw._unlike(redraw.Copiers(4)(real, 0), real)
        assert redraw._unlike(copiers(real, 0), real) < 0.8 * before


def test_a_crop_is_seen_as_it_lies_in_the_middle() -> None:
    crop = np.zeros((SIDE, SIDE, 3), np.uint8)
    crop[120:136, 120:136] = 255
    seen = shown(crop, 160, 0.15)
    assert seen.shape == (160, 160, 3)
    rows = np.flatnonzero(seen[:, 80, 0] > 128)
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(79.5, abs=0.6)
    assert rows.size == pytest.approx(16 * 160 / (SIDE * 1.3 / (1 + 2 * MARGIN)), abs=1.5)
    assert framing(160, 0.15, shift=(0.1, 0))[0, 2] - framing(160, 0.15)[0, 2] == pytest.approx(16)
    assert flat([seen]).shape == (1, 3 * 160 * 160)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Six brightened photographs of one face, four called real and two fake."""
    from skimage.data import astronaut

    root = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(5)
    items = []
    for number in range(6):
        bright = np.clip(astronaut() * rng.uniform(0.8, 1.1), 0, 255).astype(np.uint8)[:320, 60:380]
        path = root / f"{number}.png"
        path.write_bytes(encode_image(np.ascontiguousarray(bright), "png"))
        maker = f"m{number}" if number >= 4 else ""
        label = SPOOF if maker else BONA_FIDE
        items.append(
            Item(
                id=str(number),
                path=path,
                sha256=f"{number}",
                label=label,
                maker=maker,
                group=f"g{number}",
                kind="image",
            )
        )
    return items


PLAN = visual_networks.Plan(
    model="srm",
    pace=Pace(epochs=2, batch=4, device="cpu", seed=3),
    folds=2,
    draws=8,
    copying=4,
    cutting=visual_crops.Cutting(versions=2, chains=("jpeg-70", "h264-crf28")),
)


class KilledError(Exception):
    """The process is gone."""


def test_a_training_that_was_killed_goes_on_to_the_same_model(corpus: list[Item], tmp_path: Path) -> None:
    unbroken = visual_networks.train_network(corpus, PLAN, out=tmp_path / "a", work=tmp_path / "work")
    model = load(unbroken.with_suffix(".onnx"), unbroken)
    told: list[str] = []

    def kill(what: str, done: float) -> None:
        told.append(what)
        if what == "fold 2 of 2" and done == 0.5:
            raise KilledError

    with pytest.raises(KilledError):
        visual_networks.train_network(corpus, PLAN, out=tmp_path / "b", work=tmp_path / "work", progress=kill)
    assert "fold 1 of 2" in told
    told.clear()
    resumed = visual_networks.train_network(
        corpus,
        replace(PLAN, resume=True),
        out=tmp_path / "b",
        work=tmp_path / "work",
        progress=lambda what, _: told.append(what),
    )
    assert "fold 1 of 2" not in told, "a finished fold is not trained again"
    assert told.count("fold 2 of 2") == 1, "one of two epochs was left"
    assert resumed.with_suffix(".onnx").read_bytes() == unbroken.with_suffix(".onnx").read_bytes()
    card = model.card
    assert (card["input"]["side"], card["input"]["margin"]) == (224, 0.15)
    assert set(card["metrics"]["made_here"]) == set(visual_crops.SORTS)
    assert card["metrics"]["others"]["spoof"] == 2


def test_the_folds_networks_can_be_kept_together(corpus: list[Item], tmp_path: Path) -> None:
    plan = replace(PLAN, whole=False, pace=replace(PLAN.pace, epochs=1))
    card = visual_networks.train_network(corpus, plan, out=tmp_path)
    model = load(card.with_suffix(".onnx"), card)
    eyes = []
    for path in sorted(tmp_path.glob("work/srm-*/fold-*.pt")):
        eyes.append(visual_networks.make(plan).eval())
        eyes[-1].load_state_dict(torch.load(path, weights_only=True))
    assert len(eyes) == 2
    features = np.random.default_rng(1).random((2, model.inputs), dtype=np.float32)
    with torch.inference_mode():
        each = [Shown(eye)(torch.from_numpy(features))[0][:, 0].numpy() for eye in eyes]
    assert not np.allclose(each[0], each[1])
    assert model.scores(features) == pytest.approx(np.mean(each, axis=0), abs=1e-4)


def test_every_fake_went_the_way_of_its_face_and_classes_weigh_alike(corpus: list[Item], tmp_path: Path) -> None:
    cutting = visual_crops.Cutting(versions=3, chains=("none", "jpeg-50", "blur"))
    crops = visual_crops.crops_of(corpus, cutting, folder=tmp_path, copiers=redraw.Copiers(4).eval())
    table = crops.table
    chains = {
        item.id: [c for c, i in zip(table.chain, table.item, strict=True) if i == k]
        for k, item in enumerate(table.items)
    }
    assert all(chains["0"] == chains[f"0+{sort}"] for sort in visual_crops.SORTS)
    everything = np.arange(len(table.item))
    weights = visual_looking.balance(crops, everything)
    assert weights[~table.spoof].sum() == pytest.approx(0.5)
    makers = np.array([item.maker for item in table.items])[table.item]
    assert {round(weights[makers == name].sum(), 6) for name in set(makers) - {""}} == {0.1}
    data = visual_looking.Seen(crops, everything, _small("srm").__class__, seed=1)
    turned = len(data) * 5 + 2
    assert torch.equal(data[turned][0], data[turned][0])
    assert not torch.equal(data[turned][0], data[2][0])
    assert int(data[turned][1]) == int(data[2][1])


def test_reals_alone_cannot_be_calibrated(corpus: list[Item], tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="fakes to calibrate on"):
        visual_networks.train_network(corpus[:4], PLAN, out=tmp_path)
