"""A child process that is asked by a line and answers by a line, with a time limit, ended with all its children."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from functools import cache

LINE_MOST = 1 << 20
"""Bytes of an answer: a score needs twenty; whoever sends more is broken."""


class Late(Exception):
    """The process did not answer in time."""


class Gone(Exception):
    """The process ended, or sends what is no line; the message is the end of what it wrote on stderr."""


@cache
def _keeper() -> tuple[str, ...]:
    """Return the words before a command that let Linux end it when we are ended without a chance to do so."""
    found = shutil.which("setpriv")
    return (found, "--pdeathsig", "KILL", "--") if found else ()


class Child:
    """One process in a group of its own: ending it ends what it has started."""

    def __init__(self, command: Sequence[str], *, stdin: bool = True) -> None:
        """Start `command`. Raises `Gone` if it cannot be started."""
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user asked for this detector
                (*_keeper(), *command),
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            msg = f"cannot start {command[0]}: {error.strerror or error}"
            raise Gone(msg) from error
        self._buffer = b""
        self._said: deque[bytes] = deque(maxlen=8)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def tell(self, line: str, *, seconds: float) -> None:
        """Send a line. Raises `Gone` if the process has ended and `Late` if it takes nothing for `seconds`."""
        if self._process.stdin is None:
            return
        until = time.monotonic() + seconds
        left = memoryview(line.encode() + b"\n")
        end = self._process.stdin.fileno()
        os.set_blocking(end, False)
        while left:
            if not select.select([], [end], [], max(0.0, until - time.monotonic()))[1]:
                raise Late
            try:
                left = left[os.write(end, left) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise Gone(self._last_words()) from error

    def line(self, *, until: float) -> str:
        """Return its next line. Raises `Late` at the time `until` (monotonic) and `Gone` if it ends before."""
        while b"\n" not in self._buffer:
            more = self._read(until)
            if not more:
                raise Gone(self._last_words())
            self._buffer += more
            if len(self._buffer) > LINE_MOST:
                msg = f"it sent {len(self._buffer)} bytes without an end of line"
                raise Gone(msg)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode("utf-8", "replace").strip()

    def rest(self, *, until: float) -> tuple[int, str]:
        """Return exit status and all output of a process that ends by itself. Raises `Late` at the time `until`."""
        kept = b""
        while more := self._read(until):
            kept = (kept + more)[-LINE_MOST:]
        try:
            status = self._process.wait(timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise Late from error
        return status, kept.decode("utf-8", "replace")

    def kill(self) -> None:
        """End the process and everything in its group, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.join(timeout=1.0)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self, until: float) -> bytes:
        if self._process.stdout is None:
            return b""
        end = self._process.stdout.fileno()
        if not select.select([end], [], [], max(0.0, until - time.monotonic()))[0]:
            raise Late
        return os.read(end, 1 << 16)

    def _listen(self) -> None:
        if self._process.stderr is not None:
            with contextlib.suppress(OSError, ValueError):
                for line in iter(lambda: self._process.stderr.readline(4096), b""):  # type: ignore[union-attr]
                    self._said.append(line)

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=0.5)
        self._listener.join(timeout=0.5)
        words = [line.decode("utf-8", "replace").strip() for line in self._said]
        last = next((word for word in reversed(words) if word), "")
        status = self._process.poll()
        ended = "it stopped answering" if status is None else f"it ended with status {status}"
        return f"{ended}: {last}" if last else ended

    def last_words(self) -> str:
        """Return how the process ended, with the last line that it wrote on stderr."""
        return self._last_words()
