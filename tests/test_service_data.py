"""`assay data`: what can be read, the index, what is wrong with it, splits and sheets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from assay.datasets.layouts import LAYOUTS
from assay.media.encode import encode_audio, encode_image


@pytest.fixture
def voices(makers: ModuleType, tmp_path: Path) -> Path:
    """A plain folder of four sounds and two pictures."""
    root = tmp_path / "private-name"
    for side in ("real", "fake/vocoder"):
        for number in range(2):
            place = root / side / f"secret{number}__x.wav"
            place.parent.mkdir(parents=True, exist_ok=True)
            pitch = 200 * (number + 1) + len(side)
            place.write_bytes(encode_audio(makers.tone(seconds=0.3, rate=16000, hertz=pitch), "wav"))
        (root / side / "secret9__p.png").write_bytes(encode_image(makers.card(), "png"))
    return root


def test_list_names_every_layout_and_says_what_lies_there(
    run: Callable[..., object], corpora: ModuleType, tmp_path: Path
) -> None:
    said = run("data", "list")
    assert [line.split("\t")[0] for line in said.out.splitlines()] == list(LAYOUTS)
    root = corpora.corpus("celeb-df-v1", tmp_path)
    said = run("data", "list", root, "--json")
    states = {row["name"]: row["state"] for row in map(json.loads, said.out.splitlines())}
    assert states["celeb-df-v1"] == "fits"
    assert states["celeb-df-v2"] == "4 of 4 signs"
    assert states["dfdc"] == "not here"
    assert "terms: research only" in run("data", "list", "-v").out


def test_index_check_and_split_work_hand_in_hand(
    run: Callable[..., object], corpora: ModuleType, tmp_path: Path
) -> None:
    root, out = corpora.corpus("asvspoof2019-la", tmp_path / "la"), tmp_path / "la.parquet"
    said = run("data", "index", root, "--out", out)
    assert said.code == 0
    assert "ASVspoof 2019 LA, 4 rows" in said.out
    assert "missing\t1" in said.out
    assert "unlisted\t1" in said.out
    said = run("data", "check", out, "--hash")
    assert said.code == 1
    assert "missing: 1 (named by a protocol, but not there)" in said.out
    assert "LA_D_1047731.flac" in said.out
    found = json.loads(run("data", "check", root, "--json").out)
    assert {problem["state"]: problem["rows"] for problem in found["problems"]} == {"missing": 1, "unlisted": 1}
    said = run("data", "split", out, "--seed", "2", "--shares", "train=0.5,test=0.5")
    assert said.code == 0
    assert "1 components" in said.err
    assert re.search(r"^(train|test): 1 components \(100\.0%\), 2 rows \(100\.0%\)$", said.err, re.MULTILINE)
    assert "--leave-out" in said.err
    wrong = [("--shares", "train"), ("--shares", "train=0.5,test=0.1"), ("--unseen", "nobody")]
    assert [run("data", "split", out, *options).code for options in wrong] == [2, 2, 2]
    assert run("data", "index", root, "--layout", "no-such", "--out", out).code == 2
    assert run("data", "index", tmp_path / "nowhere", "--out", out).code == 2
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    assert run("data", "index", root, "--out", tmp_path / "broken.parquet" / "x.parquet").code == 2
    assert run("data", "split", tmp_path / "broken.parquet").code == 3, "it is there, but cannot be examined"
    assert run("data", "split", tmp_path / "none.parquet").code == 2


def test_a_clean_corpus_passes_the_check(run: Callable[..., object], voices: Path) -> None:
    said = run("data", "check", voices, "--hash")
    assert said.code == 1, "two pictures are the same"
    assert "(across labels)" in said.out
    (voices / "real" / "secret9__p.png").unlink()
    assert run("data", "check", voices, "--hash").code == 0


def test_show_writes_sheets_and_tells_no_path_unless_asked(
    run: Callable[..., object], voices: Path, tmp_path: Path
) -> None:
    said = run("data", "show", voices, "--out", tmp_path / "page", "--per", "2")
    assert said.code == 0
    page = (tmp_path / "page" / "index.html").read_text()
    told = (tmp_path / "page" / "show.json").read_text()
    assert "secret" not in page + told
    assert "private-name" not in page + told
    sheets = json.loads(told)["sheets"]
    assert {(sheet["label"], sheet["maker"], sheet["kind"], sheet["samples"]) for sheet in sheets} == {
        ("bona fide", "", "audio", 2),
        ("bona fide", "", "image", 1),
        ("spoof", "vocoder", "audio", 2),
        ("spoof", "vocoder", "image", 1),
    }
    assert all((tmp_path / "page" / sheet["file"]).read_bytes()[:2] == b"\xff\xd8" for sheet in sheets)
    assert page.count("data:image/jpeg") == 4
    run("data", "show", voices, "--out", tmp_path / "named", "--per", "1", "--paths")
    assert "real/secret" in (tmp_path / "named" / "index.html").read_text()


def test_a_folder_that_is_no_corpus_is_answered_in_one_line(run: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    said = run("data", "index", tmp_path, "--out", tmp_path / "x.parquet")
    assert said.code == 3
    assert "found clips/" in said.err
    assert len(said.err.splitlines()) == 1
