"""Drafts: consent is asked before an engine is loaded, and what an engine makes is in memory only."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assay.generate import ConsentBook, ConsentError, Draft, Refusal, Scope, Terms, clone_voice, file_sha256, swap_face
from assay.generate import face as faces
from assay.generate import voice as voices
from assay.media.audio import Audio
from assay.media.encode import encode_audio, encode_film, encode_image
from assay.media.errors import AssayError, InputError
from assay.media.image import Still
from assay.media.video import Film, Frame

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A public-domain photograph, its mirror image, a pan over it with sound, and a sound."""
    from skimage import data

    folder = tmp_path_factory.mktemp("files")
    picture = np.ascontiguousarray(data.astronaut())
    hum = Audio(samples=(0.1 * np.sin(np.arange(8000) / 20)).astype(np.float32)[None], rate=16_000)
    clip = [Frame(index=n, time=n / 25, image=picture[n : n + 288, 64:416]) for n in range(6)]
    made = {
        "target.png": encode_image(picture, "png"),
        "source.jpg": encode_image(np.ascontiguousarray(picture[:, ::-1]), "jpeg"),
        "target.mp4": encode_film(clip, hum, "mp4", rate=Fraction(25)),
        "hum.wav": encode_audio(hum, "wav"),
        "text.jpg": b"no picture at all",
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in made}


@pytest.fixture
def book(tmp_path: Path, files: dict[str, Path]) -> ConsentBook:
    """Alice gave the face, Bob the footage."""
    book = ConsentBook(tmp_path / "book")
    given = {"alice": ("source.jpg", "hum.wav", "text.jpg"), "bob": ("target.png", "target.mp4")}
    for subject, names in given.items():
        terms = Terms(
            subject=subject,
            scopes=(Scope.FACE_SWAP, Scope.VOICE_CLONE),
            purpose="test",
            references=tuple(file_sha256(files[name]) for name in names),
            expires=NOW + timedelta(days=1),
            statement="yes",
        )
        book.grant(terms, now=NOW)
    return book


def _swap(book: ConsentBook, files: dict[str, Path], target: str = "target.png", **changes: Any) -> Draft:
    given: dict[str, Any] = {"face_of": "alice", "footage_of": ("bob",), "book": book, "purpose": "test", "now": NOW}
    source = changes.pop("source", "source.jpg")
    return swap_face(files[target], files[source], **(given | changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"face_of": "bob"}, Refusal.OTHER_REFERENCE, id="somebody else's face under a name that consents"),
        pytest.param({"face_of": "carol"}, Refusal.OTHER_SUBJECT, id="a face without consent"),
        pytest.param({"footage_of": ("bob", "carol")}, Refusal.OTHER_SUBJECT, id="a bystander"),
        pytest.param({"footage_of": ("alice",)}, Refusal.OTHER_REFERENCE, id="somebody else's footage"),
        pytest.param({"purpose": "advertising"}, Refusal.OTHER_PURPOSE, id="another purpose"),
        pytest.param({"now": NOW + timedelta(days=2)}, Refusal.EXPIRED, id="too late"),
    ],
)
def test_no_face_engine_is_loaded_without_consent(
    book: ConsentBook,
    files: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    reason: Refusal,
) -> None:
    monkeypatch.setattr(faces, "engine", lambda _: pytest.fail("an engine was loaded before consent was asked"))
    with pytest.raises(ConsentError) as refused:
        _swap(book, files, **changes)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("subject", "reason"), [("bob", Refusal.OTHER_REFERENCE), ("carol", Refusal.OTHER_SUBJECT)], ids=["bob", "carol"]
)
def test_no_voice_engine_is_loaded_without_consent(
    book: ConsentBook, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, subject: str, reason: Refusal
) -> None:
    monkeypatch.setattr(voices, "voice_engine", lambda _: pytest.fail("an engine was loaded before consent was asked"))
    with pytest.raises(ConsentError) as refused:
        clone_voice("Hello.", files["hum.wav"], subject=subject, book=book, purpose="test", now=NOW, seed=1)
    assert refused.value.reason is reason


def test_footage_of_nobody_is_refused(book: ConsentBook, files: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="whose footage"):
        _swap(book, files, footage_of=())


def test_a_swapped_picture_is_a_draft_that_owns_up(book: ConsentBook, files: dict[str, Path]) -> None:
    draft = _swap(book, files)
    assert isinstance(draft.media, Still)
    assert draft.source_type == "compositeSynthetic"
    assert draft.subjects == ("bob", "alice")
    assert draft.actions == ("c2pa.opened", "c2pa.placed", "c2pa.edited")
    assert [source.relationship for source in draft.sources] == ["parentOf", "componentOf"]
    with pytest.raises(FrozenInstanceError):
        draft.source_type = "digitalCapture"  # type: ignore[misc]


def test_a_swapped_film_is_made_anew_in_every_pass_and_keeps_its_sound(
    book: ConsentBook, files: dict[str, Path]
) -> None:
    film = _swap(book, files, "target.mp4").media
    assert isinstance(film, Film)
    first, second = list(film.frames()), list(film.frames())
    assert [frame.time for frame in first] == pytest.approx([n / 25 for n in range(6)])
    assert all(np.array_equal(one.image, other.image) for one, other in zip(first, second, strict=True))
    assert film.audio is not None
    assert film.audio.seconds == pytest.approx(0.5, abs=0.01)
    assert film.rate == 25


def test_making_the_same_swap_twice_gives_the_same_pixels(book: ConsentBook, files: dict[str, Path]) -> None:
    one, other = _swap(book, files).media, _swap(book, files).media
    assert isinstance(one, Still)
    assert isinstance(other, Still)
    assert np.array_equal(one.pixels, other.pixels)


@pytest.mark.parametrize("changes", [{"source": "text.jpg"}, {"source": "hum.wav"}], ids=["no media", "a sound"])
def test_a_source_without_a_face_is_an_error_of_ours(
    book: ConsentBook, files: dict[str, Path], changes: dict[str, Any]
) -> None:
    with pytest.raises(AssayError):
        _swap(book, files, **changes)
    with pytest.raises(AssayError):
        clone_voice("Hello.", files["source.jpg"], subject="alice", book=book, purpose="test", now=NOW, seed=1)


def test_a_draft_cannot_save_itself() -> None:
    names = {name for kind in (Draft, Film, Still, Audio) for name in dir(kind)}
    assert not [name for name in names if any(word in name for word in ("save", "write", "export", "to_file", "dump"))]
