"""The makers of fresh fakes: consent first, the same seed the same fake, changed where they say and nowhere else."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from assay.eval.makers import MAKERS, PURPOSE, Leave, Maker, Real, maker
from assay.eval.makers.retouched import found
from assay.eval.makers.splice import spliced
from assay.generate.consent import ConsentBook, Terms, file_sha256
from assay.generate.interface import GenerationError, Scope
from assay.generate.receipt import ConsentError
from assay.media.asset import Asset
from assay.media.audio import Audio
from assay.media.decode import decode_audio, decode_image
from assay.media.encode import encode_audio, encode_image
from assay.media.image import Still
from assay.media.video import Film, Frame

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PROGRAMS = {"espeak-ng": "espeak-ng", "flite": "flite"}
SMALL = 640
SLOW = {"kokoro", "regenerated"}
"""Made once only: a second or more each."""


@pytest.fixture(scope="module")
def reals(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Real]:
    """A picture, another person's picture, five seconds of speech and twelve frames of a film, by kind."""
    demo = shared / "media/demo"
    cut = tmp_path_factory.mktemp("voice") / "voice.wav"
    spoken = decode_audio(Asset.open(demo / "voice-1.flac"))
    cut.write_bytes(encode_audio(Audio(samples=spoken.samples[:, : 5 * spoken.rate], rate=spoken.rate), "wav"))
    paths = {"audio": cut, "video": demo / "clip-1.mpg"}
    for kind, name in (("image", "portrait-1.jpg"), ("other", "portrait-2.jpg")):
        paths[kind] = _small(demo / name, cut.with_name(f"{kind}.png"))
    held = dict.fromkeys(paths) | {"video": _film(paths["video"])}
    return {
        kind: Real(
            id=kind,
            path=paths[kind],
            kind=cast("Any", "image" if kind == "other" else kind),
            subject=f"person of {kind}",
            held=held[kind],
        )
        for kind in paths
    }


def _small(source: Path, path: Path) -> Path:
    import cv2

    pixels = decode_image(Asset.open(source)).pixels
    size = (SMALL, SMALL * pixels.shape[0] // pixels.shape[1])
    path.write_bytes(encode_image(np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), "png"))
    return path


def _film(path: Path) -> Film:
    from fractions import Fraction
    from itertools import islice

    from assay.media.decode import stream_frames

    frames = tuple(
        Frame(index=f.index, time=f.time, image=f.image.copy()) for f in islice(stream_frames(Asset.open(path)), 12)
    )
    return Film(frames=lambda: iter(frames), rate=Fraction(25))


def _leave(folder: Path, reals: dict[str, Real], *, but: str = "") -> Leave:
    book = ConsentBook(folder)
    for real in reals.values():
        if real.subject == but:
            continue
        terms = Terms(
            subject=real.subject,
            scopes=(Scope.FACE_SWAP, Scope.REENACT, Scope.VOICE_CLONE),
            purpose=PURPOSE,
            references=(file_sha256(real.path),),
            expires=NOW + timedelta(days=1),
            statement="I agree to the benchmark.",
        )
        book.grant(terms, now=NOW)
    return Leave(book=book, now=NOW)


@pytest.fixture(scope="module")
def leave(reals: dict[str, Real], tmp_path_factory: pytest.TempPathFactory) -> Leave:
    return _leave(tmp_path_factory.mktemp("consents"), reals)


def _made(name: str) -> Maker:
    program = PROGRAMS.get(name)
    if program and shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    return maker(name)


def _pixels(media: object) -> np.ndarray:
    if isinstance(media, Film):
        return np.stack([frame.image for frame in media.frames()])
    assert isinstance(media, Still)
    return media.pixels


@pytest.mark.parametrize("name", MAKERS)
def test_the_name_in_the_catalogue_is_the_makers(name: str) -> None:
    assert maker(name).name == name


def test_there_are_six_makers_of_each_kind_at_least() -> None:
    kinds = [maker(name).kind for name in MAKERS]
    assert min(kinds.count(kind) for kind in ("audio", "image", "video")) >= 6


@pytest.mark.parametrize("name", MAKERS)
def test_nobody_is_faked_without_consent(name: str, reals: dict[str, Real], tmp_path: Path) -> None:
    engine = _made(name)
    real = reals[engine.kind]
    leave = _leave(tmp_path, reals, but=real.subject)
    with pytest.raises(ConsentError, match=real.subject):
        engine.make(real, list(reals.values()), leave=leave, seed=1)


@pytest.mark.parametrize("name", [n for n in MAKERS if n not in {"hibari-world", "world-copy", "griffin-lim"}])
def test_a_fake_is_another_file_and_the_same_for_the_same_seed(name: str, reals: dict[str, Real], leave: Leave) -> None:
    engine = _made(name)
    real, cast_ = reals[engine.kind], list(reals.values())
    first = engine.make(real, cast_, leave=leave, seed=5)
    again = first if name in SLOW else engine.make(real, cast_, leave=leave, seed=5)
    if isinstance(first, Audio):
        assert isinstance(again, Audio)
        np.testing.assert_array_equal(first.samples, again.samples)
        assert first.seconds > 2
        assert float(np.abs(first.samples).max()) <= 1
        own = cast("Audio", real.media)
        assert first.samples.shape != own.samples.shape or np.abs(first.samples - own.samples).max() > 0.01
        return
    pixels, before = _pixels(first), _pixels(real.media)
    np.testing.assert_array_equal(pixels, _pixels(again))
    pixels = pixels[: len(before)]  # an engine reads the whole film, the other makers the frames held here
    assert pixels.shape == before.shape
    changed = np.abs(pixels.astype(int) - before).max(axis=-1) > 8
    assert changed.mean() > 0.002


@pytest.mark.parametrize("name", ["inpainted", "reenact", "upscaled", "morph"])
def test_away_from_the_face_the_picture_stays_as_it_was(name: str, reals: dict[str, Real], leave: Leave) -> None:
    real = reals["image"]
    made = _pixels(maker(name).make(real, list(reals.values()), leave=leave, seed=3))
    before = _pixels(real.media)
    np.testing.assert_allclose(made[-40:].astype(int), before[-40:], atol=2)  # giving way begins with nothing
    np.testing.assert_allclose(made[:, :40].astype(int), before[:, :40], atol=2)
    seen = found(made)
    assert seen is not None


def test_a_reenacted_face_has_moved_landmarks(reals: dict[str, Real], leave: Leave) -> None:
    before = found(_pixels(reals["image"].media))
    after = found(_pixels(maker("reenact").make(reals["image"], [], leave=leave, seed=1)))
    assert before is not None
    assert after is not None
    wide = float(np.ptp(before.points[:, 0]))
    assert np.abs(after.points - before.points).max() > 0.015 * wide


def test_a_talking_photo_keeps_the_surroundings_of_its_first_frame(reals: dict[str, Real], leave: Leave) -> None:
    frames = _pixels(maker("talking-photo-film").make(reals["video"], [], leave=leave, seed=1))
    np.testing.assert_array_equal(frames[:, :20], np.broadcast_to(frames[:1, :20], frames[:, :20].shape))


def test_a_splice_says_where_it_is_and_leaves_the_rest_alone(reals: dict[str, Real], rng: np.random.Generator) -> None:
    audio = cast("Audio", reals["audio"].media)
    made = spliced(audio, rng)
    (span,) = made.spans
    start, end = round(span.start * audio.rate), round(span.end * audio.rate)
    own = audio.mono()
    np.testing.assert_array_equal(made.audio.samples[0, :start], own[:start])
    np.testing.assert_array_equal(made.audio.samples[0, end:], own[end:])
    assert 0.6 <= span.end - span.start <= 1.2
    assert np.abs(made.audio.samples[0, start:end] - own[start:end]).max() > 0.01


def test_silence_cannot_be_spliced(rng: np.random.Generator) -> None:
    with pytest.raises(GenerationError, match="found silence"):
        spliced(Audio(samples=np.zeros((1, 48_000), np.float32), rate=16_000), rng)


def test_a_picture_without_a_face_is_refused(reals: dict[str, Real], tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    pixels = np.full((200, 200, 3), 120, np.uint8)
    path.write_bytes(encode_image(pixels, "png"))
    wall = Real(id="wall", path=path, kind="image", subject="nobody", held=Still(pixels=pixels))
    with pytest.raises(GenerationError, match="no face"):
        maker("reenact").make(wall, [], leave=_leave(tmp_path / "book", {"wall": wall}), seed=1)


def test_a_missing_program_is_named(reals: dict[str, Real], leave: Leave, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GenerationError, match="install the system package espeak-ng"):
        maker("espeak-ng").make(reals["audio"], [], leave=leave, seed=1)
