"""A checkpoint anchored outside: by a time stamp authority and in a chain, both run by the test."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from assay.media.errors import InputError
from assay.provenance.anchor import Anchor, Chain, NodeError, digest
from assay.provenance.ledger import ensure_ledger
from assay.provenance.merkle import LedgerError
from assay.provenance.notes import NoteSigner
from assay.provenance.timestamp import Stamp, stamp
from assay.provenance.witness import Witness
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two checkpoints of one log, of one entry and of three."""
    ledger = ensure_ledger(tmp_path_factory.mktemp("log"))
    ledger.append([b"one"])
    first = ledger.checkpoint()
    ledger.append([b"two", b"three"])
    return first, ledger.checkpoint()


# RFC 3161


@pytest.fixture(scope="module")
def clock(outside: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, bytes, Path]]:
    """Run a time stamp authority; give its address, its root and its folder."""
    folder = tmp_path_factory.mktemp("clock")
    with outside.clock(folder) as url:
        yield url, (folder / "root.pem").read_bytes(), folder


def test_a_stamped_checkpoint_is_checked_offline_against_a_root(
    clock: tuple[str, bytes, Path], notes: tuple[str, str]
) -> None:
    url, root, _ = clock
    kept = Stamp(reply=stamp(notes[0], url).reply)
    assert abs(kept.verify(notes[0], roots=[root]) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_stamp_still_holds_when_a_witness_signs_later(
    clock: tuple[str, bytes, Path], notes: tuple[str, str], tmp_path: Path
) -> None:
    url, root, _ = clock
    log = ensure_ledger(tmp_path / "log")
    log.append([b"one"])
    note = log.checkpoint()
    made = stamp(note, url)
    witness = Witness(tmp_path / "w.sqlite", NoteSigner.of("w", Ed25519PrivateKey.generate(), witness=True))
    assert made.verify(witness.cosign(note, (), log=log.key, now=datetime.now(UTC)), roots=[root])


def test_a_stamp_of_another_checkpoint_root_or_damaged_does_not_hold(
    clock: tuple[str, bytes, Path], notes: tuple[str, str], tmp_path: Path, outside: ModuleType
) -> None:
    url, root, _ = clock
    made = stamp(notes[0], url)
    with pytest.raises(LedgerError, match="does not hold"):
        made.verify(notes[1], roots=[root])
    with pytest.raises(LedgerError, match="does not hold"):
        made.verify(notes[0], roots=[outside.certificates(tmp_path)])
    with pytest.raises(InputError, match="at least one"):
        made.verify(notes[0], roots=[])
    with pytest.raises(InputError, match="not PEM"):
        made.verify(notes[0], roots=[b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"])


def test_no_changed_byte_of_a_stamp_changes_what_it_says(
    clock: tuple[str, bytes, Path], notes: tuple[str, str]
) -> None:
    url, root, _ = clock
    made = stamp(notes[0], url)
    when, taken = made.verify(notes[0], roots=[root]), 0
    for place in range(len(made.reply)):
        bent = made.reply[:place] + bytes([made.reply[place] ^ 0x41]) + made.reply[place + 1 :]
        try:
            assert Stamp(reply=bent).verify(notes[0], roots=[root]) == when
            taken += 1
        except LedgerError:
            continue
    assert taken < 16, "only version numbers and names of algorithms are outside the signature"
    for cut in range(0, len(made.reply), 29):
        with pytest.raises(LedgerError):
            Stamp(reply=made.reply[:cut]).verify(notes[0], roots=[root])


def test_an_authority_that_replays_an_old_reply_is_found_out(
    clock: tuple[str, bytes, Path], notes: tuple[str, str]
) -> None:
    url, _, folder = clock
    stamp(notes[0], url)
    with pytest.raises(LedgerError, match="another question"):
        stamp(notes[0], url + "canned")
    with pytest.raises(LedgerError, match="strict DER"):
        stamp(notes[0], url + "chain")  # openssl puts the certificates of a chain out of DER's order
    (folder / "canned").write_bytes(b"no time stamp")
    with pytest.raises(LedgerError, match="strict DER"):
        stamp(notes[0], url + "canned")


def test_an_authority_is_reached_by_http_alone_and_its_silence_is_an_error_of_ours(notes: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="http or https"):
        stamp(notes[0], "file:///etc/passwd")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(LedgerError, match="does not answer"):
            stamp(notes[0], f"http://127.0.0.1:{free.getsockname()[1]}/", seconds=2)


# A chain


@pytest.fixture(scope="module")
def in_process(outside: ModuleType) -> Chain:
    """An Ethereum machine in this process."""
    return Chain(outside.machine())


@pytest.fixture(scope="module")
def node(outside: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """A real node beside the test."""
    with outside.node(tmp_path_factory.mktemp("npm")) as url:
        yield Chain.at(url, seconds=5)


@pytest.fixture(params=["in_process", "node"])
def chain(request: pytest.FixtureRequest) -> Chain:
    made: Chain = request.getfixturevalue(request.param)
    return made


def test_an_anchored_checkpoint_is_found_in_the_chain(
    chain: Chain, notes: tuple[str, str], outside: ModuleType
) -> None:
    made = chain.anchor(notes[0], key=outside.PAYER)
    seen = chain.verify(notes[0], Anchor.parse(made.to_json()))
    assert abs(seen.time - datetime.now(UTC)) < timedelta(minutes=5)
    assert seen.confirmations >= 1
    again = chain.anchor(notes[1], key=outside.PAYER)
    assert chain.verify(notes[1], again).block > seen.block
    assert chain.verify(notes[0], made, confirmations=2).block == seen.block


def test_an_anchor_of_another_checkpoint_chain_or_transaction_is_refused(
    chain: Chain, notes: tuple[str, str], outside: ModuleType
) -> None:
    made = chain.anchor(notes[0], key=outside.PAYER)
    with pytest.raises(LedgerError, match="something else"):
        chain.verify(notes[1], made)
    with pytest.raises(NodeError, match="another node"):
        chain.verify(notes[0], replace(made, chain=made.chain + 1))
    with pytest.raises(LedgerError, match="in no block"):
        chain.verify(notes[0], replace(made, transaction="0x" + "ab" * 32))
    with pytest.raises(LedgerError, match="and not 99"):
        chain.verify(notes[0], made, confirmations=99)


def test_anchoring_stops_at_the_cost_that_is_allowed_or_without_money(
    chain: Chain, notes: tuple[str, str], outside: ModuleType
) -> None:
    with pytest.raises(LedgerError, match="more than the 10 allowed"):
        chain.anchor(notes[0], key=outside.PAYER, most_wei=10)
    with pytest.raises(LedgerError, match="has 0 wei"):
        chain.anchor(notes[0], key=bytes([7]) * 32)
    with pytest.raises(LedgerError, match="does not serve"):
        chain.anchor(notes[0], key=b"short")


def test_what_is_no_anchor_is_refused(notes: tuple[str, str]) -> None:
    for text in (
        "",
        "[]",
        "{}",
        '{"chain": 1, "transaction": "0x12"}',
        '{"chain": -1, "transaction": "0x%s"}' % ("0" * 64),
    ):
        with pytest.raises(LedgerError):
            Anchor.parse(text)
    assert digest(notes[0]) == digest(notes[0].partition("\n\n")[0] + "\n")


def test_a_node_that_is_not_there_is_an_error_of_ours() -> None:
    pytest.importorskip("web3", reason="the extra anchor is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(LedgerError, match="does not serve"):
            Chain.at(f"http://127.0.0.1:{free.getsockname()[1]}", seconds=2)
