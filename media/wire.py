"""Messages between Assay and its decoding processes: a JSON header and raw bytes, never pickle."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Header = dict[str, Any]
Body = bytes | bytearray | memoryview

_PREFIX = struct.Struct(">IQ")  # bytes of header, bytes of body
_HEADER_MOST = 1 << 20
_PIPE_BYTES = 1 << 20
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ, Linux only


class Closed(Exception):
    """The other end is gone."""


class Silent(Exception):
    """The other end took too long."""


class Channel:
    """Two pipe ends that carry messages; every wait can have a limit in seconds."""

    def __init__(self, reader: int, writer: int) -> None:
        """Own the file descriptors `reader` and `writer` from now on."""
        self._reader, self._writer = reader, writer
        for end in (reader, writer):
            os.set_blocking(end, False)
            with contextlib.suppress(OSError):
                fcntl.fcntl(end, _SET_PIPE_SIZE, _PIPE_BYTES)

    def send(self, header: Header, body: Body = b"", *, seconds: float | None = None) -> None:
        """Send one message. Raises `Closed`, or `Silent` if nothing is taken for `seconds`."""
        head = json.dumps(header).encode()
        payload = memoryview(body).cast("B") if len(body) else memoryview(b"")
        self._write(memoryview(_PREFIX.pack(len(head), payload.nbytes) + head), seconds)
        self._write(payload, seconds)

    def receive(self, *, seconds: float | None = None, most: int) -> tuple[Header, NDArray[np.uint8]]:
        """Return the next message, its body at most `most` bytes. Raises `Closed`, or `Silent` after `seconds`."""
        head_bytes, body_bytes = _PREFIX.unpack(self._read(_PREFIX.size, seconds).tobytes())
        if head_bytes > _HEADER_MOST or body_bytes > most:
            raise Closed  # no message of ours is so large: the other end is no longer our code
        header = json.loads(self._read(head_bytes, seconds).tobytes())
        if not isinstance(header, dict):
            raise Closed
        return header, self._read(body_bytes, seconds)

    def waiting(self) -> bool:
        """Whether a message (or the end) can be read at once."""
        return bool(select.select([self._reader], [], [], 0)[0])

    def close(self) -> None:
        """Close both ends; harmless when repeated."""
        for end in (self._reader, self._writer):
            if end >= 0:
                with contextlib.suppress(OSError):
                    os.close(end)
        self._reader = self._writer = -1

    def _write(self, left: memoryview, seconds: float | None) -> None:
        while left:
            _wait(self._writer, select.POLLOUT, seconds)
            try:
                left = left[os.write(self._writer, left) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Closed from error

    def _read(self, count: int, seconds: float | None) -> NDArray[np.uint8]:
        import numpy as np  # not above: a process is started before ours has loaded it

        out = np.empty(count, np.uint8)
        left = out.data
        while left:
            _wait(self._reader, select.POLLIN, seconds)
            try:
                got = os.readv(self._reader, [left])
            except BlockingIOError:
                continue
            except OSError as error:
                raise Closed from error
            if not got:
                raise Closed
            left = left[got:]
        return out


def _wait(end: int, event: int, seconds: float | None) -> None:
    """Wait until `end` can be used. Raises `Silent` after `seconds`, `Closed` if it was closed."""
    if end < 0:
        raise Closed
    poll = select.poll()
    poll.register(end, event)
    if not poll.poll(None if seconds is None else seconds * 1000):
        raise Silent
