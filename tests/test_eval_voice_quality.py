"""The judges of cloned voices tell people apart, count words right and hear noise."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from assay.eval.voice_quality import edit_distance, embed, quality, similarity, word_error_rate
from assay.generate.voice.hibari import HibariSynthesiser
from assay.media import Asset, Audio, NothingToExamine, decode_audio

TEXT = "We walked along the river and talked about the weather."


@pytest.fixture(scope="module")
def speech() -> Audio:
    said = HibariSynthesiser().say(TEXT, seed=1)
    assert said is not None
    return said


@pytest.mark.parametrize(
    ("heard", "wanted", "distance"),
    [
        pytest.param("", "", 0, id="nothing"),
        pytest.param("a b c", "a b c", 0, id="equal"),
        pytest.param("a x c", "a b c", 1, id="changed"),
        pytest.param("b c", "a b c", 1, id="dropped"),
        pytest.param("a b c d", "a b c", 1, id="added"),
        pytest.param("", "a b c", 3, id="unheard"),
        pytest.param("c b a", "a b c", 2, id="turned round"),
    ],
)
def test_words_are_counted(heard: str, wanted: str, distance: int) -> None:
    assert edit_distance(heard.split(), wanted.split()) == distance


def test_word_distance_is_the_least_over_all_alignments(rng: np.random.Generator) -> None:
    for _ in range(20):
        left, right = (list(map(str, rng.integers(0, 3, size=rng.integers(0, 6)))) for _ in range(2))
        assert edit_distance(left, right) == _exhaustive(left, right)


def _exhaustive(left: list[str], right: list[str]) -> int:
    """The longest common chain decides only without substitutions, so every alignment is tried."""
    best = max(len(left), len(right))
    for kept in range(min(len(left), len(right)) + 1):
        for a in itertools.combinations(range(len(left)), kept):
            for b in itertools.combinations(range(len(right)), kept):
                changed = sum(left[i] != right[j] for i, j in zip(a, b, strict=True))
                best = min(best, changed + len(left) + len(right) - 2 * kept)
    return best


def test_words_and_quality_of_clean_speech_and_of_noisy_speech(speech: Audio, rng: np.random.Generator) -> None:
    assert word_error_rate(speech, TEXT) <= 0.1
    assert word_error_rate(speech, "Something else entirely was said here today.") > 0.6
    noise = rng.normal(0, speech.samples.std(), speech.samples.shape).astype(np.float32)
    noisy = Audio(samples=speech.samples + noise, rate=speech.rate)
    assert 1 <= quality(noisy) < quality(speech) - 0.5 <= 4.5


def test_a_text_without_words_has_no_error_rate(speech: Audio) -> None:
    with pytest.raises(ValueError, match="text with words"):
        word_error_rate(speech, "...")


def test_similarity_does_not_hang_on_level_silence_or_channels(speech: Audio) -> None:
    padded = np.pad(speech.samples * np.float32(0.1), ((0, 0), (24_000, 12_000)))
    assert similarity(speech, speech) == pytest.approx(1, abs=1e-5)
    assert similarity(speech, Audio(samples=np.repeat(padded, 2, axis=0), rate=speech.rate)) > 0.98


@pytest.mark.parametrize("seconds", [0.01, 3.0])
def test_silence_is_nobody(seconds: float) -> None:
    with pytest.raises(NothingToExamine, match="sound to know a speaker by"):
        embed(Audio(samples=np.zeros((1, round(seconds * 16_000)), np.float32), rate=16_000))


def test_halves_of_a_voice_are_more_alike_than_two_voices(shared: Path) -> None:
    voices = [decode_audio(Asset.open(shared / "media" / "demo" / f"voice-{n}.flac")) for n in (1, 2, 3, 4)]
    halves = [np.array_split(voice.samples, 2, axis=1) for voice in voices]
    first = np.stack([embed(Audio(samples=half[0], rate=16_000)) for half in halves])
    second = np.stack([embed(Audio(samples=half[1], rate=16_000)) for half in halves])
    alike = first @ second.T
    assert np.diag(alike).min() > alike[~np.eye(4, dtype=bool)].max()
