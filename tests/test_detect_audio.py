"""The audio detector: its contract, its shipped model, and a whole small training."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from assay.datasets.corpus import BONA_FIDE, SPOOF, CorpusError, Item
from assay.detect.audio import gate
from assay.detect.audio.ear import EarDetector, spans_of
from assay.detect.audio.features import features
from assay.detect.audio.frontends import cepstra
from assay.detect.finding import Evidence, Finding, ModelError, Skipped
from assay.detect.model import WEIGHTS, golden_input, load, shipped
from assay.detect.train import audio as training
from assay.detect.train import calibration, copysynth, fit
from assay.media.audio import Audio, resample
from assay.media.image import Still
from assay.media.view import View

NAME = "audio-whisper"


@pytest.fixture(scope="module")
def spoken() -> Audio:
    """Five seconds or so of speech by the synthetic voice that an installed package ships."""
    return copysynth.speak(np.random.default_rng(1))


def _examine(media: Audio | Still) -> tuple[Finding, ...] | Skipped:
    return EarDetector().examine(Evidence(view=View.of(media), verification=None))


def _finding(media: Audio) -> Finding:
    answer = _examine(media)
    assert isinstance(answer, tuple), answer
    return answer[0]


def test_the_same_sound_gives_the_same_finding_and_is_not_changed(spoken: Audio) -> None:
    kept = spoken.samples.copy()
    once, again = _finding(spoken), _finding(spoken)
    assert once == again
    assert np.array_equal(spoken.samples, kept)
    model = shipped(NAME)
    assert model.lowest <= once.llr <= model.highest
    assert once.modality == "audio"
    assert once.spread >= 0
    assert all(0 <= span.start < span.end <= spoken.seconds + gate.WINDOW for span in once.spans)


def test_the_shipped_voice_is_heard_as_synthetic(spoken: Audio) -> None:
    finding = _finding(spoken)
    assert finding.llr > 0.3
    assert finding.spans


@pytest.mark.parametrize(
    ("rate", "channels"),
    [
        pytest.param(8000, 1, id="telephone"),
        pytest.param(48_000, 6, id="six channels"),
        pytest.param(44_100, 2, id="cd"),
    ],
)
def test_any_rate_and_channels_are_answered(spoken: Audio, rate: int, channels: int) -> None:
    turned = resample(np.repeat(spoken.samples, channels, axis=0), spoken.rate, rate)
    finding = _finding(Audio(samples=np.clip(turned, -1, 1), rate=rate))
    assert np.isfinite(finding.llr)


def test_level_alone_changes_nothing(spoken: Audio) -> None:
    softer = Audio(samples=spoken.samples * np.float32(0.1), rate=spoken.rate)
    assert _finding(softer).llr == pytest.approx(_finding(spoken).llr, abs=0.05)


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        pytest.param(np.zeros((1, 32_000), np.float32), "silent", id="silence"),
        pytest.param(np.full((1, 32_000), 0.5, np.float32), "speech", id="constant"),
        pytest.param(np.ones((1, 1), np.float32), "too short", id="one sample"),
        pytest.param(0.1 * np.sin(np.arange(64_000, dtype=np.float32))[None], "speech", id="tone"),
    ],
)
def test_what_holds_no_speech_is_skipped_with_the_reason(samples: np.ndarray, why: str) -> None:
    answer = _examine(Audio(samples=samples, rate=16_000))
    assert isinstance(answer, Skipped)
    assert not answer.failed
    assert why in answer.why


def test_too_little_speech_is_skipped_and_says_how_much(spoken: Audio) -> None:
    quiet = np.zeros((1, 3 * spoken.rate), np.float32)
    answer = _examine(Audio(samples=np.hstack([quiet, spoken.samples[:, : int(0.8 * spoken.rate)]]), rate=spoken.rate))
    assert isinstance(answer, Skipped)
    assert "needs at least 1 s of speech, found 0." in answer.why
    assert "silence, music or noise" in answer.why


def test_half_a_second_is_too_short(spoken: Audio) -> None:
    answer = _examine(Audio(samples=spoken.samples[:, : spoken.rate // 2], rate=spoken.rate))
    assert isinstance(answer, Skipped)
    assert answer.why.startswith("too short: 0.5 s")


def test_a_picture_has_no_sound() -> None:
    answer = _examine(Still(pixels=np.zeros((8, 8, 3), np.uint8)))
    assert isinstance(answer, Skipped)
    assert answer.why == "there is no sound"


def test_spans_join_windows_that_touch_and_leave_gaps() -> None:
    model = shipped(NAME)
    high, low = 1e3, -1e3
    spans = spans_of((0.0, 1.0, 2.0, 6.0, 7.0), np.array([high, high, low, low, high]), model, end=8.5)
    assert [(span.start, span.end) for span in spans] == [(0.0, 3.0), (7.0, 8.5)]


def test_windows_hold_one_level_and_one_band_whatever_came(rng: np.random.Generator) -> None:
    noise = rng.standard_normal((1, 5 * 48_000)).astype(np.float32)
    wide = gate.windows(Audio(samples=np.clip(0.2 * noise, -1, 1), rate=48_000))
    assert len(wide.starts) == 4
    assert np.sqrt(np.mean(wide.samples**2)) == pytest.approx(gate.LEVEL, rel=0.05)
    spectrum = np.abs(np.fft.rfft(wide.samples[0])) ** 2
    top = int(7800 / 8000 * len(spectrum))
    assert spectrum[top:].mean() < 1e-3 * spectrum[: len(spectrum) // 2].mean()


def test_delta_is_the_slope_of_a_straight_line() -> None:
    line = np.outer(np.arange(20, dtype=np.float32), [1.0, -2.0]).astype(np.float32)
    assert np.allclose(cepstra.delta(line)[2:-2], [1.0, -2.0])


def test_features_are_finite_for_anything(rng: np.random.Generator) -> None:
    size = int(gate.WINDOW * gate.RATE)
    loud = rng.standard_normal(size).astype(np.float32)
    burst = np.where(np.arange(size) < 200, loud, 0).astype(np.float32)
    lengths = {features(window).shape for window in (loud, burst, np.zeros(size, np.float32), 1e-9 * loud)}
    assert len(lengths) == 1
    assert all(np.isfinite(features(window)).all() for window in (loud, burst, np.zeros(size, np.float32)))


def test_the_shipped_card_tells_what_it_must() -> None:
    card = shipped(NAME).card
    assert {"sha256", "training_data", "metrics", "calibration", "golden", "papers", "training", "licence"} <= set(card)
    assert all(entry["licence"] for entry in card["training_data"])
    assert (WEIGHTS / f"{NAME}.onnx").stat().st_size < 15_000_000
    found = shipped(NAME).scores(golden_input(shipped(NAME).inputs))
    assert np.allclose(found, card["golden"], rtol=1e-3, atol=card["tolerance"])
    assert "Whisper" in card["training"]["weights of others"]
    assert "MIT" in card["training"]["weights of others"]


def test_a_model_that_is_not_what_its_card_says_is_refused(tmp_path: Path) -> None:
    for ending in ("onnx", "json"):
        shutil.copy(WEIGHTS / f"{NAME}.{ending}", tmp_path / f"m.{ending}")
    network, card = tmp_path / "m.onnx", tmp_path / "m.json"
    assert load(network, card).name == NAME
    told = json.loads(card.read_text())
    card.write_text(json.dumps(told | {"golden": [100.0, 0.0]}))
    with pytest.raises(ModelError, match="made input"):
        load(network, card)
    network.write_bytes(network.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="sha256"):
        load(network, card)
    card.write_text(json.dumps(told))
    with pytest.raises(ModelError, match="expected a model at"):
        load(tmp_path / "none.onnx", card)
    network.write_bytes(b"no network")
    card.write_text(json.dumps(told | {"sha256": hashlib.sha256(b"no network").hexdigest()}))
    with pytest.raises(ModelError, match="can run"):
        load(network, card)
    card.write_text("{}")
    with pytest.raises(ModelError, match="card of format"):
        load(network, card)


def test_features_of_another_length_are_refused() -> None:
    with pytest.raises(ModelError, match="expects features"):
        shipped(NAME).scores(np.zeros((1, 3), np.float32))


def test_bounds_grow_with_the_material_and_vanish_without_evidence(rng: np.random.Generator) -> None:
    def highest(groups: int, gap: float) -> float:
        scores = np.concatenate([rng.normal(0, 1, groups), rng.normal(gap, 1, groups)])
        spoof = np.arange(2 * groups) >= groups
        return calibration.calibrate(scores, spoof, [str(i) for i in range(2 * groups)]).highest

    assert highest(20, 6.0) < highest(200, 6.0) < 3
    assert highest(100, 0.0) < 0.3


def test_calibrated_ratios_are_right_for_normal_scores(rng: np.random.Generator) -> None:
    n = 2000
    scores = np.concatenate([rng.normal(-1, 1, n), rng.normal(1, 1, n)])
    found = calibration.calibrate(scores, np.arange(2 * n) >= n, [str(i) for i in range(2 * n)])
    # Of two unit normals at -1 and 1 the log ratio at x is 2 x.
    assert found.slope == pytest.approx(2 / np.log(10), rel=0.1)
    assert found.intercept == pytest.approx(0, abs=0.1)


def test_a_small_training_runs_to_a_model_that_loads(tmp_path: Path, spoken: Audio, rng: np.random.Generator) -> None:
    items = _corpus(tmp_path / "corpus", spoken, rng)
    told: list[str] = []
    settings = training.Settings(
        seed=3, laundered=1, copies=0.0, spoken=2, folds=3, cache=tmp_path / "cache", chains=("mp3-64k", "noise-20")
    )
    card = training.train(items, out=tmp_path / "a", settings=settings, progress=lambda what, _: told.append(what))
    again = training.train(items, out=tmp_path / "b", settings=settings)
    assert card.read_bytes() == again.read_bytes()
    assert load(card.with_suffix(".onnx"), card).inputs == shipped(NAME).inputs
    assert {"cutting windows", "auditing", "hearing", "testing on unseen makers"} <= set(told)


def _corpus(root: Path, spoken: Audio, rng: np.random.Generator) -> list[Item]:
    from assay.media.encode import encode_audio

    root.mkdir()
    items = []
    for number in range(8):
        shift = rng.uniform(0.85, 1.2)
        voice = resample(spoken.samples[:, : 2 * spoken.rate], int(spoken.rate * shift), 16_000)
        spoof = number % 2 == 1
        audio = Audio(samples=np.clip(voice, -1, 1), rate=16_000)
        made = copysynth.griffin_lim(audio, rng) if spoof else audio
        path = root / f"{number}.wav"
        path.write_bytes(encode_audio(made, "wav"))
        items.append(
            Item(
                id=str(number),
                path=path,
                sha256=str(number),
                label=SPOOF if spoof else BONA_FIDE,
                maker=f"m{number % 4}" if spoof else "",
                group=f"g{number // 2}",
            )
        )
    return items


def test_one_class_alone_cannot_be_trained_on() -> None:
    item = Item(id="1", path=Path("x"), sha256="", label=BONA_FIDE, maker="", group="g")
    with pytest.raises(CorpusError, match="bona fide and spoof"):
        training.train([item], out=Path("never"))


def test_heads_score_the_sum_of_the_odds() -> None:
    heads = fit.Heads(names=("bona fide", "a", "b"), weights=np.array([[0.0, 1.0, -1.0]]), offsets=np.zeros(3))
    assert heads.scores(np.array([[2.0]], np.float32))[0] == pytest.approx(np.log(np.exp(2) + np.exp(-2)))


@pytest.mark.parametrize("name", copysynth.COPIES)
def test_a_vocoder_copy_keeps_the_length_and_differs(name: str, spoken: Audio) -> None:
    first = Audio(samples=spoken.samples[:, : 2 * spoken.rate], rate=spoken.rate)
    copy = copysynth.COPIES[name](first, np.random.default_rng(2))
    assert copy.seconds == pytest.approx(first.seconds, abs=0.05)
    assert np.isfinite(copy.samples).all()
    assert np.abs(copy.samples).max() > 0.01
