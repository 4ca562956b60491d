"""Finding which seconds are made: the course over time, the material that teaches it, and its network."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from assay.datasets.corpus import BONA_FIDE, SPOOF, Item
from assay.detect.audio.localise import RESOLUTION, course, segment_labels, segment_scores, viterbi
from assay.detect.audio.moments import COMPARED, GROUP, HOP, WIDTH, compared, moments
from assay.detect.audio.part import PartDetector, spans_in
from assay.detect.finding import Evidence, Finding, Skipped
from assay.detect.train import copysynth
from assay.detect.train.splices import KINDS, LEAST_SECONDS, RATE, SYNTHETIC, Clip, Pantry, splice
from assay.media.asset import Asset
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio
from assay.media.view import View


def _clip(name: str, speaker: str, samples: np.ndarray, *, maker: str = "") -> Clip:
    item = Item(
        id=name, path=Path(name), sha256=name, label=SPOOF if maker else BONA_FIDE, maker=maker, group=f"page {speaker}"
    )
    return Clip(item=item, speaker=speaker, samples=samples.astype(np.float32))


@pytest.fixture(scope="module")
def pantry() -> Pantry:
    """Two speakers with two recordings and a fake each, of noise with the rhythm of speech; a vocoder; a made voice."""
    rng = np.random.default_rng(5)
    time = np.arange(4 * RATE) / RATE

    def sound(pitch: float) -> np.ndarray:
        beat = np.clip(np.sin(2 * np.pi * 3 * time + rng.uniform(0, 6)), 0.05, 1)
        return beat * (0.1 * np.sin(2 * np.pi * pitch * time) + 0.02 * rng.standard_normal(time.size))

    return Pantry(
        real=[_clip(f"{who}{k}", who, sound(100 + 40 * k)) for who in ("ann", "bob") for k in range(2)],
        fake=[_clip(f"fake {who}", who, sound(170), maker=f"maker of {who}") for who in ("ann", "bob")],
        copies=("griffin-lim",),
        voices={"voice": [sound(210)]},
    )


def test_the_course_is_the_best_of_all_courses(rng: np.random.Generator) -> None:
    for price in (0.5, 2.0):
        odds = rng.normal(0, 1.5, 9)
        every = [np.array(states) for states in itertools.product([False, True], repeat=odds.size)]
        worth = [odds[states].sum() - price * (states[1:] != states[:-1]).sum() for states in every]
        assert np.array_equal(viterbi(odds, price), every[int(np.argmax(worth))])


def test_without_a_price_the_course_is_the_sign(rng: np.random.Generator) -> None:
    odds = rng.normal(0, 1, 50)
    assert np.array_equal(viterbi(odds, 0.0), odds > 0)
    assert viterbi(np.zeros(0), 1.0).size == 0


def test_a_stretch_is_told_where_it_is_and_a_moment_is_not() -> None:
    llrs = np.full(60, -0.5)
    llrs[20:30] = 1.0
    llrs[45] = 1.0
    found = course(llrs, price=3.0, start=60.0)
    assert [(s.start, s.end) for s in found.spans] == [(60.0 + 20 * RESOLUTION, 60.0 + 30 * RESOLUTION)]
    assert found.strengths[0] == pytest.approx(10 * 0.7)
    assert course(-llrs - 2.0).spans == ()


def test_segments_that_hold_any_of_a_span_are_made() -> None:
    labels = segment_labels(np.array([[0.16, 0.32], [0.5, 0.51]]), count=8 * GROUP)
    assert labels.tolist() == [False, True, False, True, False, False, False, False]
    assert segment_labels(np.zeros((0, 2)), count=9).tolist() == [False, False]


def test_moments_know_neither_level_nor_colour(rng: np.random.Generator) -> None:
    time = np.arange(3 * RATE) / RATE
    sound = (np.sin(2 * np.pi * 200 * time) + 0.3 * rng.standard_normal(time.size)).astype(np.float32)
    own = moments(sound)
    assert own.shape == (sound.size // HOP, WIDTH)
    assert np.isfinite(own).all()
    assert np.allclose(moments(0.1 * sound), own, atol=0.01)
    duller = np.convolve(sound, [0.5, 0.5], mode="same").astype(np.float32)
    assert np.abs(moments(duller)[:, :40] - own[:, :40]).mean() < 0.1
    assert np.all(moments(np.zeros(RATE, np.float32)) == 0.0)
    assert moments(np.zeros(100, np.float32)).shape == (0, WIDTH)


@pytest.mark.parametrize("kind", KINDS)
def test_a_splice_changes_its_span_alone_and_says_what_it_is(kind: str, pantry: Pantry) -> None:
    host = pantry.real[0]
    for seed in range(3):
        made = splice(host, kind, pantry, np.random.default_rng(seed))  # type: ignore[arg-type]
        assert made is not None
        assert (made.spans == made.edited) if kind in SYNTHETIC else made.spans == ()
        assert bool(made.maker) is (kind in SYNTHETIC)
        if kind in ("none", "whole"):
            continue
        (span,) = made.edited
        start, end = round(span.start * RATE), round(span.end * RATE)
        rest = host.samples.size - (made.samples.size - end)
        scale = np.abs(host.samples[: start - 600]).max() / np.abs(made.samples[: start - 600]).max()
        assert np.allclose(made.samples[: start - 600] * scale, host.samples[: start - 600], atol=1e-5)
        assert np.allclose(made.samples[end + 600 :] * scale, host.samples[rest + 600 :], atol=1e-5)
        assert not np.allclose(made.samples[start + 700 : start + 900] * scale, host.samples[start + 700 : start + 900])


def test_who_is_put_in_is_who_the_kind_says(pantry: Pantry) -> None:
    for seed in range(6):
        same = splice(pantry.real[0], "fake-same", pantry, np.random.default_rng(seed))
        other = splice(pantry.real[0], "fake-other", pantry, np.random.default_rng(seed))
        assert same is not None
        assert other is not None
        assert (same.maker, other.maker) == ("maker of ann", "maker of bob")


def test_what_is_too_short_takes_no_splice(pantry: Pantry) -> None:
    short = _clip("short", "ann", np.ones(int((LEAST_SECONDS - 0.1) * RATE)))
    assert splice(short, "copy", pantry, np.random.default_rng(1)) is None
    alone = Pantry(real=[], fake=[], copies=(), voices={})
    assert all(
        splice(pantry.real[0], kind, alone, np.random.default_rng(1)) is None for kind in KINDS if kind != "none"
    )


def test_no_fold_hears_a_speaker_a_page_or_a_maker_of_its_test() -> None:
    from assay.detect.train.localise import folds
    from assay.detect.train.moments_material import HELD_OUT, Example

    def example(fold: int, kind: str, maker: str) -> Example:
        rows, none = np.zeros((16, WIDTH), np.float32), np.zeros((0, 2))
        return Example(
            moments=rows, spans=none, edited=none, kind=kind, maker=maker, chain="none", fold=fold, group="", name=""
        )

    makers = [sorted(held)[0] for held in HELD_OUT]
    found = [example(fold, "copy", maker) for fold in range(3) for maker in makers]
    found += [example(fold, "fake-other", maker) for fold in range(3) for maker in ("a", f"b{fold}")]
    found += [example(fold, "none", "") for fold in range(3)]
    for fold, (train, test) in enumerate(folds(found)):
        assert {found[i].fold for i in test} == {fold}
        assert fold not in {found[i].fold for i in train}
        heard, asked = {found[i].maker for i in train}, {found[i].maker for i in test}
        assert heard & asked <= {""}
        assert {"", "a", f"b{fold}", makers[fold]} == asked


def test_a_small_training_finds_another_timbre() -> None:
    from assay.detect.train.localise import fit, labels_of
    from assay.detect.train.moments_material import Example

    rng = np.random.default_rng(2)
    found = []
    for _ in range(24):
        rows = rng.standard_normal((200, WIDTH)).astype(np.float32)
        start = int(rng.integers(20, 120))
        rows[start : start + 48, :20] += 1.5
        span = np.array([[start, start + 48]]) * HOP / RATE
        found.append(
            Example(
                moments=rows, spans=span, edited=span, kind="copy", maker="x", chain="none", fold=0, group="", name=""
            )
        )
    line = fit(found[:20], strength=10.0)
    for one in found[20:]:
        values, labels = line.scores(compared(one.moments)), labels_of(one)
        assert values.shape == labels.shape
        assert values[labels].mean() > values[~labels].mean() + 1.0


def test_every_160_ms_is_compared_with_the_whole() -> None:
    rows = np.zeros((203, WIDTH), np.float32)
    rows[104:120, 3] = 2.0
    found = compared(rows)
    assert found.shape == (-(-203 // GROUP), COMPARED)
    assert np.argmax(found[:, 3]) in range(11, 17)
    assert found[0, 3] < 0.0
    assert np.allclose(found[:, 4], 0.0)
    assert compared(rows[:0]).shape == (0, COMPARED)


def test_a_copy_by_a_vocoder_is_as_long_as_what_it_replaces() -> None:
    voice = copysynth.speak(np.random.default_rng(3))
    host = _clip("voice", "v", resample(voice.mono(), voice.rate, RATE))
    stocked = Pantry(real=[], fake=[], copies=tuple(sorted(copysynth.COPIES)), voices={})
    made = splice(host, "copy", stocked, np.random.default_rng(4))
    assert made is not None
    assert made.samples.size == min(host.samples.size, 8 * RATE)


def _part(samples: np.ndarray) -> tuple[Finding, ...] | Skipped:
    media = Audio(samples=samples[None].astype(np.float32).clip(-1, 1), rate=RATE)
    return PartDetector().examine(Evidence(view=View.of(media), verification=None))


def test_the_detector_tells_spans_inside_the_sound_and_weighs_nothing() -> None:
    voice = copysynth.speak(np.random.default_rng(1))
    speech = resample(voice.mono(), voice.rate, RATE)
    answer = _part(speech)
    assert isinstance(answer, tuple)
    (finding,) = answer
    assert finding == _part(speech)[0]  # type: ignore[index]
    assert finding.llr == 0.0
    assert not finding.weighs
    assert "does not count" in finding.note
    assert all(0.0 <= span.start < span.end <= speech.size / RATE for span in finding.spans)
    assert spans_in(View.of(Audio(samples=speech[None], rate=RATE))) == finding.spans


def test_a_made_stretch_in_real_speech_scores_higher_than_the_speech_around_it(shared: Path) -> None:
    said = copysynth.speak(np.random.default_rng(6))
    stocked = Pantry(real=[], fake=[], copies=(), voices={"voice": [resample(said.mono(), said.rate, RATE)]})
    higher = []
    for number in (2, 3, 4):
        clip = decode_audio(Asset.open(shared / "media" / "demo" / f"voice-{number}.flac"))
        host = _clip("real", "reader", resample(clip.mono(), clip.rate, RATE)[: 8 * RATE])
        for seed in range(4):
            made = splice(host, "voice", stocked, np.random.default_rng(seed))
            assert made is not None
            scores = segment_scores(made.samples)
            inside = segment_labels(np.array([[s.start, s.end] for s in made.spans]), count=made.samples.size // HOP)
            higher.append(scores[inside].mean() - scores[~inside].mean())
    assert np.mean(higher) > 0.3


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        pytest.param(np.zeros(1000), "too short", id="short"),
        pytest.param(0.1 * np.sin(np.arange(64_000.0)), "speech", id="tone"),
        pytest.param(np.zeros(64_000), "speech", id="silence"),
    ],
)
def test_what_cannot_be_searched_is_skipped_with_the_reason(samples: np.ndarray, why: str) -> None:
    answer = _part(samples)
    assert isinstance(answer, Skipped)
    assert why in answer.why
