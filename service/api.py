"""The HTTP door, first cut: examine one file a request. Nothing is kept after the answer.

The body of a request is the file itself, so that no form parser stands between a stranger's bytes and our limits.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..media.errors import AssayError, InputError, LimitExceeded, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI, Request

    from ..provenance.trust import Trust

BODY_BYTES = 256 * 1024**2
"""The largest file that is taken over HTTP."""


def make_app(trust: Trust) -> FastAPI:
    """Return the web application, which judges signers by `trust`. Raises `MissingExtra` without FastAPI."""
    try:
        from fastapi import FastAPI, Request
        from fastapi.concurrency import run_in_threadpool
        from fastapi.responses import JSONResponse
    except ImportError as error:
        feature = "the web service"
        raise MissingExtra(feature, "service") from error
    app = FastAPI(title="Assay", docs_url=None, redoc_url=None, openapi_url=None)

    # FastAPI reads annotations as text: it must find this name among the module's globals.
    globals()["Request"] = Request

    @app.exception_handler(AssayError)
    def _answer_error(_request: Request, error: AssayError) -> JSONResponse:
        status = 413 if isinstance(error, LimitExceeded) else 400 if isinstance(error, InputError) else 422
        return JSONResponse({"error": {"type": type(error).__name__, "message": str(error)}}, status_code=status)

    @app.get("/health")
    def _health() -> dict[str, str]:
        from .. import __version__

        return {"status": "up", "assay": __version__}

    @app.post("/v1/scan")
    async def _scan(request: Request) -> dict[str, Any]:
        return await _with_body(request, lambda path: run_in_threadpool(_scanned, path, trust))

    @app.post("/v1/verify")
    async def _verify(request: Request) -> dict[str, Any]:
        return await _with_body(request, lambda path: run_in_threadpool(_verified, path, trust))

    return app


async def _with_body(request: Request, examine: Callable[[Path], Any]) -> dict[str, Any]:
    """Keep the request's body in a private file while `examine` looks at it."""
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        path = Path(folder) / "upload"
        size = 0
        with path.open("wb") as file:
            async for block in request.stream():
                size += len(block)
                if size > BODY_BYTES:
                    msg = f"expected a file of at most {BODY_BYTES} bytes, got more: scan it with the command line"
                    raise LimitExceeded(msg)
                file.write(block)
        try:
            answer: dict[str, Any] = await examine(path)
        except AssayError as error:
            # Where we keep an upload is nobody's business.
            error.args = tuple(str(part).replace(str(path), "the upload") for part in error.args)
            raise
    answer.pop("path", None)
    return answer


def _scanned(path: Path, trust: Trust) -> dict[str, Any]:
    from ..detect.scan import Examination, scan

    return scan(path, Examination(trust=trust)).to_json()


def _verified(path: Path, trust: Trust) -> dict[str, Any]:
    from ..provenance.verify import verify

    return verify(path, trust=trust).to_json()
