"""A checkpoint anchored outside: by a time stamp authority and in a chain, both run by the test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from assay.media.errors import InputError
from assay.provenance.anchor import Anchor, Chain, digest
from assay.provenance.ledger import ensure_ledger
from assay.provenance.merkle import LedgerError
from assay.provenance.notes import NoteSigner
from assay.provenance.timestamp import Stamp, stamp
from assay.provenance.witness import Witness
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KEY = bytes(range(1, 33))
CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
{certs}
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
"""


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two checkpoints of one log, of one entry and of three."""
    ledger = ensure_ledger(tmp_path_factory.mktemp("log"))
    ledger.append([b"one"])
    first = ledger.checkpoint()
    ledger.append([b"two", b"three"])
    return first, ledger.checkpoint()


# RFC 3161


def _certificates(folder: Path, *, root: str = "Clock root") -> bytes:
    """Write an authority's key and certificates; return its root (RFC 3161, 2.3: the purpose alone, critical)."""
    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (root, "Clock")]
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    made = []
    for place, (key, name) in enumerate(zip(keys, names, strict=True)):
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(names[0]).public_key(key.public_key())
        builder = builder.serial_number(place + 1).not_valid_before(now - timedelta(days=1))
        builder = builder.not_valid_after(now + timedelta(days=9))
        builder = builder.add_extension(x509.BasicConstraints(ca=not place, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key())
        builder = builder.add_extension(issuer, critical=False)
        if place:
            builder = builder.add_extension(purpose, critical=True)
        made.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "tsa.key").write_bytes(keys[1].private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    (folder / "tsa.pem").write_bytes(made[1])
    (folder / "root.pem").write_bytes(made[0])
    (folder / "serial").write_text("01\n")
    return made[0]


class _Clock(BaseHTTPRequestHandler):
    """Answers as the folder of its server says: `openssl ts`, or the bytes in `canned` where there are any."""

    def do_POST(self) -> None:
        folder: Path = self.server.folder  # type: ignore[attr-defined]
        (folder / "q").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        config = "canned" if self.path == "/canned" else self.path.strip("/") or "plain"
        if config != "canned":
            command = ["openssl", "ts", "-reply", "-config", f"{config}.cnf", "-queryfile", "q", "-out", "canned"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
        self.send_response(200)
        self.end_headers()
        self.wfile.write((folder / "canned").read_bytes())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, bytes, Path]]:
    """Run a time stamp authority; give its address, its root and its folder."""
    pytest.importorskip("rfc3161_client", reason="the extra anchor is not installed")
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which answers the time stamp requests, is not installed")
    folder = tmp_path_factory.mktemp("clock")
    root = _certificates(folder)
    (folder / "plain.cnf").write_text(CONFIG.format(folder=folder, certs=""))
    (folder / "chain.cnf").write_text(CONFIG.format(folder=folder, certs=f"certs = {folder}/root.pem"))
    with HTTPServer(("127.0.0.1", 0), _Clock) as server:
        server.folder = folder  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", root, folder
        server.shutdown()
        thread.join()


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
    clock: tuple[str, bytes, Path], notes: tuple[str, str], tmp_path: Path
) -> None:
    url, root, _ = clock
    made = stamp(notes[0], url)
    with pytest.raises(LedgerError, match="does not hold"):
        made.verify(notes[1], roots=[root])
    with pytest.raises(LedgerError, match="does not hold"):
        made.verify(notes[0], roots=[_certificates(tmp_path)])
    with pytest.raises(LedgerError, match="at least one"):
        made.verify(notes[0], roots=[])
    with pytest.raises(LedgerError, match="not PEM"):
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


def _fund(web3: Any) -> None:
    payer = web3.eth.account.from_key(KEY).address
    sent = web3.eth.send_transaction({"from": web3.eth.accounts[0], "to": payer, "value": 10**18})
    web3.eth.wait_for_transaction_receipt(sent)


@pytest.fixture(scope="module")
def in_process() -> Chain:
    """An Ethereum machine in this process."""
    for name in ("web3", "eth_tester", "eth"):
        pytest.importorskip(name, reason="the extra anchor, eth-tester or py-evm is not installed")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecations inside py-evm
        from web3 import EthereumTesterProvider, Web3

        web3 = Web3(EthereumTesterProvider())
    _fund(web3)
    return Chain(web3)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """A real node beside the test: anvil, from $ASSAY_ANVIL, the path, or npm (@foundry-rs/anvil-linux-amd64)."""
    pytest.importorskip("web3", reason="the extra anchor is not installed")
    program = _anvil(tmp_path_factory.mktemp("npm"))
    if program is None:
        pytest.skip("anvil is not here and npm could not fetch @foundry-rs/anvil-linux-amd64")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--silent", "--chain-id", "31337"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            chain = _connected(f"http://127.0.0.1:{port}")
            _fund(chain._web3)
            yield chain
        finally:
            process.kill()


def _anvil(folder: Path) -> str | None:
    found = os.environ.get("ASSAY_ANVIL") or shutil.which("anvil")
    npm = shutil.which("npm")
    if found or npm is None:
        return found
    package = "@foundry-rs/anvil-linux-amd64@1.7.1"
    command = [
        npm,
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--fetch-retries=0",
        "--prefix",
        str(folder),
        package,
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except (subprocess.SubprocessError, OSError):
        return None
    program = folder / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
    return str(program) if program.is_file() else None


def _connected(url: str) -> Chain:
    until = time.monotonic() + 20
    while True:
        try:
            return Chain.at(url, seconds=5)
        except LedgerError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


@pytest.fixture(params=["in_process", "node"])
def chain(request: pytest.FixtureRequest) -> Chain:
    made: Chain = request.getfixturevalue(request.param)
    return made


def test_an_anchored_checkpoint_is_found_in_the_chain(chain: Chain, notes: tuple[str, str]) -> None:
    made = chain.anchor(notes[0], key=KEY)
    seen = chain.verify(notes[0], Anchor.parse(made.to_json()))
    assert abs(seen.time - datetime.now(UTC)) < timedelta(minutes=5)
    assert seen.confirmations >= 1
    again = chain.anchor(notes[1], key=KEY)
    assert chain.verify(notes[1], again).block > seen.block
    assert chain.verify(notes[0], made, confirmations=2).block == seen.block


def test_an_anchor_of_another_checkpoint_chain_or_transaction_is_refused(chain: Chain, notes: tuple[str, str]) -> None:
    made = chain.anchor(notes[0], key=KEY)
    with pytest.raises(LedgerError, match="something else"):
        chain.verify(notes[1], made)
    with pytest.raises(LedgerError, match="another node"):
        chain.verify(notes[0], replace(made, chain=made.chain + 1))
    with pytest.raises(LedgerError, match="does not serve"):
        chain.verify(notes[0], replace(made, transaction="0x" + "ab" * 32))
    with pytest.raises(LedgerError, match="and not 99"):
        chain.verify(notes[0], made, confirmations=99)


def test_anchoring_stops_at_the_cost_that_is_allowed_or_without_money(chain: Chain, notes: tuple[str, str]) -> None:
    with pytest.raises(LedgerError, match="more than the 10 allowed"):
        chain.anchor(notes[0], key=KEY, most_wei=10)
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
