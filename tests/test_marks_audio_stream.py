"""Marking sound as it comes: the same as marking the whole, in the memory of a minute, from file to file."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from assay.media.asset import Asset
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio
from assay.media.encode import encode_audio, encode_film
from assay.media.errors import InputError
from assay.media.video import Frame
from assay.provenance.marks import (
    SHARED_KEY,
    MarkError,
    audio_scheme,
    audio_writer,
    codes,
    stave,
    write_marked,
    writing,
)
from assay.provenance.marks.audio_stream import PIECE
from numpy.typing import NDArray

RATE = 16_000
PAYLOAD = 0x0123_4567_89AB_CDEF
MARK = audio_scheme()


def talk(seconds: float, rate: int = RATE, channels: int = 1, *, seed: int = 1) -> Audio:
    """Hiss in moving bands that swells as syllables do, the channels unlike each other, with a silent stretch."""
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE)
    hiss = rng.normal(0.0, 1.0, (channels, count)).astype(np.float32)
    hiss[:, 1:] += 0.9 * hiss[:, :-1]
    hiss *= 0.05 + np.clip(np.sin(2 * np.pi * 2.7 * np.arange(count) / RATE + seed), 0, 1).astype(np.float32)
    out = resample(0.1 * hiss, RATE, rate)
    out[:, int(0.45 * out.shape[1]) : int(0.45 * out.shape[1]) + rate] = 0.0
    return Audio(samples=np.ascontiguousarray(out), rate=rate)


def cut(audio: Audio, size: int) -> Iterator[Audio]:
    for start in range(0, audio.samples.shape[1], size):
        yield Audio(samples=audio.samples[:, start : start + size], rate=audio.rate)


def joined(blocks: Iterator[Audio]) -> NDArray[np.float32]:
    return np.concatenate([block.samples for block in blocks], axis=1)


def at_once(audio: Audio) -> NDArray[np.float32]:
    """The mark of a sound of less than a minute, all arrays whole."""
    symbols, where = codes.encode(PAYLOAD, SHARED_KEY, MARK.name), stave.layout(SHARED_KEY, MARK.name)
    change = audio_writer.difference(resample(audio.mono(), audio.rate, RATE), symbols, where)
    change = resample(change, RATE, audio.rate)[: audio.samples.shape[1]]
    return audio.samples + np.pad(change, (0, audio.samples.shape[1] - len(change)))


@pytest.mark.parametrize(
    ("seconds", "rate", "channels", "sizes"),
    [
        pytest.param(3, 8_000, 1, (1, 997), id="8 kHz"),
        pytest.param(64, 16_000, 2, (16_001,), id="16 kHz stereo, two pieces"),
        pytest.param(4, 44_100, 1, (333, 44_101), id="44.1 kHz"),
        pytest.param(61, 48_000, 2, (37_777,), id="48 kHz stereo, two pieces"),
    ],
)
def test_blocks_of_any_size_are_marked_as_the_whole_is(
    seconds: float, rate: int, channels: int, sizes: tuple[int, ...]
) -> None:
    audio = talk(seconds, rate, channels)
    whole = MARK.embed(audio, PAYLOAD, SHARED_KEY).samples
    for size in sizes:
        assert np.abs(joined(MARK.embed_stream(cut(audio, size), PAYLOAD, SHARED_KEY)) - whole).max() <= 1e-5


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 48_000])
def test_the_stream_adds_what_arrays_of_the_whole_add(rate: int) -> None:
    audio = talk(6, rate)
    marked = MARK.embed(audio, PAYLOAD, SHARED_KEY).samples
    sounding = np.abs(audio.samples[0]) > stave.HUSH
    assert np.abs(marked - at_once(audio))[0, sounding].max() <= 1e-5
    assert (marked[:, int(0.47 * marked.shape[1]) :][:, : rate // 2] == 0.0).all()


def test_no_more_than_a_minute_is_held_however_long_the_sound() -> None:
    given = 0

    def counted() -> Iterator[Audio]:
        nonlocal given
        for block in cut(talk(135, 8_000), 24_000):
            given += block.samples.shape[1]
            yield block

    came = held = 0
    for block in MARK.embed_stream(counted(), PAYLOAD, SHARED_KEY):
        held = max(held, given - came)
        came += block.samples.shape[1]
    assert came == given == 135 * 8_000
    assert held <= (PIECE + 2 * stave.PERIOD) / 2 + 24_000


def test_the_seams_between_the_pieces_carry_the_mark() -> None:
    marked = MARK.embed(talk(70), PAYLOAD, SHARED_KEY)
    seam = Audio(samples=np.ascontiguousarray(marked.samples[:, PIECE - 3 * RATE : PIECE + 3 * RATE]), rate=RATE)
    mark = MARK.detect(seam, SHARED_KEY)
    assert mark is not None
    assert mark.payload == PAYLOAD


def test_one_channel_among_silent_ones_carries_the_mark_alone() -> None:
    one = talk(5)
    six = Audio(samples=np.concatenate([np.zeros((5, one.samples.shape[1]), np.float32), one.samples]), rate=RATE)
    marked = MARK.embed(six, PAYLOAD, SHARED_KEY)
    assert (marked.samples[:5] == 0.0).all()
    assert np.abs(marked.samples[5] - MARK.embed(one, PAYLOAD, SHARED_KEY).samples[0]).max() < 1e-4
    mark = MARK.detect(marked, SHARED_KEY)
    assert mark is not None
    assert mark.payload == PAYLOAD


def test_sound_beyond_full_scale_is_not_clipped() -> None:
    loud = talk(3)
    loud = Audio(samples=loud.samples / np.abs(loud.samples).max() * np.float32(1.5), rate=RATE)
    marked = MARK.embed(loud, PAYLOAD, SHARED_KEY).samples
    assert np.abs(marked).max() <= 1.5
    assert np.abs(marked).max() > 1.4


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        pytest.param([], "no sound", id="nothing"),
        pytest.param([Audio(samples=np.zeros((1, RATE), np.float32), rate=RATE)] * 70, "silent", id="silence"),
        pytest.param([talk(1.9)], r"2\.0 s.*1\.90", id="short"),
        pytest.param([talk(3, 4_000)], "8000 Hz", id="low rate"),
        pytest.param([talk(3), talk(3, 8_000)], "changes from 1 channels at 16000", id="another rate"),
        pytest.param([talk(3), talk(3, channels=2)], "to 2 at 16000", id="more channels"),
    ],
)
def test_what_cannot_be_marked_is_refused_at_last_when_it_ends(blocks: list[Audio], words: str) -> None:
    with pytest.raises(MarkError, match=words):
        list(MARK.embed_stream(iter(blocks), PAYLOAD, SHARED_KEY))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a", "a.aac", "a.ogg"])
def test_a_marked_copy_of_a_sound_file_is_read_back(tmp_path: Path, name: str) -> None:
    source, out = tmp_path / "source.flac", tmp_path / name
    source.write_bytes(encode_audio(talk(8, channels=2), "flac"))
    mark = write_marked(Asset.open(source), out, PAYLOAD, SHARED_KEY)
    assert mark.payload == PAYLOAD
    assert mark.spans[-1].end > 7.0
    again = MARK.detect(decode_audio(Asset.open(out)), SHARED_KEY)
    assert again is not None
    assert again.payload == PAYLOAD
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([source.name, name])


def test_a_lossless_copy_is_the_marked_whole_rounded_to_16_bits(tmp_path: Path) -> None:
    source, out = tmp_path / "source.wav", tmp_path / "out.flac"
    source.write_bytes(encode_audio(talk(12, 44_100, 2), "wav"))
    write_marked(Asset.open(source), out, PAYLOAD, SHARED_KEY)
    whole = MARK.embed(decode_audio(Asset.open(source)), PAYLOAD, SHARED_KEY)
    assert np.array_equal(decode_audio(Asset.open(out)).samples, decode_audio(encode_audio(whole, "wav")).samples)


def _tone(seconds: float) -> Audio:
    time = np.arange(int(seconds * RATE)) / RATE
    return Audio(samples=(0.1 * np.sin(2 * np.pi * 440 * time))[None].astype(np.float32), rate=RATE)


@pytest.mark.parametrize(
    ("audio", "name", "words"),
    [
        pytest.param(talk(1), "out.wav", r"2\.0 s", id="too short"),
        pytest.param(Audio(samples=np.zeros((1, 70 * RATE), np.float32), rate=RATE), "out.wav", "silent", id="silent"),
        pytest.param(_tone(4), "out.wav", "cannot be read back", id="a bare tone"),
        pytest.param(talk(3), "out.wma", "wma", id="unknown container"),
        pytest.param(talk(3, 44_100), "out.ogg", "resample first", id="a rate that Opus lacks"),
    ],
)
def test_a_sound_file_that_cannot_be_marked_leaves_no_half_file(
    tmp_path: Path, audio: Audio, name: str, words: str
) -> None:
    source = tmp_path / "source.wav"
    source.write_bytes(encode_audio(audio, "wav"))
    with pytest.raises((MarkError, InputError), match=words):
        write_marked(Asset.open(source), tmp_path / name, PAYLOAD, SHARED_KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["source.wav"]


@pytest.mark.parametrize("start", [-0.75, 0.0, 0.75])
def test_the_sound_of_a_film_is_taken_from_its_first_frame_on(start: float) -> None:
    whole = talk(3)
    moved = joined(writing.from_first_frame(cut(whole, 5_000), start))
    assert moved.shape[1] == whole.samples.shape[1] + round(start * RATE)
    shift = round(start * RATE)
    kept = moved[:, max(0, shift) :]
    assert np.array_equal(kept, whole.samples[:, max(0, -shift) :])
    assert (moved[:, : max(0, shift)] == 0.0).all()


def test_the_pictures_of_a_film_are_marked_and_its_sound_is_kept(tmp_path: Path) -> None:
    import cv2
    import skimage.data

    wall = cv2.resize(skimage.data.coffee(), (320, 240), interpolation=cv2.INTER_AREA)
    frames = [Frame(index=n, time=n / 25, image=np.ascontiguousarray(np.roll(wall, n // 5, axis=1))) for n in range(75)]
    source, out = tmp_path / "film.mkv", tmp_path / "marked.mkv"
    source.write_bytes(encode_film(frames, talk(3), "mkv", rate=Fraction(25)))
    mark = write_marked(Asset.open(source), out, PAYLOAD, SHARED_KEY)
    assert mark.scheme == "assay.canvas-film.2"
    assert mark.payload == PAYLOAD
    assert np.array_equal(decode_audio(Asset.open(out)).samples, decode_audio(Asset.open(source)).samples)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.m4a", "a.mkv"])
@pytest.mark.parametrize("most", [1000, 20_000])
def test_a_full_disk_is_told_and_leaves_no_half_file(tmp_path: Path, name: str, most: int) -> None:
    source, target = tmp_path / f"source.{'mkv' if name == 'a.mkv' else 'wav'}", tmp_path / "out" / name
    target.parent.mkdir()
    sound = talk(4.0)
    pictures = np.random.default_rng(4).integers(0, 256, (3, 128, 128, 3), dtype=np.uint8)
    frames = [Frame(index=i, time=i / 25, image=image) for i, image in enumerate(pictures)]
    film = name == "a.mkv"
    source.write_bytes(encode_film(frames, sound, "mkv", rate=Fraction(25)) if film else encode_audio(sound, "wav"))
    asset = Asset.open(source)
    caps = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, caps[1]))
    try:
        with pytest.raises(InputError, match="File too large"):
            write_marked(asset, target, PAYLOAD, SHARED_KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, caps)
    assert list(target.parent.iterdir()) == []


def test_channels_that_an_encoder_does_not_take_are_told() -> None:
    with pytest.raises(InputError, match="libmp3lame"):
        encode_audio(talk(1.0, 48_000, 6), "mp3")
