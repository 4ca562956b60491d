"""Durable credentials: fingerprints tell a copy from a stranger, the store keeps, and a stripped copy is recovered."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio, decode_image
from assay.media.encode import encode_audio, encode_image
from assay.media.errors import InputError, NothingToExamine
from assay.media.fingerprint import Fingerprint, fingerprint, hamming
from assay.media.image import Still
from assay.media.resemblance import OTHER, SAME, resemblance
from assay.media.video import Film, Frame
from assay.media.view import View
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.durable import Entry, Store
from assay.provenance.marks.interface import Mark
from assay.provenance.recover import recover
from assay.provenance.sign import Action, Manifest, SoftBinding, sign_file
from assay.provenance.trust import Trust
from assay.provenance.verification import State

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ID = 0xF123_4567_89AB_CDEF
MARK = Mark(scheme="assay.canvas.1", payload=ID, p_false_alarm=1e-12)


def scene(seed: int, width: int = 320, height: int = 240) -> np.ndarray:
    """Return a made picture: a hundred soft blots of any colour, like no other seed's."""
    import cv2

    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), rng.integers(60, 200, 3), np.uint8)
    for _ in range(100):
        centre = int(rng.integers(0, width)), int(rng.integers(0, height))
        axes = int(rng.integers(4, width // 6)), int(rng.integers(4, height // 6))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
    return cv2.GaussianBlur(picture, (0, 0), 1.0)


def cropped(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    return picture[height // 10 : height // 10 + int(height * 0.75), width // 5 : width // 5 + int(width * 0.75)]


def turned(picture: np.ndarray) -> np.ndarray:
    import cv2

    height, width = picture.shape[:2]
    return cv2.warpAffine(picture, cv2.getRotationMatrix2D((width / 2, height / 2), 3, 1), (width, height))


def scaled(picture: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.resize(picture, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda picture: picture, id="nothing"),
        pytest.param(scaled, id="smaller"),
        pytest.param(cropped, id="56 % of the area"),
        pytest.param(turned, id="turned by 3 degrees"),
        pytest.param(lambda picture: (255 * (picture / 255) ** 1.5).astype(np.uint8), id="gamma"),
        pytest.param(lambda picture: np.clip(picture * 1.3, 0, 255).astype(np.uint8), id="brighter"),
    ],
)
def test_a_changed_copy_resembles_and_a_stranger_does_not(change: Callable[[np.ndarray], np.ndarray]) -> None:
    for seed in range(4):
        original = fingerprint(Still(pixels=scene(seed)))
        copy = fingerprint(Still(pixels=np.ascontiguousarray(change(scene(seed)))))
        stranger = fingerprint(Still(pixels=np.ascontiguousarray(change(scene(seed + 100)))))
        assert resemblance(original, copy) >= SAME
        assert resemblance(original, stranger) < OTHER


def test_real_portraits_are_told_apart(shared: Path) -> None:
    paths = sorted((shared / "media" / "faces").rglob("*.jpg"))[:7]
    assert len(paths) > 3
    prints = [fingerprint(decode_image(path)) for path in paths]
    for index, one in enumerate(prints):
        again = decode_image(encode_image(decode_image(paths[index]).pixels, "jpeg", quality=40))
        assert resemblance(one, fingerprint(again)) >= SAME
        for other in prints[:index]:
            assert resemblance(one, other) < SAME


def test_real_speech_is_told_apart_whatever_was_done_to_it(shared: Path) -> None:
    paths = [path for path in sorted((shared / "media" / "speech").rglob("*.flac")) if path.stat().st_size > 60_000][:6]
    assert len(paths) == 6
    sounds = [decode_audio(path) for path in paths]
    prints = [fingerprint(sound) for sound in sounds]
    for index, sound in enumerate(sounds):
        copies = {
            "8 kHz": Audio(samples=resample(sound.samples, sound.rate, 8000), rate=8000),
            "5 % faster": Audio(samples=resample(sound.samples, 105, 100), rate=sound.rate),
            "3 s of it": Audio(samples=sound.samples[:, sound.rate // 2 : sound.rate * 7 // 2].copy(), rate=sound.rate),
            "mp3": decode_audio(encode_audio(sound, "mp3", bit_rate=32_000)),
        }
        for name, copy in copies.items():
            assert resemblance(prints[index], fingerprint(copy)) >= SAME, name
            assert resemblance(prints[index - 1], fingerprint(copy)) < OTHER, name


def film(seed: int, *, start: int = 0, count: int = 60) -> Film:
    wide = scene(seed, 640, 160)
    steps = range(start, start + count)
    frames = [Frame(index=i, time=i / 10, image=np.ascontiguousarray(wide[:, 4 * i : 4 * i + 240])) for i in steps]
    return Film(frames=lambda: iter(frames), rate=Fraction(10))


def test_a_cut_film_resembles_and_another_does_not() -> None:
    whole = fingerprint(film(1))
    assert resemblance(whole, fingerprint(film(1, start=20, count=25))) >= SAME
    assert resemblance(whole, fingerprint(film(2))) < OTHER
    assert resemblance(whole, fingerprint(View.of(film(1)))) >= SAME


def test_fingerprints_of_other_kinds_and_of_nothing() -> None:
    still = fingerprint(Still(pixels=scene(1)))
    sound = Audio(samples=np.random.default_rng(0).normal(0, 0.1, (1, 16_000)).astype(np.float32), rate=8000)
    assert resemblance(still, fingerprint(sound)) == 0.0
    flat = fingerprint(Still(pixels=np.zeros((50, 50, 3), np.uint8)))
    assert resemblance(flat, flat) == 0.0
    silent = fingerprint(replace(sound, samples=np.zeros_like(sound.samples)))
    assert resemblance(silent, silent) == 0.0
    with pytest.raises(NothingToExamine):
        fingerprint(replace(sound, samples=sound.samples[:, :500].copy()))
    with pytest.raises(NothingToExamine):
        fingerprint(Film(frames=lambda: iter(()), rate=Fraction(25)))


def test_a_fingerprint_survives_storage_and_other_bytes_are_none() -> None:
    for media in (Still(pixels=scene(1)), film(1)):
        one = fingerprint(media)
        assert Fingerprint.from_bytes(one.to_bytes()) == one
        for wrong in (b"", b"afp1", one.to_bytes()[:-1], b"x" + one.to_bytes()):
            with pytest.raises(ValueError, match="fingerprint"):
                Fingerprint.from_bytes(wrong)
    assert hamming(0b1011, 0b0010) == 2


def entry(seed: int = 1, *, payload: int = ID, manifest: bytes = b"manifest") -> Entry:
    return Entry(
        id=payload,
        manifest=manifest,
        mime="image/jpeg",
        sha256="ab" * 32,
        fingerprint=fingerprint(Still(pixels=scene(seed))),
        title="a scene",
        time=NOW,
    )


def test_the_store_keeps_ids_of_all_64_bits_and_gives_each_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "store.sqlite")
    assert store.find(ID) is None
    assert len(store) == 0
    assert not store.path.exists()
    for payload in (0, 1, ID, (1 << 64) - 1, 1 << 63):
        store.add(entry(payload=payload))
        store.add(entry(payload=payload))
        assert store.find(payload) == entry(payload=payload)
    assert len(Store(store.path)) == 5
    with pytest.raises(InputError, match="another manifest"):
        store.add(entry(manifest=b"other"))
    assert store.find(ID) == entry()
    with pytest.raises(ValueError, match="64-bit"):
        entry(payload=1 << 64)


def test_the_store_is_asked_by_content(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    for seed in range(8):
        store.add(entry(seed, payload=seed))
    (likeness, best), *_ = store.nearest(fingerprint(Still(pixels=scaled(scene(5)))))
    assert best.id == 5
    assert likeness >= SAME


def test_asking_by_content_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store.sqlite")
    for payload in range(3):
        store.add(entry(1, payload=payload + 1))
    sought = entry(1).fingerprint
    monkeypatch.setattr("assay.provenance.durable.resemblance", lambda *_: 0.9)
    assert len(store.nearest(sought)) == 3
    monkeypatch.setattr("assay.provenance.durable._SECONDS", -1.0)
    assert len(store.nearest(sought)) == 1


def test_a_store_that_is_damaged_or_of_the_future_is_an_error_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"no database " * 100)
    with pytest.raises(InputError, match="cannot be used"):
        Store(path).find(1)
    path.unlink()
    store = Store(path)
    store.add(entry())
    with sqlite3.connect(path) as base:
        base.execute("UPDATE manifests SET fingerprint = x'00'")
    base.close()
    with pytest.raises(InputError, match="damaged"):
        store.find(ID)
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA user_version = 99")
    base.close()
    with pytest.raises(InputError, match="newer"):
        store.find(ID)


_ADDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from assay.provenance.durable import Entry, Store
from assay.media.fingerprint import Fingerprint
store = Store(Path(sys.argv[1]))
print_ = Fingerprint(kind="image", word=1, shape=(1, 1, 1), sketch=b"x")
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 25):
    now = datetime.now(UTC)
    store.add(Entry(id=number, manifest=b"m", mime="image/png", sha256="00", fingerprint=print_, time=now))
"""


def test_several_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    writers = [subprocess.Popen([sys.executable, "-P", "-c", _ADDER, str(path), str(25 * k)]) for k in range(3)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert len(Store(path)) == 75


class Desk:
    """A signer, its trust, and a picture that was published under `ID`."""

    def __init__(self, folder: Path) -> None:
        """Make a signer and an empty store in `folder`."""
        self.folder = folder
        self.credentials: Credentials = ensure_credentials(folder / "certs")
        self.trust = Trust(anchors_pem=(self.credentials.anchor_pem,))
        self.store = Store(folder / "store.sqlite")

    def publish(self, pixels: np.ndarray, *, alg: str = "dev.assay.canvas.1", value: str = f"{ID:016x}") -> None:
        plain, signed = self.folder / "plain.jpg", self.folder / "signed.jpg"
        plain.write_bytes(encode_image(pixels, "jpeg"))
        actions = (Action(name="c2pa.created", source_type="trainedAlgorithmicMedia"),)
        manifest = Manifest(actions=actions, soft_bindings=(SoftBinding(alg=alg, value=value),))
        made = sign_file(plain, signed, manifest, self.credentials)
        found = fingerprint(View.open(signed))
        kept = {"mime": "image/jpeg", "sha256": "ab" * 32, "title": "a scene", "time": NOW}
        self.store.add(Entry(id=ID, manifest=made.manifest_bytes, fingerprint=found, **kept))  # type: ignore[arg-type]

    def stripped(self, pixels: np.ndarray) -> Path:
        path = self.folder / "copy.jpg"
        path.write_bytes(encode_image(np.ascontiguousarray(pixels), "jpeg", quality=60))
        return path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def failed(verification: object) -> list[str]:
    return [check.sentence for check in verification.checks if check.outcome == "fail"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("change", [lambda picture: picture, scaled, cropped], ids=["again", "smaller", "cropped"])
def test_a_stripped_copy_is_recovered(desk: Desk, change: Callable[[np.ndarray], np.ndarray]) -> None:
    desk.publish(scene(1))
    copy = desk.stripped(change(scene(1)))
    found = recover(copy, [MARK], desk.store, trust=desk.trust)
    assert found.state is State.RECOVERED
    assert failed(found) == []
    assert found.facts["recovered"]["id"] == f"{ID:016x}"
    assert [check.outcome for check in found.checks if check.name == "content"] == ["not done"]


def test_a_mark_copied_onto_another_picture_is_a_borrowed_credential(desk: Desk) -> None:
    desk.publish(scene(1))
    found = recover(desk.stripped(scene(2)), [MARK], desk.store, trust=desk.trust)
    assert found.state is State.INVALID
    assert any("borrowed from another asset" in sentence for sentence in failed(found))


def test_a_recovered_manifest_of_a_stranger_is_not_called_recovered(desk: Desk) -> None:
    desk.publish(scene(1))
    assert recover(desk.stripped(scene(1)), [MARK], desk.store, trust=Trust()).state is State.UNTRUSTED


@pytest.mark.parametrize(
    "binding",
    [
        pytest.param({"value": "0" * 16}, id="another id"),
        pytest.param({"alg": "com.example.other"}, id="another algorithm"),
    ],
)
def test_a_manifest_that_does_not_name_the_mark_is_not_believed(desk: Desk, binding: dict[str, str]) -> None:
    desk.publish(scene(1), **binding)
    found = recover(desk.stripped(scene(1)), [MARK], desk.store, trust=desk.trust)
    assert found.state is State.INVALID
    assert any("does not name this mark" in sentence for sentence in failed(found))


def test_a_kept_manifest_that_was_changed_is_invalid(desk: Desk) -> None:
    desk.publish(scene(1))
    with sqlite3.connect(desk.store.path) as base:
        (manifest,) = base.execute("SELECT manifest FROM manifests").fetchone()
        place = manifest.index(b"trainedAlgorithmicMedia")
        base.execute("UPDATE manifests SET manifest = ?", (manifest[:place] + b"X" + manifest[place + 1 :],))
    base.close()
    assert recover(desk.stripped(scene(1)), [MARK], desk.store, trust=desk.trust).state is State.INVALID


@pytest.mark.parametrize(
    "marks",
    [
        pytest.param([], id="no mark"),
        pytest.param([replace(MARK, payload=None)], id="presence only"),
        pytest.param([replace(MARK, payload=7)], id="an id that nobody kept"),
    ],
)
def test_no_way_to_a_manifest_says_nothing(desk: Desk, marks: list[Mark]) -> None:
    desk.publish(scene(1))
    found = recover(desk.stripped(scene(1)), marks, desk.store, trust=desk.trust)
    assert found.state is State.ABSENT
    assert failed(found) == []
