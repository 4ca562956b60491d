"""Time stamps (RFC 3161) from an authority that the test runs itself."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.issue import Issued, Terms, issue_authority, issue_leaf
from assay.provenance.pem import certificate_pem, key_pem
from assay.provenance.second_opinion import disagreements, second_opinion
from assay.provenance.sign import Action, Manifest, sign_file
from assay.provenance.trust import Trust
from assay.provenance.verification import Check, State, Verification
from assay.provenance.verify import verify
from cryptography import x509
from PIL import Image

NOW = dt.datetime.now(dt.UTC)
MADE = Manifest(actions=(Action(name="c2pa.created", source_type="digitalCreation"),))
CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return ensure_credentials(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def authority() -> Issued:
    return issue_authority("Clock", now=NOW)


@pytest.fixture(scope="module")
def clock(authority: Issued, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a time stamp authority and give its address."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl, which answers the time stamp requests, is not installed")
    folder = tmp_path_factory.mktemp("clock")
    stamp_leaf(authority, folder)
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "q").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            command = [openssl, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q", "-out", "r"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write((folder / "r").read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def stamp_leaf(authority: Issued, folder: Path) -> None:
    """Write the authority's key and certificate; its purpose must stand alone and be critical (RFC 3161, 2.3)."""
    leaf = issue_leaf(authority, organisation="Clock", now=NOW, terms=Terms(purposes=("1.3.6.1.5.5.7.3.8",)))
    purpose = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")])
    old = leaf.certificate
    builder = x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.issuer).public_key(old.public_key())
    builder = builder.serial_number(old.serial_number).not_valid_before(old.not_valid_before_utc)
    builder = builder.not_valid_after(old.not_valid_after_utc).add_extension(purpose, critical=True)
    for extension in old.extensions:
        if not isinstance(extension.value, x509.ExtendedKeyUsage):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    digest = old.signature_hash_algorithm
    (folder / "tsa.pem").write_bytes(certificate_pem(builder.sign(authority.key, digest)))  # type: ignore[arg-type]
    (folder / "tsa.key").write_bytes(key_pem(leaf.key, None))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.linear_gradient("L").save(path)
    return path


def step(verification: Verification, number: int) -> Check:
    return next(check for check in verification.checks if check.step == number)


def test_a_time_stamp_is_asked_for_and_checked(
    photo: Path, clock: str, keys: Credentials, authority: Issued, tmp_path: Path
) -> None:
    signed = sign_file(photo, tmp_path / "out.jpg", MADE, keys, timestamp_url=clock)
    trust = Trust().add(keys.anchor_pem).add(certificate_pem(authority.certificate))
    found = verify(signed.path, trust=trust)
    assert (found.state, step(found, 7).outcome) == (State.TRUSTED, "pass")
    second = second_opinion(signed.path, trust=trust)
    assert (second.state, disagreements(found, second)) == (State.TRUSTED, ())
    moment = dt.datetime.fromisoformat(found.facts["signed_at"])
    assert abs(moment - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)


def test_a_time_stamp_by_an_unknown_authority_is_not_relied_on(
    photo: Path, clock: str, keys: Credentials, tmp_path: Path
) -> None:
    signed = sign_file(photo, tmp_path / "out.jpg", MADE, keys, timestamp_url=clock)
    found = verify(signed.path, trust=Trust().add(keys.anchor_pem))
    assert found.state is State.TRUSTED
    assert step(found, 7).codes == ("timeStamp.untrusted",)
    assert disagreements(found, second_opinion(signed.path, trust=Trust().add(keys.anchor_pem))) == ()
    assert found.facts["time_stamp_holds"] is False


def test_with_a_time_stamp_a_certificate_may_expire_after_signing(
    photo: Path, clock: str, keys: Credentials, authority: Issued, tmp_path: Path
) -> None:
    signed = sign_file(photo, tmp_path / "out.jpg", MADE, keys, timestamp_url=clock)
    bare = sign_file(photo, tmp_path / "bare.jpg", MADE, keys)
    trust = Trust().add(keys.anchor_pem).add(certificate_pem(authority.certificate))
    later = NOW + dt.timedelta(days=500)
    assert verify(signed.path, trust=trust, now=later).state is State.TRUSTED
    assert second_opinion(signed.path, trust=trust, now=later).state is State.TRUSTED
    assert second_opinion(bare.path, trust=trust, now=later).state is State.INVALID
    found = verify(bare.path, trust=trust, now=later)
    assert (found.state, step(found, 5).codes) == (State.INVALID, ("signingCredential.expired",))
    assert "does not show that anything was changed" in step(found, 5).sentence


def token_in(path: Path) -> bytes:
    """Return the time stamp token in a signed file: the value of `val`, behind its length."""
    data = path.read_bytes()
    at = data.index(b"\x63val\x59")
    return data[at + 7 : at + 7 + int.from_bytes(data[at + 5 : at + 7], "big")]


def test_a_time_stamp_of_another_signature_is_not_relied_on(
    photo: Path, clock: str, keys: Credentials, authority: Issued, tmp_path: Path
) -> None:
    signed = sign_file(photo, tmp_path / "out.jpg", MADE, keys, timestamp_url=clock)
    trust = Trust().add(keys.anchor_pem).add(certificate_pem(authority.certificate))
    data, own = signed.path.read_bytes(), token_in(signed.path)
    for number in range(40):  # until one of the same length comes: the length of an ECDSA signature varies
        other = token_in(sign_file(photo, tmp_path / f"{number}.jpg", MADE, keys, timestamp_url=clock).path)
        if len(other) == len(own):
            break
    signed.path.write_bytes(data.replace(own, other))
    found, second = verify(signed.path, trust=trust), second_opinion(signed.path, trust=trust)
    assert step(found, 7).codes == ("timeStamp.mismatch",)
    assert disagreements(found, second) == ()


def test_a_stamped_manifest_that_the_library_leaves_out_of_its_report_is_invalid(
    photo: Path, clock: str, keys: Credentials, authority: Issued, tmp_path: Path
) -> None:
    reserved = replace(MADE, training_mining={"cawg.ai_training": "notAllowed"})
    signed = sign_file(photo, tmp_path / "out.jpg", reserved, keys, timestamp_url=clock)
    data = bytearray(signed.path.read_bytes())
    data[data.index(b"cbor", data.index(b"cawg.training-mining\0")) + 4] = 0xFF  # no item begins so
    signed.path.write_bytes(data)
    trust = Trust().add(keys.anchor_pem).add(certificate_pem(authority.certificate))
    found = verify(signed.path, trust=trust)
    assert found.state is State.INVALID
    assert "assertion.hashedURI.mismatch" in step(found, 9).codes
    assert second_opinion(signed.path, trust=trust).state is State.INVALID
