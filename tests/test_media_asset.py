"""Opening: told by content, refused with a sentence."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from assay.media.asset import Asset, expect, sniff
from assay.media.encode import encode_audio, encode_film, encode_image
from assay.media.errors import InputError, LimitExceeded, NothingToExamine, UnreadableMedia
from assay.media.limits import Limits
from assay.media.sniff import CONTAINERS
from PIL import Image


def _mpeg(makers: ModuleType, form: str) -> bytes:
    data: bytes = makers.film_of("mpeg1video" if form != "mpegts" else "mpeg2video", form)
    return data


FILES: dict[str, Callable[[ModuleType], bytes]] = {
    "jpeg": lambda m: encode_image(m.card(), "jpeg"),
    "png": lambda m: encode_image(m.card(), "png"),
    "webp": lambda m: encode_image(m.card(), "webp"),
    "tiff": lambda m: encode_image(m.card(), "tiff"),
    "gif": lambda m: encode_image(m.card(), "gif"),
    "heif": lambda m: encode_image(m.card(), "heif"),
    "avif": lambda m: encode_image(m.card(), "avif"),
    "wav": lambda m: encode_audio(m.tone(), "wav"),
    "flac": lambda m: encode_audio(m.tone(), "flac"),
    "mp3": lambda m: encode_audio(m.tone(), "mp3"),
    "m4a": lambda m: encode_audio(m.tone(), "m4a"),
    "aac": lambda m: encode_audio(m.tone(), "aac"),
    "ogg": lambda m: encode_audio(m.tone(), "ogg"),
    "mp4": lambda m: m.film(),
    "mov": lambda m: m.film(container="mov"),
    "mkv": lambda m: m.film(container="mkv"),
    "webm": lambda m: m.film(container="webm"),
    "avi": lambda m: m.film_of("mjpeg", "avi", pixels="yuvj420p"),
    "mpeg": lambda m: _mpeg(m, "mpeg"),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_told_by_content_whatever_its_name(name: str, makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "lies.txt"
    path.write_bytes(FILES[name](makers))
    asset = Asset.open(path)
    assert asset.container == CONTAINERS[name]
    assert asset.kind == CONTAINERS[name].kind
    assert (asset.image is not None, asset.video is not None) == (asset.kind == "image", asset.kind == "video")


@pytest.mark.parametrize("form", ["mpegts", "mpeg1video"])
def test_transport_and_elementary_streams_are_mpeg(form: str, makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(_mpeg(makers, form))
    assert Asset.open(path).container.name == "mpeg"


def test_an_mp3_without_a_tag_and_one_behind_a_large_tag_are_mp3(makers: ModuleType) -> None:
    data = encode_audio(makers.tone(), "mp3")
    assert data.startswith(b"ID3")
    size = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    bare = data[size:]
    assert sniff(bare).name == "mp3"
    tag = b"ID3\x04\x00\x00\x00\x7f\x00\x00" + bytes(0x7F << 14)  # two megabytes: the frames lie beyond the head
    assert sniff((tag + bare)[: 1 << 20]).name == "mp3"


def test_streams_decide_the_kind(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    m4a = encode_audio(makers.tone(), "m4a")
    path.write_bytes(m4a.replace(b"M4A ", b"isom", 1))
    asset = Asset.open(path)
    assert (asset.container.name, asset.kind, asset.video) == ("mp4", "audio", None)


def test_what_is_told_of_a_film(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(makers.rotated(makers.film(10, audio=makers.tone(seconds=0.4, channels=2)), 90))
    asset = Asset.open(path)
    assert asset.video is not None
    assert asset.audio is not None
    assert (asset.video.width, asset.video.height, asset.video.rotation) == (96, 128, 90)
    assert (asset.video.codec, asset.video.rate, asset.video.frames) == ("h264", Fraction(25), 10)
    assert not asset.video.variable_rate
    assert (asset.audio.rate, asset.audio.channels, asset.audio.codec, asset.audio.start) == (48_000, 2, "aac", 0.0)
    assert asset.size == path.stat().st_size
    assert len(asset.sha256) == 64


def test_a_turn_is_seen_though_the_first_packets_give_no_frame_yet(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(makers.rotated(makers.film_of("libx264", "mp4", count=30, bf="3"), 270))
    video = Asset.open(path).video
    assert video is not None
    assert (video.rotation, video.width, video.height, video.variable_rate) == (270, 96, 128, False)


def test_a_cover_picture_makes_no_film_of_a_song(makers: ModuleType, tmp_path: Path) -> None:
    cover = encode_image(makers.card(), "jpeg")
    body = b"\x00image/jpeg\x00\x03\x00" + cover
    frame = b"APIC" + len(body).to_bytes(4, "big") + bytes(2) + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path = tmp_path / "song"
    path.write_bytes(b"ID3\x03\x00\x00" + size + frame + encode_audio(makers.tone(), "mp3"))
    asset = Asset.open(path)
    assert (asset.container.name, asset.kind, asset.video) == ("mp3", "audio", None)


def test_uneven_frame_times_are_told(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(encode_film(makers.frames([0, 0.04, 0.1, 0.3, 0.31, 0.5, 1.0]), None, rate=Fraction(25)))
    asset = Asset.open(path)
    assert asset.video is not None
    assert asset.video.variable_rate


def test_a_picture_is_described_upright(makers: ModuleType, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "photo"
    path.write_bytes(encode_image(makers.card(height=96, width=128), "jpeg", metadata={"exif": exif.tobytes()}))
    image = Asset.open(path).image
    assert image is not None
    assert (image.width, image.height, image.orientation, image.frames, image.mode) == (96, 128, 6, 1, "RGB")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\x8f\x03\xc1\x99\x12\xe0\x7f\x55\xaa\x01", "no media", id="ten-random-bytes"),
        pytest.param(b"it was a dark and stormy night\n" * 40, "is text", id="text"),
        pytest.param("schöne Grüße\n".encode() * 40, "is text", id="text-of-many-bytes-a-letter"),
        pytest.param(b"%PDF-1.7\n", "a PDF", id="pdf"),
        pytest.param(b"PK\x03\x04" + bytes(30), "a ZIP", id="zip"),
        pytest.param(b"RIFF\x10\x00\x00\x00CDR ", "no media", id="riff-of-another-kind"),
        pytest.param(b"\x00\x00\x00\x18ftypisom" + bytes(8), "index", id="mp4-of-24-bytes"),
        pytest.param(b"RIFF\x24\x00\x00\x00WAVE", "damaged or cut off", id="wav-of-12-bytes"),
        pytest.param(b"\xff\xd8\xff\xe0", "damaged or cut off", id="jpeg-of-4-bytes"),
        pytest.param(b"OggS" + bytes(60), "ends before", id="ogg-of-zeros"),
        pytest.param(b"\x1aE\xdf\xa3\x80", "no media", id="ebml-of-another-kind"),
    ],
)
def test_what_is_no_media_is_refused_with_a_reason(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises((UnreadableMedia, NothingToExamine), match=words) as caught:
        Asset.open(path)
    assert caught.value.exit_code == 3


def test_random_bytes_are_hardly_ever_taken_for_media(rng: np.random.Generator) -> None:
    taken = 0
    for _ in range(2000):
        data = rng.bytes(10)
        try:
            sniff(data)
        except UnreadableMedia:
            continue
        taken += 1
    assert taken == 0


@pytest.mark.parametrize("name", ["jpeg", "png", "wav", "mp4", "webm", "mpeg", "flac"])
def test_a_file_cut_to_its_first_bytes_is_refused_or_described(name: str, makers: ModuleType, tmp_path: Path) -> None:
    data = FILES[name](makers)
    path = tmp_path / "cut"
    for length in (16, 60, 300):
        path.write_bytes(data[:length])
        with contextlib.suppress(UnreadableMedia, NothingToExamine):
            assert Asset.open(path).container.name == name


def test_a_picture_bomb_is_answered_from_its_header(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(makers.png_header(50_000, 50_000))
    with pytest.raises(LimitExceeded, match="50000 x 50000"):
        Asset.open(path)


def test_limits_on_size_rate_and_length_hold(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "media"
    path.write_bytes(makers.film(10, audio=makers.tone(seconds=0.4)))
    for limits, words in (
        (Limits(file_bytes=100), "bytes"),
        (Limits(pixels=100), "pixels"),
        (Limits(side=100), "a side"),
        (Limits(seconds=0.1), "lasts"),
        (Limits(rate=8000), "Hz"),
    ):
        with pytest.raises(LimitExceeded, match=words):
            Asset.open(path, limits=limits)


def test_what_cannot_be_opened_is_an_input_error(tmp_path: Path) -> None:
    loop, pipe, door = tmp_path / "loop", tmp_path / "pipe", tmp_path / "door"
    loop.symlink_to(loop)
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(door))
        for path, words in (
            (tmp_path / "missing.mp4", "no file"),
            (tmp_path, "a folder"),
            (loop, "cannot be opened"),
            (pipe, "a pipe"),
            (door, "a socket"),
            (Path("/dev/null"), "a device"),
            (tmp_path / ("x" * 5000), "cannot be opened"),
            (Path("a\0b"), "cannot be a path"),
        ):
            with pytest.raises(InputError, match=words):
                Asset.open(path)
            assert InputError.exit_code == 2


def test_a_file_without_read_permission_is_an_input_error(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(encode_image(makers.card(), "png"))
    path.chmod(0)
    code = (
        "import os, sys\n"
        "from assay.media.asset import Asset\n"
        "from assay.media.errors import InputError\n"
        "for part in __import__('pathlib').Path(sys.argv[1]).parents:\n"
        "    os.chmod(part, os.stat(part).st_mode | 0o011) if os.stat(part).st_uid == os.getuid() else None\n"
        "if os.getuid() == 0:\n"
        "    os.setuid(65534)\n"  # root may read anything: ask as nobody
        "try:\n"
        "    Asset.open(sys.argv[1])\n"
        "except InputError as error:\n"
        "    sys.exit('no permission' not in str(error))\n"
        "sys.exit(3)\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code, str(path)], check=False, timeout=60)
    assert done.returncode == 0


@pytest.mark.parametrize(
    "name",
    ["with space", "quote'\"", "line\nbreak", "ünï-codé-文件", "-dash", "%s{x}", os.fsdecode(b"not-utf8-\xff")],
)
def test_odd_names_open(name: str, makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(encode_audio(makers.tone(seconds=0.1), "wav"))
    assert Asset.open(path).container.name == "wav"
    with pytest.raises(InputError) as caught:
        Asset.open(tmp_path / (name + "!"))
    assert "\n" not in str(caught.value)


def test_a_link_to_a_file_opens(makers: ModuleType, tmp_path: Path) -> None:
    path, link = tmp_path / "a.wav", tmp_path / "b"
    path.write_bytes(encode_audio(makers.tone(seconds=0.1), "wav"))
    link.symlink_to(path)
    assert Asset.open(link).sha256 == Asset.open(path).sha256


def test_real_media_opens(shared: Path) -> None:
    kinds = {path.name: Asset.open(path).kind for path in sorted((shared / "media" / "demo").glob("*-1.*"))}
    assert kinds == {"clip-1.mpg": "video", "portrait-1.jpg": "image", "voice-1.flac": "audio"}


def test_what_is_expected_is_never_the_fault(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_bytes(b"nothing of the kind")
    for path in (tmp_path / "none.mp4", tmp_path / "text.mp4", tmp_path):
        expect(path)
