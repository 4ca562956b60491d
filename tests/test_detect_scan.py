"""A scan joins what a file declares, carries and shows, and goes on where a part of it cannot."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import rfc8785
from assay.detect import names, running
from assay.detect import scan as scanning
from assay.detect.finding import Evidence, Finding, Skipped
from assay.detect.fuse import Conclusion
from assay.detect.page import write_page
from assay.detect.report import Report
from assay.detect.scan import Examination, files_below, scan, scan_each
from assay.media import decode, survey
from assay.media.decode import decode_image
from assay.media.encode import encode_audio, encode_image
from assay.media.errors import InputError, UnreadableMedia
from assay.media.fingerprint import fingerprint
from assay.media.view import View
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.durable import Entry, Store
from assay.provenance.finders import LocalFinder, Recovery
from assay.provenance.ledger import ensure_ledger
from assay.provenance.marks import SHARED_KEY, image_scheme
from assay.provenance.receipts import receipt_place
from assay.provenance.sign import Action, Manifest, SoftBinding, sign_file
from assay.provenance.tree import walk
from assay.provenance.trust import Trust
from assay.provenance.verification import State
from assay.service.cli.render import terminal
from skimage.data import astronaut, chelsea

PAYLOAD = 0x0123456789ABCDEF


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return ensure_credentials(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, credentials: Credentials) -> tuple[Path, Store]:
    """A marked, signed picture that declares AI, and the store that knows it."""
    base = tmp_path_factory.mktemp("work")
    plain, signed = base / "plain.png", base / "signed.png"
    scheme = image_scheme()
    plain.write_bytes(encode_image(scheme.embed(astronaut(), PAYLOAD, SHARED_KEY), "png"))
    binding = SoftBinding(alg=f"dev.{scheme.name}", value=f"{PAYLOAD:016x}")
    made = Action(name="c2pa.created", source_type="trainedAlgorithmicMedia")
    done = sign_file(plain, signed, Manifest(actions=(made,), soft_bindings=(binding,)), credentials)
    store = Store(base / "store.sqlite")
    store.add(
        Entry(
            id=PAYLOAD,
            manifest=done.manifest_bytes,
            mime="image/png",
            sha256="0" * 64,
            fingerprint=fingerprint(decode_image(signed.read_bytes())),
            time=datetime(2026, 11, 22, tzinfo=UTC),
        )
    )
    return signed, store


@pytest.fixture(scope="module")
def examination(credentials: Credentials, work: tuple[Path, Store]) -> Examination:
    recovery = Recovery(finders=(LocalFinder(work[1]),))
    return Examination(trust=Trust(anchors_pem=(credentials.anchor_pem,)), recovery=recovery)


def test_a_signed_and_marked_fake_is_declared_and_every_part_agrees(
    work: tuple[Path, Store], examination: Examination
) -> None:
    report = scan(work[0], examination)
    assert report.verification.state is State.TRUSTED
    assert [mark.payload for mark in report.marks] == [PAYLOAD]
    assert report.verdict.conclusion is Conclusion.DECLARED
    assert report.verdict.conflicts == ()
    assert report.exit_code == 1
    assert {check.step: check.outcome for check in report.verification.checks}[13] == "pass"


def test_a_stripped_copy_is_recovered_through_its_mark(
    tmp_path: Path, work: tuple[Path, Store], examination: Examination
) -> None:
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(encode_image(decode_image(work[0].read_bytes()).pixels, "jpeg", quality=75))
    report = scan(copy, examination)
    assert report.verification.state is State.RECOVERED
    assert report.verdict.conclusion is Conclusion.DECLARED


def test_a_mark_on_another_picture_brings_no_manifest_along(tmp_path: Path, examination: Examination) -> None:
    other = tmp_path / "cat.png"
    other.write_bytes(encode_image(image_scheme().embed(chelsea(), PAYLOAD, SHARED_KEY), "png"))
    report = scan(other, examination)
    assert report.verification.state is State.ABSENT
    assert any("not this file's" in note for note in report.notes)


def test_another_pictures_mark_under_a_signed_manifest_is_a_conflict(
    tmp_path: Path, credentials: Credentials, examination: Examination
) -> None:
    plain, signed = tmp_path / "plain.png", tmp_path / "signed.png"
    plain.write_bytes(encode_image(image_scheme().embed(astronaut(), 77, SHARED_KEY), "png"))
    binding = SoftBinding(alg="dev.assay.canvas.1", value=f"{PAYLOAD:016x}")
    made = Action(name="c2pa.created", source_type="trainedAlgorithmicMedia")
    sign_file(plain, signed, Manifest(actions=(made,), soft_bindings=(binding,)), credentials)
    assert any("another id" in conflict for conflict in scan(signed, examination).verdict.conflicts)


def test_a_detector_that_breaks_is_skipped_and_the_others_answer(
    tmp_path: Path, examination: Examination, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        name, version = "broken", "1"

        def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
            msg = f"cannot read {evidence.view.kind}"
            raise UnreadableMedia(msg)

    usual = scanning.detector
    monkeypatch.setattr(scanning, "detector", lambda name: Broken() if name == "audio-whisper" else usual(name))
    path = tmp_path / "astronaut.png"
    path.write_bytes(encode_image(astronaut(), "png"))
    report = scan(path, examination)
    assert [skip.detector for skip in report.verdict.skipped if skip.failed] == ["audio-whisper"]
    seen = {finding.detector for finding in report.verdict.findings}
    assert seen == {"visual-residual", "visual-face", "visual-drawn"}
    assert report.exit_code == 3, "not fully examined"


def test_every_detector_answers_or_says_why(tmp_path: Path, examination: Examination) -> None:
    path = tmp_path / "flat.png"
    path.write_bytes(encode_image(np.full((80, 80, 3), 90, np.uint8), "png"))
    report = scan(path, examination)
    assert {skip.detector for skip in report.verdict.skipped} == set(names())
    assert report.verdict.conclusion is Conclusion.NOT_EXAMINED


def test_a_quick_scan_reads_no_marks_and_says_so_and_how_much_it_looked_at(
    tmp_path: Path, examination: Examination, makers: ModuleType
) -> None:
    (tmp_path / "film.mp4").write_bytes(makers.film(60))
    looked = "of 60 frames in 1 scene {} were looked at, the sharpest of each stretch"
    whole = scan(tmp_path / "film.mp4", examination)
    assert looked.format(32) in whole.notes
    quick = scan(tmp_path / "film.mp4", replace(examination, quick=True))
    assert looked.format(8) in quick.notes
    why = {skip.detector: skip.why for skip in quick.verdict.skipped}
    assert why["marks"] == "a quick scan reads no marks"
    assert "scan without --quick" in why["visual-drawn"]
    named = scan(tmp_path / "film.mp4", replace(examination, quick=True, detectors=("visual-drawn",)))
    assert "scan without --quick" not in str(named.verdict.skipped), "whoever is named is asked"


@pytest.mark.parametrize("quick", [False, True])
def test_a_film_is_decoded_once_for_marks_pictures_and_sound(
    tmp_path: Path, examination: Examination, makers: ModuleType, monkeypatch: pytest.MonkeyPatch, quick: bool
) -> None:
    asked: list[str] = []
    for module in (survey, decode):
        usual = module.stream

        def counted(op: str, *rest: Any, usual: Any = usual, **more: Any) -> Any:
            asked.append(op)
            return usual(op, *rest, **more)

        monkeypatch.setattr(module, "stream", counted)
    path = tmp_path / "film.mp4"
    path.write_bytes(makers.film(60, audio=makers.tone(seconds=2.4)))
    report = scan(path, replace(examination, quick=quick))
    assert asked == ["film"]
    assert list(report.seconds)[:3] == ["open", "verify", "decode"]
    assert report.seconds["all"] == max(report.seconds.values())
    assert ("marks" in report.seconds) is not quick
    skipped = [skip.detector for skip in report.verdict.skipped if skip.detector != "marks"]
    assert skipped == [name for name in names() if name in skipped], "told in the order of the catalogue"


def test_one_bad_file_does_not_end_a_batch(tmp_path: Path, examination: Examination, makers: ModuleType) -> None:
    good, bad = tmp_path / "b.png", tmp_path / "a.png"
    good.write_bytes(encode_image(makers.card(), "png"))
    bad.write_bytes(b"nothing")
    answers = list(scan_each(files_below([tmp_path]), examination))
    assert [isinstance(answer, Report) for answer in answers] == [False, True]
    assert answers[0].to_json()["error"]["type"] == "UnreadableMedia"


def test_folders_that_do_not_exist_are_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found nothing"):
        files_below([tmp_path / "nowhere"])


def test_the_receipt_beside_a_file_is_told_everywhere_and_moves_no_verdict(
    tmp_path: Path, examination: Examination, makers: ModuleType
) -> None:
    path, page = tmp_path / "card.png", tmp_path / "page.html"
    path.write_bytes(encode_image(makers.card(), "png"))
    log = ensure_ledger(tmp_path / "ledger", name="example.org/log")
    knowing = replace(examination, logs=(log.key,))
    without = scan(path, knowing)
    assert without.to_json()["receipts"] == []
    entry = rfc8785.dumps({"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    receipt_place(path).write_text(log.add(entry).to_text())
    assert path in files_below([tmp_path])
    assert receipt_place(path) not in files_below([tmp_path])
    report = scan(path, knowing)
    told = report.to_json()["receipts"]
    assert [(one["log"], one["index"], one["size"], one["state"]) for one in told] == [
        ("example.org/log", 0, 1, "holds")
    ]
    assert report.verdict.conclusion is without.verdict.conclusion
    assert "receipt    example.org/log holds: " in terminal(report, verbose=0)
    write_page([report], page)
    assert "receipt holds" in page.read_text()
    assert scan(path, replace(examination, logs=())).receipts[0].state == "unknown log"


def test_the_page_draws_what_a_file_was_made_from(tmp_path: Path, shared: Path, examination: Examination) -> None:
    path, page = shared / "media/c2pa/c2pa-rs/CACAE-uri-CA.jpg", tmp_path / "page.html"
    if not path.exists():
        pytest.skip("the real media are not here")
    assert scan(path, examination).tree is None, "only where pictures were asked for"
    report = scan(path, replace(examination, previews=True))
    assert report.tree is not None
    assert [(depth, node.broken, node.picture is not None) for depth, node in walk(report.tree)] == [
        (0, False, True),
        (1, False, True),
        (2, True, True),
        (3, False, True),
    ]
    write_page([report], page)
    text = page.read_text()
    assert "<details><summary>Provenance, as a tree" in text
    assert text.count('<div class="node ') == 4
    assert "E-uri-CA.jpg" in text


def test_a_page_of_a_file_without_manifest_has_no_tree(
    tmp_path: Path, examination: Examination, makers: ModuleType
) -> None:
    path, page = tmp_path / "card.png", tmp_path / "page.html"
    path.write_bytes(encode_image(makers.card(), "png"))
    write_page([scan(path, replace(examination, previews=True))], page)
    assert "as a tree" not in page.read_text()


def test_breaking_off_ends_the_other_thread_before_its_next_stage(
    tmp_path: Path, examination: Examination, makers: ModuleType
) -> None:
    path, told, marks = tmp_path / "sound.wav", list[str](), threading.Event()
    path.write_bytes(encode_audio(makers.tone(seconds=3.0, rate=16_000), "wav"))

    def tell(stage: str) -> None:
        told.append(stage)
        if stage == "marks":
            marks.set()
        if stage == "verify":
            assert marks.wait(60)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(path, examination, progress=tell)
    assert sorted(told) == ["marks", "open", "verify"]


def test_a_page_on_a_damaged_picture_still_says_what_the_file_declares(
    work: tuple[Path, Store], tmp_path: Path, examination: Examination
) -> None:
    path, page = tmp_path / "cut.png", tmp_path / "page.html"
    data = work[0].read_bytes()
    path.write_bytes(data[: len(data) // 2])
    asked = replace(examination, detectors=("declared", "visual-residual"))
    plain, drawn = scan(path, asked), scan(path, replace(asked, previews=True))
    assert drawn.verification.state is plain.verification.state
    assert drawn.verdict.skipped == plain.verdict.skipped
    write_page([drawn], page)
    assert "the picture is cut off" in page.read_text(encoding="utf-8")


def test_only_models_that_can_answer_are_loaded_ahead(
    tmp_path: Path, makers: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(running, "shipped", loaded.append)
    (tmp_path / "film.mp4").write_bytes(makers.film(2))
    (tmp_path / "still.png").write_bytes(encode_image(makers.card(), "png"))
    asked = ("audio-whisper", "visual-residual", "visual-face")
    running.prepare(asked, View.open(tmp_path / "film.mp4"))
    assert loaded == ["visual-residual"], "no sound, and visual-face leaves films to others"
    running.prepare(asked[2:], View.open(tmp_path / "still.png"))
    assert loaded[1:] == ["visual-face"]
