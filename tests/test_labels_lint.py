"""The lint passes what is labelled in full and fails, with the number, wherever one element is removed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from assay.media.audio import Audio
from assay.media.encode import encode_audio, encode_film, encode_image
from assay.media.errors import InputError, UnreadableMedia
from assay.media.video import Frame
from assay.provenance.labels import (
    BILINGUAL,
    ENGLISH,
    IPTC_BASE,
    REQUIREMENTS,
    RULES,
    Aigc,
    Disclosure,
    Measured,
    Shown,
    audible_notice,
    burn_in,
    burn_in_frames,
    lint,
    plate,
    write_metadata,
)
from assay.provenance.marks.interface import Mark
from assay.provenance.verification import State, Verification

SIZE = (320, 240)
MARK = Mark(scheme="assay.canvas.1", payload=1, p_false_alarm=1e-12)
TRUSTED = Verification(state=State.TRUSTED, checks=())


def fields(text: str = BILINGUAL) -> Disclosure:
    return Disclosure(
        source_type=IPTC_BASE + "trainedAlgorithmicMedia",
        aigc=Aigc(label="1", content_producer="p", produce_id="q"),
        provider="Example",
        system="assay",
        system_version="0.1",
        made=datetime(2026, 11, 22, tzinfo=UTC),
        content_id="urn:uuid:1",
        shown=Shown.of(plate(*SIZE, text), size=SIZE),
    )


def ground() -> np.ndarray:
    ramp = np.linspace(30, 220, SIZE[0] * SIZE[1] * 3).reshape(SIZE[1], SIZE[0], 3)
    return ramp.astype(np.uint8)


def picture(folder: Path, *, disclosure: Disclosure | None = None, pixels: np.ndarray | None = None) -> Path:
    pixels = burn_in(ground(), BILINGUAL) if pixels is None else pixels
    path = folder / "a.jpg"
    data = encode_image(pixels, "jpeg", quality=80)
    path.write_bytes(write_metadata(data, "jpeg", fields=disclosure or fields()))
    return path


def film(folder: Path, *, seconds: float | None, length: float = 4.0) -> Path:
    frames = [Frame(index=i, time=i / 10, image=np.roll(ground(), i, axis=1)) for i in range(int(10 * length))]
    shown = burn_in_frames(frames, BILINGUAL, seconds=seconds) if seconds is None or seconds >= 2 else frames
    if seconds is not None and seconds < 2:
        cut = int(seconds * 10)
        shown = [*burn_in_frames(frames[:cut], BILINGUAL), *frames[cut:]]
    path = folder / "a.mp4"
    path.write_bytes(write_metadata(encode_film(shown, None, "mp4", rate=Fraction(10)), "mp4", fields=fields()))
    return path


def sound(folder: Path, *, notice: bool = True) -> Path:
    rng = np.random.default_rng(4)
    plain = Audio(samples=rng.normal(0, 0.05, (1, 32_000)).astype(np.float32), rate=16_000)
    path = folder / "a.mp3"
    data = encode_audio(audible_notice(plain) if notice else plain, "mp3")
    path.write_bytes(write_metadata(data, "mp3", fields=replace(fields(), shown=None)))
    return path


def wrong(measured: tuple[Measured, ...]) -> dict[tuple[str, str], Measured]:
    return {(one.rule, one.element): one for one in measured if one.ok is not True}


def test_what_is_labelled_in_full_passes_every_rule(tmp_path: Path) -> None:
    for path in (picture(tmp_path), film(tmp_path, seconds=None), film(tmp_path, seconds=2.5), sound(tmp_path)):
        measured = lint(path, verification=TRUSTED, marks=(MARK,))
        assert wrong(measured) == {}, path.name
        assert {one.rule for one in measured} == set(RULES)


def test_every_requirement_is_measured_somewhere(tmp_path: Path) -> None:
    paths = (picture(tmp_path), film(tmp_path, seconds=None), sound(tmp_path))
    seen = {(one.rule, one.element) for path in paths for one in lint(path)}
    assert seen == {(one.rule, one.element) for one in REQUIREMENTS}


def test_a_removed_visible_label_fails_with_the_number(tmp_path: Path) -> None:
    faults = wrong(lint(picture(tmp_path, pixels=ground()), ["gb45438", "eu"], verification=TRUSTED, marks=(MARK,)))
    assert set(faults) >= {("gb45438", "visible text"), ("eu", "visible text"), ("gb45438", "text height")}
    missing = faults["gb45438", "visible text"]
    assert missing.value is not None
    assert missing.value < 0.3
    assert "not there" in missing.found


def test_a_film_that_shows_its_label_too_briefly_fails_with_the_seconds(tmp_path: Path) -> None:
    faults = wrong(lint(film(tmp_path, seconds=1.0), ["gb45438"]))
    assert set(faults) == {("gb45438", "seconds shown")}
    assert faults["gb45438", "seconds shown"].value == pytest.approx(0.9, abs=0.11)


def test_a_film_shorter_than_the_rule_passes_if_it_shows_its_label_to_the_end(tmp_path: Path) -> None:
    assert wrong(lint(film(tmp_path, seconds=None, length=1.0), ["gb45438"])) == {}


def test_a_removed_notice_fails(tmp_path: Path) -> None:
    faults = wrong(lint(sound(tmp_path, notice=False), ["gb45438", "eu"], verification=TRUSTED, marks=(MARK,)))
    assert set(faults) == {("gb45438", "audible notice"), ("eu", "audible notice")}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"provider": ""}, ("sb942", "AIProvider"), id="no provider"),
        pytest.param({"system": ""}, ("sb942", "AISystem"), id="no system"),
        pytest.param({"system_version": ""}, ("sb942", "AISystemVersion"), id="no version"),
        pytest.param({"made": None}, ("sb942", "AIMade"), id="no time"),
        pytest.param({"content_id": ""}, ("sb942", "AIContentID"), id="no id"),
        pytest.param({"aigc": None}, ("gb45438", "AIGC"), id="no AIGC"),
        pytest.param({"source_type": IPTC_BASE + "digitalCapture"}, ("iptc", "source type"), id="captured"),
        pytest.param({"shown": None}, ("gb45438", "words"), id="place not told"),
    ],
)
def test_each_element_of_metadata_that_is_removed_is_named(
    change: dict[str, object], expected: tuple[str, str], tmp_path: Path
) -> None:
    path = picture(tmp_path, disclosure=replace(fields(), **change))  # type: ignore[arg-type]
    assert expected in wrong(lint(path))


def test_keys_missing_from_the_aigc_object_are_counted_and_characters_checked(tmp_path: Path) -> None:
    data = picture(tmp_path).read_bytes()
    old = fields().values()["AIGC"]
    short = json.dumps({"Label": "1", "ContentProducer": "a b"}).ljust(len(old))
    assert data.count(old.replace('"', "&quot;").encode()) + data.count(old.encode()) == 1
    escaped = old.encode() if old.encode() in data else old.replace('"', "&quot;").encode()
    (tmp_path / "a.jpg").write_bytes(data.replace(escaped, short.encode().ljust(len(escaped))))
    faults = wrong(lint(tmp_path / "a.jpg", ["gb45438"]))
    assert faults["gb45438", "AIGC keys"].value == 2
    assert "ContentProducer" in faults["gb45438", "AIGC characters"].found


def test_english_words_alone_are_not_what_the_chinese_standard_asks(tmp_path: Path) -> None:
    path = picture(tmp_path, disclosure=fields(ENGLISH), pixels=burn_in(ground(), ENGLISH))
    assert set(wrong(lint(path, ["gb45438"]))) == {("gb45438", "words")}


def test_what_was_not_given_is_not_examined_rather_than_passed(tmp_path: Path) -> None:
    measured = {one.element: one for one in lint(picture(tmp_path), ["eu"])}
    assert measured["signed manifest"].ok is None
    assert measured["imperceptible mark"].ok is None
    invalid = replace(TRUSTED, state=State.INVALID)
    faults = wrong(lint(picture(tmp_path), ["eu"], verification=invalid, marks=()))
    assert set(faults) == {("eu", "signed manifest"), ("eu", "imperceptible mark")}


def test_rules_and_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rules out of"):
        lint(picture(tmp_path), ["mars"])
    with pytest.raises(InputError, match="none"):
        lint(picture(tmp_path), [])
    with pytest.raises(InputError):
        lint(tmp_path / "missing.jpg")
    (tmp_path / "x.jpg").write_bytes(b"nothing")
    with pytest.raises(UnreadableMedia):
        lint(tmp_path / "x.jpg")
