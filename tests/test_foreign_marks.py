"""Other makers' marks: read where their package and weights are here, told with what is known of their false alarms."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio, decode_image
from assay.media.encode import encode_image
from assay.media.errors import InputError, WeightsError
from assay.media.image import Still
from assay.media.view import View
from assay.provenance.foreign import FOREIGN, foreign_reader, read_foreign
from assay.provenance.foreign.stable_diffusion import StableDiffusionReader

V1 = "".join(f"{byte:08b}" for byte in b"StableDiffusionV1")
SDXL = "101100111110110010010000011110111011000110011110"


def marked_as_stable_diffusion(pixels: np.ndarray, bits: str) -> np.ndarray:
    """Write the public mark as its package does, into the largest of 15 coefficients of each block."""
    import cv2

    yuv = cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV)
    height, width = (side // 4 * 4 for side in pixels.shape[:2])
    plane = yuv[:height, :width, 1].astype(float)
    a, b, c, d = plane[::2, ::2], plane[::2, 1::2], plane[1::2, ::2], plane[1::2, 1::2]
    low, rest = (a + b + c + d) / 2, ((a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2)
    number = 0
    for row in range(low.shape[0] // 4):
        for column in range(low.shape[1] // 4):
            block = low[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            y, x = divmod(int(np.argmax(np.abs(block.ravel()[1:]))) + 1, 4)
            size = (abs(block[y, x]) // 36 + 0.25 + 0.5 * int(bits[number % len(bits)])) * 36
            block[y, x] = np.copysign(size, block[y, x])
            number += 1
    h, v, e = rest
    plane[::2, ::2], plane[::2, 1::2] = (low + h + v + e) / 2, (low - h + v - e) / 2
    plane[1::2, ::2], plane[1::2, 1::2] = (low + h - v - e) / 2, (low - h - v + e) / 2
    yuv[:height, :width, 1] = np.clip(np.rint(plane), 0, 255)
    return np.asarray(cv2.cvtColor(yuv, cv2.COLOR_YUV2RGB), np.uint8)


def scene(rng: np.random.Generator) -> np.ndarray:
    import cv2

    small = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
    return cv2.resize(small, (512, 512), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize(("bits", "says"), [(V1, "StableDiffusionV1"), (SDXL, "SDXL (diffusers)")])
def test_the_mark_of_stable_diffusions_tools_is_read(bits: str, says: str, rng: np.random.Generator) -> None:
    plain = scene(rng)
    (found,) = StableDiffusionReader().read(View.of(Still(pixels=marked_as_stable_diffusion(plain, bits))))
    assert found.payload == says
    assert found.sentence == f"carries a Stable Diffusion (dwtDct) mark, id {says}"
    assert "anybody can write it" in found.false_alarms
    assert StableDiffusionReader().read(View.of(Still(pixels=plain))) == ()


def test_flat_small_and_noisy_pictures_carry_none(rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    for pixels in (np.zeros((512, 512, 3), np.uint8), noise, noise[:100, :100].copy()):
        assert StableDiffusionReader().read(View.of(Still(pixels=pixels))) == ()


def test_real_pictures_carry_no_mark_of_stable_diffusion(shared: Path) -> None:
    paths = sorted((shared / "media" / "faces" / "images").iterdir())[:40]
    assert len(paths) == 40
    for path in paths:
        assert StableDiffusionReader().read(View.of(Still(pixels=decode_image(path).pixels))) == ()


def test_perth_reads_what_its_own_package_wrote_and_not_the_original(shared: Path) -> None:
    pytest.importorskip("perth", reason="resemble-perth (extra foreign) is not installed")
    from assay.provenance.foreign.perth import _network

    path = next(p for p in sorted((shared / "media" / "speech" / "real").glob("*.flac")) if p.stat().st_size > 150_000)
    sound = decode_audio(path)
    mono = resample(sound.mono(), sound.rate, 32_000)[: 2 * 32_000]
    import torch

    net = _network()
    with torch.inference_mode():
        magnitudes, phase = net.ap.signal_to_magphase(torch.from_numpy(mono.copy()))
        changed = net.ap.magphase_to_signal(net.encoder(magnitudes[None])[0][0], phase).numpy()
    reader = foreign_reader("perth")
    (found,) = reader.read(View.of(Audio(samples=changed[None].astype(np.float32), rate=32_000)))
    assert found.payload is None
    assert found.sentence == "carries a Perth mark, present"
    assert "1 %" in found.false_alarms
    assert reader.read(View.of(Audio(samples=mono[None].copy(), rate=32_000))) == ()


def test_perth_says_nothing_of_silence_and_of_a_moment() -> None:
    reader = foreign_reader("perth")
    assert reader.read(View.of(Audio(samples=np.zeros((1, 64_000), np.float32), rate=16_000))) == ()
    assert reader.read(View.of(Audio(samples=np.full((1, 8_000), 0.1, np.float32), rate=16_000))) == ()


def test_trustmark_decodes_with_the_true_network_and_code(
    tmp_path: Path, pin: Callable[[str, Path], Path], rng: np.random.Generator
) -> None:
    pytest.importorskip("trustmark", reason="trustmark (extra foreign) is not installed")
    import torch
    from assay.provenance.foreign import trustmark

    layer = trustmark._package("trustmark.datalayer").DataLayer(100, verbose=False, encoding_mode=1)
    text = "".join(str(bit) for bit in rng.integers(0, 2, 61))
    word = layer.encode_binary([text])[0]
    net = trustmark.build()
    with torch.no_grad():  # a network that answers one code word, whatever it is shown
        net.decoder.fc.weight.zero_()
        net.decoder.fc.bias.copy_(torch.tensor(np.where(np.asarray(word) > 0.5, 1.0, -1.0), dtype=torch.float32))
    state = {f"decoder.{key}": one for key, one in net.state_dict().items()}
    torch.save({"state_dict": state, "global_step": 1}, tmp_path / "decoder_Q.ckpt")
    pin("trustmark-q", tmp_path / "decoder_Q.ckpt")
    (found,) = foreign_reader("trustmark").read(View.of(Still(pixels=scene(rng))))
    assert found.payload == f"1*{text}"
    assert found.sentence.startswith("carries a TrustMark mark, id 1*")
    assert trustmark.chance_of_a_code_word(1) == pytest.approx(sum(comb(96, k) for k in range(6)) / 2**35)


def test_audioseal_measures_with_the_true_network(
    tmp_path: Path, pin: Callable[[str, Path], Path], rng: np.random.Generator
) -> None:
    pytest.importorskip("audioseal", reason="audioseal (extra foreign) is not installed")
    import torch
    from assay.provenance.foreign import audioseal

    net = audioseal.build()
    with torch.no_grad():  # sure of the mark, and of the bits 1010...
        last = net.detector[1]
        last.weight.zero_()
        last.bias.copy_(torch.tensor([-3.0, 3.0, *([3.0, -3.0] * 8)]))
    torch.save({"model": net.state_dict()}, tmp_path / "detector_base.pth")
    pin("audioseal", tmp_path / "detector_base.pth")
    noise = rng.normal(0, 0.1, (1, 24_000)).astype(np.float32)
    (found,) = foreign_reader("audioseal").read(View.of(Audio(samples=noise, rate=16_000)))
    assert found.payload == "aaaa"
    assert "no rate of false alarms" in found.false_alarms
    assert foreign_reader("audioseal").read(View.of(Audio(samples=noise * 0, rate=16_000))) == ()


@pytest.fixture
def pin() -> Callable[[str, Path], Path]:
    """Lay a file of the test's own where the weights of a model are, pinned as a user would."""
    import hashlib

    from assay.media.weights import pull

    def once(name: str, path: Path) -> Path:
        return pull(name, url=path.as_uri(), sha256=hashlib.sha256(path.read_bytes()).hexdigest())

    return once


def test_weights_that_execute_code_are_refused(tmp_path: Path, pin: Callable[[str, Path], Path]) -> None:
    pytest.importorskip("trustmark", reason="trustmark (extra foreign) is not installed")
    import pickle  # noqa: TID251 - a trap for the reader

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    (tmp_path / "decoder_Q.ckpt").write_bytes(pickle.dumps(Trap(), protocol=2))
    pin("trustmark-q", tmp_path / "decoder_Q.ckpt")
    with pytest.raises(WeightsError, match="cannot be used"):
        foreign_reader("trustmark").read(View.of(Still(pixels=np.zeros((300, 300, 3), np.uint8))))
    assert not (tmp_path / "sprung").exists()


def test_a_reader_that_cannot_look_is_told_and_the_others_go_on(rng: np.random.Generator) -> None:
    found, unread = read_foreign(View.of(Still(pixels=marked_as_stable_diffusion(scene(rng), V1))))
    assert [mark.reader for mark in found] == ["stable-diffusion"]
    assert len(unread) == 1
    assert "trustmark" in unread[0]
    with pytest.raises(InputError, match="known are audioseal"):
        foreign_reader("synthid")


def test_a_scan_tells_foreign_marks_only_when_asked(
    tmp_path: Path, run: Callable[..., Any], rng: np.random.Generator
) -> None:
    path = tmp_path / "made.png"
    path.write_bytes(encode_image(marked_as_stable_diffusion(scene(rng), V1), "png"))
    assert "Stable Diffusion" not in run("scan", path, "--detectors", "declared").out
    told = run("scan", path, "--detectors", "declared", "--foreign-marks").out
    assert "carries a Stable Diffusion (dwtDct) mark, id StableDiffusionV1" in told


def test_the_catalogue_loads_without_torch() -> None:
    code = "import sys; from assay.provenance.foreign import FOREIGN, foreign_reader; "
    code += "[foreign_reader(name) for name in FOREIGN]; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "False"
    assert len(FOREIGN) == 4
