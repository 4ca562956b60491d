"""The signature over a claim (COSE_Sign1, RFC 9052) and the chain of its certificates, by `cryptography` alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..profile import is_valid_at, issued_by
from .cbor import CborError, decode, encode
from .jumbf import JumbfError, parse_store, x5chain

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm
    from cryptography.x509 import Certificate

ALGORITHMS: Final = {
    -7: ("ES", 256),
    -35: ("ES", 384),
    -36: ("ES", 512),
    -37: ("PS", 256),
    -38: ("PS", 384),
    -39: ("PS", 512),
    -8: ("EdDSA", 0),
}
"""The signature algorithms that C2PA allows, by COSE number (RFC 9053): the family and the bits of the digest."""

_CHAIN_MOST: Final = 16


class CoseError(ValueError):
    """The bytes are not a signature of the kind that claims have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A COSE_Sign1 with a detached payload, taken apart; nothing of it is checked."""

    protected_bytes: bytes
    protected: dict[Any, Any]
    unprotected: dict[Any, Any]
    signature: bytes
    chain: tuple[bytes, ...]

    @property
    def algorithm(self) -> object:
        """The COSE number of the algorithm, as the protected header names it."""
        return self.protected.get(1)


def parse_signature(cose: bytes) -> Signature:
    """Return the parts of a signature box. Raises `CoseError`."""
    try:
        parts = decode(cose)
        if not isinstance(parts, list) or len(parts) != 4 or not isinstance(parts[0], bytes):
            msg = "expected four parts, the first of them bytes"
            raise CoseError(msg)
        protected = decode(parts[0]) if parts[0] else {}
    except CborError as error:
        msg = f"expected CBOR: {error}"
        raise CoseError(msg) from error
    if not isinstance(protected, dict) or not isinstance(parts[1], dict) or not isinstance(parts[3], bytes):
        msg = "expected two headers and a signature"
        raise CoseError(msg)
    if parts[2] is not None:
        msg = "expected the claim outside of the signature (detached), got one inside of it"
        raise CoseError(msg)
    return Signature(
        protected_bytes=parts[0],
        protected=protected,
        unprotected=parts[1],
        signature=parts[3],
        chain=x5chain(protected, parts[1]),
    )


def signed_bytes(signature: Signature, claim: bytes, *, context: str = "Signature1") -> bytes:
    """Return the bytes that a signature over `claim` is made of (RFC 9052, section 4.4: Sig_structure)."""
    return encode([context, signature.protected_bytes, b"", claim])


def holds(signature: Signature, certificate: Certificate, claim: bytes) -> bool:
    """Tell whether the certificate's key signed `claim`."""
    family, bits = ALGORITHMS.get(signature.algorithm, ("", 0))  # type: ignore[call-overload]
    return verifies(certificate, signature.signature, signed_bytes(signature, claim), family, bits)


def signed_by(store: bytes, label: str, certificate: Certificate) -> bool:
    """Tell whether the certificate's key signed the claim of the manifest `label` in a manifest store.

    Where two readers find different chains in one store, this tells which of them signed.
    """
    try:
        manifest = next((one for one in parse_store(store) if one.label == label), None)
        if manifest is None or len(manifest.claims) != 1 or len(manifest.signatures) != 1:
            return False
        return holds(parse_signature(manifest.signatures[0]), certificate, manifest.claims[0][1])
    except (CoseError, JumbfError):
        return False


def verifies(certificate: Certificate, signature: bytes, data: bytes, family: str, bits: int) -> bool:
    """Tell whether `signature` over `data` is by the certificate's key; ECDSA is r and s side by side."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    try:
        key = certificate.public_key()
        if family == "EdDSA" and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        elif family == "ES" and isinstance(key, ec.EllipticCurvePublicKey):
            half = (key.curve.key_size + 7) // 8
            if len(signature) != 2 * half:
                return False
            pair = encode_dss_signature(*(int.from_bytes(part, "big") for part in (signature[:half], signature[half:])))
            key.verify(pair, data, ec.ECDSA(digest_of(bits)))
        elif family == "PS" and isinstance(key, rsa.RSAPublicKey):
            digest = digest_of(bits)
            pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=padding.PSS.DIGEST_LENGTH)
            key.verify(signature, data, pss, digest)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def digest_of(bits: int) -> HashAlgorithm:
    """Return the SHA-2 digest of this many bits."""
    from cryptography.hazmat.primitives import hashes

    kinds: dict[int, HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
    return kinds[bits]


def path_to_anchor(
    chain: tuple[Certificate, ...], anchors: tuple[Certificate, ...], moment: dt.datetime
) -> tuple[Certificate, ...]:
    """Return the certificates from the leaf up to an anchor, empty if there is no such path (RFC 5280, section 6).

    Any certificate on the way may be the anchor, the leaf too. Each is issued by the next; authorities are
    authorities, may have that many below them, and are valid at `moment`, the anchor excepted.
    """
    if not chain:
        return ()
    path = [chain[0]]
    left = list(chain[1:_CHAIN_MOST])
    while True:
        if path[-1] in anchors:
            return tuple(path)
        for anchor in anchors:
            if _may_issue(anchor, len(path) - 1) and issued_by(path[-1], anchor):
                return (*path, anchor)
        above = next((one for one in left if issued_by(path[-1], one)), None)
        if above is None or not _may_issue(above, len(path) - 1) or not is_valid_at(above, moment):
            return ()
        left.remove(above)
        path.append(above)


def _may_issue(certificate: Certificate, below: int) -> bool:
    """Tell whether a certificate is an authority's with room for `below` more authorities under it."""
    from cryptography.x509 import BasicConstraints, DuplicateExtension, ExtensionNotFound, KeyUsage

    try:
        basic = certificate.extensions.get_extension_for_class(BasicConstraints).value
        try:
            signs = certificate.extensions.get_extension_for_class(KeyUsage).value.key_cert_sign
        except ExtensionNotFound:
            signs = True
    except (ExtensionNotFound, DuplicateExtension, ValueError):
        return False
    return basic.ca and signs and (basic.path_length is None or basic.path_length >= below)
