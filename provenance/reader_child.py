"""The process that reads manifests: strangers' bytes meet c2pa-rs only here, under a memory cap and a deadline."""

from __future__ import annotations

import functools
import json
import os
import resource
import sys
from typing import Any

from .pipe import Closed, Pipe

_REQUEST_MOST = 1024**3  # a detached manifest; the parent has held it against its limits


def serve() -> None:
    """Answer requests from standard input until it closes; `argv[1]` caps the address space in bytes."""
    cap = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (cap, cap))
    out = os.dup(1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # whatever a library prints must not mix with the answers
    pipe = Pipe(os.dup(0), out)
    import c2pa  # noqa: F401 - loaded before the first request is read

    try:
        settings = ""
        while True:
            header, body = pipe.receive(most=_REQUEST_MOST)
            settings = json.dumps(header["settings"]) if "settings" in header else settings
            answer, reply = _answer(header, body, settings)
            pipe.send(answer, reply)
    except Closed:
        return


def _answer(request: dict[str, Any], manifest: bytes, settings: str) -> tuple[dict[str, Any], bytes]:
    """Return what c2pa-rs reads from `request["path"]`: the report and the store in the body, or the refusal."""
    from c2pa import C2paError

    from .reader_native import read_native

    try:
        context = _context(settings)
        file = os.open(request["path"], os.O_RDONLY | os.O_CLOEXEC)
        try:
            found = read_native(file, request["mime"], manifest, context)
        finally:
            os.close(file)
    except C2paError as error:
        return {"refusal": str(error)[:2000]}, b""
    except OSError as error:
        return {"unreadable": error.strerror or str(error)}, b""
    facts = {"embedded": found.embedded, "remote_url": found.remote_url}
    return {"facts": facts, "report_bytes": len(found.report)}, found.report + found.store


@functools.lru_cache(maxsize=1)
def _context(settings: str) -> Any:  # noqa: ANN401 - c2pa has no types
    """Return c2pa-rs's context; one is kept, as reading a trust list into it takes longer than most files."""
    from c2pa import Context

    return Context.from_dict(json.loads(settings))
