"""Labelling a file: the words or the notice are there, and the rest of the file is as it was."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from assay.media.asset import Asset
from assay.media.decode import decode_audio, decode_image, stream_frames
from assay.media.encode import encode_audio, encode_film, encode_image
from assay.media.limits import Limits
from assay.provenance.labels import (
    CHINESE,
    IPTC_BASE,
    Aigc,
    Disclosure,
    LabelError,
    Wording,
    label_file,
    label_text,
    lint,
)
from assay.service import cli
from PIL import Image, ImageCms

FIELDS = Disclosure(
    source_type=IPTC_BASE + "trainedAlgorithmicMedia", aigc=Aigc(label="1", content_producer="p", produce_id="q")
)
BOTH = Wording(text="AI GENERATED 生成")
RULES = ("iptc", "gb45438", "eu")


def wrong(path: Path) -> list[str]:
    return [f"{one.element}: {one.found}" for one in lint(path, RULES) if one.ok is False]


def labelled(path: Path, wording: Wording = BOTH) -> tuple[Asset, Asset, tuple[str, ...]]:
    before = Asset.open(path)
    made = label_file(before, FIELDS, wording)
    out = path.with_name("labelled" + path.suffix)
    out.write_bytes(made.data)
    return before, Asset.open(out), made.notes


def photo(path: Path, **options: Any) -> Path:
    from skimage.data import astronaut

    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a walk"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(astronaut()[:400, :300]).save(path, exif=exif, icc_profile=profile, **options)
    return path


@pytest.mark.parametrize(
    ("name", "options", "least"),
    [
        pytest.param("a.jpg", {"quality": 80}, 45.0, id="jpeg"),
        pytest.param("a.jpg", {"quality": 97, "subsampling": 0}, 50.0, id="fine jpeg"),
        pytest.param("a.png", {}, 99.0, id="png"),
        pytest.param("a.webp", {"quality": 80}, 40.0, id="webp"),
        pytest.param("a.webp", {"lossless": True}, 99.0, id="lossless webp"),
    ],
)
def test_a_picture_keeps_its_quality_its_turn_and_its_metadata(
    name: str, options: dict[str, Any], least: float, tmp_path: Path
) -> None:
    before, after, notes = labelled(photo(tmp_path / name, **options))
    assert wrong(after.path) == []
    assert notes == ()
    old, new = decode_image(before), decode_image(after)
    assert old.orientation == new.orientation == 6
    half = old.pixels.shape[0] // 2  # the label stands in the upper one
    error = np.mean(np.square(old.pixels[half:].astype(float) - new.pixels[half:]))
    assert 10 * np.log10(255**2 / max(error, 1e-6)) > least
    with Image.open(after.path) as image:
        assert image.getexif()[0x010E] == "a walk"
        assert image.info["icc_profile"]


def test_a_profile_that_no_longer_fits_is_left_out_and_transparency_is_told(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    layer = Image.new("LA", (300, 200), (120, 90))
    layer.save(tmp_path / "a.png", icc_profile=profile)
    _, after, notes = labelled(tmp_path / "a.png")
    assert "transparency laid on white" in notes
    with Image.open(after.path) as image:
        assert "icc_profile" not in image.info


@pytest.mark.parametrize("container", ["mov", "webm"])
def test_a_film_keeps_its_times_and_its_sound_sample_for_sample(
    container: str, makers: ModuleType, tmp_path: Path
) -> None:
    times = [0.0, 0.04, 0.08, 0.5, 0.54, 1.3, 1.34, 1.9, 1.94, 1.98, 2.3, 2.34, 2.7]
    path = tmp_path / f"a.{container}"
    frames = makers.frames(times, height=181, width=320)
    sound = makers.tone(seconds=2.8, channels=2)
    path.write_bytes(encode_film(frames, sound, container, rate=Fraction(25)))
    before, after, _ = labelled(path, Wording(text=BOTH.text, seconds=2.0))
    assert wrong(after.path) == []
    pictures = list(stream_frames(after))
    assert [frame.time for frame in pictures] == pytest.approx([frame.time for frame in stream_frames(before)])
    assert np.array_equal(decode_audio(before).samples, decode_audio(after).samples)
    last = next(frame for frame in stream_frames(before) if frame.index == len(times) - 1)
    assert np.abs(pictures[-1].image[:60].astype(float) - last.image[:60]).mean() < 3, "its end shows no label"


def test_a_film_whose_sound_begins_later_stays_in_step(makers: ModuleType, tmp_path: Path) -> None:
    import av

    path, late = tmp_path / "a.mp4", tmp_path / "late.mp4"
    path.write_bytes(makers.film(60, audio=makers.tone(seconds=2.0), height=180))
    with av.open(str(path)) as old, av.open(str(late), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        for packet in old.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                packet.pts, packet.dts = packet.pts + 24_000, packet.dts + 24_000  # half a second
            packet.stream = streams[packet.stream.index]
            new.mux(packet)
    before, after, _ = labelled(late)
    assert before.audio is not None
    assert after.audio is not None
    assert before.audio.start == pytest.approx(0.5, abs=0.03)
    assert after.audio.start == pytest.approx(before.audio.start, abs=0.001)


@pytest.mark.parametrize("container", ["wav", "flac", "mp3", "aac", "m4a", "ogg"])
def test_a_sound_gets_the_notice_in_front_and_is_as_it_was_behind_it(
    container: str, makers: ModuleType, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{container}"
    path.write_bytes(encode_audio(makers.tone(seconds=2.0, channels=2), container))
    before, after, _ = labelled(path)
    assert wrong(after.path) == []
    old, new = decode_audio(before), decode_audio(after)
    assert new.rate == old.rate
    assert new.seconds - old.seconds == pytest.approx(1.72, abs=0.06)
    if container in {"wav", "flac"}:
        assert np.array_equal(new.samples[:, -old.samples.shape[1] :], old.samples)


def test_a_wav_finer_than_sixteen_bits_stays_so(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    fine = makers.tone(seconds=1.0, rate=48_000).samples * np.float32(1e-4)  # a few steps of 16 bits high
    path.write_bytes(makers.wav_floats(fine, 48_000))
    _, after, _ = labelled(path)
    assert np.array_equal(decode_audio(after).samples[:, -fine.shape[1] :], fine)


def test_a_flac_finer_than_sixteen_bits_tells_that_it_is_reduced(makers: ModuleType, tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.flac"
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream("flac", rate=48_000, layout="mono", format="s32")
        data = (makers.tone(seconds=1.0).samples.astype(np.float64) * 2**31).astype(np.int32)
        frame = av.AudioFrame.from_ndarray(data, format="s32", layout="mono")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    assert "samples of more than 16 bits written as 16-bit samples" in labelled(path)[2]


def test_a_spoken_notice_stands_where_the_tones_would(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(encode_audio(makers.tone(seconds=1.0), "wav"))
    voice = makers.tone(seconds=0.7, hertz=300.0)
    before, after, _ = labelled(path, Wording(text=BOTH.text, spoken=voice))
    assert decode_audio(after).seconds - decode_audio(before).seconds == pytest.approx(1.1, abs=0.01)


def test_without_words_the_content_stays_bit_for_bit(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(makers.film(5))
    made = label_file(Asset.open(path), FIELDS)
    old, new = list(stream_frames(path.read_bytes())), list(stream_frames(made.data))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(old, new, strict=True))


@pytest.mark.parametrize(
    ("rules", "kind", "language", "expected"),
    [
        pytest.param(("gb45438",), "trainedAlgorithmicMedia", "auto", CHINESE, id="China"),
        pytest.param(("eu",), "trainedAlgorithmicMedia", "auto", "AI GENERATED", id="Europe"),
        pytest.param(("eu",), "compositeWithTrainedAlgorithmicMedia", "auto", "AI MODIFIED", id="Europe, changed"),
        pytest.param(("eu", "gb45438"), "compositeSynthetic", "auto", "AI MODIFIED 合成", id="both, changed"),
        pytest.param(("eu",), "trainedAlgorithmicMedia", "zh", CHINESE, id="Chinese on request"),
        pytest.param(("iptc", "sb942"), "trainedAlgorithmicMedia", "auto", None, id="metadata is enough"),
    ],
)
def test_the_words_are_those_that_the_rules_ask_for(
    rules: tuple[str, ...], kind: str, language: Any, expected: str | None
) -> None:
    assert label_text(rules, IPTC_BASE + kind, language=language) == expected


def test_what_cannot_be_labelled_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="生成"):
        label_text(("gb45438",), FIELDS.source_type, language="en")
    moving = tmp_path / "a.gif"
    shades = [Image.new("L", (200, 200), shade) for shade in (0, 90)]
    shades[0].save(moving, save_all=True, append_images=shades[1:])
    with pytest.raises(LabelError, match="2 pictures"):
        label_file(Asset.open(moving), FIELDS, BOTH)
    raw = tmp_path / "a.avif"
    raw.write_bytes(encode_image(np.zeros((200, 200, 3), np.uint8), "avif"))
    with pytest.raises(LabelError, match="avif"):
        label_file(Asset.open(raw), FIELDS, BOTH)
    small = tmp_path / "a.png"
    small.write_bytes(encode_image(np.zeros((20, 20, 3), np.uint8), "png"))
    with pytest.raises(LabelError, match="too small"):
        label_file(Asset.open(small), FIELDS, BOTH)


def test_copying_the_sound_is_stopped_where_it_takes_too_long(makers: ModuleType, tmp_path: Path) -> None:
    from assay.media.errors import WorkerFailed
    from assay.provenance.labels.remux import with_sound_of

    path = tmp_path / "a.mp4"
    path.write_bytes(makers.film(5))
    with pytest.raises(WorkerFailed, match="longer than"):
        with_sound_of(path, path.read_bytes(), "mp4", limits=Limits(worker_seconds=0.01))


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def once(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["assay", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        told = capsys.readouterr()
        return code, told.out, told.err

    return once


def test_the_verb_labels_says_what_is_left_and_spares_signed_files(tmp_path: Path, run: Run) -> None:
    source, out, signed = (tmp_path / name for name in ("a.jpg", "b.jpg", "s.jpg"))
    photo(source, quality=90)
    who = ("--producer", "acme", "--id", "7")
    code, _, told = run("label", source, out, *who)
    assert code == 0
    assert "signed manifest" in told
    assert "imperceptible mark" in told
    assert run("label", out, "--lint", "--rules", "gb45438,iptc,sb942")[0] == 0
    assert run("certs", "make")[0] == 0
    assert run("sign", out, signed, "--source-type", "trainedAlgorithmicMedia")[0] == 0
    for more in ((), ("--metadata-only",)):
        code, _, told = run("label", signed, tmp_path / "c.jpg", *who, *more)
        assert code == 2
        assert "break its manifest" in told
        assert not (tmp_path / "c.jpg").exists()
    assert run("label", signed, tmp_path / "c.jpg", *who, "--unsigned")[0] == 0
    code, told, _ = run("verify", tmp_path / "c.jpg", "--json")
    assert '"state": "absent"' in told
    assert run("label", source, tmp_path / "d.jpg", *who, "--rules", "mars")[0] == 2
    assert run("label", source, tmp_path / "d.jpg", *who, "--language", "en")[0] != 0
    assert run("label", source, tmp_path / "d.jpg", *who, "--metadata-only")[0] == 0
    plain, copy = decode_image(Asset.open(source)), decode_image(Asset.open(tmp_path / "d.jpg"))
    assert np.array_equal(plain.pixels, copy.pixels)


def test_a_coarse_jpeg_is_written_finer_so_that_its_letters_can_be_read(tmp_path: Path) -> None:
    out = BytesIO()
    from skimage.data import astronaut

    Image.fromarray(astronaut()[:400, :300]).save(out, "JPEG", quality=15)
    (tmp_path / "a.jpg").write_bytes(out.getvalue())
    _, after, _ = labelled(tmp_path / "a.jpg")
    assert wrong(after.path) == []
