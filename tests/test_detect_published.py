"""Published visual detectors: their weights load whole, and give what the published programs give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from assay.detect import ON_REQUEST, names
from assay.detect.finding import Evidence, Finding, ModelError
from assay.detect.train.networks import mesonet
from assay.detect.visual.mesonet import NETWORKS, MesoNetDetector
from assay.media.asset import Asset
from assay.media.decode import decode_image
from assay.media.errors import WeightsError
from assay.media.view import View

KERAS = {
    "Meso4_DF": (0.5595366954803467, 0.5640389323234558, 0.8262137174606323),
    "Meso4_F2F": (0.6049410700798035, 0.9667686223983765, 0.849687933921814),
    "MesoInception_DF": (0.2869893014431, 1.0, 0.9999997615814209),
    "MesoInception_F2F": (0.7000769972801208, 0.9999915361404419, 0.9972890615463257),
}
"""How real Keras 3.15.1 (on torch) called `made_faces` with the published architecture and .h5 file."""


def made_faces() -> np.ndarray:
    """Return three pictures that are no faces, float32 `[3, 3, 256, 256]` in 0..1."""
    noise = np.random.default_rng(7).random((256, 256, 3))
    y, x = np.mgrid[0:256, 0:256].astype(np.float32)
    waves = np.stack([0.5 + 0.3 * np.sin(x / 9 + k) * np.cos(y / (11 + k)) for k in range(3)], -1)
    made = np.stack([waves, waves * 0.6 + 0.4 * noise, 0.2 + 0.5 * (waves > 0.5)])
    return np.clip(made, 0, 1).astype(np.float32).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("name", KERAS)
def test_a_published_mesonet_gives_what_keras_gives_and_so_does_its_export(name: str, shared: Path) -> None:
    import onnxruntime

    network = mesonet.load_published(shared / f"weights/mesonet/{name}.h5")
    with torch.inference_mode():
        logits = network(torch.from_numpy(made_faces()))[:, 0].numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(logits)), KERAS[name], atol=2e-6)
    session = onnxruntime.InferenceSession(mesonet.to_onnx(network), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"faces": made_faces()})[0][:, 0], logits, atol=1e-4)


def test_the_papers_networks_have_the_papers_counts_of_parameters() -> None:
    counts = [sum(p.numel() for p in mesonet.MesoNet(kind).parameters()) for kind in ("meso4", "mesoinception")]
    assert counts == [27_977, 28_615]


def test_a_file_that_is_no_mesonet_is_refused(tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "meso.h5"
    path.write_bytes(b"no tensors")
    with pytest.raises(ModelError, match=r"expected a published MesoNet \.h5 file"):
        mesonet.load_published(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("conv2d_1/conv2d_1/kernel:0", data=np.zeros((5, 5, 3, 8), np.float32))
    with pytest.raises(ModelError, match="expected the tensors"):
        mesonet.load_published(path)


def test_mesonet_runs_on_request_alone_and_moves_no_verdict(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_WEIGHTS", str(shared / "weights"))
    assert "visual-mesonet" in ON_REQUEST
    assert "visual-mesonet" not in names()
    picture = decode_image(Asset.open(shared / "media/demo/portrait-1.jpg"))
    (finding,) = MesoNetDetector().examine(Evidence(view=View.of(picture), verification=None))
    assert isinstance(finding, Finding)
    assert (finding.llr, finding.weighs) == (0.0, False)
    assert all(name in finding.note for name in NETWORKS)


def test_without_the_published_files_it_says_which_to_pull(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.detect.visual import mesonet as detector

    monkeypatch.delenv("ASSAY_WEIGHTS", raising=False)
    detector.session.cache_clear()
    picture = decode_image(Asset.open(shared / "media/demo/portrait-1.jpg"))
    with pytest.raises(WeightsError, match="assay models pull"):
        MesoNetDetector().examine(Evidence(view=View.of(picture), verification=None))
