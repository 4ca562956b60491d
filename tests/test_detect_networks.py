"""The networks that are trained: published checkpoints load whole and give the published logits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from assay.detect.finding import ModelError
from assay.detect.train.networks import aasist
from assay.media.asset import Asset
from assay.media.decode import decode_audio

PUBLISHED = {
    "asvspoof5_AASIST": ("aasist_asvspoof5/best.pth", "aasist"),
    "la2019_AASIST": ("aasist/AASIST.pth", "aasist"),
    "la2019_AASIST-L": ("aasist/AASIST-L.pth", "aasist-l"),
}


@pytest.fixture(scope="module")
def clips(shared: Path) -> list[tuple[np.ndarray, dict[str, list[float]]]]:
    """Return the reference's twenty clips as the network hears them, with the public implementation's logits."""
    reference = json.loads((shared / "media/scores/aasist_reference.json").read_text())
    return [
        (aasist.repeated(decode_audio(Asset.open(shared / "media" / clip["path"])).samples[0]), clip)
        for clip in reference["clips"]
    ]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_aasist_gives_the_published_logits(
    name: str, clips: list[tuple[np.ndarray, dict[str, list[float]]]], shared: Path
) -> None:
    file, size = PUBLISHED[name]
    network = aasist.load_published(shared / "weights" / file, aasist.SHAPES[size])
    assert len(clips) == 20
    for samples, expected in clips:
        with torch.inference_mode():
            logits = network(torch.from_numpy(samples)[None])[0].numpy()
        np.testing.assert_allclose(logits, expected[name], atol=1e-4, rtol=0)


def test_the_papers_sizes_have_the_papers_counts_of_parameters() -> None:
    counts = {name: sum(p.numel() for p in aasist.Aasist(shape).parameters()) for name, shape in aasist.SHAPES.items()}
    assert counts == {"aasist": 297_866, "aasist-l": 85_306}


def test_a_checkpoint_of_another_size_is_refused(shared: Path) -> None:
    with pytest.raises(ModelError, match="expected an Aasist checkpoint of this size"):
        aasist.load_published(shared / "weights/aasist/AASIST-L.pth", aasist.SHAPES["aasist"])


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "best.pth"
    path.write_bytes(b"no tensors here")
    with pytest.raises(ModelError, match=r"best\.pth"):
        aasist.load_published(path)


def test_short_sound_is_repeated_and_none_refused() -> None:
    sound = np.arange(40_000, dtype=np.float32)
    heard = aasist.repeated(sound)
    assert heard.size == aasist.SAMPLES
    assert heard[40_000] == 0
    with pytest.raises(ModelError, match="at least one sample"):
        aasist.repeated(np.zeros(0, np.float32))


def test_every_weight_of_the_network_learns() -> None:
    torch.manual_seed(1)
    network = aasist.Aasist(aasist.SHAPES["aasist-l"])
    sound = torch.randn(2, aasist.SAMPLES) * 0.1
    torch.nn.functional.cross_entropy(network(sound), torch.tensor([0, 1])).backward()
    silent = {name for name, weight in network.named_parameters() if weight.grad is None}
    assert all(".bn1." in name for name in silent), silent
