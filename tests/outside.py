"""What a log is anchored in, run by the tests: a time stamp authority, an Ethereum machine, and nodes of a chain."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from assay.provenance.anchor import Chain
from assay.provenance.merkle import LedgerError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PAYER = bytes(range(1, 33))
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


def certificates(folder: Path, *, root: str = "Clock root") -> bytes:
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


@contextmanager
def clock(folder: Path) -> Iterator[str]:
    """Run a time stamp authority in `folder`, whose root is `root.pem`; give its address."""
    pytest.importorskip("rfc3161_client", reason="the extra anchor is not installed")
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which answers the time stamp requests, is not installed")
    certificates(folder)
    (folder / "plain.cnf").write_text(CONFIG.format(folder=folder, certs=""))
    (folder / "chain.cnf").write_text(CONFIG.format(folder=folder, certs=f"certs = {folder}/root.pem"))
    with _serving(_Clock, folder=folder) as url:
        yield url


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler], **attributes: object) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        vars(server).update(attributes)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _fund(web3: Any) -> None:
    payer = web3.eth.account.from_key(PAYER).address
    sent = web3.eth.send_transaction({"from": web3.eth.accounts[0], "to": payer, "value": 10**18})
    web3.eth.wait_for_transaction_receipt(sent)


def machine() -> Any:
    """Return a `Web3` of an Ethereum machine in this process, where `PAYER` has money."""
    for name in ("web3", "eth_tester", "eth"):
        pytest.importorskip(name, reason="the extra anchor, eth-tester or py-evm is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of deprecations inside py-evm
        from web3 import EthereumTesterProvider, Web3

        web3 = Web3(EthereumTesterProvider())
    _fund(web3)
    return web3


class _Rpc(BaseHTTPRequestHandler):
    """Serves the machine of its server over JSON-RPC."""

    def do_POST(self) -> None:
        from web3 import Web3

        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.server.ask(asked["method"], asked["params"])  # type: ignore[attr-defined]
        body = Web3.to_json({**answer, "id": asked["id"], "jsonrpc": "2.0"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def machine_node() -> Iterator[str]:
    """Serve `machine` over http; give its address."""
    web3 = machine()
    web3.middleware_onion.clear()  # the answers as a node gives them
    with _serving(_Rpc, ask=web3.provider.request_func(web3, web3.middleware_onion)) as url:
        yield url


@contextmanager
def node(folder: Path) -> Iterator[str]:
    """Run anvil, from $ASSAY_ANVIL, the path, or npm (@foundry-rs/anvil-linux-amd64, into `folder`)."""
    pytest.importorskip("web3", reason="the extra anchor is not installed")
    program = _anvil(folder)
    if program is None:
        pytest.skip("anvil is not here and npm could not fetch @foundry-rs/anvil-linux-amd64")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--silent", "--chain-id", "31337"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _fund(_connected(url)._web3)
            yield url
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
