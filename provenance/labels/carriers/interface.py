"""What a carrier must do, and the bounded window through which it reads a stranger's file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from ..fields import Disclosure, Found
from ..interface import LabelError

_READ_COST = 32  # bytes charged for any read, so that a file of empty blocks ends too


class MalformedMetadata(LabelError):
    """The file's structure is not what its container promises, or its metadata is larger than allowed."""


class Window:
    """Reads from `stream` anywhere inside it, and at most `budget` bytes of metadata in all."""

    def __init__(self, stream: BinaryIO, *, budget: int) -> None:
        """Look at `stream`, which must be seekable, without reading from it."""
        self._stream = stream
        self._left = budget
        self.size = stream.seek(0, 2)

    def at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes at `offset`. Raises `MalformedMetadata` outside the file or beyond the budget."""
        if offset < 0 or count < 0 or offset + count > self.size:
            msg = f"expected {count} bytes of metadata at {offset}, but the file has {self.size}"
            raise MalformedMetadata(msg)
        self._left -= max(count, _READ_COST)
        if self._left < 0:
            msg = "the file holds more metadata than the limit allows"
            raise MalformedMetadata(msg)
        self._stream.seek(offset)
        data = self._stream.read(count)
        if len(data) != count:
            msg = f"expected {count} bytes of metadata at {offset}, got {len(data)}: the file shrank while it was read"
            raise MalformedMetadata(msg)
        return data

    def peek(self, offset: int, count: int) -> bytes:
        """Return at most `count` bytes at `offset` without charge, for walks that count their own steps."""
        self._stream.seek(offset)
        return self._stream.read(count)

    def upto(self, offset: int, count: int) -> bytes:
        """Return at most `count` bytes at `offset`, fewer at the end of the file."""
        return self.at(offset, max(0, min(count, self.size - offset)))


class Carrier(Protocol):
    """One family of containers."""

    def read(self, window: Window) -> Iterator[Found]:
        """Yield the disclosures in the file. Raises `MalformedMetadata` where its structure makes no sense."""
        ...

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` with `fields` in it; other metadata stays. Raises `LabelError` if it cannot hold them."""
        ...
