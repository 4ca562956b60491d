"""Warm decoding processes: foreign bytes meet a decoder only there, under memory and time caps."""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import (
    AssayError,
    InputError,
    LimitExceeded,
    NothingToExamine,
    UnreadableMedia,
    WorkerFailed,
)
from .limits import Limits
from .wire import Channel, Closed, Header, Silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Reply = tuple[Header, NDArray[np.uint8]]

_KNOWN: dict[str, type[AssayError]] = {
    kind.__name__: kind for kind in (InputError, LimitExceeded, NothingToExamine, UnreadableMedia, WorkerFailed)
}
_START_SECONDS = 60.0  # a cold start reads libraries from disk; measured 0.4 s warm
_CANCEL_SECONDS = 2.0
_JOBS_MOST = 1000  # then a fresh process: whatever the decoders leak stays bounded
# -P keeps the working folder off the path: our own `datasets` would shadow the library of that name
_COMMAND = ("-P", "-c", "from assay.media.cell.main import serve; serve()")
NO_JOB = ""
"""What a process is started for when nobody knows yet what it will do."""


class _Worker:
    """One decoding process and the channel to it."""

    def __init__(self, memory_bytes: int, *, op: str = NO_JOB) -> None:
        """Start it, its address space capped at `memory_bytes`, to load what `op` needs; `ready` waits for it.

        Raises `WorkerFailed` if it cannot be started.
        """
        self.memory_bytes = memory_bytes
        self.jobs = 0
        self._started = False
        self.worn = False  # whether it asks to be replaced
        down_read, down_write = os.pipe()
        up_read, up_write = os.pipe()
        # one BLAS thread and two heaps: each would reserve address space that the cap counts
        env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
        self.channel = Channel(up_read, down_write)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [sys.executable, *_COMMAND, str(memory_bytes), op],
                stdin=down_read,
                stdout=up_write,
                stderr=subprocess.DEVNULL,
                env=env,
            )
        except OSError as error:
            self.channel.close()
            msg = f"the decoding process cannot start: {error}"
            raise WorkerFailed(msg) from error
        finally:
            os.close(down_read)
            os.close(up_write)

    def ready(self) -> None:
        """Wait until it takes jobs. Raises `WorkerFailed` if it does not come so far."""
        if self._started:
            return
        try:
            self.channel.receive(seconds=_START_SECONDS, most=0)
        except (Closed, Silent) as error:
            msg = f"the decoding process did not start: check that {sys.executable} -P can import assay"
            raise WorkerFailed(msg) from error
        self._started = True

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once."""
        self.channel.close()
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Let it go: it ends by itself when its channel closes."""
        self.channel.close()
        try:
            self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            self.kill()

    def forget(self) -> None:
        """Drop it in a forked child: it belongs to the parent."""
        self.channel.close()
        self._process.returncode = 0  # so that nobody waits for, or warns of, another's child


class Pool:
    """Keeps decoding processes warm; one is started whenever a job finds none idle, `keep` stay idle."""

    def __init__(self, *, keep: int = 2) -> None:
        """Start nothing yet."""
        self._keep = keep
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._lock = threading.Lock()

    def warm(self, memory_bytes: int, *, op: str = NO_JOB) -> None:
        """Start a worker with that cap, without waiting for it, if none is idle: the next job, an `op`, finds it up."""
        with self._lock:
            if not any(worker.memory_bytes == memory_bytes and worker.alive for worker in self._idle):
                self._idle.append(_Worker(memory_bytes, op=op))

    @contextlib.contextmanager
    def lease(self, memory_bytes: int) -> Iterator[_Worker]:
        """Lend a worker with that cap; it comes back if the block ends well, and is killed if not."""
        worker = self._take(memory_bytes)
        try:
            worker.ready()
            yield worker
        except BaseException:
            self._busy.discard(worker)
            worker.kill()
            raise
        worker.jobs += 1
        self._busy.discard(worker)
        if worker.worn or worker.jobs >= _JOBS_MOST:
            worker.close()
            return
        with self._lock:
            self._idle.append(worker)
            gone = self._idle.pop(0) if len(self._idle) > self._keep else None
        if gone is not None:
            gone.close()

    def close(self) -> None:
        """End all processes; the pool can be used again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()
        for worker in list(self._busy):
            worker.kill()
        self._busy.clear()

    def forget(self) -> None:
        """Start anew in a forked child."""
        self._lock = threading.Lock()
        for worker in (*self._idle, *self._busy):
            worker.forget()
        self._idle, self._busy = [], set()

    def _take(self, memory_bytes: int) -> _Worker:
        with self._lock:
            for worker in list(reversed(self._idle)):
                if worker.memory_bytes == memory_bytes:
                    self._idle.remove(worker)
                    if worker.alive:
                        self._busy.add(worker)
                        return worker
                    worker.kill()  # someone else ended it: no fault of the next file
        worker = _Worker(memory_bytes)
        self._busy.add(worker)
        return worker


POOL = Pool()
atexit.register(POOL.close)
os.register_at_fork(after_in_child=POOL.forget)


def stream(op: str, source: Path | bytes, *, limits: Limits, **arguments: Any) -> Generator[Reply, None, None]:  # noqa: ANN401 - JSON values
    """Yield what the operation `op` sends for `source` (a file, or the bytes of one), as (header, body).

    Leaving early cancels the job. Raises what the operation raises, and `WorkerFailed` if the process dies or is
    silent for `limits.worker_seconds`.
    """
    request: Header = {"op": op, "limits": asdict(limits), "arguments": arguments}
    body = b""
    if isinstance(source, Path):
        request["path"] = os.path.abspath(source)  # noqa: PTH100 - links stay unresolved
    else:
        body = source
    failure: AssayError | None = None
    with _named_failures(limits), POOL.lease(limits.memory_bytes) as worker:
        try:
            worker.channel.send(request, body, seconds=limits.worker_seconds)
            while True:
                header, data = worker.channel.receive(seconds=limits.worker_seconds, most=limits.memory_bytes)
                worker.worn = header.get("worn") is True
                if header.get("type") == "item":
                    yield header, data
                elif header.get("type") == "error":
                    kind = _KNOWN.get(str(header.get("kind")), UnreadableMedia)
                    failure = kind(str(header.get("message")))
                    break
                elif header.get("type") == "end":
                    break
        except GeneratorExit:
            if not _cancelled(worker):
                raise  # which ends the process
    if failure is not None:
        raise failure


def run(op: str, source: Path | bytes, *, limits: Limits, **arguments: Any) -> Reply:  # noqa: ANN401 - JSON values
    """Return the one reply of the operation `op` on `source`; see `stream`."""
    replies = list(stream(op, source, limits=limits, **arguments))
    if len(replies) != 1:
        msg = f"the decoding process answered {len(replies)} times instead of once"
        raise WorkerFailed(msg)
    return replies[0]


def _cancelled(worker: _Worker) -> bool:
    """Stop the job and throw away what it still sends; whether it stopped soon."""
    until = time.monotonic() + _CANCEL_SECONDS
    try:
        worker.channel.send({"op": "cancel"}, seconds=_CANCEL_SECONDS)
        while time.monotonic() < until:
            header, _ = worker.channel.receive(seconds=_CANCEL_SECONDS, most=worker.memory_bytes)
            worker.worn = header.get("worn") is True
            if header.get("type") in {"end", "error"}:
                return True
    except (Closed, Silent):
        pass
    return False


@contextlib.contextmanager
def _named_failures(limits: Limits) -> Iterator[None]:
    """Turn a dead or silent process into `WorkerFailed`."""
    try:
        yield
    except Closed as error:
        msg = (
            f"the decoding process died on this file (crash, or more than {limits.memory_bytes} bytes of memory): "
            "the file is damaged or hostile, or Limits.memory_bytes is too small for it"
        )
        raise WorkerFailed(msg) from error
    except Silent as error:
        msg = (
            f"decoding made no progress for {limits.worker_seconds:g} s and was stopped: "
            "the file is damaged or hostile, or Limits.worker_seconds is too short for it"
        )
        raise WorkerFailed(msg) from error
