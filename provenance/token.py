"""Signing with a key that never leaves its token: a smart card, a security module, through PKCS#11 (v2.40)."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import importlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..media.errors import MissingExtra
from .certs import CertificateError, Credentials, anchor_above, check_chain
from .pem import certificate_pem, parse_certificates
from .second_opinion.cose import verifies

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = ["token_credentials"]

_CURVES: Final = {"secp256r1": ("es256", 256), "secp384r1": ("es384", 384), "secp521r1": ("es512", 512)}
_PROOF: Final = b"assay: does this key belong to this certificate"
_lock = threading.Lock()  # many modules allow one user at a time


def token_credentials(
    library: Path, *, device: str, key: str, pin: str, chain_pem: bytes, anchor_pem: bytes = b""
) -> Credentials:
    """Return credentials whose private key, labelled `key`, stays in the token labelled `device`.

    `library` is the vendor's PKCS#11 module (a shared library, run in this process); `chain_pem` the certificates,
    leaf first. Ed25519, ECDSA and RSA-PSS keys sign. A first signature is made to see that key and certificate
    belong together. Raises `CertificateError` if anything does not fit, `MissingExtra` without python-pkcs11.
    """
    chain = parse_certificates(chain_pem, "the signing certificate")
    check_chain(chain, dt.datetime.now(dt.UTC))
    algorithm, family, bits = _algorithm(chain[0])

    def sign(data: bytes) -> bytes:
        with _lock, _key(library, device, key, pin) as found:
            return _signature(found, data, family, bits)

    if not verifies(chain[0], sign(_PROOF), _PROOF, family, bits):
        msg = f"the key {key!r} in the token {device!r} does not belong to the signing certificate"
        raise CertificateError(msg)
    return Credentials(
        chain_pem=b"".join(certificate_pem(one) for one in chain),
        key_pem=b"",
        anchor_pem=anchor_above(chain, anchor_pem),
        algorithm=algorithm,
        sign=sign,
    )


def _algorithm(leaf: Certificate) -> tuple[str, str, int]:
    """Return the C2PA name of the algorithm that goes with a certificate, its family and the bits of its digest."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    public = leaf.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "ed25519", "EdDSA", 0
    if isinstance(public, rsa.RSAPublicKey):
        return "ps256", "PS", 256
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES:
        name, bits = _CURVES[public.curve.name]
        return name, "ES", bits
    msg = f"expected an EC, RSA or Ed25519 certificate, got one of {type(public).__name__}"
    raise CertificateError(msg)


@contextlib.contextmanager
def _key(library: Path, device: str, key: str, pin: str) -> Iterator[Any]:
    """Lend the private key in an open session. Raises `CertificateError` for whatever the module says."""
    pkcs11 = _module()
    try:
        with pkcs11.lib(str(library)).get_token(token_label=device).open(user_pin=pin) as session:
            yield session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=key)
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        why = str(error) or type(error).__name__
        msg = f"the key {key!r} in the token {device!r} (through {library}) cannot be used: {why}"
        raise CertificateError(msg) from error


def _signature(key: Any, data: bytes, family: str, bits: int) -> bytes:  # noqa: ANN401 - pkcs11 has no types
    pkcs11 = _module()
    ways = pkcs11.Mechanism
    if family == "EdDSA":
        made = key.sign(data, mechanism=ways.EDDSA)
    elif family == "PS":
        parameters = (ways.SHA256, pkcs11.MGF.SHA256, bits // 8)
        made = key.sign(data, mechanism=ways.SHA256_RSA_PKCS_PSS, mechanism_param=parameters)
    else:  # not every module hashes by itself
        made = key.sign(hashlib.new(f"sha{bits}", data).digest(), mechanism=ways.ECDSA)
    return bytes(made)


def _module() -> Any:  # noqa: ANN401 - pkcs11 has no types
    """Return the library python-pkcs11. Raises `MissingExtra` where it is not installed."""
    try:
        return importlib.import_module("pkcs11")
    except ImportError as error:
        feature = "signing with a key in a token"
        raise MissingExtra(feature, "pkcs11") from error
