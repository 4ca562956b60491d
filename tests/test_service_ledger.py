"""`assay ledger` on the command line: receipts beside files, checks without the log, witnesses that refuse."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from assay.provenance.ledger import LedgerError, Receipt, ensure_ledger
from assay.provenance.witness import ensure_witness

Run = Callable[..., Any]


@pytest.fixture
def run(run: Run) -> Run:
    """Run a verb of `assay ledger`."""
    return partial(run, "ledger")


@pytest.fixture
def files(tmp_path: Path, run: Run) -> list[Path]:
    """Three files that were entered in the log, each with its receipt."""
    made = [tmp_path / f"{name}.jpg" for name in "abc"]
    for path in made:
        path.write_bytes(path.name.encode() * 100)
    said = run("append", *made)
    assert said.code == 0, said.err
    assert [line.split("\t")[0] for line in said.out.splitlines()] == ["0", "1", "2"]
    return made


def test_a_receipt_beside_a_file_is_checked_without_the_log(
    files: list[Path], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = run("key").out.strip()
    assert run("verify", files[1]).code == 0, "with one's own key"
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "elsewhere"))
    assert run("verify", files[1]).code == 2, "no key is known there"
    said = run("verify", files[1], "--key", key)
    assert said.code == 0
    assert said.out.startswith("holds: ")
    assert "number 1 of the 3 entries" in said.out
    (tmp_path / "log.pub").write_text(key + "\n")
    assert run("verify", files[1], "--key", tmp_path / "log.pub").code == 0
    assert run("verify", "--receipt", f"{files[1]}.receipt", "--key", key).out.count("sha256") == 1
    assert not (tmp_path / "elsewhere" / "ledger").exists(), "checking makes no log"


@pytest.mark.parametrize("damage", ["file", "entry", "checkpoint", "other receipt", "other key"])
def test_what_does_not_hold_is_found(
    files: list[Path], run: Run, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(f"{files[1]}.receipt")
    key = run("key").out.strip()
    if damage == "file":
        files[1].write_bytes(b"other")
    elif damage == "entry":
        place.write_text(place.read_text().replace("index 1", "index 2"))
    elif damage == "checkpoint":
        place.write_text(place.read_text().replace("\n3\n", "\n4\n"))
    elif damage == "other receipt":
        place.write_text(Path(f"{files[0]}.receipt").read_text())
    else:
        monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "other"))
        key = run("key").out.strip()
    said = run("verify", files[1], "--key", key)
    assert said.code == 1
    assert said.out.startswith("does not hold: ")


def test_a_receipt_that_is_none_and_missing_arguments_are_errors(files: list[Path], run: Run, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no receipt")
    assert run("verify", files[0], "--receipt", tmp_path / "x").code == 3
    assert run("verify").code == 2
    assert run("verify", tmp_path / "unknown.jpg").code == 2
    assert run("prove").code == 2
    assert run("prove", 1, "--since", 1).code == 2
    assert run("prove", 99).code == 3
    assert run("append", tmp_path / "nowhere").code == 2


def test_a_missing_file_enters_none(files: list[Path], run: Run, tmp_path: Path) -> None:
    assert run("append", files[0], tmp_path / "nowhere").code == 2
    assert len(ensure_ledger()) == 3


def test_the_log_is_audited_and_a_change_named(files: list[Path], run: Run) -> None:
    assert len(files) == 3
    said = run("audit")
    assert said.code == 0
    assert said.out.startswith("3 entries")
    with sqlite3.connect(ensure_ledger().path) as base:
        base.execute("UPDATE entries SET entry = ? WHERE number = 1", (b"forged",))
    base.close()
    said = run("audit")
    assert said.code == 1
    assert "entry number 1" in said.out


def test_a_witness_co_signs_growth_and_the_receipt_carries_it(files: list[Path], run: Run, tmp_path: Path) -> None:
    log, seer = run("key").out.strip(), run("key", "--witness").out.strip()
    assert run("witness", "--log", log).out.strip() == "0"
    request, signed = tmp_path / "request", tmp_path / "signed"
    for size in (0, 3):
        assert run("prove", "--since", size, "--out", request).code == 0
        assert run("witness", request, "--log", log, "--out", signed).code == 0
        assert run("append", files[0]).code == 0
    assert run("witness", "--log", log).out.strip() == "4"
    receipt = tmp_path / "b.proof"
    assert run("prove", 1, "--checkpoint", signed, "--out", receipt).code == 0
    assert run("verify", files[1], "--receipt", receipt, "--key", log, "--witness", seer).code == 0
    assert run("verify", files[1], "--key", log, "--witness", seer).code == 1, "the older receipt has no witness"


def test_a_witness_refuses_a_log_whose_past_changed(files: list[Path], run: Run, tmp_path: Path) -> None:
    log, request = run("key").out.strip(), tmp_path / "request"
    run("prove", "--since", 0, "--out", request)
    assert run("witness", request, "--log", log).code == 0
    path = ensure_ledger().path
    for stale in path.parent.glob("log.sqlite*"):
        stale.unlink()
    for name in ("x", "y", "z", "w"):
        (tmp_path / name).write_text(name)
        ensure_ledger(path.parent).append([name.encode()])
    run("prove", "--since", 3, "--out", request)
    said = run("witness", request, "--log", log)
    assert said.code == 1
    assert "its past changed" in said.err
    run("prove", "--since", 2, "--out", request)
    assert run("witness", request, "--log", log).code == 3, "a proof from another size than was co-signed"
    assert len(files) == 3


def test_keys_are_private_and_of_one_kind(files: list[Path], run: Run, tmp_path: Path) -> None:
    assert len(files) == 3
    folder = ensure_ledger().path.parent
    assert (folder / "key.pem").stat().st_mode & 0o777 == 0o600
    with pytest.raises(LedgerError, match="is a log's"):
        ensure_witness(folder)
    (folder / "key.pem").unlink()
    assert run("checkpoint").code == 3, "a log that lost its key gets no new one"
    witness = tmp_path / "witness"
    assert ensure_witness(witness).key == ensure_witness(witness).key
    (witness / "key.pem").write_text("damaged")
    assert run("key", "--witness", "--folder", witness).code == 3


def test_the_receipt_is_the_librarys_own(files: list[Path], run: Run) -> None:
    text = Path(f"{files[2]}.receipt").read_text()
    receipt = Receipt.parse(text)
    assert receipt.verify(ensure_ledger().key).size == 3
    assert run("prove", 2).out == text
    assert run("checkpoint").out == receipt.checkpoint
