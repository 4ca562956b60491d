"""The networks that listen: shapes, learning, the same scores on ONNX Runtime; their training, killed and resumed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from assay.datasets.corpus import BONA_FIDE, SPOOF, Item
from assay.detect.audio.frontends import front_end
from assay.detect.finding import ModelError
from assay.detect.model import load
from assay.detect.train import audio_crops, audio_encoded, audio_networks
from assay.detect.train.loop import Balanced, Pace
from assay.detect.train.networks import NETWORKS, network_class, selfsupervised
from assay.detect.train.networks.aasist import Aasist, AasistLight, Shape
from assay.detect.train.networks.ecapa import Ecapa
from assay.detect.train.networks.gmm import LfccGmm, Mixture
from assay.detect.train.networks.interface import Network
from assay.detect.train.networks.lcnn import Lcnn
from assay.detect.train.networks.rawnet import RawNet2, Widths
from assay.detect.train.networks.resnet import SeResNet
from assay.detect.train.networks.selfsupervised import SelfSupervised
from assay.media.audio import Audio
from assay.media.encode import encode_audio


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Brief(AasistLight):
    """AASIST-L on a quarter of the sound: tracing all of it takes a quarter of a minute."""

    SAMPLES = 16_000


def _small(name: str) -> Network:
    """Return a small network of the kind, seeded."""
    torch.manual_seed(1)
    makers = {
        "lfcc-gmm": _mixtures,
        "lcnn": Lcnn,
        "rawnet2": lambda: RawNet2(Widths(narrow=4, wide=8, recurrent=16, layers=2)),
        "aasist-l": Brief,
        "se-resnet": lambda: SeResNet((8, 16, 16, 16)),
        "ecapa": lambda: Ecapa(32),
        "ssl": lambda: SelfSupervised(frozen=False),
    }
    return makers[name]()


def _mixtures() -> LfccGmm:
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((400, 60)).astype(np.float32) * 3 + 5
    return LfccGmm(4).fit(rows + np.repeat([[0.0], [0.7]], 200, 0).astype(np.float32), np.arange(400) < 200, seed=1)


def _heard(network: Network) -> torch.Tensor:
    front = front_end(type(network).FRONTEND)
    rng = np.random.default_rng(3)
    sounds = (0.05 * rng.standard_normal((2, type(network).SAMPLES))).astype(np.float32)
    return torch.from_numpy(np.stack([front.features(sound) for sound in sounds]))


SMALL = sorted(set(NETWORKS) - {"aasist"})


@pytest.mark.parametrize("name", SMALL)
def test_a_network_gives_two_logits_and_every_weight_learns(name: str) -> None:
    network = _small(name)
    features = _heard(network)
    logits = network.eval()(features)
    assert logits.shape == (2, 2)
    assert torch.isfinite(logits).all()
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    weights = {key: weight for key, weight in network.named_parameters() if weight.requires_grad}
    if not weights:
        assert name == "lfcc-gmm", "only mixtures are fitted otherwise"
        return
    torch.nn.functional.cross_entropy(network(features), torch.tensor([0, 1])).backward()
    silent = {key for key, weight in weights.items() if weight.grad is None or not weight.grad.abs().sum() > 0}
    assert all(".bn1." in key for key in silent), silent


@pytest.mark.parametrize("name", SMALL)
def test_a_network_scores_the_same_on_onnx_runtime(name: str) -> None:
    network = _small(name).eval()
    exported = audio_networks.onnx_of(network)  # compares on noise to 1e-4
    features = _heard(network)
    with torch.inference_mode():
        logits = network(features)
    from assay.detect.train.export import onnx_scores

    scores = onnx_scores(exported.data, features.reshape(2, -1).numpy())
    np.testing.assert_allclose(scores, (logits[:, 0] - logits[:, 1]).numpy(), atol=1e-4, rtol=1e-4)
    assert exported.inputs == features[0].numel()


def test_published_sizes_are_kept() -> None:
    assert sum(weight.numel() for weight in RawNet2().parameters()) == pytest.approx(17.6e6, rel=0.02)
    assert network_class("aasist")().FRONTEND == "raw"
    with pytest.raises(ModelError, match="lfcc-gmm, lcnn"):
        network_class("resnet-1001")


def test_a_mixture_is_scikit_learns(rng: np.random.Generator) -> None:
    from sklearn.mixture import GaussianMixture

    rows = rng.standard_normal((500, 60)) * rng.uniform(0.1, 4, 60) + rng.uniform(-40, 10, 60)
    model = GaussianMixture(6, covariance_type="diag", random_state=1, reg_covar=1e-4).fit(rows)
    mixture = Mixture(6, 60)
    mixture.set(model.weights_, model.means_, model.covariances_)
    found = mixture(torch.from_numpy(rows.astype(np.float32))).numpy()
    np.testing.assert_allclose(found, model.score_samples(rows), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", selfsupervised.KINDS)
def test_an_encoder_of_each_architecture_loads_from_a_folder(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(4)
    encoder: Any = selfsupervised.made({"model_type": kind, **selfsupervised.TINY}).eval()
    encoder.save_pretrained(tmp_path, safe_serialization=True)
    again = selfsupervised.load_encoder(tmp_path).eval()
    sound = torch.randn(1, 8000)
    with torch.inference_mode():
        np.testing.assert_allclose(again(sound)[0].numpy(), encoder(sound)[0].numpy(), atol=1e-5)
    head = SelfSupervised(again)
    assert not any(weight.requires_grad for weight in head.encoder.parameters()), "a frozen encoder does not learn"
    assert not head.train().encoder.training
    audio_networks.onnx_of(head)  # compares with torch to 1e-4
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ModelError, match="wav2vec2, wavlm, hubert"):
        selfsupervised.load_encoder(tmp_path)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        selfsupervised.load_encoder(tmp_path / "none")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Twelve made sounds: swelling noise with a low tone for bona fide, with a high one for spoof by six makers."""
    root = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(5)
    time = np.arange(3 * 16_000) / 16_000
    items = []
    for number in range(12):
        spoof = number % 2 == 1
        swell = 0.6 + 0.4 * np.sin(2 * np.pi * rng.uniform(3, 6) * time)
        tone = np.sin(2 * np.pi * rng.uniform(2800, 3200) * time) if spoof else np.sin(2 * np.pi * 200 * time)
        wave = swell * (0.05 * rng.standard_normal(time.size) + 0.1 * tone)
        path = root / f"{number}.wav"
        path.write_bytes(encode_audio(Audio(samples=wave[None].astype(np.float32), rate=16_000), "wav"))
        made = f"m{number // 2}" if spoof else ""
        label = SPOOF if spoof else BONA_FIDE
        items.append(
            Item(id=str(number), path=path, sha256=path.name, label=label, maker=made, group=f"g{number // 2}")
        )
    return items


PLAN = audio_networks.Plan(
    model="se-resnet",
    pace=Pace(epochs=2, batch=4, device="cpu", seed=3),
    folds=2,
    laundered=1,
    copies=0.0,
    spoken=0,
    chains=("noise-20", "rawboost-stationary"),
)


class KilledError(Exception):
    """The process is gone."""


@pytest.fixture
def _smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SeResNet.__init__, "__defaults__", ((4, 8, 8, 8),))
    monkeypatch.setattr(LfccGmm.__init__, "__defaults__", (4,))


@pytest.mark.usefixtures("_smaller")
def test_a_training_that_was_killed_goes_on_to_the_same_model(corpus: list[Item], tmp_path: Path) -> None:
    unbroken = audio_networks.train_network(corpus, PLAN, out=tmp_path / "a", work=tmp_path / "work")
    model = load(unbroken.with_suffix(".onnx"), unbroken)
    told: list[str] = []

    def kill(what: str, done: float) -> None:
        told.append(what)
        if what == "fold 2 of 2" and done == 0.5:
            raise KilledError

    broken = tmp_path / "work"  # the windows are there; what was trained is done away with unless resumed
    with pytest.raises(KilledError):
        audio_networks.train_network(corpus, PLAN, out=tmp_path / "b", work=broken, progress=kill)
    assert "fold 1 of 2" in told
    told.clear()
    resumed = audio_networks.train_network(
        corpus,
        replace(PLAN, resume=True),
        out=tmp_path / "b",
        work=broken,
        progress=lambda what, _: told.append(what),
    )
    assert "fold 1 of 2" not in told, "a finished fold is not trained again"
    assert told.count("fold 2 of 2") == 1, "one of two epochs was left"
    assert resumed.with_suffix(".onnx").read_bytes() == unbroken.with_suffix(".onnx").read_bytes()
    assert resumed.read_bytes() == unbroken.read_bytes()
    card = model.card
    assert card["input"]["front_end"] == "log-mel"
    assert card["input"]["samples"] == SeResNet.SAMPLES
    assert {"clean", "laundered"} <= set(card["metrics"])
    assert card["metrics"]["clean"]["spoof"] == 6


@pytest.mark.usefixtures("_smaller")
def test_the_verb_fits_mixtures_that_tell_the_made_sounds_apart(corpus: list[Item], tmp_path: Path, run: Any) -> None:
    sheet = corpus[0].path.with_name("sheet.csv")
    rows = [f"{i.path.name},{i.label.replace('bona fide', 'bonafide')},{i.maker},{i.group}" for i in corpus]
    sheet.write_text("\n".join(["path,label,maker,group", *rows]) + "\n")
    options = ("--model", "lfcc-gmm", "--epochs", 1, "--folds", 2, "--laundered", 1, "--copies", 0, "--spoken", 0)
    said = run("train", "audio", "--corpus", sheet, "--out", tmp_path / "out", *options, "--quiet")
    assert said.code == 0, said.err
    card = Path(said.out.strip())
    assert card.name == "audio-lfcc-gmm.json"
    told = load(card.with_suffix(".onnx"), card).card
    assert told["metrics"]["clean"]["auc"] > 0.95
    wrong = run("train", "audio", "--corpus", sheet, "--out", tmp_path, "--model", "perceptron")
    assert wrong.code == 2
    assert "lfcc-gmm" in wrong.err


def small_aasist(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `aasist-l` so small that a test can teach it."""
    tiny = Shape(encoder=(2, 3), graph=(4, 4), keep=(0.4, 0.5, 0.7))
    monkeypatch.setattr(AasistLight, "__init__", lambda self: Aasist.__init__(self, tiny))


def test_the_layers_above_a_kept_encoder_are_taught_alone(
    corpus: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_aasist(monkeypatch)
    begun = AasistLight()
    torch.save(begun.state_dict(), tmp_path / "begun.pth")
    kept = {"model": "aasist-l", "init": tmp_path / "begun.pth", "keep_encoder": True, "window": 1.0, "heard": 1}
    plan = replace(PLAN, resume=True, **kept)
    told: list[str] = []
    card = audio_networks.train_network(
        corpus, plan, out=tmp_path / "a", work=tmp_path / "work", progress=lambda what, _: told.append(what)
    )
    assert "hearing through the encoder" in told
    (last,) = tmp_path.glob("work/aasist-l-*/whole/last.ckpt")
    weights = torch.load(last, weights_only=True)["state_dict"]
    ours = {name.removeprefix("network.network."): value for name, value in weights.items()}
    moved = {name for name, value in begun.state_dict().items() if not torch.equal(value, ours[name])}
    assert "out_layer.weight" in moved
    assert not [name for name in moved if name.startswith(("encoder.", "first_bn.", "conv_time."))]
    model = load(card.with_suffix(".onnx"), card)
    assert model.card["input"]["samples"] == 16_000
    assert model.card["training"]["encoder kept"]
    told.clear()
    again = audio_networks.train_network(corpus, plan, out=tmp_path / "b", work=tmp_path / "work")
    assert again.with_suffix(".onnx").read_bytes() == card.with_suffix(".onnx").read_bytes(), "all was kept"


def test_an_encoder_cannot_be_kept_where_there_is_none_or_nothing_to_begin_with(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="aasist, aasist-l"):
        audio_networks.make(replace(PLAN, keep_encoder=True, init=tmp_path / "w.pth"))
    with pytest.raises(ModelError, match="--init"):
        audio_networks.make(replace(PLAN, model="aasist-l", keep_encoder=True))


def test_a_slow_encoder_hears_as_many_windows_of_each_version_as_asked(corpus: list[Item], tmp_path: Path) -> None:
    cutting = audio_crops.Cutting(size=16_000, chains=("noise-20", "resample"), laundered=2, seed=1)
    crops = audio_crops.cut(corpus[:3], cutting, folder=tmp_path, done=lambda _: None)
    assert set(crops.table.chain) == {"none", "mark", "noise-20", "resample"}
    one, two = (audio_encoded.thinned(crops, most) for most in (1, 2))
    assert one.table.item.tolist() == [0, 0, 1, 1, 2, 2]
    assert [chain == "none" for chain in one.table.chain] == [True, False] * 3
    assert set(two.table.chain) == {"none", "noise-20", "resample"}, "each chain is heard before one is heard twice"
    assert len(two.table.chain) == 12
    told = {(crops.place[n], crops.row[n]): (crops.table.item[n], crops.table.chain[n]) for n in range(len(crops.row))}
    for n, where in enumerate(zip(two.place, two.row, strict=True)):
        assert told[where] == (two.table.item[n], two.table.chain[n])


def test_makers_are_drawn_evenly_whatever_they_made(corpus: list[Item], tmp_path: Path) -> None:
    few = [replace(item, maker="m0") if item.maker == "m1" else item for item in corpus if int(item.id) < 6]
    cutting = audio_crops.Cutting(size=16_000, chains=("noise-20",), laundered=1, seed=1)
    crops = audio_crops.cut(few, cutting, folder=tmp_path, done=lambda _: None)
    everything = np.arange(len(crops.row))
    weights = audio_crops.balance(crops, everything)
    makers = np.array([item.maker for item in few])[crops.table.item]
    assert [weights[makers == name].sum() for name in ("", "m0", "m2")] == pytest.approx([0.5, 0.25, 0.25])
    sampler = Balanced(weights, count=50, seed=1)
    first, again = list(sampler), list(sampler)
    sampler.set_epoch(1)
    assert first == again != list(sampler)
    shares = {name: np.mean(np.array(crops.table.chain)[makers == name] == "none") for name in ("", "m0", "m2")}
    assert len(set(shares.values())) == 1, "both classes are laundered as much"
