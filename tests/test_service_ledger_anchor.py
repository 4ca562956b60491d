"""`assay ledger stamp` and `anchor` on the command line, against an authority and nodes that the test runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from assay.provenance.ledger import ensure_ledger
from assay.service import cli

Run = Callable[..., tuple[int, str]]
NOWHERE = "http://127.0.0.1:9/"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a verb of `assay ledger`; give its exit code and what it printed, on either stream."""

    def once(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["assay", "ledger", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capfd.readouterr()
        return int(end.value.code or 0), told.out + told.err

    return once


@pytest.fixture
def note(tmp_path: Path, run: Run) -> Path:
    """A checkpoint of the user's own log, of one entry."""
    ensure_ledger().append([b"one"])
    assert run("checkpoint", "--out", tmp_path / "head")[0] == 0
    return tmp_path / "head"


@pytest.fixture
def later(note: Path, tmp_path: Path, run: Run) -> Path:
    """A later checkpoint of the same log."""
    ensure_ledger().append([b"two"])
    assert run("checkpoint", "--out", tmp_path / "later")[0] == 0
    return tmp_path / "later"


@pytest.fixture(scope="module")
def clock(outside: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("clock")
    with outside.clock(folder) as url:
        yield url, folder / "root.pem"


@pytest.fixture(scope="module")
def machine(outside: ModuleType) -> Iterator[str]:
    with outside.machine_node() as url:
        yield url


@pytest.fixture(scope="module")
def anvil(outside: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with outside.node(tmp_path_factory.mktemp("npm")) as url:
        yield url


@pytest.fixture(params=["machine", "anvil"])
def chain(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def payer(outside: ModuleType, tmp_path: Path) -> Path:
    path = tmp_path / "payer.key"
    path.write_text(f"0x{outside.PAYER.hex()}\n")
    return path


def test_a_stamp_lies_beside_the_checkpoint_and_is_checked_without_the_network(
    clock: tuple[str, Path], note: Path, later: Path, run: Run, outside: ModuleType, tmp_path: Path
) -> None:
    url, root = clock
    assert run("stamp", note, "--tsa", url) == (0, f"{note}.tsr\n")
    code, told = run("verify-stamp", note, "--root", root)
    assert (code, told.startswith("holds: 1 entries of ")) == (0, True)
    code, told = run("verify-stamp", later, "--stamp", f"{note}.tsr", "--root", root)
    assert (code, told.startswith("does not hold: ")) == (1, True)
    (tmp_path / "strange").mkdir()
    outside.certificates(tmp_path / "strange")
    assert run("verify-stamp", note, "--root", tmp_path / "strange" / "root.pem")[0] == 1
    assert run("verify-stamp", note, "--root", note)[0] == 2, "no certificate: nothing is said of the stamp"


def test_a_checkpoint_that_the_log_did_not_sign_does_not_hold_whatever_its_stamp(
    clock: tuple[str, Path], note: Path, run: Run, tmp_path: Path
) -> None:
    url, root = clock
    note.write_text(note.read_text().replace("\n1\n", "\n7\n", 1))
    assert run("stamp", note, "--tsa", url)[0] == 0
    code, told = run("verify-stamp", note, "--root", root)
    assert (code, "is not signed by" in told) == (1, True)
    other = str(ensure_ledger(tmp_path / "other").key)
    assert run("verify-stamp", note, "--root", root, "--key", other)[0] == 1


def test_an_older_stamp_is_kept_and_a_failed_one_leaves_nothing(
    clock: tuple[str, Path], note: Path, run: Run, tmp_path: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    code, told = run("stamp", note, "--tsa", NOWHERE)
    assert (code, "does not answer" in told) == (3, True)
    assert run("stamp", note, "--tsa", "file:///etc/passwd")[0] == 2
    assert sorted(tmp_path.iterdir()) == before
    Path(f"{note}.tsr").write_bytes(b"an older one")
    assert run("stamp", note, "--tsa", clock[0])[0] == 2
    assert Path(f"{note}.tsr").read_bytes() == b"an older one"


def test_an_anchor_lies_beside_the_checkpoint_and_is_found_in_the_chain(
    chain: str, note: Path, later: Path, payer: Path, run: Run
) -> None:
    code, told = run("anchor", note, "--chain", chain, "--key", payer)
    assert (code, told) == (0, f"{note}.anchor.json\n")
    code, told = run("verify-anchor", note, "--chain", chain)
    assert (code, told.startswith("holds: 1 entries of ")) == (0, True)
    place = Path(f"{note}.anchor.json")
    code, told = run("verify-anchor", later, "--chain", chain, "--anchor", place)
    assert (code, "something else" in told) == (1, True)
    assert run("verify-anchor", note, "--chain", chain, "--confirmations", 99)[0] == 1
    made = json.loads(place.read_text())
    place.write_text(json.dumps({**made, "transaction": "0x" + "ab" * 32}))
    code, told = run("verify-anchor", note, "--chain", chain)
    assert (code, "in no block" in told) == (1, True)
    place.write_text(json.dumps({**made, "chain": made["chain"] + 1}))
    assert run("verify-anchor", note, "--chain", chain)[0] == 3, "another chain says nothing of the anchor"
    assert run("verify-anchor", note, "--chain", NOWHERE)[0] == 3


def test_nothing_is_paid_above_the_limit_or_with_what_is_no_key(
    machine: str, note: Path, payer: Path, run: Run, tmp_path: Path
) -> None:
    code, told = run("anchor", note, "--chain", machine, "--key", payer, "--most-wei", 10)
    assert (code, "more than the 10 allowed" in told) == (3, True)
    payer.write_text("secret" * 9)
    code, told = run("anchor", note, "--chain", machine, "--key", payer)
    assert (code, "secret" in told.replace(str(tmp_path), "")) == (2, False)
    assert not Path(f"{note}.anchor.json").exists()


@pytest.mark.parametrize(
    ("module", "verb"),
    [("rfc3161_client", ("stamp", "--tsa", NOWHERE)), ("web3", ("anchor", "--chain", NOWHERE, "--key", "payer"))],
)
def test_without_the_extra_each_verb_names_it(
    note: Path, payer: Path, run: Run, monkeypatch: pytest.MonkeyPatch, module: str, verb: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    code, told = run(verb[0], note, *(str(payer) if word == "payer" else word for word in verb[1:]))
    assert (code, "needs the extra 'anchor'" in told) == (3, True)
