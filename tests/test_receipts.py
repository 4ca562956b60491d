"""The receipt beside a file: it counts only if it is about that file and signed by a log that the reader knows."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
import rfc8785
from assay.provenance.batch import files_below as verified_below
from assay.provenance.ledger import Ledger, Receipt, ensure_ledger
from assay.provenance.note_keys import ensure_signer
from assay.provenance.receipts import LogReceipt, is_receipt, known_logs, read_receipts, receipt_place

CONTENT = b"a picture"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def log(tmp_path: Path) -> Ledger:
    made = ensure_ledger(tmp_path / "home" / "ledger")
    made.append([b"one", b"two", b"three"])
    return made


@pytest.fixture
def receipt(log: Ledger) -> Receipt:
    return log.add(rfc8785.dumps({"sha256": SHA256}))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(CONTENT)
    return path


def _read(picture: Path, told: Receipt | bytes, log: Ledger | None) -> LogReceipt:
    receipt_place(picture).write_bytes(told if isinstance(told, bytes) else told.to_text().encode())
    (found,) = read_receipts(picture, sha256=SHA256, logs=[log.key] if log else [])
    return found


def test_a_receipt_of_a_known_log_holds(picture: Path, receipt: Receipt, log: Ledger) -> None:
    found = _read(picture, receipt, log)
    assert (found.state, found.log, found.index, found.size) == ("holds", log.key.name, 3, 4)


def test_a_receipt_under_the_name_of_others_tools_counts_if_ours_is_not_there(
    picture: Path, receipt: Receipt, log: Ledger
) -> None:
    other = picture.with_name("a.png.tlog-proof")
    other.write_text(receipt.to_text())
    assert is_receipt(other)
    assert [one.state for one in read_receipts(picture, sha256=SHA256, logs=[log.key])] == ["holds"]
    assert _read(picture, b"broken", log).state == "does not hold", "ours is read first"


def test_without_a_receipt_nothing_is_said(picture: Path, log: Ledger) -> None:
    assert read_receipts(picture, sha256=SHA256, logs=[log.key]) == ()


def test_a_log_nobody_knows_is_not_believed(picture: Path, receipt: Receipt) -> None:
    found = _read(picture, receipt, None)
    assert (found.state, found.index, found.size) == ("unknown log", 3, 4)


def test_another_log_of_the_same_name_is_unknown_and_not_a_forgery(
    tmp_path: Path, picture: Path, receipt: Receipt
) -> None:
    mine = ensure_ledger(tmp_path / "other")
    assert mine.key.name in receipt.checkpoint
    assert _read(picture, receipt, mine).state == "unknown log"


def test_the_receipt_of_another_file_does_not_hold(picture: Path, log: Ledger) -> None:
    other = log.add(rfc8785.dumps({"sha256": "0" * 64}))
    found = _read(picture, other, log)
    assert found.state == "does not hold"
    assert "another file" in found.sentence


def test_a_forged_receipt_does_not_hold(picture: Path, receipt: Receipt, log: Ledger) -> None:
    head, sign, tail = receipt.checkpoint.rpartition("\n— ")
    forged = {
        "size": replace(receipt, checkpoint=receipt.checkpoint.replace("\n4\n", "\n5\n", 1)),
        "index": replace(receipt, index=2),
        "proof": replace(receipt, proof=receipt.proof[::-1]),
        "signature": replace(
            receipt, checkpoint=head + sign + tail[:-9] + ("AAAA" if tail[-9] != "A" else "BBBB") + tail[-5:]
        ),
    }
    states = {name: _read(picture, one, log).state for name, one in forged.items()}
    assert set(states.values()) == {"does not hold"}, states


def test_a_witness_is_no_log(tmp_path: Path, picture: Path, receipt: Receipt, log: Ledger) -> None:
    ensure_signer(tmp_path / "home" / "logs", name=log.key.name, witness=True)
    (tmp_path / "home" / "ledger" / "key.pub").unlink()
    assert known_logs(tmp_path / "home") == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x" * 300_000,
        b"\xff\xfe",
        b"c2sp.org/tlog-proof@v1\n",
        b"c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nx\n0\n\n\n",
    ],
    ids=["empty", "large", "no text", "cut", "no checkpoint"],
)
def test_what_is_no_receipt_does_not_hold(picture: Path, log: Ledger, data: bytes) -> None:
    found = _read(picture, data, log)
    assert (found.state, found.log, found.size) == ("does not hold", "", None)


@pytest.mark.parametrize("entry", [b"[" * 60_000, b"7", b"{}", b'{"sha256": 7}', b"\xff"])
def test_entries_of_any_kind_are_survived(picture: Path, log: Ledger, entry: bytes) -> None:
    assert _read(picture, log.add(entry), log).state == "does not hold"


def test_every_byte_of_a_receipt_matters_or_is_no_part_of_what_holds(
    picture: Path, receipt: Receipt, log: Ledger
) -> None:
    text = receipt.to_text().encode()
    for place in range(0, len(text), 3):
        changed = text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :]
        found = _read(picture, changed, log)
        assert found.state != "holds" or (found.index, found.size) == (3, 4)


def test_pipes_and_links_are_not_read(picture: Path, receipt: Receipt, tmp_path: Path) -> None:
    os.mkfifo(receipt_place(picture))
    assert read_receipts(picture, sha256=SHA256, logs=[]) == ()
    receipt_place(picture).unlink()
    (tmp_path / "else").write_text(receipt.to_text())
    receipt_place(picture).symlink_to(tmp_path / "else")
    assert read_receipts(picture, sha256=SHA256, logs=[]) == ()
    picture.with_name("a.png.tlog-proof").write_text(receipt.to_text())
    assert len(read_receipts(picture, sha256=SHA256, logs=[])) == 1, "a link hides no receipt"


def test_the_users_logs_are_the_own_one_and_those_put_into_logs(tmp_path: Path, log: Ledger) -> None:
    other = ensure_ledger(tmp_path / "other", name="example.org/log")
    folder = tmp_path / "home" / "logs"
    folder.mkdir()
    (folder / "example.pub").write_text(f"{other.key}\n")
    (folder / "broken.pub").write_bytes(b"\xff")
    (folder / "empty.pub").write_text("a+00000000+")
    (folder / "note.txt").write_text(str(other.key))
    assert known_logs(tmp_path / "home") == (log.key, other.key)
    assert known_logs(tmp_path / "nobody") == ()


def test_receipts_are_no_media_in_a_folder_but_media_cannot_hide_under_their_name(
    picture: Path, receipt: Receipt
) -> None:
    receipt_place(picture).write_text(receipt.to_text())
    hidden = picture.with_name("b.png.receipt")
    hidden.write_bytes(CONTENT)
    assert is_receipt(receipt_place(picture))
    assert not is_receipt(hidden)
    found = [path for path in verified_below([picture.parent]) if path.parent == picture.parent]
    assert found == [picture, hidden]
