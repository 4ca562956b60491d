"""The public log: hashing and proofs against an independent definition, receipts, the witness, crashes."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from assay.provenance.ledger import Ledger, LedgerError, Receipt, ensure_ledger
from assay.provenance.merkle import EMPTY, holds_consistency, holds_inclusion, leaf_hash
from assay.provenance.notes import Checkpoint, NoteKey, NoteSigner
from assay.provenance.witness import Witness
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def signer(name: str = "log.example/test", *, witness: bool = False) -> NoteSigner:
    return NoteSigner.of(name, Ed25519PrivateKey.from_private_bytes(bytes(range(32))), witness=witness)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "log.sqlite", signer())


def tree_hash(entries: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word: the route that the code does not take."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + tree_hash(entries[:k]) + tree_hash(entries[k:])).digest()


def audit_path(m: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = 1
    while 2 * k < len(entries):
        k *= 2
    if m < k:
        return [*audit_path(m, entries[:k]), tree_hash(entries[k:])]
    return [*audit_path(m - k, entries[k:]), tree_hash(entries[:k])]


def sub_proof(m: int, entries: list[bytes], *, whole: bool) -> list[bytes]:
    if m == len(entries):
        return [] if whole else [tree_hash(entries)]
    k = 1
    while 2 * k < len(entries):
        k *= 2
    if m <= k:
        return [*sub_proof(m, entries[:k], whole=whole), tree_hash(entries[k:])]
    return [*sub_proof(m - k, entries[k:], whole=False), tree_hash(entries[:k])]


def test_roots_and_proofs_are_those_of_the_recursive_definition(ledger: Ledger) -> None:
    entries = [b"entry %d" % number for number in range(70)]
    ledger.append(entries[:1])
    ledger.append(entries[1:33])
    ledger.append(entries[33:])
    for size in range(len(entries) + 1):
        assert ledger.root(size) == tree_hash(entries[:size])
    for size in (1, 2, 3, 7, 8, 9, 31, 64, 65, 70):
        for index in range(size):
            proof = ledger.inclusion(index, size)
            assert list(proof) == audit_path(index, entries[:size])
            assert holds_inclusion(leaf_hash(entries[index]), index, size, proof, tree_hash(entries[:size]))
        for old in range(1, size + 1):
            proof = ledger.consistency(old, size)
            assert list(proof) == sub_proof(old, entries[:size], whole=True)
            assert holds_consistency((old, size), (tree_hash(entries[:old]), tree_hash(entries[:size])), proof)


def test_a_known_tree_has_the_root_that_certificate_transparency_publishes(ledger: Ledger) -> None:
    # The eight leaves of the Certificate Transparency reference tests.
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    entries = [bytes.fromhex(leaf) for leaf in leaves]
    assert tree_hash(entries).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    ledger.append([b"x" + entry for entry in entries])  # the log itself takes no empty entry
    assert ledger.root() == tree_hash([b"x" + entry for entry in entries])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_proof_with_anything_changed_does_not_hold(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 40))
    entries = [b"%d" % number for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    proof, root = audit_path(index, entries), tree_hash(entries)
    leaf = leaf_hash(entries[index])
    assert holds_inclusion(leaf, index, size, proof, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index))
    assert not holds_inclusion(leaf, other, size, proof, root)
    place = data.draw(st.integers(0, len(proof) - 1))
    bent = [*proof[:place], hashlib.sha256(proof[place]).digest(), *proof[place + 1 :]]
    assert not holds_inclusion(leaf, index, size, bent, root)
    assert not holds_inclusion(leaf, index, size, proof[:-1], root)
    assert not holds_inclusion(leaf, index, size, [*proof, root], root)
    old = data.draw(st.integers(1, size - 1))
    grown = sub_proof(old, entries, whole=True)
    before = tree_hash(entries[:old])
    assert holds_consistency((old, size), (before, root), grown)
    assert not holds_consistency((old, size), (hashlib.sha256(before).digest(), root), grown)
    assert not holds_consistency((old, size), (before, before), grown)
    assert not holds_consistency((old, size), (before, root), [*grown, root])


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_are_no_receipt_key_or_checkpoint(data: bytes) -> None:
    text = data.decode("utf-8", errors="replace")
    for parse in (Receipt.parse, NoteKey.parse, Checkpoint.parse):
        with pytest.raises(LedgerError):
            parse(text)


def test_a_receipt_verifies_offline_with_the_public_key_alone(ledger: Ledger) -> None:
    ledger.append([b"before"] * 5)
    receipt = ledger.add(b"the one")
    ledger.append([b"after"] * 5)
    key = NoteKey.parse(str(ledger.key))
    again = Receipt.parse(receipt.to_text())
    assert again == receipt
    assert again.verify(key).size == 6
    assert ledger.receipt(5).verify(key).size == 11


def test_a_receipt_of_another_entry_place_log_or_key_does_not_verify(ledger: Ledger) -> None:
    ledger.append([b"%d" % number for number in range(9)])
    good = ledger.receipt(4)
    stranger = NoteSigner.of(ledger.key.name, Ed25519PrivateKey.generate())
    renamed = NoteSigner.of("other.example/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    for wrong in (
        Receipt(index=4, entry=b"5", proof=good.proof, checkpoint=good.checkpoint),
        Receipt(index=5, entry=b"4", proof=good.proof, checkpoint=good.checkpoint),
        Receipt(index=4, entry=b"4", proof=good.proof, checkpoint=good.checkpoint.replace("\n9\n", "\n8\n", 1)),
    ):
        with pytest.raises(LedgerError):
            wrong.verify(ledger.key)
    for key in (stranger.key, renamed.key):
        with pytest.raises(LedgerError, match="not signed"):
            good.verify(key)


def test_a_checkpoint_has_the_form_that_other_tools_read(ledger: Ledger) -> None:
    ledger.append([b"one", b"two"])
    lines = ledger.checkpoint().split("\n")
    assert lines[0] == "log.example/test"
    assert lines[1] == "2"
    assert len(lines[2]) == 44
    assert lines[3] == ""
    assert lines[4].startswith("— log.example/test ")
    name, identity, _ = str(ledger.key).split("+", 2)
    digest = hashlib.sha256(name.encode() + b"\n\x01" + ledger.key.public).hexdigest()
    assert identity == digest[:8]


def test_the_witness_signs_growth_and_refuses_a_rewritten_or_shrunken_past(tmp_path: Path, ledger: Ledger) -> None:
    private = Ed25519PrivateKey.generate()
    witness = Witness(tmp_path / "witness.sqlite", NoteSigner.of("witness.example", private, witness=True))
    log = ledger.key
    ledger.append([b"%d" % number for number in range(5)])
    small = ledger.checkpoint()
    signed = witness.cosign(small, (), log=log, now=NOW)
    assert witness.key.signed_by(signed) == int(NOW.timestamp())
    assert log.signed_by(signed) == 0
    ledger.append([b"%d" % number for number in range(5, 12)])
    grown = witness.cosign(ledger.checkpoint(), ledger.consistency(witness.size(log)), log=log, now=NOW)
    assert witness.key.signed_by(grown) is not None
    with pytest.raises(LedgerError, match="took entries back"):
        witness.cosign(small, (), log=log, now=NOW)
    forged = Ledger(tmp_path / "forged.sqlite", signer())
    forged.append([b"other %d" % number for number in range(20)])
    with pytest.raises(LedgerError, match="past changed"):
        witness.cosign(forged.checkpoint(), forged.consistency(12), log=log, now=NOW)
    with pytest.raises(LedgerError, match="not signed"):
        witness.cosign(small.replace("\n5\n", "\n50\n", 1), (), log=log, now=NOW)
    assert witness.size(log) == 12


def test_a_receipt_may_ask_for_a_witness(tmp_path: Path, ledger: Ledger) -> None:
    witness = Witness(tmp_path / "w.sqlite", signer("witness.example", witness=True))
    receipt = ledger.add(b"one")
    with pytest.raises(LedgerError, match="not signed by witness"):
        receipt.verify(ledger.key, witnesses=[witness.key])
    note = witness.cosign(receipt.checkpoint, (), log=ledger.key, now=NOW)
    seen = Receipt(index=0, entry=b"one", proof=receipt.proof, checkpoint=note)
    assert seen.verify(ledger.key, witnesses=[witness.key]).size == 1


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("UPDATE entries SET entry = x'00' WHERE number = 3", id="an entry changed"),
        pytest.param("DELETE FROM entries WHERE number = 3", id="an entry gone"),
        pytest.param("DELETE FROM entries WHERE number = 9", id="the last entry gone"),
        pytest.param("UPDATE nodes SET hash = zeroblob(32) WHERE key = (1 << 48) | 1", id="a hash changed"),
        pytest.param("DELETE FROM nodes WHERE key = 4", id="a hash gone"),
    ],
)
def test_an_audit_finds_what_was_changed(ledger: Ledger, damage: str) -> None:
    ledger.append([b"%d" % number for number in range(10)])
    ledger.checkpoint()
    assert ledger.audit() == 10
    with sqlite3.connect(ledger.path) as base:
        base.execute(damage)
    base.close()
    with pytest.raises(LedgerError):
        ledger.audit()


def test_the_log_never_signs_two_roots_of_one_size(ledger: Ledger) -> None:
    ledger.append([b"a", b"b", b"c"])
    ledger.checkpoint()
    with sqlite3.connect(ledger.path) as base:
        base.execute("DELETE FROM entries WHERE number = 2")
        base.execute("DELETE FROM nodes WHERE key = 2")
    base.close()
    with pytest.raises(LedgerError, match="restore"):
        ledger.checkpoint()
    ledger.append([b"x"])
    with pytest.raises(LedgerError, match="restore"):
        ledger.checkpoint()


def test_entries_out_of_bounds_are_refused_and_change_nothing(ledger: Ledger) -> None:
    for wrong in (b"", b"x" * 70_000):
        with pytest.raises(LedgerError, match="1 to"):
            ledger.append([b"good", wrong])
    assert len(ledger) == 0
    for index in (-1, 0):
        with pytest.raises(LedgerError):
            ledger.inclusion(index)


def test_a_file_that_is_no_log_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "log.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(LedgerError, match="cannot be used"):
        len(Ledger(tmp_path / "log.sqlite", signer()))


def test_the_key_is_private_and_a_lost_one_is_not_replaced(tmp_path: Path) -> None:
    first = ensure_ledger(tmp_path / "ledger")
    first.append([b"one"])
    secret = tmp_path / "ledger" / "key.pem"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert ensure_ledger(tmp_path / "ledger").key == first.key
    secret.unlink()
    with pytest.raises(LedgerError, match="key"):
        ensure_ledger(tmp_path / "ledger")


_WRITER = """
import sys
from pathlib import Path
from assay.provenance.ledger import ensure_ledger
ledger = ensure_ledger(Path(sys.argv[1]))
number = len(ledger)
while True:
    batch = [b"entry %d" % (number + step) for step in range(int(sys.argv[2]))]
    numbers = ledger.append(batch)
    number += len(batch)
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def test_a_writer_killed_at_any_moment_loses_no_acknowledged_entry(tmp_path: Path) -> None:
    ledger = ensure_ledger(tmp_path)
    before = NoteKey.parse(str(ledger.key))
    old, old_root = 0, EMPTY
    for attempt in range(6):
        command = [sys.executable, "-P", "-c", _WRITER, str(tmp_path), str(1 + 60 * attempt)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ}) as writer:
            assert writer.stdout is not None
            told = int(writer.stdout.readline())
            time.sleep(0.02 + 0.013 * attempt)
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read().split(b"\n")
            told = max([told, *(int(line) for line in rest[:-1] if line)])
        size = ledger.audit()
        assert size >= told
        assert ledger.entry(told - 1) == b"entry %d" % (told - 1)
        assert holds_consistency((old, size), (old_root, ledger.root()), ledger.consistency(old))
        assert ledger.receipt(told - 1).verify(before).size == size
        old, old_root = size, ledger.root()


def test_two_processes_append_to_one_log_without_losing_or_mixing(tmp_path: Path) -> None:
    ensure_ledger(tmp_path).append([b"first"])
    script = (
        "import sys\nfrom pathlib import Path\nfrom assay.provenance.ledger import ensure_ledger\n"
        "log = ensure_ledger(Path(sys.argv[1]))\n"
        "for k in range(20): log.append([b'%s %d' % (sys.argv[2].encode(), k)] * 3)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-P", "-c", script, str(tmp_path), name]) for name in ("a", "b")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert ensure_ledger(tmp_path).audit() == 121


def test_appends_and_proofs_are_fast_enough(ledger: Ledger) -> None:
    size = 20_000
    start = time.perf_counter()
    for batch in range(20):
        ledger.append([b"%d" % (batch * 1000 + step) for step in range(size // 20)])
    assert size / (time.perf_counter() - start) > 2000
    start = time.perf_counter()
    for index in range(0, size, 400):
        ledger.inclusion(index)
    assert (time.perf_counter() - start) / 50 < 0.02
