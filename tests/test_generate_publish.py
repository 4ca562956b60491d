"""Publishing: what comes out is trusted, marked and labelled, and whatever fails leaves nothing behind."""

from __future__ import annotations

import importlib
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assay.generate import finish, proof
from assay.generate.consent import ConsentBook, ConsentError, Refusal, Terms, file_sha256
from assay.generate.interface import Draft, GenerationError, PublishError, Scope, Source
from assay.generate.publish import Published
from assay.media.asset import Asset
from assay.media.audio import Audio
from assay.media.decode import decode_audio, decode_image, stream_frames
from assay.media.encode import encode_audio, encode_image
from assay.media.errors import AssayError, InputError
from assay.media.image import Still
from assay.media.video import Film, Frame
from assay.media.view import View
from assay.provenance.certs import Credentials, make_authority, make_leaf
from assay.provenance.durable import Store
from assay.provenance.labels.implicit import read_labels
from assay.provenance.ledger import Receipt, ensure_ledger
from assay.provenance.marks import SHARED_KEY, read_marks
from assay.provenance.receipts import read_receipts
from assay.provenance.recover import recover
from assay.provenance.trust import Trust
from assay.provenance.verification import State
from assay.provenance.verify import verify

door: Any = importlib.import_module("assay.generate.publish")  # the package's own `publish` is the function
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def _picture() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A public-domain photograph that ships in scikit-image."""
    from skimage import data

    return np.ascontiguousarray(data.astronaut())


@cache
def _voice() -> Audio:
    """What the installed synthesiser says: a real carrier, made by a trained model."""
    import hibari

    said = hibari.Hibari()(
        "Seven grey boats sailed slowly home before the storm, and nobody on the pier looked up.", seed=1
    )
    return Audio(samples=np.asarray(said, np.float32)[None], rate=hibari.SAMPLE_RATE)


def _speech(seconds: float = 5.0) -> Audio:
    voice = _voice()
    return Audio(samples=voice.samples[:, : round(seconds * voice.rate)], rate=voice.rate)


def _film(seconds: float = 2.0) -> Film:
    """The photograph, panned over, with a voice."""
    picture = _picture()

    def frames() -> Iterator[Frame]:
        for index in range(round(seconds * 25)):
            yield Frame(index=index, time=index / 25, image=picture[index : index + 288, 64 + index : 416 + index])

    return Film(frames=frames, rate=Fraction(25), audio=_speech(seconds))


@cache
def _references() -> tuple[bytes, bytes]:
    return encode_audio(_speech(1.0), "flac"), encode_image(_picture(), "png")


@dataclass
class Desk:
    """A folder with all that publishing needs."""

    folder: Path
    credentials: Credentials
    trust: Trust
    book: ConsentBook
    store: Store
    alice: Path
    bob: Path
    made: list[Path] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def draft(self, media: Audio | Still | Film, **changes: Any) -> Draft:
        """A draft from Alice's file, in Bob's footage when it is a picture."""
        mine = Source(path=self.alice, relationship="inputTo", subject="alice", sha256=file_sha256(self.alice))
        given: dict[str, Any] = {
            "media": media,
            "scope": Scope.VOICE_CLONE,
            "purpose": "test",
            "source_type": "trainedAlgorithmicMedia",
            "engine": "test/1",
            "actions": ("c2pa.created",),
            "sources": (mine,),
            "settings": {"seed": "1"},
        }
        if not isinstance(media, Audio):
            footage = Source(path=self.bob, relationship="parentOf", subject="bob", sha256=file_sha256(self.bob))
            given["scope"] = Scope.FACE_SWAP
            given["source_type"] = "compositeSynthetic"
            given["actions"] = ("c2pa.opened", "c2pa.placed", "c2pa.edited")
            given["sources"] = (footage, replace(mine, relationship="componentOf"))
        return Draft(**(given | changes))

    def publish(self, draft: Draft, name: str, **changes: Any) -> Published:
        given: dict[str, Any] = {
            "book": self.book,
            "credentials": self.credentials,
            "trust": self.trust,
            "store": self.store,
            "now": NOW,
            "rng": np.random.default_rng(3),
        }
        return door.publish(draft, self.out / name, **(given | changes))

    def left(self) -> list[str]:
        """What lies in the folder that is published into."""
        return sorted(str(path.relative_to(self.out)) for path in self.out.rglob("*"))


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    folder = tmp_path_factory.mktemp("certs")
    make_authority(folder, organisation="Test", now=NOW - DAY)
    return make_leaf(folder, organisation="Test", now=NOW - DAY)


@pytest.fixture
def desk(tmp_path: Path, issued: Credentials) -> Desk:
    alice, bob = tmp_path / "alice.flac", tmp_path / "bob.png"
    for path, content in zip((alice, bob), _references(), strict=True):
        path.write_bytes(content)
    book = ConsentBook(tmp_path / "book")
    for subject, path in (("alice", alice), ("bob", bob)):
        terms = Terms(
            subject=subject,
            scopes=(Scope.FACE_SWAP, Scope.VOICE_CLONE),
            purpose="test",
            references=(file_sha256(path),),
            expires=NOW + 30 * DAY,
            statement="yes",
        )
        book.grant(terms, now=NOW)
    (tmp_path / "out").mkdir()
    trust = Trust().add(issued.anchor_pem)
    return Desk(tmp_path, issued, trust, book, Store(tmp_path / "store.sqlite"), alice, bob)


def _media(kind: str) -> Audio | Still | Film:
    return {"audio": _speech, "image": lambda: Still(pixels=_picture()), "video": _film}[kind]()


def _state_by_c2pa(path: Path, mime: str, anchors: bytes) -> tuple[str, dict[str, Any]]:
    """What c2pa-python's own reader says, without any code of ours in between."""
    import c2pa

    settings = {"trust": {"user_anchors": anchors.decode()}, "verify": {"remote_manifest_fetch": False}}
    with (
        path.open("rb") as file,
        c2pa.Context.from_dict(settings) as context,
        c2pa.Reader(mime, file, context=context) as reader,
    ):
        return str(reader.get_validation_state()), json.loads(reader.json())


@pytest.mark.parametrize(
    ("kind", "name", "mime"),
    [
        pytest.param("audio", "a.wav", "audio/wav", id="wav"),
        pytest.param("audio", "a.flac", "audio/flac", id="flac"),
        pytest.param("audio", "a.mp3", "audio/mpeg", id="mp3"),
        pytest.param("audio", "a.m4a", "audio/mp4", id="m4a"),
        pytest.param("image", "a.png", "image/png", id="png"),
        pytest.param("image", "a.JPG", "image/jpeg", id="jpg"),
        pytest.param("image", "a.webp", "image/webp", id="webp"),
        pytest.param("video", "a.mp4", "video/mp4", id="mp4"),
        pytest.param("video", "a.mov", "video/quicktime", id="mov"),
    ],
)
def test_what_is_published_is_trusted_marked_and_labelled(desk: Desk, kind: str, name: str, mime: str) -> None:
    published = desk.publish(desk.draft(_media(kind)), name)
    assert desk.left() == [name]
    assert published.path == desk.out / name
    assert published.sha256 == file_sha256(published.path)
    assert verify(published.path, trust=desk.trust).state is State.TRUSTED
    assert [mark.payload for mark in published.marks] == [published.payload]
    assert {label.rule for label in read_labels(published.path)} >= {"iptc", "gb45438", "sb942"}
    assert desk.store.find(published.payload) is not None
    state, report = _state_by_c2pa(published.path, mime, desk.credentials.anchor_pem)
    assert state == "Trusted"
    text = re.sub(r"[A-Za-z0-9+/=]{200,}", "", json.dumps(report))  # a fingerprint's letters may spell anything
    assert all(consent in text for consent in published.consents)
    assert not [word for word in ("alice", "bob", str(desk.folder)) if word in text]


@pytest.mark.parametrize(("kind", "name"), [("audio", "a.wav"), ("image", "a.png"), ("video", "a.mp4")])
def test_one_changed_byte_of_content_makes_it_invalid(desk: Desk, kind: str, name: str) -> None:
    published = desk.publish(desk.draft(_media(kind)), name)
    data = bytearray(published.path.read_bytes())
    start = {"audio": data.find(b"data") + 2000, "image": data.rfind(b"IDAT") + 200, "video": data.find(b"mdat") + 2000}
    data[start[kind]] ^= 1
    published.path.write_bytes(bytes(data))
    mime = {"audio": "audio/wav", "image": "image/png", "video": "video/mp4"}[kind]
    assert _state_by_c2pa(published.path, mime, desk.credentials.anchor_pem)[0] == "Invalid"
    assert verify(published.path, trust=desk.trust).state is State.INVALID


@pytest.mark.parametrize("error", [AssayError, MemoryError, ValueError, RuntimeError, sqlite3.OperationalError])
def test_an_error_of_any_kind_becomes_one_of_ours(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        msg = "no luck"
        raise error(msg)

    monkeypatch.setattr(door, "fingerprint", fail)
    with pytest.raises(PublishError, match="nothing was published: no luck"):
        desk.publish(desk.draft(_speech(3.0)), "a.wav")
    assert desk.left() == []


def test_a_film_keeps_its_frames_their_times_and_its_sound(desk: Desk) -> None:
    film = _film()
    published = desk.publish(desk.draft(film), "a.mp4")
    asset = Asset.open(published.path)
    frames = list(stream_frames(asset))
    assert [frame.time for frame in frames] == pytest.approx([frame.time for frame in film.frames()])
    assert film.audio is not None
    assert decode_audio(asset).seconds == pytest.approx(film.audio.seconds, abs=0.05)


def test_the_manifest_tells_what_was_done_with_what(desk: Desk) -> None:
    swapped = desk.publish(desk.draft(_media("image")), "swap.jpg").verification.facts
    assert [one["action"] for one in swapped["actions"]] == [
        "c2pa.opened",
        "c2pa.placed",
        "c2pa.edited",
        "c2pa.addedText",
        "c2pa.transcoded",
        "c2pa.watermarked.bound",
    ]
    assert [one["relationship"] for one in swapped["ingredients"]] == ["parentOf", "componentOf"]
    cloned = desk.publish(desk.draft(_speech()), "voice.wav", rng=np.random.default_rng(4)).verification.facts
    assert [one["action"] for one in cloned["actions"]] == ["c2pa.created", "c2pa.edited", "c2pa.watermarked.bound"]
    assert cloned["actions"][0]["source_type"].endswith("/trainedAlgorithmicMedia")
    assert [one["relationship"] for one in cloned["ingredients"]] == ["inputTo"]
    assert cloned["soft_bindings"][0]["alg"].startswith("dev.assay.")


def test_a_source_that_has_a_manifest_of_its_own_brings_it_along(desk: Desk) -> None:
    first = desk.publish(desk.draft(_media("image")), "first.png")
    terms = replace(desk.book.all()[0], references=(first.sha256,), subject="carol")
    kept = {name: getattr(terms, name) for name in Terms.__dataclass_fields__}
    desk.book.grant(Terms(**kept), now=NOW)
    again = Source(path=first.path, relationship="parentOf", subject="carol", sha256=first.sha256)
    draft = desk.draft(_media("image"))
    second = desk.publish(
        replace(draft, sources=(again, *draft.sources[1:])), "second.png", rng=np.random.default_rng(9)
    )
    parent = second.verification.facts["ingredients"][0]
    assert parent["state"] == "trusted"
    assert "c2pa.watermarked.bound" in [one["action"] for one in parent["actions"]]


def test_a_stripped_copy_finds_its_manifest_again(desk: Desk) -> None:
    published = desk.publish(desk.draft(_media("image")), "a.jpg")
    copy = desk.folder / "copy.jpg"
    copy.write_bytes(encode_image(decode_image(Asset.open(published.path)).pixels, "jpeg", quality=75))
    assert verify(copy, trust=desk.trust).state is State.ABSENT
    marks = read_marks(View.open(copy))
    assert recover(copy, marks, desk.store, trust=desk.trust).state is State.RECOVERED


def test_two_files_never_share_an_id(desk: Desk) -> None:
    draft = desk.draft(_media("image"))
    ids = {desk.publish(draft, f"{number}.jpg", rng=np.random.default_rng(3)).payload for number in range(2)}
    assert len(ids) == 2


def test_a_log_takes_the_entry_and_its_receipt_comes_back(desk: Desk) -> None:
    ledger = ensure_ledger(desk.folder / "ledger")
    published = desk.publish(desk.draft(_media("image")), "a.jpg", ledger=ledger)
    assert published.receipt is not None
    assert published.receipt.verify(ledger.key).size == 1
    assert json.loads(published.receipt.entry)["sha256"] == published.sha256
    assert desk.left() == ["a.jpg", "a.jpg.receipt"]
    assert Receipt.parse((desk.out / "a.jpg.receipt").read_text()) == published.receipt
    (found,) = read_receipts(published.path, sha256=published.sha256, logs=[ledger.key])
    assert (found.state, found.index, found.size) == ("holds", 0, 1)


def test_a_receipt_that_is_there_is_replaced_only_when_asked(desk: Desk) -> None:
    ledger, draft = ensure_ledger(desk.folder / "ledger"), desk.draft(_media("image"))
    (desk.out / "a.jpg.receipt").write_bytes(b"older")
    with pytest.raises(InputError, match="exists"):
        desk.publish(draft, "a.jpg", ledger=ledger)
    assert desk.left() == ["a.jpg.receipt"]
    assert len(ledger) == 0
    first = desk.publish(draft, "a.jpg", ledger=ledger, replace=True)
    second = desk.publish(draft, "a.jpg", ledger=ledger, replace=True)
    assert first.sha256 != second.sha256
    assert Receipt.parse((desk.out / "a.jpg.receipt").read_text()) == second.receipt
    assert desk.left() == ["a.jpg", "a.jpg.receipt"]


def test_the_receipt_of_a_file_that_is_replaced_without_a_log_goes_with_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = desk.draft(_media("image"))
    for name in ("a.jpg", "a.jpg.receipt"):
        (desk.out / name).write_bytes(b"older")

    def fail(*_: Any, **__: Any) -> Any:
        msg = "the disk is full"
        raise OSError(msg)

    with monkeypatch.context() as patched:
        patched.setattr(door, "put", fail)
        with pytest.raises(PublishError, match="disk is full"):
            desk.publish(draft, "a.jpg", replace=True)
    assert [(desk.out / name).read_bytes() for name in desk.left()] == [b"older", b"older"]
    with pytest.raises(InputError, match="exists"):
        desk.publish(draft, "a.jpg")
    desk.publish(draft, "a.jpg", replace=True)
    assert desk.left() == ["a.jpg"]


@pytest.mark.parametrize("older", [True, False], ids=["replacing", "new"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError], ids=lambda kind: kind.__name__)
def test_a_receipt_never_stands_without_its_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], *, older: bool
) -> None:
    names = ["a.jpg", "a.jpg.receipt"] if older else []
    for name in names:
        (desk.out / name).write_bytes(b"older " + name.encode())

    def fail(*_: Any, **__: Any) -> Any:
        assert Receipt.parse((desk.out / "a.jpg.receipt").read_text()).index == 0, "the receipt is there first"
        msg = "the disk is full"
        raise error(msg)

    monkeypatch.setattr(door, "put", fail)
    ledger = ensure_ledger(desk.folder / "ledger")
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else PublishError, match="disk is full"):
        desk.publish(desk.draft(_media("image")), "a.jpg", ledger=ledger, replace=older)
    assert desk.left() == names
    assert all((desk.out / name).read_bytes() == b"older " + name.encode() for name in names)


def test_a_strangers_receipt_that_came_meanwhile_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    place = door.put_beside

    def late(made: Path, out: Path, *, replace: bool) -> Any:
        out.write_bytes(b"somebody else's")
        return place(made, out, replace=replace)

    monkeypatch.setattr(door, "put_beside", late)
    with pytest.raises(PublishError, match="exists"):
        desk.publish(desk.draft(_media("image")), "a.jpg", ledger=ensure_ledger(desk.folder / "ledger"))
    assert desk.left() == ["a.jpg.receipt"]
    assert (desk.out / "a.jpg.receipt").read_bytes() == b"somebody else's"


# Consent


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"purpose": "advertising"}, Refusal.OTHER_PURPOSE, id="wrong purpose"),
        pytest.param({"scope": Scope.AVATAR}, Refusal.OTHER_SCOPE, id="other scope"),
    ],
)
def test_a_draft_for_another_use_is_not_published(desk: Desk, changes: dict[str, Any], reason: Refusal) -> None:
    with pytest.raises(ConsentError) as refused:
        desk.publish(desk.draft(_speech(), **changes), "a.wav")
    assert refused.value.reason is reason
    assert desk.left() == []


@pytest.mark.parametrize(
    "reason",
    [kind for kind in Refusal if kind not in {Refusal.OTHER_SCOPE, Refusal.OTHER_PURPOSE, Refusal.UNREADABLE}],
)
def test_without_a_consent_that_serves_nothing_is_published(desk: Desk, reason: Refusal) -> None:
    draft, changes = desk.draft(_speech()), {}
    consent = next(one for one in desk.book.all() if one.subject == "alice")
    if reason is Refusal.MISSING:
        changes["book"] = ConsentBook(desk.folder / "empty")
    elif reason is Refusal.EXPIRED:
        changes["now"] = NOW + 31 * DAY
    elif reason is Refusal.NOT_YET_VALID:
        changes["now"] = NOW - timedelta(hours=1)
    elif reason is Refusal.REVOKED:
        desk.book.revoke(consent.id, now=NOW)
    elif reason is Refusal.OTHER_SUBJECT:
        draft = replace(draft, sources=(replace(draft.sources[0], subject="eve"),))
    elif reason is Refusal.OTHER_REFERENCE:
        mine = replace(draft.sources[0], path=desk.bob, sha256=file_sha256(desk.bob))
        draft = replace(draft, sources=(mine,))
    else:
        forged = replace(consent, purpose="anything")
        desk.book.path(consent.id).write_bytes(forged.receipt())
    with pytest.raises(ConsentError) as refused:
        desk.publish(draft, "a.wav", **changes)
    assert refused.value.reason is reason
    assert desk.left() == []


def test_everybody_in_the_footage_must_consent(desk: Desk) -> None:
    draft = desk.draft(_media("image"))
    more = replace(draft, sources=(*draft.sources, replace(draft.sources[0], subject="carol")))
    with pytest.raises(ConsentError, match="carol"):
        desk.publish(more, "a.jpg")
    assert desk.left() == []


def test_a_reference_changed_after_the_draft_was_made_is_refused(desk: Desk) -> None:
    draft = desk.draft(_speech())
    desk.alice.write_bytes(desk.bob.read_bytes())
    with pytest.raises(ConsentError, match="changed after the draft"):
        desk.publish(draft, "a.wav")


def test_a_consent_revoked_while_publishing_stops_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = door.sign_file

    def revoke_meanwhile(*args: Any, **options: Any) -> Any:
        for consent in desk.book.all():
            desk.book.revoke(consent.id, now=NOW)
        return sign(*args, **options)

    monkeypatch.setattr(door, "sign_file", revoke_meanwhile)
    with pytest.raises(ConsentError, match="revoked"):
        desk.publish(desk.draft(_media("image")), "a.jpg")
    assert desk.left() == []


# Failures: every step, made to fail in earnest or stopped


def test_a_mark_that_cannot_be_read_back_stops_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Faint:
        name = finish.image_scheme().name

        def embed(self, pixels: Any, payload: int, key: bytes) -> Any:
            return np.maximum(pixels, 1) if payload and key else pixels

    monkeypatch.setattr(finish, "image_scheme", Faint)
    with pytest.raises(PublishError, match="mark cannot be read back"):
        desk.publish(desk.draft(_media("image")), "a.jpg")
    assert desk.left() == []


def test_the_mark_of_another_id_stops_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    scheme = finish.audio_scheme()

    class Other:
        name = scheme.name

        def embed_stream(self, blocks: Iterable[Audio], payload: int, key: bytes) -> Iterator[Audio]:
            return scheme.embed_stream(blocks, payload ^ 1, key)

    monkeypatch.setattr(finish, "audio_scheme", Other)
    with pytest.raises(PublishError, match="another id"):
        desk.publish(desk.draft(_speech()), "a.wav")
    assert desk.left() == []


def test_media_that_cannot_hold_a_mark_is_not_published(desk: Desk) -> None:
    for media, name in (
        (Still(pixels=np.full((64, 64, 3), 128, np.uint8)), "tiny.png"),
        (replace(_film(), frames=lambda: iter(())), "empty.mp4"),
    ):
        with pytest.raises(PublishError):
            desk.publish(desk.draft(media), name)
    assert desk.left() == []


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        pytest.param(0.3, "a.wav", id="a syllable"),
        pytest.param(0.5, "a.mp3", id="mp3"),
        pytest.param(1.0, "a.m4a", id="m4a"),
        pytest.param(2.0, "a.wav", id="two seconds"),
    ],
)
def test_a_short_sound_is_published_whole_behind_a_notice_that_carries_the_mark(
    desk: Desk, seconds: float, name: str
) -> None:
    from assay.provenance.labels.audible import find_audible_notice

    short = _speech(seconds)
    published = desk.publish(desk.draft(short), name)
    assert [mark.payload for mark in published.marks] == [published.payload]
    made = decode_audio(Asset.open(published.path))
    assert made.seconds >= 3.6
    assert find_audible_notice(made) is not None
    start = round(1.72 * made.rate)
    heard = made.samples[0, start : start + short.samples.shape[1]]
    assert np.corrcoef(heard, short.samples[0])[0, 1] > 0.9


def test_digital_silence_is_not_published_however_long(desk: Desk) -> None:
    for seconds in (1, 6):
        with pytest.raises(PublishError, match="the sound is silent"):
            desk.publish(desk.draft(Audio(samples=np.zeros((1, 24_000 * seconds), np.float32), rate=24_000)), "a.wav")
    assert desk.left() == []


@pytest.mark.parametrize("step", ["mark", "plate", "notice"])
def test_a_label_or_mark_that_does_nothing_is_noticed(desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    class Idle:
        name = finish.audio_scheme().name

        def embed_stream(self, blocks: Iterable[Audio], payload: int, key: bytes) -> Iterator[Audio]:
            return iter(blocks) if payload and key else iter([_speech()])

    kind, name = ("image", "a.png") if step == "plate" else ("audio", "a.wav")
    if step == "mark":
        monkeypatch.setattr(finish, "audio_scheme", Idle)
    elif step == "plate":
        monkeypatch.setattr(finish.Plate, "apply", lambda _, pixels: pixels)
    else:
        monkeypatch.setattr(finish, "audible_lead", lambda audio: replace(audio, samples=0 * audio.samples[:, :9000]))
    with pytest.raises(PublishError, match="left the media as it was"):
        desk.publish(desk.draft(_media(kind)), name)
    assert desk.left() == []


@pytest.mark.parametrize("kind", ["audio", "image", "video"])
def test_a_label_lost_on_the_way_to_the_disk_is_noticed(desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The label people meet is measured in the finished file, whatever the steps before it said."""
    if kind == "audio":
        hiss = np.random.default_rng(1).normal(0.0, 0.01, (1, 9000)).astype(np.float32)
        monkeypatch.setattr(finish, "audible_lead", lambda audio: replace(audio, samples=hiss))
    elif kind == "image":
        monkeypatch.setattr(finish.Plate, "apply", lambda _, pixels: np.maximum(pixels, 3))
    else:
        monkeypatch.setattr(finish, "burn_in_frames", lambda frames, *_, **__: frames)
    with pytest.raises(PublishError, match="label is not as"):
        desk.publish(desk.draft(_media(kind)), {"audio": "a.wav", "image": "a.png", "video": "a.mp4"}[kind])
    assert desk.left() == []


def test_missing_metadata_labels_stop_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finish, "write_metadata", lambda data, *_, **__: data)
    with pytest.raises(PublishError, match="label cannot be read back"):
        desk.publish(desk.draft(_media("image")), "a.jpg")
    assert desk.left() == []


def test_credentials_that_cannot_sign_stop_it(desk: Desk, tmp_path: Path) -> None:
    make_authority(tmp_path / "other", organisation="Other", now=NOW - DAY)
    other = make_leaf(tmp_path / "other", organisation="Other", now=NOW - DAY)
    mixed = replace(desk.credentials, key_pem=other.key_pem)
    with pytest.raises(PublishError, match="nothing was published"):
        desk.publish(desk.draft(_media("image")), "a.jpg", credentials=mixed)
    with pytest.raises(PublishError, match="must verify as trusted, but it is untrusted"):
        desk.publish(desk.draft(_media("image")), "a.jpg", credentials=other)
    with pytest.raises(PublishError, match="must verify as trusted"):
        desk.publish(desk.draft(_media("image")), "a.jpg", trust=Trust())
    assert desk.left() == []


def test_a_byte_that_changes_after_signing_stops_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = door.sign_file

    def damage(source: Path, destination: Path, *args: Any, **options: Any) -> Any:
        signed = sign(source, destination, *args, **options)
        data = bytearray(destination.read_bytes())
        data[len(data) // 2] ^= 1
        destination.write_bytes(bytes(data))
        return signed

    monkeypatch.setattr(door, "sign_file", damage)
    with pytest.raises(PublishError, match="invalid"):
        desk.publish(desk.draft(_media("image")), "a.jpg")
    assert desk.left() == []


STEPS = [
    (finish, "audible_lead"),
    (finish, "audio_scheme"),
    (finish, "write_audio"),
    (finish, "write_metadata"),
    (door, "claim"),
    (door, "sign_file"),
    (proof, "verify"),
    (proof, "carried"),
    (proof, "read_labels"),
    (proof, "lint"),
    (door, "file_sha256"),
    (door, "put"),
]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(("module", "name"), [pytest.param(*step, id=step[1]) for step in STEPS])
def test_a_failure_in_any_step_leaves_nothing_behind(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, error: type[BaseException]
) -> None:
    (desk.out / "a.wav").write_bytes(b"older")
    draft = desk.draft(_speech(3.0))

    def fail(*_: Any, **__: Any) -> Any:
        msg = "the disk is full"
        raise error(msg)

    monkeypatch.setattr(module, name, fail)
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else PublishError, match="disk is full"):
        desk.publish(draft, "a.wav", replace=True)
    assert desk.left() == ["a.wav"]
    assert (desk.out / "a.wav").read_bytes() == b"older"


# Places and stand-ins


def test_an_existing_file_is_replaced_only_when_asked(desk: Desk) -> None:
    draft = desk.draft(_media("image"))
    (desk.out / "a.jpg").write_bytes(b"older")
    (desk.out / "b.jpg").symlink_to(desk.folder / "nowhere")
    for name in ("a.jpg", "b.jpg"):
        with pytest.raises(InputError, match="exists"):
            desk.publish(draft, name)
    assert (desk.out / "a.jpg").read_bytes() == b"older"
    desk.publish(draft, "a.jpg", replace=True)
    assert verify(desk.out / "a.jpg", trust=desk.trust).state is State.TRUSTED
    assert desk.left() == ["a.jpg", "b.jpg"]


def test_a_name_taken_meanwhile_is_not_overwritten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    place = door.put

    def late(made: Path, out: Path, *, replace: bool) -> None:
        out.write_bytes(b"somebody else's")
        place(made, out, replace=replace)

    monkeypatch.setattr(door, "put", late)
    with pytest.raises(PublishError, match="exists"):
        desk.publish(desk.draft(_media("image")), "a.jpg")
    assert (desk.out / "a.jpg").read_bytes() == b"somebody else's"


def test_a_source_is_never_overwritten(desk: Desk) -> None:
    with pytest.raises(InputError, match="made from"):
        desk.publish(desk.draft(_media("image")), f"../{desk.bob.name}", replace=True)


@pytest.mark.parametrize("name", ["a.webm", "a.ogg", "a.bmp", "a", "a.wav", "no/a.jpg"])
def test_a_place_that_cannot_hold_the_file_and_its_manifest_is_refused(desk: Desk, name: str) -> None:
    with pytest.raises(InputError, match=r"expected a name|no folder"):
        desk.publish(desk.draft(_media("image")), name)
    assert desk.left() == []


def test_stand_ins_are_refused(desk: Desk) -> None:
    class Yes(ConsentBook):
        def require(self, *_: Any, **__: Any) -> Any:
            return next(iter(self.all()))

    class Draft2(Draft):
        pass

    draft = desk.draft(_media("image"))
    parts = {name: getattr(draft, name) for name in Draft.__dataclass_fields__}
    for given, changes in (
        (draft, {"book": Yes(desk.folder / "book")}),
        (draft, {"trust": None}),
        (draft, {"store": object()}),
        (draft, {"ledger": object()}),
        (draft, {"key": bytearray(SHARED_KEY)}),
        (Draft2(**parts), {}),
    ):
        with pytest.raises(InputError, match="no stand-in"):
            desk.publish(given, "a.jpg", **changes)
    assert desk.left() == []


@pytest.mark.parametrize(
    "changes",
    [{"source_type": "digitalCapture"}, {"actions": ()}, {"actions": ("c2pa.edited",)}, {"sources": ()}],
    ids=["poses as a recording", "no action", "no beginning", "nobody"],
)
def test_a_draft_that_hides_what_it_is_cannot_be_made(desk: Desk, changes: dict[str, Any]) -> None:
    with pytest.raises(GenerationError):
        desk.draft(_speech(), **changes)


def test_a_local_path_does_not_enter_the_manifest(desk: Desk) -> None:
    with pytest.raises(PublishError, match="no local path"):
        desk.publish(desk.draft(_speech(), settings={"from": str(desk.alice)}), "a.wav")


def test_the_published_picture_resembles_the_draft(desk: Desk) -> None:
    published = desk.publish(desk.draft(_media("image")), "a.png")
    pixels = decode_image(Asset.open(published.path)).pixels.astype(np.float64)
    below = pixels[200:] - _picture()[200:]
    assert np.sqrt(np.mean(below**2)) < 3.0
