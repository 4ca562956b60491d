"""Decoding: nothing is changed that is not told, nothing damaged passes in silence."""

from __future__ import annotations

import logging
import struct
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from assay.media.asset import Asset
from assay.media.decode import decode_audio, decode_image, stream_audio, stream_frames
from assay.media.encode import encode_audio, encode_film, encode_image
from assay.media.errors import LimitExceeded, NothingToExamine, UnreadableMedia
from assay.media.limits import Limits
from PIL import Image


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_told(orientation: int, makers: ModuleType) -> None:
    card = makers.card()
    stored = {  # how the sensor stored what is to be shown as `card`: the inverse of each turn
        1: card,
        2: card[:, ::-1],
        3: card[::-1, ::-1],
        4: card[::-1],
        5: card.swapaxes(0, 1),
        6: np.rot90(card, 1),
        7: card[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(card, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    still = decode_image(encode_image(np.ascontiguousarray(stored), "png", metadata={"exif": exif.tobytes()}))
    assert np.array_equal(still.pixels, card)
    assert still.orientation == orientation
    assert any("upright" in note for note in still.notes) == (orientation > 1)


def test_lossless_pictures_come_back_exactly(makers: ModuleType) -> None:
    card = makers.card(height=61, width=47)
    for container in ("png", "tiff"):
        still = decode_image(encode_image(card, container))
        assert np.array_equal(still.pixels, card)
        assert still.notes == ()


@pytest.mark.parametrize("container", ["jpeg", "webp", "avif", "heif", "gif"])
def test_lossy_pictures_come_back_nearly(container: str, makers: ModuleType) -> None:
    card = makers.card()
    still = decode_image(encode_image(card, container))
    assert still.pixels.shape == card.shape
    assert np.abs(still.pixels.astype(int) - card).mean() < 4


def test_odd_kinds_of_pixels_become_rgb_and_it_is_told(makers: ModuleType) -> None:
    card = makers.card()
    clear = np.dstack([card, np.where(np.arange(128)[None, :] < 64, 255, 0).repeat(96, 0).reshape(96, 128)])
    ramp = np.linspace(0, 65535, 96 * 128).reshape(96, 128).astype(np.uint16)
    cases = {
        "palette": (Image.fromarray(card).quantize(8), "PNG"),
        "CMYK": (Image.fromarray(card).convert("CMYK"), "JPEG"),
        "16 bits": (Image.fromarray(ramp), "PNG"),
        "transparency": (Image.fromarray(clear.astype(np.uint8), "RGBA"), "PNG"),
        "from L": (Image.fromarray(card).convert("L"), "PNG"),
        "from 1": (Image.fromarray(card).convert("1"), "PNG"),
        "mapped": (Image.fromarray((ramp / 65535).astype(np.float32)), "TIFF"),
    }
    for words, (image, form) in cases.items():
        still = decode_image(makers.picture_file(image, form))
        assert still.pixels.shape == (96, 128, 3), words
        assert any(words in note for note in still.notes), (words, still.notes)
    deep = decode_image(makers.picture_file(cases["16 bits"][0], "PNG")).pixels
    assert np.abs(deep[..., 0] - ramp / 257.0).max() <= 0.51
    laid = decode_image(makers.picture_file(cases["transparency"][0], "PNG")).pixels
    assert np.array_equal(laid[:, :64], card[:, :64])
    assert (laid[:, 64:] == 255).all()


def test_of_an_animation_the_first_picture_is_shown_and_it_is_told(makers: ModuleType) -> None:
    pictures = [Image.fromarray(makers.card()), Image.fromarray(makers.card()[::-1])]
    for form in ("GIF", "WEBP", "PNG", "TIFF"):
        options = {"append_images": pictures[1:], "save_all": True}
        still = decode_image(makers.picture_file(pictures[0], form, **options))
        assert still.frames == 2
        assert np.abs(still.pixels.astype(int) - makers.card()).mean() < 8
        assert any("first of 2" in note for note in still.notes)


@pytest.mark.parametrize("container", ["jpeg", "png", "webp", "tiff", "avif", "heif"])
def test_a_picture_cut_off_is_refused_not_filled_with_gray(
    container: str, makers: ModuleType, rng: np.random.Generator
) -> None:
    pixels = rng.integers(0, 256, (96, 128, 3), np.uint8)
    data = encode_image(pixels, container)
    with pytest.raises(UnreadableMedia, match=r"cut off|damaged|does not decode"):
        decode_image(data[: len(data) * 6 // 10])


def test_a_picture_bomb_is_refused_before_it_is_made(makers: ModuleType) -> None:
    with pytest.raises(LimitExceeded, match="50000 x 50000"):
        decode_image(makers.png_header(50_000, 50_000))
    bomb = makers.picture_file(Image.new("1", (12_000, 12_000)), "PNG")
    assert len(bomb) < 30_000
    with pytest.raises(LimitExceeded, match="12000 x 12000"):
        decode_image(bomb)


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (11_025, 2), (44_100, 2), (48_000, 6), (192_000, 1)])
def test_sound_keeps_its_rate_and_channels(rate: int, channels: int, makers: ModuleType) -> None:
    tone = makers.tone(seconds=0.3, rate=rate, channels=channels)
    for container in ("wav", "flac"):
        back = decode_audio(encode_audio(tone, container))
        assert back.rate == rate
        assert back.samples.shape == tone.samples.shape
        assert np.abs(back.samples - tone.samples).max() <= 0.5001 / 32768


@pytest.mark.parametrize(
    ("width", "code"), [(1, 1), (2, 1), (3, 1), (4, 1), (8, 3)], ids=["u8", "s16", "s24", "s32", "f64"]
)
def test_full_scale_is_one_in_every_sample_format(width: int, code: int) -> None:
    values = np.array([-1.0, -0.5, 0.0, 0.5])
    if width == 8:
        data = values.astype("<f8").tobytes()
    elif width == 1:
        data = (values * 128 + 128).astype(np.uint8).tobytes()
    else:
        data = b"".join(int(value * (1 << (8 * width - 1))).to_bytes(width, "little", signed=True) for value in values)
    form = struct.pack("<IHHIIHH", 16, code, 1, 8000, 8000 * width, width, 8 * width)
    wav = (
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + form + b"data" + struct.pack("<I", len(data)) + data
    )
    assert np.array_equal(decode_audio(wav).samples, [values.astype(np.float32)])


def test_sound_in_blocks_is_the_sound_in_one(makers: ModuleType, rng: np.random.Generator) -> None:
    data = encode_audio(makers.noise(rng, samples=50_001, rate=8_000, channels=2), "flac")
    blocks = list(stream_audio(data, block_seconds=1.0))
    assert [block.samples.shape[1] for block in blocks] == [8000] * 6 + [2001]
    assert np.array_equal(np.concatenate([b.samples for b in blocks], axis=1), decode_audio(data).samples)


def test_sound_without_samples_is_nothing_to_examine() -> None:
    head = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + bytes(4)
    with pytest.raises(NothingToExamine, match="no samples"):
        decode_audio(b"RIFF" + struct.pack("<I", len(head)) + head)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_sound_that_is_not_finite_is_unreadable(bad: float, makers: ModuleType) -> None:
    samples = makers.tone(seconds=0.5, rate=8000).samples[0].copy()
    samples[3000] = bad
    with pytest.raises(UnreadableMedia, match="NaN or infinite"):
        decode_audio(makers.wav_floats(samples, 8000))


def test_silence_decodes(makers: ModuleType) -> None:
    audio = decode_audio(makers.wav_floats(np.zeros(800, np.float32), 8000))
    assert audio.samples.shape == (1, 800)
    assert not audio.samples.any()


def test_sound_longer_than_its_limit_is_refused(makers: ModuleType) -> None:
    data = encode_audio(makers.tone(seconds=3.0, rate=8000), "mp3")
    with pytest.raises(LimitExceeded, match="longer than"):
        decode_audio(data, limits=Limits(seconds=1.0))


@pytest.mark.parametrize("container", ["wav", "flac"])
def test_sound_cut_off_decodes_as_far_as_it_goes_and_it_is_told(
    container: str, makers: ModuleType, rng: np.random.Generator
) -> None:
    data = encode_audio(makers.noise(rng, samples=96_000, rate=48_000), container)
    notes: list[str] = []
    audio = decode_audio(data[: len(data) // 2 + 1], on_note=notes.append)
    assert 0.8 < audio.seconds < 1.2
    assert any("cut off" in note for note in notes)


def test_an_m4a_cut_off_has_lost_its_index(makers: ModuleType) -> None:
    data = encode_audio(makers.tone(), "m4a")
    with pytest.raises(UnreadableMedia, match="index"):
        decode_audio(data[: len(data) // 2])


def test_damage_is_logged_where_nobody_listens(makers: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    data = encode_audio(makers.tone(seconds=2.0), "wav")
    with caplog.at_level(logging.WARNING, logger="assay.media"):
        decode_audio(data[: len(data) // 2 + 1])
    assert "cut off" in caplog.text


FILMS = {
    "mpeg-1": ("mpeg1video", "mpeg", "yuv420p", {}),
    "mpeg-1-elementary": ("mpeg1video", "mpeg1video", "yuv420p", {}),
    "mpeg-2-ts": ("mpeg2video", "mpegts", "yuv420p", {}),
    "h264-mp4": ("libx264", "mp4", "yuv420p", {"bf": "2"}),
    "h264-avi": ("libx264", "avi", "yuv420p", {"bf": "0"}),
    "h264-avi-out-of-order": ("libx264", "avi", "yuv420p", {"bf": "2"}),
    "hevc-mp4": ("libx265", "mp4", "yuv420p", {"x265-params": "log-level=none"}),
    "vp9-webm": ("libvpx-vp9", "webm", "yuv420p", {}),
    "av1-mkv": ("libsvtav1", "matroska", "yuv420p", {"preset": "12"}),
    "prores-mov": ("prores_ks", "mov", "yuv422p10le", {}),
    "mjpeg-avi": ("mjpeg", "avi", "yuvj420p", {}),
}


@pytest.mark.parametrize("name", FILMS)
def test_every_film_codec_gives_every_frame_in_order_and_in_time(name: str, makers: ModuleType) -> None:
    codec, container, pixels, options = FILMS[name]
    data = makers.film_of(codec, container, pixels=pixels, b="2000k", **options)
    notes: list[str] = []
    frames = list(stream_frames(data, on_note=notes.append))
    assert [makers.number(frame.image) for frame in frames] == list(range(10))
    assert [frame.index for frame in frames] == list(range(10))
    assert np.allclose([frame.time for frame in frames], makers.steady(10), atol=0.0011)
    assert np.abs(frames[0].image[20, 60].astype(int) - (200, 40, 30)).max() < 16
    assert all("time" in note for note in notes)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotated_phone_video_comes_upright(degrees: int, makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "phone.mp4"
    path.write_bytes(makers.rotated(makers.film(2), degrees))
    asset = Asset.open(path)
    frame = next(iter(stream_frames(asset)))
    expected = np.rot90(makers.frames([0.0])[0].image, -degrees // 90)
    assert frame.image.shape == expected.shape
    assert np.abs(frame.image.astype(int) - expected).mean() < 6
    assert asset.video is not None
    assert (asset.video.rotation, asset.video.height, asset.video.width) == (degrees, *expected.shape[:2])


def test_times_of_a_variable_frame_rate_are_kept(makers: ModuleType) -> None:
    times = [0.0, 0.04, 0.1, 0.3, 0.31, 0.5, 1.0]
    frames = list(stream_frames(encode_film(makers.frames(times), None, rate=Fraction(25))))
    assert np.allclose([frame.time for frame in frames], times, atol=1e-4)


def test_a_film_of_too_many_frames_is_refused(makers: ModuleType) -> None:
    with pytest.raises(LimitExceeded, match="5 frames"):
        list(stream_frames(makers.film(10), limits=Limits(frames=5)))


def test_leaving_a_film_early_leaves_the_next_one_whole(makers: ModuleType) -> None:
    data = makers.film(40)
    for _ in range(5):
        assert next(iter(stream_frames(data))).index == 0
    assert len(list(stream_frames(data))) == 40


def test_every_and_max_side_thin_out_in_the_process(makers: ModuleType) -> None:
    frames = list(stream_frames(makers.film(10), every=4, max_side=64))
    assert [frame.index for frame in frames] == [0, 4, 8]
    assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
    with pytest.raises(ValueError, match="at least 1"):
        next(iter(stream_frames(makers.film(1), every=0)))


def test_a_film_of_one_frame_decodes_and_one_of_none_is_nothing_to_examine(makers: ModuleType) -> None:
    assert len(list(stream_frames(makers.film(1)))) == 1
    for container, words in (("matroska", "ends before"), ("avi", "no frames"), ("mp4", "neither film nor sound")):
        with pytest.raises(NothingToExamine, match=words):
            list(stream_frames(makers.film_without_frames(container)))


def test_the_kind_that_is_not_there_is_nothing_to_examine(makers: ModuleType) -> None:
    with pytest.raises(NothingToExamine, match="no sound"):
        decode_audio(makers.film(2))
    with pytest.raises(NothingToExamine, match="no film"):
        list(stream_frames(encode_audio(makers.tone(seconds=0.1), "wav")))
    with pytest.raises(NothingToExamine, match="expected a picture"):
        decode_image(makers.film(2))


def test_a_film_cut_off_is_told(makers: ModuleType) -> None:
    data = makers.film(50)
    with pytest.raises(UnreadableMedia, match="index"):  # which is at the end
        list(stream_frames(data[: len(data) // 2]))
    mpeg = makers.film_of("mpeg1video", "mpeg", count=50, g="5")
    notes: list[str] = []
    assert 10 < len(list(stream_frames(mpeg[: len(mpeg) // 2 + 7], on_note=notes.append))) < 40


def test_a_hole_in_a_film_is_told(makers: ModuleType) -> None:
    data = makers.film(50)
    first, last = data.index(b"mdat") + 4, data.index(b"moov") - 4
    middle = (first + last) // 2
    notes: list[str] = []
    frames = list(stream_frames(data[:middle] + bytes(last - middle) + data[last:], on_note=notes.append))
    assert 0 < len(frames) < 50
    assert any("damaged" in note for note in notes)
    with pytest.raises(UnreadableMedia, match="no frame of the film decodes"):
        list(stream_frames(data[:first] + bytes(last - first) + data[last:]))


def test_a_file_that_changed_since_it_was_opened_is_refused(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(encode_audio(makers.tone(seconds=0.1), "wav"))
    asset = Asset.open(path)
    path.write_bytes(b"")
    with pytest.raises(UnreadableMedia, match="changed"):
        decode_audio(asset)
    path.unlink()
    with pytest.raises(UnreadableMedia, match="went away"):
        decode_audio(asset)


def test_real_clips_decode(shared: Path) -> None:
    asset = Asset.open(shared / "media" / "demo" / "clip-1.mpg")
    notes: list[str] = []
    frames = list(stream_frames(asset, on_note=notes.append))
    assert len(frames) == 75
    assert frames[-1].time == pytest.approx(2.96)
    assert decode_audio(asset, on_note=notes.append).rate == 44_100
    assert notes == []
