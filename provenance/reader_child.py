"""The process that reads manifests: strangers' bytes meet c2pa-rs only here, under a memory cap and a deadline."""

from __future__ import annotations

import functools
import io
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
        while True:
            header, body = pipe.receive(most=_REQUEST_MOST)
            answer, reply = _answer(header, body)
            pipe.send(answer, reply)
    except Closed:
        return


def _answer(request: dict[str, Any], manifest: bytes) -> tuple[dict[str, Any], bytes]:
    """Return what c2pa-rs reads from `request["path"]`: the report and the store in the body, or the refusal."""
    from c2pa import C2paError, Reader

    try:
        context = _context(json.dumps(request["settings"]))
        with (
            open(request["path"], "rb") as file,  # noqa: PTH123 - no pathlib needed for one name
            Reader(request["mime"], file, manifest or None, context=context) as reader,
        ):
            report = reader.json()
            facts = {
                "state": reader.get_validation_state() or "",
                "embedded": reader.is_embedded(),
                "remote_url": reader.get_remote_url(),
            }
            store = _store(reader, json.loads(report).get("active_manifest"))
    except C2paError as error:
        return {"refusal": str(error)[:2000]}, b""
    except OSError as error:
        return {"unreadable": error.strerror or str(error)}, b""
    text = report.encode("utf-8", "replace")
    return {"facts": facts, "report_bytes": len(text)}, text + store


@functools.lru_cache(maxsize=1)
def _context(settings: str) -> Any:  # noqa: ANN401 - c2pa has no types
    """Return c2pa-rs's context; one is kept, as reading a trust list into it takes longer than most files."""
    from c2pa import Context

    return Context.from_dict(json.loads(settings))


def _store(reader: Any, label: object) -> bytes:  # noqa: ANN401 - c2pa has no types
    """Return the manifest store that was read, empty if the library does not give it."""
    from c2pa import C2paError

    out = io.BytesIO()
    try:
        # c2pa-rs answers any URI below the active manifest that is no resource with the whole store
        reader.resource_to_stream(f"self#jumbf=/c2pa/{label}/c2pa.signature", out)
    except C2paError:
        return b""
    return out.getvalue()
