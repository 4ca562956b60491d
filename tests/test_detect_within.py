"""What the shipped voice detector learns by: a line inside sources, our mark taken out, Whisper as published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from assay.datasets.corpus import BONA_FIDE, SPOOF, Item
from assay.detect.finding import ModelError
from assay.detect.train import encoder, within
from assay.detect.train.audio import folded
from assay.detect.train.fit import MADE, auc
from assay.detect.train.nuisance import MARKED
from assay.detect.train.table import Table, TrainingError


def _table(rng: np.random.Generator, *, sources: int = 12) -> Table:
    """Return clips of made numbers: [source, fake, mark, noise ...]; nine clips in ten of a source are of one class."""
    items, values, chain = [], [], []
    for number in range(sources * 10):
        source = number // 10
        spoof = (number % 10 == 0) != (source % 2 == 0)
        maker = f"m{number % 7}" if spoof else ""
        label = SPOOF if spoof else BONA_FIDE
        group = f"g{source}"
        items.append(Item(id=str(number), path=Path("x"), sha256="", label=label, maker=maker, group=group))
        for version in ("none", MARKED):
            noise = 0.5 * rng.standard_normal(6)
            values.append([5.0 * (source % 2 == 0) + rng.normal(), spoof + 0.5 * rng.normal(), 0.0, *noise])
            values[-1][2] = 3.0 * (version == MARKED) + 0.5 * spoof + 0.2 * rng.normal()
            chain.append(version)
    return Table(
        items=tuple(items),
        values=np.array(values, np.float32),
        item=np.repeat(np.arange(len(items)), 2),
        chain=tuple(chain),
    )


def test_what_tells_sources_alone_is_not_learned(rng: np.random.Generator) -> None:
    table = _table(rng)
    line = within.fit_within(table, np.ones(len(table.item), bool), strength=0.1, lone=0.2)
    assert abs(line.weights[0]) < 0.1 * line.weights[1]
    new = _table(np.random.default_rng(9))
    turned = new.values.copy()
    turned[:, 0] = 5.0 - turned[:, 0]  # the other way round, as on a source nobody met
    assert auc(new.spoof, line.scores(turned)) > 0.85


def test_our_mark_moves_no_score(rng: np.random.Generator) -> None:
    table = _table(rng)
    line = within.fit_within(table, np.ones(len(table.item), bool), strength=0.1, lone=0.2)
    moved = line.scores(table.values[1::2]) - line.scores(table.values[::2])
    assert abs(moved.mean()) < 0.25 * line.scores(table.values[::2]).std()
    direction = np.zeros((1, 9), np.float32)
    direction[0, 2] = 3.0
    alone = line.scores(direction) - line.scores(np.zeros((1, 9), np.float32))
    assert abs(alone[0]) < 0.2 * line.weights[1], "though marked numbers tell fakes, too"


def test_the_windows_of_a_version_are_one_example() -> None:
    item = Item(id="1", path=Path("x"), sha256="", label=BONA_FIDE, maker="", group="g")
    rows = np.array([[0.0], [2.0], [5.0]], np.float32)
    table = Table(items=(item,), values=rows, item=np.zeros(3, np.int64), chain=("none", "none", "mp3-64k"))
    means = within.clip_means(table, np.ones(3, bool))
    assert dict(zip(means.chain, means.values[:, 0].tolist(), strict=True)) == {"none": 1.0, "mp3-64k": 5.0}


def test_one_class_cannot_be_fitted() -> None:
    item = Item(id="1", path=Path("x"), sha256="", label=BONA_FIDE, maker="", group="g")
    table = Table(items=(item,), values=np.ones((1, 2), np.float32), item=np.zeros(1, np.int64), chain=("none",))
    with pytest.raises(TrainingError, match="bona fide and spoof"):
        within.fit_within(table, np.ones(1, bool), strength=0.1, lone=0.2)


def test_copies_are_tested_with_their_originals_source_and_makers_are_never_met(rng: np.random.Generator) -> None:
    theirs = list(_table(rng).items)
    ours = [
        Item(id=f"{n}+w", path=Path("x"), sha256="", label=SPOOF, maker=f"world copy{MADE}", group=one.group)
        for n, one in enumerate(theirs)
        if not one.spoof
    ] + [Item(id=f"h{n}", path=Path("x"), sha256="", label=SPOOF, maker=f"h{MADE}", group=f"h-{n}") for n in range(5)]
    items = theirs + ours
    tested: list[int] = []
    for train, test in folded(items, folds=4, seed=1):
        assert not {items[i].group for i in train} & {items[i].group for i in test}
        strangers = {items[i].maker for i in test if items[i].spoof and not items[i].maker.endswith(MADE)}
        assert not strangers & {items[i].maker for i in train}
        tested += test
    assert sorted(tested) == list(range(len(items)))


def test_all_four_layers_hear_what_ctranslate2_hears() -> None:
    ctranslate2 = pytest.importorskip("ctranslate2")
    path = encoder.published()
    weights = encoder.read_weights(path)
    network = encoder.Encoder(weights, layers=4).eval()
    sound = (0.05 * np.random.default_rng(0).standard_normal((1, 30 * 16_000))).astype(np.float32)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.inference_mode():
        mel = network._log_mel(torch.from_numpy(sound))
        norm = (torch.from_numpy(weights[f"layer_norm/{name}"]) for name in ("gamma", "beta"))
        own = torch.nn.functional.layer_norm(network.rows(torch.from_numpy(sound))[-1], (384,), *norm).numpy()
    torch.set_num_threads(threads)
    theirs = ctranslate2.models.Whisper(str(path.parent), device="cpu", compute_type="float32", intra_threads=1)
    found = np.asarray(theirs.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(mel.numpy()))))
    np.testing.assert_allclose(own, found, atol=0.01)


@pytest.mark.parametrize("data", [b"", b"\x06\x00\x00\x00", b"\x06\x00\x00\x00\x05\x00Bert\x00"])
def test_what_is_no_whisper_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(data)
    with pytest.raises(ModelError, match="Whisper's weights"):
        encoder.read_weights(path)
    with pytest.raises(ModelError, match="Whisper's encoder"):
        encoder.Encoder({})
