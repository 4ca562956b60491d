"""Where the model listened: patches are silenced one at a time, and the page says no more than that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from assay.detect.audio import explain as explaining
from assay.detect.audio.explain import BANDS, SLOTS, explain, occlusions
from assay.detect.audio.hearing import Heard, hear
from assay.detect.audio.scoring import SIZE
from assay.detect.page import write_page
from assay.detect.preview import preview_of
from assay.detect.scan import Examination, scan
from assay.detect.train import copysynth
from assay.media.audio import Audio
from assay.media.encode import encode_audio
from assay.media.view import View
from assay.provenance.trust import Trust


@pytest.fixture(scope="module")
def spoken() -> Audio:
    """Some seconds of speech by a synthetic voice."""
    return copysynth.speak(np.random.default_rng(1))


def test_a_patch_is_silenced_and_the_rest_stays(rng: np.random.Generator) -> None:
    window = 0.1 * rng.standard_normal(SIZE).astype(np.float32)
    patched = occlusions(window)
    assert patched.shape == (BANDS * SLOTS, SIZE)
    power = np.abs(np.fft.rfft(patched.reshape(BANDS, SLOTS, SLOTS, -1), axis=-1)) ** 2
    whole = np.abs(np.fft.rfft(window.reshape(SLOTS, -1), axis=-1)) ** 2
    edges = np.linspace(0, 7500 / 8000 * whole.shape[1], BANDS + 1).astype(int)
    for band in range(BANDS):
        middle = slice(edges[band] + 40, edges[band + 1] - 40)
        for slot in range(1, SLOTS - 1):
            left = power[band, slot, :, middle].sum(axis=-1) / whole[:, middle].sum(axis=-1)
            assert left[slot] < 0.2
            assert np.allclose(np.delete(left, [slot - 1, slot, slot + 1]), 1.0, atol=1e-3)


def test_the_map_is_the_change_of_the_ratio(spoken: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = hear(View.of(spoken))
    assert isinstance(heard, Heard)

    def by_treble(samples: np.ndarray) -> np.ndarray:
        power = np.abs(np.fft.rfft(samples, axis=1)) ** 2
        return power[:, 5200 * SIZE // 16_000 : 6200 * SIZE // 16_000].sum(axis=1).astype(np.float64)

    monkeypatch.setattr(explaining, "window_scores", by_treble)
    drop = explain(heard).drop
    assert set(np.argsort(drop.max(axis=1))[-2:]) <= {3, 4, 5}
    assert np.abs(drop[:3]).max() < 1e-3 * drop.max()


def test_the_page_says_where_the_model_listened(tmp_path: Path, spoken: Audio) -> None:
    path = tmp_path / "voice.wav"
    path.write_bytes(encode_audio(spoken, "wav"))
    report = scan(path, Examination(trust=Trust(), detectors=("audio-whisper",), previews=True))
    assert report.preview is not None
    assert report.preview.listened is not None
    write_page([report], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Where the model listened" in page
    assert "fake" not in page.split("Where the model listened")[1].split("</figcaption>")[0]


def test_nothing_is_drawn_where_no_ear_answered(spoken: Audio) -> None:
    assert preview_of(View.of(spoken)).listened is None
