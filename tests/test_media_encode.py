"""Encoding: what goes in comes out again, as many samples and frames, at the same times."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from types import ModuleType

import numpy as np
import pytest
from assay.media import encode
from assay.media.asset import probe, sniff
from assay.media.audio import Audio
from assay.media.decode import decode_audio, decode_image, stream_frames
from assay.media.encode import encode_audio, encode_film, encode_image, write_audio
from assay.media.errors import InputError, NothingToExamine
from assay.media.limits import Limits
from assay.media.mux import pcm16
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("container", ["wav", "flac", "mp3", "m4a", "ogg"])
@pytest.mark.parametrize("samples", [1, 1023, 1024, 50_001])
def test_as_many_samples_come_out_as_went_in_and_none_is_shifted(
    container: str, samples: int, makers: ModuleType, rng: np.random.Generator
) -> None:
    audio = makers.noise(rng, samples=samples, rate=48_000, channels=2)
    back = decode_audio(encode_audio(audio, container, bit_rate=None if container in {"wav", "flac"} else 192_000))
    assert back.rate == 48_000
    extra = back.samples.shape[1] - samples
    assert 0 <= extra <= (48 if container == "mp3" else 0)  # a LAME tag cannot say so little padding
    if samples > 10_000:
        best = np.correlate(back.samples[0, 20_000:24_000], audio.samples[0, 21_000:23_000], "valid").argmax()
        assert abs(int(best) - 1000) <= 1


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
@pytest.mark.parametrize("container", ["mp3", "m4a"])
def test_codec_delay_is_taken_off_at_every_rate(
    container: str, rate: int, makers: ModuleType, rng: np.random.Generator
) -> None:
    back = decode_audio(encode_audio(makers.noise(rng, samples=rate + 77, rate=rate), container))
    assert back.rate == rate
    assert 0 <= back.samples.shape[1] - (rate + 77) <= (48 if container == "mp3" else 0)


@given(values=st.lists(st.integers(-32768, 32767), min_size=1, max_size=50), container=st.sampled_from(["wav", "flac"]))
@settings(max_examples=15, deadline=None)
def test_sixteen_bit_sound_survives_exactly(values: list[int], container: str) -> None:
    audio = Audio(samples=np.array([values], np.float32) / 32768, rate=16_000)
    assert np.array_equal(decode_audio(encode_audio(audio, container)).samples, audio.samples)


def test_sound_beyond_full_scale_clips_and_does_not_wrap() -> None:
    loud = np.array([[2.0, 1.0, 0.99999, -1.0, -3.0]], np.float32)
    assert pcm16(loud).tolist() == [[32767, 32767, 32767, -32768, -32768]]


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_channels_keep_their_places(channels: int, makers: ModuleType) -> None:
    audio = makers.tone(seconds=0.2, channels=channels)
    for container in ("wav", "flac"):
        back = decode_audio(encode_audio(audio, container)).samples
        assert np.abs(back - audio.samples).max() < 1e-4


@pytest.mark.parametrize("container", ["wav", "flac", "mp3", "m4a", "aac", "ogg"])
def test_sound_in_blocks_gives_the_bytes_of_the_whole(
    rng: np.random.Generator, makers: ModuleType, container: str
) -> None:
    audio = makers.noise(rng, samples=50_001, rate=48_000, channels=2)
    blocks = (Audio(samples=audio.samples[:, at : at + 3_331], rate=48_000) for at in range(0, 50_001, 3_331))
    file = BytesIO()
    write_audio(blocks, file, container)
    assert file.getvalue() == encode_audio(audio, container)


def test_sound_whose_blocks_differ_or_that_a_wav_cannot_hold_is_refused(
    makers: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"alike: expected \(1, 48000\)"):
        write_audio([makers.tone(), makers.tone(channels=2)], BytesIO(), "wav")
    with pytest.raises(NothingToExamine):
        write_audio([], BytesIO(), "wav")
    monkeypatch.setattr(encode, "_WAV_MOST", 100_000)
    with pytest.raises(InputError, match="less than 4 GiB: choose flac"):
        write_audio([makers.tone(seconds=3.0)], BytesIO(), "wav")


def test_what_a_codec_cannot_take_is_refused_with_what_it_can(makers: ModuleType) -> None:
    with pytest.raises(InputError, match="48000 Hz, got 44100: resample first"):
        encode_audio(makers.tone(rate=44_100), "ogg")
    with pytest.raises(InputError, match="wav, flac, mp3"):
        encode_audio(makers.tone(), "wma")
    with pytest.raises(InputError, match="1 to 8 channels"):
        encode_audio(makers.tone(seconds=0.1, channels=9), "wav")
    with pytest.raises(InputError, match="jpeg, png"):
        encode_image(makers.card(), "bmp")
    with pytest.raises(InputError, match="metadata"):
        encode_image(makers.card(), "png", metadata={"iptc": b""})
    with pytest.raises(InputError, match="mp4, mov"):
        encode_film(makers.frames([0.0]), None, "avi", rate=Fraction(25))


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize(
    ("times", "rate"),
    [
        pytest.param([k / 25 for k in range(26)], Fraction(25), id="25"),
        pytest.param([k * 1001 / 30000 for k in range(31)], Fraction(30000, 1001), id="29.97"),
        pytest.param([0.0, 0.04, 0.1, 0.3, 0.31, 0.5, 1.0], Fraction(25), id="uneven"),
        pytest.param([0.0], Fraction(25), id="one"),
        pytest.param([5.0, 5.04, 5.08], Fraction(25), id="from-five-seconds-on"),
    ],
)
def test_films_keep_frames_times_and_sound(
    container: str, times: list[float], rate: Fraction, makers: ModuleType, rng: np.random.Generator
) -> None:
    audio = makers.noise(rng, samples=48_000, rate=48_000)
    data = encode_film(makers.frames(times), audio, container, rate=rate)
    assert sniff(data).name == container
    notes: list[str] = []
    frames = list(stream_frames(data, on_note=notes.append))
    assert [makers.number(frame.image) for frame in frames] == list(range(len(times)))
    tick = 0.00051 if container in {"mkv", "webm"} else 0.00003  # Matroska counts milliseconds
    assert np.abs([f.time - (t - times[0]) for f, t in zip(frames, times, strict=True)]).max() < tick
    back = decode_audio(data, on_note=notes.append)
    assert back.samples.shape == audio.samples.shape
    best = np.correlate(back.samples[0, 20_000:24_000], audio.samples[0, 21_000:23_000], "valid").argmax()
    assert abs(int(best) - 1000) <= 1
    told = probe(data, sniff(data), limits=Limits())
    assert abs(told["audio"].start) < 0.01
    assert notes == []


def test_the_header_of_an_uneven_film_gives_its_true_length(makers: ModuleType) -> None:
    data = encode_film(makers.frames([0.0, 0.04, 0.1, 0.3, 0.31, 0.5, 1.0]), None, rate=Fraction(25))
    assert probe(data, sniff(data), limits=Limits())["video"].seconds == pytest.approx(1.04)


@pytest.mark.parametrize("height", [97, 96])
def test_odd_sizes_are_padded_by_repeating_the_edge(height: int, makers: ModuleType) -> None:
    (frame,) = stream_frames(makers.film(1, height=height))
    assert frame.image.shape == (height + height % 2, 128, 3)
    assert np.abs(frame.image[height - 1].astype(int) - frame.image[-1]).max() < 12


def test_colours_of_a_film_come_back(makers: ModuleType) -> None:
    (frame,) = stream_frames(makers.film(1))
    for place, colour in (((10, 10), (20, 200, 60)), ((10, 100), (200, 40, 30)), ((90, 120), (30, 60, 210))):
        assert np.abs(frame.image[place].astype(int) - colour).max() <= 6


def test_frames_that_do_not_go_together_are_refused(makers: ModuleType) -> None:
    with pytest.raises(InputError, match="must be alike"):
        encode_film([*makers.frames([0.0]), *makers.frames([0.04], height=48)], None, rate=Fraction(25))
    with pytest.raises(InputError, match="must rise"):
        encode_film(makers.frames([0.0, 0.0]), None, rate=Fraction(25))
    with pytest.raises(NothingToExamine, match="at least one frame"):
        encode_film([], None, rate=Fraction(25))


def test_metadata_goes_in_and_the_same_picture_gives_the_same_bytes(makers: ModuleType) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a/></x:xmpmeta>'
    for container in ("jpeg", "png", "webp", "tiff", "avif", "heif"):
        data = encode_image(makers.card(), container, metadata={"xmp": xmp})
        assert xmp in data
        assert data == encode_image(makers.card(), container, metadata={"xmp": xmp})
        assert decode_image(data).pixels.shape == (96, 128, 3)


def test_the_same_media_give_the_same_bytes(makers: ModuleType) -> None:
    assert encode_audio(makers.tone(), "m4a") == encode_audio(makers.tone(), "m4a")
    assert makers.film(5, audio=makers.tone(seconds=0.2)) == makers.film(5, audio=makers.tone(seconds=0.2))
