"""The native signer: with a key in memory, or one that never leaves its token and signs through a callback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..media.errors import AssayError
from .certs import CertificateError, Credentials
from .manifest import SigningError

if TYPE_CHECKING:
    import c2pa


@contextlib.contextmanager
def native_signer(credentials: Credentials, timestamp_url: str | None) -> Iterator[c2pa.Signer]:
    """Lend a signer. What c2pa-rs raises within becomes `SigningError`; so does what a callback raises, its cause."""
    import c2pa

    raised: list[Exception] = []
    with named_failures(timestamp_url, raised):
        if credentials.sign is None:
            address = timestamp_url.encode() if timestamp_url else None  # b"" would break signing
            info = c2pa.C2paSignerInfo(
                alg=credentials.algorithm.encode(),
                sign_cert=credentials.chain_pem,
                private_key=credentials.key_pem,
                ta_url=address,
            )
            signer = c2pa.Signer.from_info(info)
        else:
            signer = _by_callback(credentials, timestamp_url, raised)
        with signer:
            yield signer


@contextlib.contextmanager
def named_failures(timestamp_url: str | None = None, raised: list[Exception] | None = None) -> Iterator[None]:
    """Turn what c2pa-rs raises into `SigningError`; `raised` holds what a callback raised, which c2pa-rs swallows."""
    import c2pa

    try:
        yield
    except c2pa.C2paError as error:
        if raised:
            msg = f"the signing callback failed: {raised[0]}"
            raise SigningError(msg) from raised[0]
        if timestamp_url is not None and "http resolver" in str(error):
            msg = f"the time stamp authority at {timestamp_url} did not answer: try later, or sign without a time stamp"
            raise SigningError(msg) from error
        msg = f"the manifest could not be made, signed or read back: {error}"
        raise SigningError(msg) from error


def _by_callback(credentials: Credentials, timestamp_url: str | None, raised: list[Exception]) -> c2pa.Signer:
    import c2pa

    sign = credentials.sign
    if sign is None:
        msg = "expected credentials with a signing callback, got none"
        raise CertificateError(msg)

    def call(data: bytes) -> bytes:
        try:
            return sign(data)
        except (OSError, RuntimeError, ValueError, AssayError) as error:  # raised anew behind the native frames
            raised.append(error)
            return b""

    algorithm = c2pa.C2paSigningAlg[credentials.algorithm.upper()]
    return c2pa.Signer.from_callback(call, algorithm, credentials.chain_pem.decode("ascii"), timestamp_url)
