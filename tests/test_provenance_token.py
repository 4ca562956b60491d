"""Keys that never leave their token: signing through PKCS#11 with SoftHSM."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from assay.provenance.certs import CertificateError
from assay.provenance.issue import Issued, Terms, issue_authority, issue_leaf
from assay.provenance.pem import certificate_pem, key_pem
from assay.provenance.second_opinion import second_opinion
from assay.provenance.sign import Action, Manifest, SigningError, sign_file
from assay.provenance.token import token_credentials
from assay.provenance.trust import Trust
from assay.provenance.verification import State
from assay.provenance.verify import verify
from PIL import Image

NOW = dt.datetime.now(dt.UTC)
LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)
MADE = Manifest(title="photo", actions=(Action(name="c2pa.created", source_type="digitalCapture"),))
PIN = "271828"
ALGORITHMS = ("es256", "es384", "ps256")


@dataclass(frozen=True)
class Safe:
    """A token with a key for each algorithm, labelled by it."""

    library: Path
    authority: Issued
    leaves: dict[str, Issued]

    def chain(self, algorithm: str) -> bytes:
        return certificate_pem(self.leaves[algorithm].certificate)


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Safe]:
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
    library = next((Path(one) for one in LIBRARIES if Path(one).exists()), None)
    tool = shutil.which("softhsm2-util")
    if library is None or tool is None:
        pytest.skip("SoftHSM is not installed (Debian: softhsm2)")
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    config = folder / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "SOFTHSM2_CONF", str(config))
        start = [tool, "--init-token", "--free", "--label", "press", "--so-pin", "31415926", "--pin", PIN]
        subprocess.run(start, check=True, capture_output=True)
        authority = issue_authority("Press", now=NOW)
        leaves = {}
        for number, algorithm in enumerate(ALGORITHMS, 1):
            leaf = issue_leaf(authority, organisation="Press", now=NOW, terms=Terms(algorithm=algorithm))
            (folder / "key.pem").write_bytes(key_pem(leaf.key, None))
            put = [tool, "--import", str(folder / "key.pem"), "--token", "press", "--label", algorithm]
            subprocess.run([*put, "--id", f"{number:02x}", "--pin", PIN], check=True, capture_output=True)
            leaves[algorithm] = leaf
        yield Safe(library, authority, leaves)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_in_a_token_signs(algorithm: str, safe: Safe, tmp_path: Path) -> None:
    anchor = certificate_pem(safe.authority.certificate)
    keys = token_credentials(
        safe.library, device="press", key=algorithm, pin=PIN, chain_pem=safe.chain(algorithm), anchor_pem=anchor
    )
    assert (keys.key_pem, keys.algorithm) == (b"", algorithm)
    assert PIN not in repr(keys)
    Image.linear_gradient("L").save(tmp_path / "plain.jpg")
    path = sign_file(tmp_path / "plain.jpg", tmp_path / "out.jpg", MADE, keys).path
    trust = Trust().add(anchor)
    assert verify(path, trust=trust).state is State.TRUSTED
    assert second_opinion(path, trust=trust).state is State.TRUSTED


@pytest.mark.parametrize(
    ("change", "match"),
    [
        pytest.param({"pin": "000000"}, "PinIncorrect", id="pin"),
        pytest.param({"key": "nobody"}, "cannot be used", id="key"),
        pytest.param({"device": "nowhere"}, "cannot be used", id="token"),
        pytest.param({"key": "es384"}, "does not belong|cannot be used", id="another key"),
        pytest.param({"library": Path("/nowhere.so")}, "cannot be used", id="library"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_signed(change: dict[str, object], match: str, safe: Safe) -> None:
    asked: dict[str, object] = {"library": safe.library, "device": "press", "key": "es256", "pin": PIN, **change}
    library = asked.pop("library")
    with pytest.raises(CertificateError, match=match):
        token_credentials(library, chain_pem=safe.chain("es256"), **asked)  # type: ignore[arg-type]


def test_a_token_that_is_gone_at_signing_is_named(safe: Safe, tmp_path: Path) -> None:
    keys = token_credentials(safe.library, device="press", key="es256", pin=PIN, chain_pem=safe.chain("es256"))

    def gone(_: bytes) -> bytes:
        msg = "the token was pulled out"
        raise CertificateError(msg)

    Image.linear_gradient("L").save(tmp_path / "plain.jpg")
    with pytest.raises(SigningError, match="pulled out"):
        sign_file(tmp_path / "plain.jpg", tmp_path / "out.jpg", MADE, replace(keys, sign=gone))
    assert not (tmp_path / "out.jpg").exists()
