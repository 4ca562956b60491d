"""Cloned voices: nearer to the speaker than the synthesiser, the same for the same seed, refused without a voice."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from assay.eval.voice_quality import similarity
from assay.generate import GenerationError
from assay.generate.voice import ENGINES, Conversion, VoiceRequest, engine
from assay.generate.voice.cloning import CloningEngine
from assay.generate.voice.features import stretch
from assay.generate.voice.interface import MAX_CHARACTERS
from assay.generate.voice.text import EXAMPLES, sentences
from assay.generate.voice.world import analyse, resynthesise
from assay.media import Asset, Audio, InputError, MissingExtra, decode_audio, resample

TEXT = "The last ferry leaves the island at seven. After that, nobody can cross until the morning."
SHORT = "Good evening to you all."
ELSEWHERE = (
    "A letter came this afternoon, but I have not opened it.",
    "Turn left behind the church and follow the old wall.",
)


@pytest.fixture(scope="module")
def maker() -> Any:
    return engine("hibari-world")


@pytest.fixture(scope="module")
def plain(maker: Any) -> Audio:
    """The text as the synthesiser says it."""
    return Audio(samples=np.concatenate([part.samples for part in maker.plain(TEXT, seed=3)], axis=1), rate=24_000)


@pytest.fixture(scope="module")
def person(maker: Any) -> Audio:
    """A made speaker: a low voice from a long vocal tract, dull and breathy, who says other words."""
    said = np.concatenate([maker.plain(sentence, seed=5)[0].samples for sentence in ELSEWHERE], axis=1)
    voice = analyse(Audio(samples=said, rate=24_000))
    dull = stretch(voice.envelope, 0.84) - np.linspace(0, 1.5, voice.envelope.shape[1])
    samples = resynthesise(voice.pitch * 0.55, dull, np.sqrt(voice.breath))
    return Audio(samples=samples[None] * np.float32(0.4), rate=24_000)


@pytest.fixture(scope="module")
def clone(maker: Any, person: Audio) -> Audio:
    made: Audio = maker.speak(VoiceRequest(text=TEXT, reference=person, seed=3))
    return made


def test_a_clone_is_far_nearer_to_its_speaker_than_the_synthesiser_is(
    person: Audio, clone: Audio, plain: Audio
) -> None:
    assert similarity(person, clone) > similarity(person, plain) + 0.25


def test_a_clone_speaks_as_low_as_its_speaker(person: Audio, clone: Audio) -> None:
    low, made = analyse(person, breath=False), analyse(clone, breath=False)
    assert np.median(made.pitch[made.sung]) == pytest.approx(np.median(low.pitch[low.sung]), rel=0.06)


@pytest.mark.parametrize("name", ["voice-1", "voice-2"])
def test_real_people_are_cloned(shared: Any, maker: Any, plain: Audio, name: str) -> None:
    reference = decode_audio(Asset.open(shared / "media" / "demo" / f"{name}.flac"))
    made = maker.speak(VoiceRequest(text=TEXT, reference=reference, seed=3))
    assert similarity(reference, made) > similarity(reference, plain) + 0.15


def test_a_clone_is_one_finite_channel_at_the_level_of_its_reference(person: Audio, clone: Audio) -> None:
    assert clone.rate == 24_000
    assert clone.samples.shape[0] == 1
    assert np.isfinite(clone.samples).all()
    assert np.abs(clone.samples).max() <= 0.98
    assert abs(20 * np.log10(_loudness(clone) / _loudness(person))) < 3


def test_the_same_request_gives_the_same_samples_and_another_seed_others(maker: Any, person: Audio) -> None:
    first, again, other = (maker.speak(VoiceRequest(text=SHORT, reference=person, seed=seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, other.samples[:, : first.samples.shape[1]])


def test_a_narrow_reference_of_many_channels_gives_the_whole_band_and_is_left_untouched(
    maker: Any, person: Audio
) -> None:
    narrow = np.repeat(resample(person.samples, 24_000, 11_025), 3, axis=0)
    before = narrow.copy()
    made = maker.speak(VoiceRequest(text=SHORT, reference=Audio(samples=narrow, rate=11_025)))
    np.testing.assert_array_equal(narrow, before)
    power = np.square(np.abs(np.fft.rfft(made.samples[0])))
    assert power[np.fft.rfftfreq(made.samples.shape[1], 1 / 24_000) > 7_000].sum() > 1e-4 * power.sum()


def test_nothing_is_written(maker: Any, person: Audio) -> None:
    opened: list[str] = []
    watching = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            opened.append(str(arguments[0]))

    sys.addaudithook(hook)
    maker.speak(VoiceRequest(text=SHORT, reference=person))
    watching = False
    assert opened == []


def _noise(seconds: float, *, level: float = 0.1) -> Audio:
    samples = np.random.default_rng(1).normal(0, level, (1, round(seconds * 16_000)))
    return Audio(samples=samples.astype(np.float32), rate=16_000)


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(_noise(8, level=0.0), id="silence"),
        pytest.param(_noise(8), id="noise"),
        pytest.param(_noise(0.001), id="sixteen samples"),
        pytest.param(Audio(samples=np.zeros((6, 1), np.float32), rate=48_000), id="one sample"),
    ],
)
def test_a_reference_without_a_voice_is_refused(maker: Any, reference: Audio) -> None:
    with pytest.raises(GenerationError, match="at least 3 s of speech"):
        maker.speak(VoiceRequest(text=TEXT, reference=reference))


def test_a_reference_with_too_little_speech_is_refused(maker: Any, person: Audio) -> None:
    padded = np.pad(person.samples[:, : 24_000 * 2], ((0, 0), (0, 24_000 * 10)))
    with pytest.raises(GenerationError, match=r"at least 3 s of speech .* in 12\.0 s of sound"):
        maker.speak(VoiceRequest(text=TEXT, reference=Audio(samples=padded, rate=24_000)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "a text to speak", id="empty"),
        pytest.param(" \n\t ", "a text to speak", id="blank"),
        pytest.param("?! ...", "words to speak", id="punctuation"),
        pytest.param("Good evening. 你好。 Welcome.", "can pronounce .*, got '你好", id="another script"),
        pytest.param("a" * (MAX_CHARACTERS + 1), "at most 5000 characters", id="too long"),
    ],
)
def test_a_text_that_cannot_be_spoken_is_refused(maker: Any, person: Audio, text: str, message: str) -> None:
    with pytest.raises(GenerationError, match=message):
        maker.speak(VoiceRequest(text=text, reference=person))


def test_a_negative_seed_is_refused(person: Audio) -> None:
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        VoiceRequest(text=TEXT, reference=person, seed=-1)


def test_an_unknown_engine_is_named_with_the_known() -> None:
    with pytest.raises(InputError, match="'parrot'; known: hibari-world, piper-world"):
        engine("parrot")
    assert set(ENGINES) == {"hibari-world", "piper-world"}


@pytest.mark.skipif(importlib.util.find_spec("piper") is not None, reason="piper is installed")
def test_an_engine_whose_extra_is_missing_says_which() -> None:
    with pytest.raises(MissingExtra, match=r"assay\[piper\]"):
        engine("piper-world")


def test_a_text_is_cut_at_sentences_and_long_ones_at_commas() -> None:
    assert sentences("Dr. Ada B. Moss came.  “Why?” she asked.\nNo idea") == [
        "Dr. Ada B. Moss came.",
        "“Why?”",
        "she asked.",
        "No idea",
    ]
    long = ", ".join(f"and the number {n} again" for n in range(40))
    parts = sentences(long)
    assert max(map(len, parts)) <= 300
    assert " ".join(parts) == long
    assert [len(part) for part in sentences("x" * 700)] == [300, 300, 100]


class _Bell:
    """A synthesiser of one tone a sentence, at a rate of its own."""

    name, version, trained = "bell", "9", False

    def say(self, sentence: str, *, seed: int) -> Audio | None:
        if not sentence.strip("."):
            return None
        tone = np.sin(np.arange(11_025) * (0.1 + 0.001 * seed)).astype(np.float32)
        return Audio(samples=tone[None], rate=11_025)


class _Louder:
    """A converter that needs no learning."""

    name, version = "louder", "2"

    def __init__(self) -> None:
        self.studied = 0

    def study(self, own: Sequence[Audio]) -> None:
        self.studied += len(own)

    def learn(self, reference: Audio) -> Conversion:
        del reference
        return self  # type: ignore[return-value]

    def convert(self, speech: Audio) -> Audio:
        return Audio(samples=speech.samples * np.float32(2), rate=speech.rate)


def test_any_synthesiser_and_converter_make_an_engine(person: Audio) -> None:
    converter = _Louder()
    made = CloningEngine("bell-louder", _Bell(), converter)
    spoken = made.speak(VoiceRequest(text="One. Two. ... Three.", reference=person))
    assert (made.version, made.trained) == ("2+bell-9", False)
    assert spoken.rate == 11_025
    assert spoken.seconds == pytest.approx(3 + 2 * 0.12, abs=0.01)
    made.speak(VoiceRequest(text="One.", reference=person))
    assert converter.studied == len(EXAMPLES)  # once, not for every clone


def _loudness(audio: Audio) -> float:
    frames = audio.samples[0, : audio.samples.shape[1] // 480 * 480].reshape(-1, 480)
    power = np.sort(np.square(frames).mean(axis=1))
    return float(np.sqrt(power[len(power) // 2 :].mean()))
