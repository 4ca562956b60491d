"""The fresh-fake benchmark: consent first, one chain for both classes, failures counted, the same rows again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from assay import detect
from assay.detect.finding import Evidence, Finding, ModelError, Skipped
from assay.eval import page
from assay.eval.bench import NotMade, Plan, chains_by_kind, level, run
from assay.eval.makers import MAKERS, PURPOSE, Leave, Real, maker
from assay.eval.reals import read_reals
from assay.eval.rows import BenchError, Row, read_rows
from assay.eval.summary import summarise
from assay.generate import ConsentBook, ConsentError, Scope, Terms
from assay.generate.consent import file_sha256
from assay.media.audio import Audio
from assay.media.encode import encode_audio
from assay.media.errors import InputError, NothingToExamine

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PEOPLE = ("ann", "bob")


class EveryThird:
    """A detector that breaks on every third file, for the counts."""

    name, version = "every-third", "1"
    calls = 0

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        EveryThird.calls += 1
        if EveryThird.calls % 3 == 0:
            msg = "the model is broken today"
            raise ModelError(msg)
        assert evidence.verification is None, "provenance is withheld in a benchmark"
        assert evidence.view.audio is not None
        llr = float(np.log10(np.abs(evidence.view.audio.mono()).mean()))
        return (Finding(detector=self.name, version="1", llr=llr, calibration="none", note="", modality="audio"),)


def _voice(seed: int, *, seconds: float = 2.0, rate: int = 22_050) -> Audio:
    """Return a made voice: pulses through two resonances, with the rise and fall of syllables."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    pulses = np.sign(np.sin(2 * np.pi * (110 + 20 * seed) * time)) + 0.05 * rng.normal(size=time.size)
    syllables = 0.2 * (1 + np.sin(2 * np.pi * 3.5 * time)) * np.sin(2 * np.pi * 0.5 * time) ** 2
    return Audio(samples=(syllables * pulses).astype(np.float32)[np.newaxis], rate=rate)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    base = tmp_path / "reals"
    for number, person in enumerate(PEOPLE):
        (base / person).mkdir(parents=True)
        (base / person / "voice.wav").write_bytes(encode_audio(_voice(number), "wav"))
    return base


@pytest.fixture
def leave(folder: Path, tmp_path: Path) -> Leave:
    book = ConsentBook(tmp_path / "consents")
    for person in PEOPLE:
        terms = Terms(
            subject=person,
            scopes=(Scope.VOICE_CLONE,),
            purpose=PURPOSE,
            references=(file_sha256(folder / person / "voice.wav"),),
            expires=NOW + timedelta(days=1),
            statement="I agree to the benchmark.",
        )
        book.grant(terms, now=NOW)
    return Leave(book=book, now=NOW)


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setitem(detect.CATALOGUE, "every-third", f"{__name__}:EveryThird")
    monkeypatch.setattr(detect, "detector", lambda name: EveryThird() if name == "every-third" else None)
    monkeypatch.setattr("assay.detect.scan.detector", lambda _name: EveryThird())
    EveryThird.calls = 0
    return Plan(
        makers=("world-copy", "griffin-lim"),
        detectors=("every-third",),
        chains=chains_by_kind(["telephone"]),
        seed=3,
    )


def test_the_same_seed_gives_the_same_rows_and_no_file_is_written(folder: Path, leave: Leave, plan: Plan) -> None:
    reals, left_out = read_reals(folder)
    assert left_out == []
    before = sorted(folder.rglob("*"))
    once = [row for row in run(reals, plan, leave) if isinstance(row, Row)]
    EveryThird.calls = 0
    again = [row for row in run(reals, plan, leave) if isinstance(row, Row)]

    def told(rows: list[Row]) -> list[tuple[object, ...]]:
        return [(row.item, row.maker, row.laundering, row.score, row.why, row.outcome, row.digest) for row in rows]

    assert told(once) == told(again)
    assert sorted(folder.rglob("*")) == before
    # two people x (one real, two fakes) x (clean, telephone)
    assert len(once) == 12


def test_a_detector_that_breaks_is_counted_and_never_scored(folder: Path, leave: Leave, plan: Plan) -> None:
    rows = [row for row in run(read_reals(folder)[0], plan, leave) if isinstance(row, Row)]
    failed = [row for row in rows if row.failed]
    assert len(failed) == 4
    assert all(row.score is None and "broken today" in row.why for row in failed)
    lines = [line for line in summarise(rows, seed=1) if line.maker == line.laundering == "all"]
    assert sum(line.failed for line in lines) == 4
    assert sum(line.bona_fide + line.spoof for line in lines) == 8


def test_without_consent_to_the_benchmark_nothing_is_made(folder: Path, plan: Plan, tmp_path: Path) -> None:
    strangers = Leave(book=ConsentBook(tmp_path / "empty"), now=NOW)
    with pytest.raises(ConsentError):
        list(run(read_reals(folder)[0], plan, strangers))


def test_consent_that_has_expired_stops_the_benchmark(folder: Path, leave: Leave, plan: Plan) -> None:
    with pytest.raises(ConsentError, match="expired"):
        list(run(read_reals(folder)[0], plan, Leave(book=leave.book, now=NOW + timedelta(days=2))))


@pytest.mark.parametrize("name", ["world-copy", "griffin-lim"])
def test_copy_synthesis_keeps_length_and_words_but_not_samples(folder: Path, leave: Leave, name: str) -> None:
    real = read_reals(folder)[0][0]
    made = maker(name).make(real, (), leave=leave, seed=1)
    assert isinstance(made, Audio)
    assert isinstance(real.media, Audio)
    assert abs(made.seconds - real.media.seconds) < 0.02
    again = maker(name).make(real, (), leave=leave, seed=1)
    assert isinstance(again, Audio)
    assert np.array_equal(made.samples, again.samples)
    plain = level(real.media)
    assert isinstance(plain, Audio)
    spectra = [np.abs(np.fft.rfft(x.mono()[:16_000])) for x in (plain, level(made)) if isinstance(x, Audio)]
    assert np.corrcoef(spectra[0], spectra[1])[0, 1] > 0.3
    assert not np.array_equal(plain.mono()[:16_000], made.mono()[:16_000])


def test_levelling_removes_rate_loudness_silence_and_length() -> None:
    quiet = _voice(1, seconds=7.0, rate=44_100)
    padded = np.pad(quiet.samples * np.float32(0.1), ((0, 0), (44_100, 44_100)))
    one = level(Audio(samples=padded, rate=44_100))
    assert isinstance(one, Audio)
    assert one.rate == 16_000
    assert one.seconds == pytest.approx(3.0)
    assert 20 * np.log10(np.sqrt(np.mean(one.samples**2))) == pytest.approx(-23.0, abs=1.0)
    with pytest.raises(NothingToExamine):
        level(Audio(samples=np.zeros((1, 16_000), np.float32), rate=16_000))


def test_what_a_maker_cannot_make_is_told_and_the_rest_goes_on(
    folder: Path, leave: Leave, plan: Plan, makers: ModuleType
) -> None:
    short = folder / "ann" / "short.wav"
    short.write_bytes(encode_audio(Audio(samples=makers.tone(seconds=0.02).samples, rate=48_000), "wav"))
    reals = read_reals(folder)[0]
    told = list(run(reals, replace(plan, makers=()), leave))
    assert [answer.item for answer in told if isinstance(answer, NotMade)] == ["ann/short.wav"]
    assert {row.item for row in told if isinstance(row, Row)} == {"ann/voice.wav", "bob/voice.wav"}


def test_rows_survive_the_disk_and_the_page_tells_them(folder: Path, leave: Leave, plan: Plan, tmp_path: Path) -> None:
    answers = list(run(read_reals(folder)[0], plan, leave))
    answers.append(NotMade(item="x+world-copy", maker="world-copy", why="<b>because</b>"))
    result = page.collect(answers, ["left.txt: no media"], plan, command="assay bench", material="made")
    path = page.write(result, tmp_path / "out")
    assert tuple(read_rows(tmp_path / "out" / "rows.jsonl")) == result.rows
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["made from"]["seed"] == "3"
    assert len(summary["lines"]) == len(result.lines)
    text = path.read_text()
    assert "every-third" in text
    assert "<b>because</b>" not in text
    (tmp_path / "bad.jsonl").write_text('{"item": 1}\n')
    with pytest.raises(BenchError, match="line 1"):
        list(read_rows(tmp_path / "bad.jsonl"))


@pytest.mark.parametrize("name", MAKERS)
def test_makers_have_the_name_that_they_are_listed_by(name: str) -> None:
    assert maker(name).name == name


def test_unknown_makers_and_chains_are_refused() -> None:
    with pytest.raises(InputError, match="hibari-world"):
        maker("magic")
    with pytest.raises(InputError, match="tea"):
        chains_by_kind(["tea"])
    assert chains_by_kind(["jpeg-70"])["audio"] == ("clean",)
    assert chains_by_kind(["jpeg-70"])["image"] == ("clean", "jpeg-70")


def test_a_manifest_says_who_is_in_a_file(folder: Path) -> None:
    (folder / "manifest.csv").write_text("path,person\nann/voice.wav,anna\n")
    (real,) = read_reals(folder)[0]
    assert (real.subject, real.kind) == ("anna", "audio")
    assert isinstance(real, Real)
    (folder / "manifest.csv").write_text("path,person\n../../secret.wav,x\n")
    with pytest.raises(BenchError, match="no file below"):
        read_reals(folder)
    (folder / "manifest.csv").write_text("file,who\n")
    with pytest.raises(BenchError, match="path and person"):
        read_reals(folder)


def test_an_empty_folder_is_no_material(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="empty"):
        read_reals(tmp_path)
    with pytest.raises(InputError, match="folder of real media"):
        read_reals(tmp_path / "nowhere")
