"""Reads a manifest through c2pa-rs in a warm process of its own, bounded in memory and time.

Time matters because the cost of reading grows with the square of the number of assertions: a file of a megabyte can
ask for minutes. Native code cannot be interrupted by a signal handler, so only another process can be stopped.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..media.errors import InputError, LimitExceeded, WorkerFailed
from ..media.limits import Limits
from .pipe import Closed, Late, Pipe
from .report import as_dict, as_text

_COMMAND: Final = ("-P", "-c", "from assay.provenance.reader_child import serve; serve()")
_IDLE_MOST: Final = 4
_REPORT_MOST: Final = 1024**3  # store and report together; the store is held against `Limits.manifest_bytes`


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What c2pa-rs says: its report (JSON), its own state (`Invalid`, `Valid`, `Trusted`) and the store's bytes."""

    report: dict[str, Any]
    state: str
    embedded: bool
    remote_url: str | None
    store: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why c2pa-rs gave no report: `kind` is the library's word (`ManifestNotFound`, `Verify`), `message` the rest."""

    kind: str
    message: str


class _Child:
    """One reading process and the pipe to it."""

    def __init__(self, memory_bytes: int) -> None:
        """Start it, and do not wait: it loads its library while the caller goes on."""
        self.memory_bytes = memory_bytes
        self.settings: dict[str, Any] = {}
        down_read, down_write = os.pipe()
        up_read, up_write = os.pipe()
        self.pipe = Pipe(up_read, down_write)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [sys.executable, *_COMMAND, str(memory_bytes)],
                stdin=down_read,
                stdout=up_write,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
        except OSError as error:
            self.pipe.close()
            msg = f"the manifest reading process cannot start: {error}"
            raise WorkerFailed(msg) from error
        finally:
            os.close(down_read)
            os.close(up_write)

    def end(self) -> None:
        """Stop it at once: it holds nothing that could be lost."""
        self.pipe.close()
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """Drop it in a forked child: it belongs to the parent."""
        self.pipe.close()
        self._process.returncode = 0


_idle: list[_Child] = []
_lock = threading.Lock()


def warm_up(limits: Limits) -> None:
    """Start a reading process if none is idle, so that it loads while the caller does other work."""
    with _lock:
        if not _idle:
            _idle.append(_Child(limits.memory_bytes))


def read_manifest(
    path: Path, *, mime: str | None, settings: dict[str, Any], manifest: bytes = b"", limits: Limits
) -> Reading | Refusal:
    """Return what c2pa-rs reads in `path`, or in the detached `manifest` about `path`.

    `mime` may be `None`: the type is then told from the bytes. Raises `WorkerFailed` if the process dies or takes
    longer than `limits.verify_seconds`, `LimitExceeded` if the store is larger than `limits.manifest_bytes`.
    """
    request: dict[str, Any] = {"path": os.path.abspath(path), "mime": mime}  # noqa: PTH100 - links stay links
    child = _take(limits.memory_bytes)
    if child.settings != settings:  # it knows those that it was sent last
        request["settings"] = child.settings = settings
    try:
        child.pipe.send(request, manifest, seconds=limits.verify_seconds)
        header, body = child.pipe.receive(seconds=limits.verify_seconds, most=_REPORT_MOST)
    except Closed as error:
        child.end()
        msg = (
            "the manifest reading process died on this file (crash or too much memory): the file is damaged or hostile"
        )
        raise WorkerFailed(msg) from error
    except Late as error:
        child.end()
        msg = (
            f"the manifest was not read within {limits.verify_seconds:g} s and reading was stopped: it is hostile, "
            "or Limits.verify_seconds is too short for this file"
        )
        raise WorkerFailed(msg) from error
    except BaseException:
        child.end()
        raise
    _give_back(child)
    if "unreadable" in header:
        msg = f"expected a readable file at {path}, but: {header['unreadable']}"
        raise InputError(msg)
    if "refusal" in header:
        kind, _, message = str(header["refusal"]).partition(": ")
        return Refusal(kind=kind, message=message)
    return _reading(header, body, limits)


def _reading(header: dict[str, Any], body: bytes, limits: Limits) -> Reading:
    size = int(header["report_bytes"])
    store = body[size:]
    if len(store) > limits.manifest_bytes:
        msg = f"expected a manifest store of at most {limits.manifest_bytes} bytes, got {len(store)}"
        raise LimitExceeded(msg)
    report = as_dict(json.loads(body[:size]))
    facts = header["facts"]
    return Reading(
        report=report,
        state=as_text(report.get("validation_state")),
        embedded=bool(facts["embedded"]),
        remote_url=facts["remote_url"],
        store=store,
    )


def _take(memory_bytes: int) -> _Child:
    with _lock:
        for child in _idle:
            if child.memory_bytes == memory_bytes:
                _idle.remove(child)
                return child
    return _Child(memory_bytes)


def _give_back(child: _Child) -> None:
    with _lock:
        if len(_idle) < _IDLE_MOST:
            _idle.append(child)
            return
    child.end()


def _end_all() -> None:
    with _lock:
        children, _idle[:] = list(_idle), []
    for child in children:
        child.end()


def _forget_all() -> None:
    global _lock  # the parent may have held it at the fork
    _lock = threading.Lock()
    for child in _idle:
        child.forget()
    _idle.clear()


atexit.register(_end_all)
os.register_at_fork(after_in_child=_forget_all)
