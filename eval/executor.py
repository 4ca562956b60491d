"""Independent pieces of work, done by several processes, answered in any order: the seam that a cluster fits too.

A piece is a payload of plain JSON values for a function that is named as `package.module:function`; nothing is pickled.
Pieces are taken from the iterator only as workers come free, so neither the queue nor memory grows with their number.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, cast

from ..media.errors import AssayError
from ..media.wire import Channel, Closed, Silent

Payload = dict[str, Any]
Function = Callable[[Payload], Payload]
TRIES = 2
RESULT_MOST = 1 << 28
"""Bytes of one result: rows and thumbnails of a piece of work take some kilobytes."""
START_SECONDS = 60.0
_COMMAND = ("-P", "-c", "from assay.eval.executor import serve; serve()")


class ExecutorError(AssayError):
    """The workers cannot be started, or the function is none of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The `result` of a piece of work."""

    payload: Payload
    result: Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A piece of work that killed, or kept, its worker `tries` times."""

    payload: Payload
    why: str
    tries: int


class Executor(Protocol):
    """Whatever can do pieces of work."""

    def map_unordered(self, function: str, payloads: Iterable[Payload]) -> Iterator[Done | Lost]:
        """Yield, in any order, what `function` gives for each of `payloads`; lost workers are replaced, work redone.

        An error of the function itself is raised here.
        """
        ...


def named(function: str) -> Function:
    """Return the function of ours that is named `assay.module:function`. Raises `ExecutorError` if it is none."""
    module, _, name = function.partition(":")
    if module.split(".")[0] != __name__.split(".", maxsplit=1)[0] or not name:
        msg = f"expected a function of Assay as assay.module:function, got {function!r}"
        raise ExecutorError(msg)
    return cast("Function", getattr(import_module(module), name))


class Inline:
    """Does everything here, one after the other."""

    def map_unordered(self, function: str, payloads: Iterable[Payload]) -> Iterator[Done | Lost]:
        """Yield what `function` gives for each of `payloads`, in their order."""
        work = named(function)
        for payload in payloads:
            yield Done(payload=payload, result=work(payload))


@dataclass(slots=True, kw_only=True)
class _Worker:
    process: subprocess.Popen[bytes]
    channel: Channel
    reader: int
    payload: Payload = field(default_factory=dict)
    tries: int = 0
    since: float = 0.0

    def end(self) -> None:
        self.channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=3.0)
            return
        self.process.kill()
        self.process.wait()


class Processes:
    """A fixed number of warm processes on this machine; a piece may take `seconds` before its worker is replaced."""

    def __init__(self, count: int, *, seconds: float = 1800.0) -> None:
        """Start nothing yet. Raises `ExecutorError` for less than one process."""
        if count < 1:
            msg = f"expected at least one process, got {count}"
            raise ExecutorError(msg)
        self._count, self._seconds = count, seconds
        self._workers: list[_Worker] = []

    def map_unordered(self, function: str, payloads: Iterable[Payload]) -> Iterator[Done | Lost]:
        """Yield what `function` gives for each of `payloads`, as it comes."""
        named(function)
        waiting = iter(payloads)
        again: list[tuple[Payload, int]] = []
        busy: list[_Worker] = []
        atexit.register(self._close)
        try:
            while True:
                while len(busy) < self._count and (piece := _next(again, waiting)) is not None:
                    busy.append(self._begin(function, *piece))
                if not busy:
                    return
                for worker in self._ready(busy):
                    busy.remove(worker)
                    answer = self._answer(worker)
                    if answer is None and worker.tries < TRIES:
                        again.append((worker.payload, worker.tries))
                    elif answer is None:
                        why = "the process that did this ended, or took too long, each time"
                        yield Lost(payload=worker.payload, why=why, tries=worker.tries)
                    else:
                        yield Done(payload=worker.payload, result=answer)
        finally:
            for worker in busy:  # whoever stopped listening does not want their answers
                worker.process.kill()
                worker.end()
            self._close()
            atexit.unregister(self._close)

    def _begin(self, function: str, payload: Payload, tries: int) -> _Worker:
        worker = self._workers.pop() if self._workers else _start()
        worker.payload, worker.tries, worker.since = payload, tries + 1, time.monotonic()
        with contextlib.suppress(Closed, Silent):  # a dead worker is met when its answer is read
            worker.channel.send({"function": function}, json.dumps(payload).encode(), seconds=START_SECONDS)
        return worker

    def _ready(self, busy: list[_Worker]) -> list[_Worker]:
        """Wait until some of `busy` have something to say, or have taken too long."""
        poll = select.poll()
        for worker in busy:
            poll.register(worker.reader, select.POLLIN)
        patience = min(worker.since for worker in busy) + self._seconds - time.monotonic()
        ends = {end for end, _ in poll.poll(max(0.0, patience) * 1000)}
        late = time.monotonic() - self._seconds
        return [worker for worker in busy if worker.reader in ends or worker.since <= late]

    def _answer(self, worker: _Worker) -> Payload | None:
        """Return the worker's result, or `None` if there is none: then it is ended. Raises what the function raised."""
        try:
            if not worker.channel.waiting():
                raise Silent
            header, body = worker.channel.receive(seconds=START_SECONDS, most=RESULT_MOST)
        except (Closed, Silent):
            worker.process.kill()
            worker.end()
            return None
        self._workers.append(worker)
        if "error" in header:
            raise ExecutorError(str(header["error"]))
        return cast("Payload", json.loads(body.tobytes()))

    def _close(self) -> None:
        for worker in self._workers:
            worker.end()
        self._workers = []


def _next(again: list[tuple[Payload, int]], waiting: Iterator[Payload]) -> tuple[Payload, int] | None:
    if again:
        return again.pop()
    payload = next(waiting, None)
    return None if payload is None else (payload, 0)


def _start() -> _Worker:
    down_read, down_write = os.pipe()
    up_read, up_write = os.pipe()
    channel = Channel(up_read, down_write)
    # One thread of algebra each: as many workers as cores would fight otherwise.
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        process = subprocess.Popen([sys.executable, *_COMMAND], stdin=down_read, stdout=up_write, env=env)  # noqa: S603
    except OSError as error:
        channel.close()
        msg = f"a worker cannot start: {error}"
        raise ExecutorError(msg) from error
    finally:
        os.close(down_read)
        os.close(up_write)
    return _Worker(process=process, channel=channel, reader=up_read)


def _die_with_the_parent() -> None:
    """Ask Linux to end this process when its parent does, were it in the middle of a piece of work."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def serve() -> None:
    """Do pieces of work until the other end is gone. What is printed meanwhile goes to stderr."""
    _die_with_the_parent()
    channel = Channel(os.dup(0), os.dup(1))
    os.dup2(2, 1)
    with open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    while True:
        try:
            header, body = channel.receive(most=RESULT_MOST)
        except Closed:
            return
        told: dict[str, Any] = {}
        result = b""
        try:
            result = json.dumps(named(str(header["function"]))(json.loads(body.tobytes()))).encode()
        except AssayError as error:
            told["error"] = str(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must reach the driver, not end the worker
            told["error"] = f"a fault of ours in {header['function']}: {type(error).__name__}: {error}"
        try:
            channel.send(told, result)
        except Closed:
            return
