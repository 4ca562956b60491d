"""Keys of marks, and the streams of numbers that a key stands for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import stat
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...media.errors import InputError
from .interface import MarkError

KEY_BYTES = 32

SHARED_KEY: bytes = hashlib.sha256(b"assay marks: the shared key, public on purpose, version 1").digest()
"""The key that everybody has, public on purpose.

What our generators publish is marked with it, so that anyone can read which id a file carries. Whoever can read a
symmetric mark can also write and remove it: a mark under this key therefore proves nothing. Its id leads to a signed
manifest, and that manifest's fingerprint must match the file. Owners who want a mark that others can neither read
nor write use a key of their own (`load_key`).
"""


class ExposedKeyWarning(UserWarning):
    """A key file can be read by other users of the machine."""


def load_key(path: Path) -> bytes:
    """Return the 32-byte key in the file at `path`: 64 hexadecimal digits or base64, on one line.

    Warns `ExposedKeyWarning` if others may read the file. Raises `InputError` if the file cannot be read and
    `MarkError` if it does not hold 32 bytes.
    """
    try:
        text = path.read_text(encoding="ascii").strip()
        mode = stat.S_IMODE(path.stat().st_mode)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"expected a readable text file with a mark key at {path}, got {error}"
        raise InputError(msg) from error
    if mode & 0o077:
        warnings.warn(
            f"the mark key {path} has mode {mode:04o}: others can read it; chmod 600 it",
            ExposedKeyWarning,
            stacklevel=2,
        )
    try:
        key = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        msg = f"a mark key is {KEY_BYTES} bytes as hexadecimal or base64, the text in {path} is neither"
        raise MarkError(msg) from error
    check_key(key)
    return key


def check_key(key: bytes) -> None:
    """Raise `MarkError` unless `key` has 32 bytes."""
    if len(key) != KEY_BYTES:
        msg = f"a mark key has {KEY_BYTES} bytes, got {len(key)}: make one with `openssl rand -hex 32`"
        raise MarkError(msg)


class KeyStream:
    """An endless stream of numbers that only the holder of `key` can make; `label` keeps uses apart.

    ChaCha20 (RFC 8439) under HMAC-SHA256(key, label): the numbers are the same on every machine and with every
    version of numpy, whose own generators promise no such thing.
    """

    def __init__(self, key: bytes, label: str) -> None:
        """Start the stream of `label`. Raises `MarkError` if `key` is not 32 bytes."""
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

        check_key(key)
        seed = hmac.new(key, b"assay mark stream\x00" + label.encode(), hashlib.sha256).digest()
        self._cipher = Cipher(algorithms.ChaCha20(seed, bytes(16)), mode=None).encryptor()

    def _words(self, count: int, dtype: str) -> NDArray[np.unsignedinteger]:
        raw = self._cipher.update(bytes(count * np.dtype(dtype).itemsize))
        return np.frombuffer(raw, dtype=dtype)

    def uniform(self, count: int) -> NDArray[np.float64]:
        """Return `count` numbers, uniform in [0, 1)."""
        return np.asarray(self._words(count, "<u4") / 2.0**32, dtype=np.float64)

    def signs(self, count: int) -> NDArray[np.float32]:
        """Return `count` signs, -1 or +1."""
        return np.where(self._words(count, "u1") & 1, 1.0, -1.0).astype(np.float32)

    def permutation(self, count: int) -> NDArray[np.intp]:
        """Return the numbers 0 .. `count` - 1 in an order of the key's."""
        return np.argsort(self._words(count, "<u8"), kind="stable")
