"""Whose signature it is: a manifest that carries somebody else's certificate beside the signer's is not theirs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.second_opinion.jumbf import boxes, describe, parse_store
from assay.provenance.sign import sign_file
from assay.provenance.stored import _box
from assay.provenance.trust import Trust
from assay.provenance.verification import State
from assay.provenance.verify import verify
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from signed_files import CAPTURED, step

Chain = list[bytes]
Header = list[tuple[int | str, int | bytes | Chain]]


def item(value: int | str | bytes | Chain | None) -> bytes:
    """Return CBOR of the few kinds that a signature is made of."""
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(item, value))
    data = value.encode() if isinstance(value, str) else value
    return _head(3 if isinstance(value, str) else 2, len(data)) + data


def _head(major: int, count: int) -> bytes:
    return bytes([major << 5 | count]) if count < 24 else bytes([major << 5 | 25]) + count.to_bytes(2, "big")


def header(pairs: Header) -> bytes:
    return _head(5, len(pairs)) + b"".join(item(name) + item(value) for name, value in pairs)


def with_signature(store: bytes, cose: bytes) -> bytes:
    """Return a manifest store with another signature in its manifest."""

    def within(body: memoryview) -> bytes:
        kind, label = describe(body)
        inner = list(boxes(body))
        if label == "c2pa.signature":
            return _box(b"jumb", _box(inner[0].kind, bytes(inner[0].body)) + _box(b"cbor", cose))
        if kind not in (b"c2pa", b"c2ma"):
            return _box(b"jumb", bytes(body))
        return _box(b"jumb", b"".join(_copied(one.kind, one.body) for one in inner))

    def _copied(kind: bytes, body: memoryview) -> bytes:
        return within(body) if kind == b"jumb" else _box(kind, bytes(body))

    return within(next(boxes(memoryview(store))).body)


def signed_anew(store: bytes, keys: Credentials, protected: Header, unprotected: Header) -> bytes:
    """Return a store whose claim is signed by `keys` under these headers."""
    key = load_pem_private_key(keys.key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    manifest = parse_store(store)[-1]
    inside = header(protected)
    data = b"\x84" + item("Signature1") + item(inside) + item(b"") + item(manifest.claims[0][1])
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return with_signature(store, b"\xd2\x84" + item(inside) + header(unprotected) + item(None) + item(signature))


def ders(keys: Credentials) -> Chain:
    return [one.public_bytes(Encoding.DER) for one in load_pem_x509_certificates(keys.chain_pem)]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    """A signer whom the reader trusts by its certificate alone; only the certificate is used here."""
    return ensure_credentials(tmp_path_factory.mktemp("known"))


@pytest.mark.parametrize("place", ["alone", "second", "first", "too long", "too long, old name", "old place", "mixed"])
def test_nobody_passes_for_another_by_carrying_the_others_certificate(
    photo: Path, keys: Credentials, known: Credentials, tmp_path: Path, place: str
) -> None:
    mine, theirs = ders(keys), ders(known)
    longer = mine + [mine[-1]] * 20  # more than our reader takes, and c2pa-rs does not count
    protected, unprotected = {
        "alone": ([(33, mine)], []),
        "second": ([(33, mine), ("x5chain", theirs)], []),
        "first": ([("x5chain", mine), (33, theirs)], []),
        "too long": ([(33, longer)], [(33, theirs)]),
        "too long, old name": ([("x5chain", longer)], [(33, theirs)]),
        "old place": ([("x5chain", mine)], [(33, theirs)]),
        "mixed": ([(33, mine)], [("pad", b"")]),
    }[place]
    signed = sign_file(photo, tmp_path / "copy.jpg", CAPTURED, keys, sidecar="always")
    forged = signed_anew(signed.manifest_bytes, keys, [(1, -7), *protected], unprotected)
    trust = Trust(allowed=frozenset({hashlib.sha256(theirs[0]).hexdigest()}))
    found = verify(signed.path, trust=trust, sidecar=forged)
    assert step(found, 3).outcome == "pass"
    assert step(found, 6).outcome == "fail"
    assert found.state is (State.UNTRUSTED if place in ("alone", "mixed") else State.INVALID)


def test_a_signer_is_trusted_by_its_certificate_alone(photo: Path, keys: Credentials, tmp_path: Path) -> None:
    signed = sign_file(photo, tmp_path / "copy.jpg", CAPTURED, keys, sidecar="always")
    trust = Trust(allowed=frozenset({hashlib.sha256(ders(keys)[0]).hexdigest()}))
    assert verify(signed.path, trust=trust, sidecar=signed.manifest_bytes).state is State.TRUSTED


def test_where_no_chain_is_certain_the_claims_signature_decides(
    photo: Path, keys: Credentials, known: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.provenance import signers

    signed = sign_file(photo, tmp_path / "copy.jpg", CAPTURED, keys, sidecar="always")
    stolen = tuple(ders(known))
    trust = Trust(allowed=frozenset({hashlib.sha256(stolen[0]).hexdigest()}))
    # as if our reader took the wrong chain for a reason nobody has thought of
    monkeypatch.setattr(signers, "certificate_chains", lambda store: {parse_store(store)[-1].label: stolen})
    found = verify(signed.path, trust=trust, sidecar=signed.manifest_bytes)
    assert (found.state, step(found, 6).outcome) == (State.INVALID, "fail")
