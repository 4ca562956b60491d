"""Messages to and from the manifest reading process: a JSON header and bytes, with a deadline on each.

Like `media.wire`, but without numpy, which would take half of the time that verifying one file needs from a cold start.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import struct
import time
from typing import Any, Final

_PREFIX: Final = struct.Struct(">IQ")  # bytes of header, bytes of body
_HEADER_MOST: Final = 64 << 20  # a request holds the trust anchors, a few megabytes in the largest lists
_BLOCK: Final = 1 << 20


class Closed(Exception):
    """The other end is gone."""


class Late(Exception):
    """The deadline passed."""


class Pipe:
    """Two pipe ends that carry messages."""

    def __init__(self, reader: int, writer: int) -> None:
        """Own the file descriptors `reader` and `writer` from now on."""
        self._ends = (reader, writer)
        self._ahead = b""  # read, and not yet asked for
        for end in self._ends:
            os.set_blocking(end, False)

    def send(self, header: dict[str, Any], body: bytes = b"", *, seconds: float | None = None) -> None:
        """Send one message. Raises `Closed`, or `Late` if it is not taken within `seconds`."""
        until = None if seconds is None else time.monotonic() + seconds
        head = json.dumps(header).encode()
        first = _PREFIX.pack(len(head), len(body)) + head
        for part in (first + body,) if len(body) < _BLOCK else (first, body):
            left = memoryview(part)
            while left:
                try:
                    left = left[self._try(os.write, 1, left) :]
                except BlockingIOError:
                    self._wait(1, select.POLLOUT, until)

    def receive(self, *, seconds: float | None = None, most: int) -> tuple[dict[str, Any], bytes]:
        """Return the next message, its body at most `most` bytes. Raises `Closed`, or `Late` after `seconds`."""
        until = None if seconds is None else time.monotonic() + seconds
        head_bytes, body_bytes = _PREFIX.unpack(self._read(_PREFIX.size, until))
        if head_bytes > _HEADER_MOST or body_bytes > most:
            raise Closed  # no message of ours is so large: the other end is no longer our code
        header = json.loads(self._read(head_bytes, until))
        if not isinstance(header, dict):
            raise Closed
        return header, self._read(body_bytes, until)

    def close(self) -> None:
        """Close both ends; harmless when repeated."""
        for end in self._ends:
            if end >= 0:
                with contextlib.suppress(OSError):
                    os.close(end)
        self._ends = (-1, -1)

    def _read(self, count: int, until: float | None) -> bytes:
        parts, missing = [self._ahead[:count]], count - len(self._ahead)
        self._ahead = self._ahead[count:]
        while missing > 0:
            self._wait(0, select.POLLIN, until)
            with contextlib.suppress(BlockingIOError):
                part = self._try(os.read, 0, _BLOCK)
                if not part:
                    raise Closed
                parts.append(part[:missing])
                self._ahead = part[missing:]
                missing -= len(part)
        return b"".join(parts)

    def _try(self, call: Any, end: int, argument: Any) -> Any:  # noqa: ANN401 - os.read or os.write
        try:
            return call(self._ends[end], argument)
        except BlockingIOError:
            raise
        except OSError as error:
            raise Closed from error

    def _wait(self, end: int, event: int, until: float | None) -> None:
        if self._ends[end] < 0:
            raise Closed
        poll = select.poll()
        poll.register(self._ends[end], event)
        left = None if until is None else max(0.0, until - time.monotonic()) * 1000
        if not poll.poll(left):
            raise Late
