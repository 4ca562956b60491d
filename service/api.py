"""The HTTP door, first cut: examine one file a request. Nothing is kept after the answer.

The body of a request is the file itself, so that no form parser stands between a stranger's bytes and our limits.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..media.errors import AssayError, InputError, LimitExceeded, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from fastapi import FastAPI, Request

    from ..provenance.finders import Recovery
    from ..provenance.trust import Trust
    from .door import Door
    from .lookup import Lookup

BODY_BYTES = 256 * 1024**2
"""The largest file that is taken over HTTP."""
RETRY_SECONDS = "10"
"""When to ask again, if the service or its disk was full."""


def make_app(trust: Trust, *, lookup: Lookup | None = None, door: Door | None = None) -> FastAPI:
    """Return the web application, which judges signers by `trust`. Raises `MissingExtra` without FastAPI.

    The `door` bounds how many are inside, by default one a core and eight that wait for each. With a `lookup` marks are
    read under its keys too, manifests of stripped files are looked for in its store, and are handed out under /c2pa, by
    the C2PA soft binding resolution API.
    """
    try:
        from fastapi import FastAPI, Request
        from fastapi.concurrency import run_in_threadpool
        from fastapi.responses import JSONResponse
    except ImportError as error:
        feature = "the web service"
        raise MissingExtra(feature, "service") from error
    recovery = None if lookup is None else _recovery(lookup)
    from .door import Busy, Door
    from .upload import StorageFull

    door = door or Door()
    statuses = {Busy: 503, StorageFull: 507, LimitExceeded: 413, InputError: 400}
    app = FastAPI(title="Assay", docs_url=None, redoc_url=None, openapi_url=None)

    # FastAPI reads annotations as text: it must find this name among the module's globals.
    globals()["Request"] = Request

    @app.exception_handler(AssayError)
    def _answer_error(_request: Request, error: AssayError) -> JSONResponse:
        later = isinstance(error, Busy | StorageFull)
        status = next((code for kind, code in statuses.items() if isinstance(error, kind)), 422)
        told = {"error": {"type": type(error).__name__, "message": str(error)}}
        return JSONResponse(told, status_code=status, headers={"Retry-After": RETRY_SECONDS} if later else None)

    @app.get("/health")
    def _health() -> dict[str, str]:
        from .. import __version__

        return {"status": "up", "assay": __version__}

    @app.post("/v1/scan")
    async def _scan(request: Request) -> dict[str, Any]:
        def examine(path: Path) -> Awaitable[dict[str, Any]]:
            return run_in_threadpool(_scanned, path, trust=trust, recovery=recovery)

        return await door.through(request, examine, most=BODY_BYTES)

    @app.post("/v1/verify")
    async def _verify(request: Request) -> dict[str, Any]:
        def examine(path: Path) -> Awaitable[dict[str, Any]]:
            return run_in_threadpool(_verified, path, trust=trust, recovery=recovery)

        return await door.through(request, examine, most=BODY_BYTES)

    if lookup is not None:
        from .resolution import make_resolution_app

        app.mount("/c2pa", make_resolution_app(lookup))
    return app


def _recovery(lookup: Lookup) -> Recovery:
    from ..provenance.finders import LocalFinder, Recovery

    return Recovery(finders=(LocalFinder(lookup.store),), keys=lookup.keys)


def _scanned(path: Path, trust: Trust, recovery: Recovery | None) -> dict[str, Any]:
    from ..detect.scan import Examination, scan

    asked = Examination(trust=trust, recovery=recovery)
    asked = asked if recovery is None else replace(asked, mark_keys=recovery.keys)
    return _nameless(scan(path, asked).to_json())


def _verified(path: Path, trust: Trust, recovery: Recovery | None) -> dict[str, Any]:
    from ..provenance.recover import verify_or_recover

    return _nameless(verify_or_recover(path, trust=trust, recovery=recovery).to_json())


def _nameless(answer: dict[str, Any]) -> dict[str, Any]:
    """Return `answer` without the place of the upload."""
    answer.pop("path", None)
    return answer
