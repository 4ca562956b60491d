"""The loop of a decoding process: one request at a time, answered by messages."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import stat
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import AssayError, UnreadableMedia
from ..limits import Limits
from ..wire import Body, Channel, Closed, Header

Item = tuple[Header, Body]
Operation = Callable[..., Iterator[Item]]

OPERATIONS = {
    "image": "pictures:decode",
    "image-info": "pictures:inform",
    "film-info": "probe:inform",
    "sound": "sound:blocks",
    "frames": "frames:each",
    "film": "film:survey",
    "packets": "packets:each",
    "echo": "main:echo",
}

# What decoders raise on foreign bytes; anything else is a fault of ours and ends the process.
_FOREIGN = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class _Cancelled(Exception):
    """The other side wants no more of this job."""


def serve() -> None:
    """Answer requests until the other side closes the channel."""
    _confine(int(sys.argv[1]))
    channel = Channel(os.dup(0), os.dup(1))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)  # a library that prints must not write into the messages
    os.dup2(null, 1)
    os.close(null)
    with contextlib.suppress(Closed):
        channel.send({"type": "ready"})
        if sys.argv[2] and not channel.waiting():
            _load(sys.argv[2])
        while True:
            request, body = channel.receive(most=1 << 40)
            if request.get("op") != "cancel":  # one that came too late
                answer = _answer(channel, request, body.data)
                gc.collect()  # containers, streams and codecs hold each other
                gc.freeze()  # what is left are libraries: the next collection need not look at them
                channel.send({**answer, "worn": _worn()})


def echo(file: BinaryIO, limits: Limits, *, spend_bytes: int = 0, wait: float = 0.0, count: int = 1) -> Iterator[Item]:
    """Send back what came, `count` times, after spending memory and time: shows that the caps hold."""
    import time

    del limits
    held = bytearray(spend_bytes)
    data = file.read()
    for index in range(count):
        time.sleep(wait)
        yield {"index": index, "held": len(held)}, data


def _load(op: str) -> None:
    """Import what the operation `op` uses, while nobody waits for it."""
    import importlib

    module = OPERATIONS[op].partition(":")[0]
    importlib.import_module(f"{__package__}.{module}")
    importlib.import_module("PIL.Image" if module == "pictures" else "av")


def _confine(memory_bytes: int) -> None:
    """Cap memory, forbid writing files and core dumps, leave Ctrl-C to the parent."""
    import resource

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    caps = ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0))
    for kind, most in caps:
        with contextlib.suppress(ValueError, OSError):  # a harder cap set by the system stays
            resource.setrlimit(kind, (most, most))


def _answer(channel: Channel, request: Header, body: Body) -> Header:
    """Do one job, sending its items; return the last message."""
    limits = Limits(**request["limits"])
    try:
        with _opened(request, body) as file:
            for header, data in _operation(str(request["op"]))(file, limits, **request["arguments"]):
                if channel.waiting():
                    raise _Cancelled
                channel.send({"type": "item", **header}, data)
    except _Cancelled:
        channel.receive(most=0)
    except MemoryError:
        raise SystemExit(1) from None  # its heap is spent: a fresh process is safer
    except AssayError as error:
        return {"type": "error", "kind": type(error).__name__, "message": str(error)}
    except _FOREIGN as error:
        # a thread that cannot be started for want of address space says "try again"
        if "memory" in str(error).lower() or isinstance(error, BlockingIOError):
            raise SystemExit(1) from None
        return {"type": "error", "kind": "UnreadableMedia", "message": f"the file does not decode: {_words(error)}"}
    return {"type": "end"}


def _worn() -> bool:
    """Whether what earlier jobs left behind takes half of the memory that a job may have."""
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return False
    cap, _ = resource.getrlimit(resource.RLIMIT_AS)
    return cap != resource.RLIM_INFINITY and pages * resource.getpagesize() > cap // 2


def _words(error: BaseException) -> str:
    """Return what a foreign exception says, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _opened(request: Header, body: Body) -> BinaryIO:
    """Open the file that the request names, or its bytes. Raises `UnreadableMedia` if it is not the file meant."""
    if "path" not in request:
        return BytesIO(body)
    handle = os.open(request["path"], os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    file = os.fdopen(handle, "rb", buffering=1 << 16)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        file.close()
        msg = "the file was replaced by something that is no file"
        raise UnreadableMedia(msg)
    return file


def _operation(name: str) -> Operation:
    """Return the operation called `name`, importing only what it needs."""
    import importlib

    module, _, function = OPERATIONS[name].partition(":")
    found: Any = getattr(importlib.import_module(f"{__package__}.{module}"), function)
    return found  # type: ignore[no-any-return]
