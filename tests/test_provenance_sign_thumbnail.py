"""A thumbnail in the manifest: the very bytes that were given, made small and without the file's metadata."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import ModuleType

import c2pa
import numpy as np
import pytest
from assay.media.errors import InputError, UnreadableMedia
from assay.media.limits import Limits
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.context import c2pa_settings
from assay.provenance.sign import Action, Manifest, sign_file
from assay.provenance.thumbnails import jpeg_thumbnail, thumbnails
from assay.provenance.trust import Trust
from assay.provenance.verification import State
from assay.provenance.verify import verify
from assay.service import cli
from PIL import Image

MADE = Manifest(actions=(Action(name="c2pa.created", source_type="digitalCapture"),))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return ensure_credentials(tmp_path_factory.mktemp("keys"))


def photo(path: Path, *, width: int = 2464, height: int = 1640) -> Path:
    """Write a picture of 4 megapixels with texture at every scale, and a place in its metadata."""
    rng = np.random.default_rng(5)
    pixels = np.zeros((height, width, 3), np.float32)
    for step in (1, 4, 16, 64, 256):
        grid = rng.normal(0, 12 + step / 8, (height // step + 1, width // step + 1, 3)).astype(np.float32)
        pixels += grid.repeat(step, 0).repeat(step, 1)[:height, :width]
    exif = Image.Exif()
    exif[0x010E] = "at home"  # ImageDescription
    Image.fromarray(np.clip(pixels + 128, 0, 255).astype(np.uint8)).save(path, quality=90, exif=exif)
    return path


def claimed(path: Path, keys: Credentials, *, mime: str, sidecar: Path | None = None) -> tuple[str, bytes]:
    """Return the claim thumbnail's type and bytes as c2pa-python's own Reader gives them."""
    context = c2pa.Context.from_dict(c2pa_settings(keys.anchor_pem, limits=Limits()))
    store = sidecar.read_bytes() if sidecar else None
    with path.open("rb") as stream, context, c2pa.Reader(mime, stream, store, context=context) as reader:
        named, out = (reader.get_active_manifest() or {})["thumbnail"], io.BytesIO()
        reader.resource_to_stream(named["identifier"], out)
    assert "c2pa.thumbnail.claim" in named["identifier"]
    return named["format"], out.getvalue()


def test_a_thumbnail_comes_back_byte_for_byte_and_costs_less_than_60_kb(keys: Credentials, tmp_path: Path) -> None:
    source = photo(tmp_path / "photo.jpg")
    small = jpeg_thumbnail(source)
    assert small is not None
    with Image.open(io.BytesIO(small)) as shown:
        assert (shown.format, max(shown.size), len(shown.getexif())) == ("JPEG", 512, 0)
    bare = sign_file(source, tmp_path / "bare.jpg", MADE, keys)
    signed = sign_file(source, tmp_path / "out.jpg", MADE, keys, thumbnail=small)
    assert claimed(signed.path, keys, mime="image/jpeg") == ("image/jpeg", small)
    assert verify(signed.path, trust=Trust().add(keys.anchor_pem)).state is State.TRUSTED
    assert len(small) < len(signed.manifest_bytes) - len(bare.manifest_bytes) < 60_000
    assert thumbnails(bare.path) == {}
    assert [name for _, name in thumbnails(signed.path)] == [-1], "the tree shows it with the file itself"


@pytest.mark.parametrize(("container", "mime"), [("mp4", "video/mp4"), ("webm", "video/webm")])
def test_a_film_is_shown_by_its_first_frame_in_the_file_or_beside_it(
    keys: Credentials, makers: ModuleType, tmp_path: Path, container: str, mime: str
) -> None:
    source = tmp_path / f"film.{container}"
    source.write_bytes(makers.film(container=container))
    small = jpeg_thumbnail(source, side=96)
    assert small is not None
    with Image.open(io.BytesIO(small)) as shown:
        assert shown.size == (96, 72)
        red, green, _ = np.asarray(shown, np.int16)[4:12, 4:12].mean((0, 1))
        assert green > red + 80, "its top left corner is green"
    signed = sign_file(source, tmp_path / f"out.{container}", MADE, keys, thumbnail=small)
    assert claimed(signed.path, keys, mime=mime, sidecar=signed.sidecar) == ("image/jpeg", small)
    assert verify(signed.path, trust=Trust().add(keys.anchor_pem)).state is State.TRUSTED


@pytest.mark.parametrize("form", ["WEBP", "PNG"])
def test_what_is_no_jpeg_is_no_thumbnail(keys: Credentials, makers: ModuleType, tmp_path: Path, form: str) -> None:
    source = photo(tmp_path / "photo.jpg", width=64, height=48)
    wrong = makers.picture_file(Image.new("RGB", (32, 32)), form)
    with pytest.raises(InputError, match="expected a JPEG"):
        sign_file(source, tmp_path / "out.jpg", MADE, keys, thumbnail=wrong)
    with pytest.raises(InputError, match="expected a JPEG"):
        sign_file(source, tmp_path / "out.jpg", MADE, keys, thumbnail=b"\xff\xd8\xff" + bytes(1024**2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photo.jpg"]


def test_a_sound_has_no_thumbnail_and_a_damaged_picture_raises(tmp_path: Path, makers: ModuleType) -> None:
    sound, cut = tmp_path / "tone.wav", tmp_path / "cut.png"
    sound.write_bytes(makers.wav_floats(makers.tone().samples[0], 48_000))
    assert jpeg_thumbnail(sound) is None
    cut.write_bytes(makers.png_header(64, 64))
    with pytest.raises(UnreadableMedia):
        jpeg_thumbnail(cut)


def test_the_verb_adds_one_only_if_asked_and_not_to_a_sound(
    keys: Credentials,
    makers: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    source = photo(tmp_path / "photo.jpg", width=640, height=480)
    sound = tmp_path / "tone.wav"
    sound.write_bytes(makers.wav_floats(makers.tone().samples[0], 48_000))
    ensure_credentials(tmp_path / "certs")

    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["assay", "sign", *map(str, arguments), "--certs", str(tmp_path / "certs")])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return int(end.value.code or 0)

    assert run(source, tmp_path / "bare.jpg") == 0
    assert run(source, tmp_path / "shown.jpg", "--thumbnail") == 0
    assert claimed(tmp_path / "shown.jpg", keys, mime="image/jpeg")[1] == jpeg_thumbnail(source)
    assert b"c2pa.thumbnail.claim" not in (tmp_path / "bare.jpg").read_bytes()
    capfd.readouterr()
    assert run(sound, tmp_path / "out.wav", "--thumbnail") == 2
    assert "sign it without" in capfd.readouterr().err
    assert not (tmp_path / "out.wav").exists()
