"""Labels that are seen and heard: high enough, legible on anything, found again after encoding."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio, stream_frames
from assay.media.encode import encode_audio, encode_film
from assay.media.video import Frame
from assay.provenance.labels import (
    BILINGUAL,
    CHINESE,
    ENGLISH,
    EU_GENERATED,
    LabelError,
    Shown,
    Style,
    audible_notice,
    burn_in,
    burn_in_frames,
    find_audible_notice,
    plate,
)
from assay.provenance.labels.shown import measure

SIZES = [(1920, 1080), (640, 480), (300, 900), (128, 128)]


def backgrounds(width: int, height: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    return {
        "black": np.zeros((height, width, 3), np.uint8),
        "white": np.full((height, width, 3), 255, np.uint8),
        "ramp": np.repeat(np.tile(ramp, (height, 1))[..., None], 3, axis=2),
        "noise": rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
    }


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, BILINGUAL, EU_GENERATED])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_label_is_high_enough_and_legible_on_any_background(text: str, size: tuple[int, int]) -> None:
    shown = Shown.of(plate(*size, text), size=size)
    for name, picture in backgrounds(*size).items():
        seen = measure(burn_in(picture, text), shown)
        assert seen.letters >= 0.05, name
        assert seen.contrast >= 4.5, name
        assert seen.likeness >= 0.8, name
        assert measure(picture, shown).likeness < 0.3, name


@pytest.mark.parametrize("tone", ["black", "white"])
@pytest.mark.parametrize("opacity", [0.5, 0.75, 1.0])
def test_all_variants_of_the_badge_can_be_read_on_black_and_on_white(tone: str, opacity: float) -> None:
    style = Style(tone=tone, opacity=opacity)  # type: ignore[arg-type]
    shown = Shown.of(plate(640, 480, EU_GENERATED, style=style), size=(640, 480))
    for name in ("black", "white"):
        seen = measure(burn_in(backgrounds(640, 480)[name], EU_GENERATED, style=style), shown)
        assert seen.contrast >= 3.9, name  # half a plate over the opposite colour is grey: the least of all
        assert seen.likeness >= 0.8, name


@pytest.mark.parametrize("position", ["top left", "top", "top right", "bottom left", "bottom", "bottom right"])
def test_the_label_stands_where_asked_and_touches_nothing_else(position: str) -> None:
    style = Style(position=position)  # type: ignore[arg-type]
    picture = np.random.default_rng(1).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    before = picture.copy()
    out = burn_in(picture, style=style)
    assert (picture == before).all()
    box = plate(320, 240, style=style).region
    changed = np.argwhere((out != picture).any(axis=2))
    assert changed[:, 0].min() >= box.top
    assert changed[:, 0].max() < box.top + box.height
    assert changed[:, 1].min() >= box.left
    assert changed[:, 1].max() < box.left + box.width
    assert (box.top < 120) == position.startswith("top")


def test_what_would_break_the_rules_is_refused(tmp_path: Path) -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    with pytest.raises(LabelError, match="height"):
        Style(height=0.04)
    with pytest.raises(LabelError, match="opacity"):
        Style(opacity=0.2)
    with pytest.raises(LabelError, match="no 漢"):
        burn_in(picture, "漢")
    with pytest.raises(LabelError, match="printable"):
        burn_in(picture, " ")
    with pytest.raises(LabelError, match="too small"):
        burn_in(np.zeros((20, 20, 3), np.uint8))
    (tmp_path / "font.ttf").write_bytes(b"no font")
    with pytest.raises(LabelError, match="font"):
        burn_in(picture, style=Style(font=tmp_path / "font.ttf"))
    with pytest.raises(LabelError, match="at least 2"):
        burn_in_frames([], seconds=1.0)


def frames(count: int, rate: int = 10) -> list[Frame]:
    rng = np.random.default_rng(5)
    ground = rng.integers(60, 200, (120, 160, 3), dtype=np.uint8)
    return [Frame(index=i, time=3 + i / rate, image=np.roll(ground, i, axis=1)) for i in range(count)]


def test_a_film_shows_its_label_from_the_first_frame_for_as_long_as_asked() -> None:
    film = frames(40)
    shown = Shown.of(plate(160, 120), size=(160, 120))
    whole = [measure(frame.image, shown).likeness > 0.6 for frame in burn_in_frames(iter(film))]
    assert whole == [True] * 40
    part = list(burn_in_frames(iter(film), seconds=2.0))
    assert [measure(frame.image, shown).likeness > 0.6 for frame in part] == [True] * 21 + [False] * 19
    assert [frame.time for frame in part] == [frame.time for frame in film]


def test_the_label_survives_the_codec(tmp_path: Path) -> None:
    made = [replace(frame, index=i, time=i / 10) for i, frame in enumerate(burn_in_frames(frames(12), BILINGUAL))]
    path = tmp_path / "a.mp4"
    path.write_bytes(encode_film(made, None, "mp4", rate=Fraction(10), crf=35))
    shown = Shown.of(plate(160, 120, BILINGUAL), size=(160, 120))
    for frame in stream_frames(path):
        seen = measure(frame.image, shown)
        assert seen.likeness > 0.6
        assert seen.letters >= 0.05


def test_what_is_shown_travels_as_json_and_rubbish_does_not() -> None:
    shown = Shown.of(plate(640, 480, BILINGUAL), size=(640, 480), seconds=2.0)
    again = Shown.parse(shown.to_json())
    assert again is not None
    assert again.text == BILINGUAL
    assert again.left == pytest.approx(shown.left, abs=1e-4)
    for wrong in ("", "[]", '{"box":[0,0,2,1],"text":"AI","letters":0.1}', '{"box":[1],"text":"AI"}', "[" * 9999):
        assert Shown.parse(wrong) is None


def speech(rate: int, seconds: float = 4.0, channels: int = 1) -> Audio:
    """Noise shaped like syllables: something that is neither silent nor a tone."""
    rng = np.random.default_rng(11)
    time = np.arange(int(rate * seconds)) / rate
    samples = rng.normal(0, 0.05, (channels, time.size)) * (1 + np.sin(2 * np.pi * 3 * time))
    return Audio(samples=samples.astype(np.float32), rate=rate)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_rhythm_is_put_in_front_and_found_again(rate: int, channels: int) -> None:
    plain = speech(rate, channels=channels)
    out = audible_notice(plain)
    assert out.samples.shape[0] == channels
    assert (out.samples[:, -plain.samples.shape[1] :] == plain.samples).all()
    notice = find_audible_notice(out)
    assert notice is not None
    assert notice.span.start < 0.05
    assert notice.span.end == pytest.approx(1.32, abs=0.05)
    assert notice.pitch == pytest.approx(1000, abs=32)
    assert notice.tones == pytest.approx((0.12, 0.36, 0.12, 0.12), abs=0.03)
    assert find_audible_notice(plain) is None


def test_the_rhythm_is_found_after_codecs_noise_and_in_the_middle(tmp_path: Path) -> None:
    out = audible_notice(speech(48_000))
    for container, bit_rate in (("mp3", 32_000), ("m4a", 32_000), ("ogg", 16_000)):
        path = tmp_path / f"a.{container}"
        path.write_bytes(encode_audio(out, container, bit_rate=bit_rate))
        assert find_audible_notice(decode_audio(path)) is not None, container
    noise = np.random.default_rng(2).normal(0, 0.01, out.samples.shape).astype(np.float32)
    assert find_audible_notice(replace(out, samples=out.samples + noise)) is not None
    narrow = resample(resample(out.samples, 48_000, 8000), 8000, 48_000)
    assert find_audible_notice(replace(out, samples=narrow)) is not None
    late = replace(out, samples=np.concatenate([speech(48_000, 70).samples, out.samples], axis=1))
    found = find_audible_notice(late)
    assert found is not None
    assert found.span.start == pytest.approx(70, abs=0.1)


@pytest.mark.parametrize(
    "lengths",
    [
        pytest.param((1, 1, 1, 1), id="four shorts"),
        pytest.param((3, 1, 1, 1), id="long first"),
        pytest.param((1, 3, 3, 1), id="two longs"),
        pytest.param((1, 3, 1), id="one short missing"),
    ],
)
def test_other_rhythms_are_not_taken_for_the_notice(lengths: tuple[int, ...]) -> None:
    rate = 16_000
    parts = []
    for length in lengths:
        time = np.arange(int(0.12 * length * rate)) / rate
        parts += [0.2 * np.sin(2 * np.pi * 1000 * time), np.zeros(int(0.12 * rate))]
    samples = np.concatenate([*parts, np.zeros(rate)]).astype(np.float32)[None]
    assert find_audible_notice(Audio(samples=samples, rate=rate)) is None


def test_real_speech_holds_no_notice(shared: Path) -> None:
    files = sorted((shared / "media" / "speech").rglob("*.flac"))[:40]
    assert files
    assert [path.name for path in files if find_audible_notice(decode_audio(path)) is not None] == []


def test_a_spoken_notice_is_as_loud_as_the_programme() -> None:
    programme = replace(speech(16_000), samples=speech(16_000).samples * 2)
    voice = replace(speech(22_050, 1.0), samples=speech(22_050, 1.0).samples * 0.01)
    out = audible_notice(programme, spoken=voice)
    lead = out.samples.shape[1] - programme.samples.shape[1]
    assert lead == pytest.approx(1.4 * 16_000, rel=0.01)
    loud = [float(np.sqrt(np.mean(part**2))) for part in (out.samples[:, :16_000], programme.samples)]
    assert 0.7 < loud[0] / loud[1] < 1.4
    with pytest.raises(LabelError, match="silent"):
        audible_notice(programme, spoken=replace(voice, samples=voice.samples * 0))


def test_silence_gets_a_soft_notice_and_clipping_is_avoided() -> None:
    silent = Audio(samples=np.zeros((1, 16_000), np.float32), rate=16_000)
    assert find_audible_notice(audible_notice(silent)) is not None
    assert np.abs(audible_notice(silent).samples).max() < 0.1
    loud = Audio(samples=np.sign(speech(16_000).samples).astype(np.float32), rate=16_000)
    assert np.abs(audible_notice(loud).samples).max() <= 1.0
    with pytest.raises(LabelError, match="4000"):
        audible_notice(Audio(samples=np.zeros((1, 100), np.float32), rate=2000))
