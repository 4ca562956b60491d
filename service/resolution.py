"""The C2PA soft binding resolution API: from a mark or a likeness to the manifest of a file that lost its own.

Reading is open to everybody, nothing can be written here, and nothing that is sent is kept. An answer is a hint: who
asks must check the manifest's signature, that it names the mark, and that the content resembles what was signed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from ..media.errors import AssayError, InputError, LimitExceeded, NothingToExamine, UnreadableMedia
from ..provenance.stored import active_alone
from .lookup import CONTENT_BYTES, Lookup, Match
from .upload import StorageFull, blocks, received

PROBLEM = "application/problem+json"
_AT_ONCE = 2  # copies and fingerprints that are looked at side by side; more are asked to come again
_AGAIN = "5"  # seconds
_QUERY_BYTES = 1024**2


class MatchOut(BaseModel):
    """A manifest that may be the asset's: its name, where to get it if not here, how alike (0-100) the contents are."""

    model_config = ConfigDict(populate_by_name=True)
    manifest_id: str = Field(alias="manifestId", examples=["urn:c2pa:6d1e6c0e-6f6f-4f0e-9d8e-0f4a4d1a7a11"])
    endpoint: str | None = None
    similarity_score: int | None = Field(default=None, alias="similarityScore", ge=0, le=100)


class MatchesOut(BaseModel):
    """Matches, best first; none is a valid answer."""

    matches: list[MatchOut]


class BindingIn(BaseModel):
    """A soft binding as a manifest names it: the algorithm, and its value in base64."""

    alg: str = Field(min_length=1, max_length=200, examples=["dev.assay.canvas.1"])
    value: str = Field(min_length=1, max_length=_QUERY_BYTES, examples=["ZjEyMzQ1Njc4OWFiY2RlZg=="])


class AlgorithmOut(BaseModel):
    """One soft binding algorithm."""

    alg: str


class AlgorithmsOut(BaseModel):
    """The soft binding algorithms that can be asked for."""

    watermarks: list[AlgorithmOut]
    fingerprints: list[AlgorithmOut]


Most = Annotated[int, Query(alias="maxResults", ge=1, le=50, description="Matches at most.")]
Alg = Annotated[str, Query(min_length=1, max_length=200, description="Soft binding algorithm.")]
Value = Annotated[str, Query(min_length=1, max_length=8192, description="Its value, in base64.")]
ManifestId = Annotated[str, Path(alias="manifestId", max_length=512, description="The manifest's own name (a URN).")]
Hint = Annotated[str | None, Query(max_length=8192)]


def resolution_router(lookup: Lookup) -> APIRouter:
    """Return the routes of the resolution API over what `lookup` keeps."""
    router = APIRouter(tags=["soft binding resolution"])
    places = asyncio.Semaphore(_AT_ONCE)
    _binding_routes(router, lookup, places)
    _content_routes(router, lookup, places)

    @router.get("/manifests/{manifestId}", response_class=Response, responses=_MANIFEST)
    def manifest(
        manifest_id: ManifestId,
        active: Annotated[bool, Query(alias="returnActiveManifest", description="Without its ingredients'.")] = False,  # noqa: FBT002 - a query
    ) -> Response:
        """Return the manifest store whose active manifest has this name, or that active manifest alone."""
        entry = lookup.store.named(manifest_id)
        if entry is None:
            raise HTTPException(404, "no manifest of that name is kept here")
        data = active_alone(entry.manifest) if active else entry.manifest
        return Response(data, media_type="application/c2pa", headers={"Cache-Control": "public, max-age=86400"})

    @router.get("/services/supportedAlgorithms")
    def algorithms() -> AlgorithmsOut:
        """Name the soft binding algorithms; all are our own, none is in C2PA's list."""
        watermarks, fingerprints = lookup.algorithms()
        return AlgorithmsOut(
            watermarks=[AlgorithmOut(alg=name) for name in watermarks],
            fingerprints=[AlgorithmOut(alg=name) for name in fingerprints],
        )

    return router


def _binding_routes(router: APIRouter, lookup: Lookup, places: asyncio.Semaphore) -> None:
    async def found(alg: str, value: str, most: int) -> MatchesOut:
        if alg not in lookup.algorithms()[1]:
            return _out(await run_in_threadpool(lookup.by_binding, alg, value, most=most))
        async with _place(places):  # comparing with many fingerprints takes seconds
            return _out(await run_in_threadpool(lookup.by_binding, alg, value, most=most))

    @router.get("/matches/byBinding", response_model_exclude_none=True)
    async def by_binding(alg: Alg, value: Value, most: Most = 10) -> MatchesOut:
        """Find manifests by the value of a soft binding."""
        return await found(alg, value, most)

    @router.post("/matches/byBinding", response_model_exclude_none=True, openapi_extra={"requestBody": _BINDING})
    async def by_posted_binding(request: Request, most: Most = 10) -> MatchesOut:
        """Find manifests by the value of a soft binding that is too long for an address."""
        # read here, not by FastAPI: it would take a body of any length into memory
        body = b"".join([block async for block in blocks(request, most=_QUERY_BYTES + 4096)])
        try:
            binding = BindingIn.model_validate_json(body)
        except ValidationError as error:
            raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error
        return await found(binding.alg, binding.value, most)


@asynccontextmanager
async def _place(places: asyncio.Semaphore) -> AsyncIterator[None]:
    """Hold one of the places for work that takes long. Raises `HTTPException` (503) if none is free."""
    if places.locked():
        raise HTTPException(503, "too many copies are looked at now", headers={"Retry-After": _AGAIN})
    async with places:
        yield


def _content_routes(router: APIRouter, lookup: Lookup, places: asyncio.Semaphore) -> None:
    @router.post("/matches/byContent", response_model_exclude_none=True, openapi_extra={"requestBody": _UPLOAD})
    async def by_content(
        request: Request,
        alg: Annotated[str | None, Query(max_length=200, description="Only this algorithm.")] = None,
        hint_alg: Annotated[Hint, Query(alias="hintAlg", description="Algorithm of a binding that was read.")] = None,
        hint_value: Annotated[Hint, Query(alias="hintValue", description="Its value, in base64.")] = None,
        most: Most = 10,
    ) -> MatchesOut:
        """Find manifests by a copy of the asset, sent as the body; it is forgotten with the answer."""
        hint = (hint_alg, hint_value) if hint_alg and hint_value else None
        async with _place(places), received(request, most=CONTENT_BYTES) as path:
            return _out(await run_in_threadpool(lookup.by_content, path, alg=alg, hint=hint, most=most))

    @router.post("/matches/byReference", status_code=501, response_class=JSONResponse)
    def by_reference() -> JSONResponse:
        """Refuse: this server fetches nothing from addresses that strangers give."""
        return problem(501, "this server fetches nothing from addresses: send the asset to /matches/byContent")


def make_resolution_app(lookup: Lookup) -> FastAPI:
    """Return the API as an application of its own, with its OpenAPI description, open to pages of any origin."""
    from .. import __version__

    app = FastAPI(
        title="Assay: C2PA soft binding resolution",
        description=__doc__ or "",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses={status: {"description": "Problem (RFC 9457)", "content": {PROBLEM: {}}} for status in (400, 413)},
    )
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"], allow_headers=["*"])
    app.include_router(resolution_router(lookup))

    @app.exception_handler(AssayError)
    def _ours(_request: Request, error: AssayError) -> JSONResponse:
        return problem(_status(error), str(error))

    @app.exception_handler(RequestValidationError)
    def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        told = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()[:5])
        return problem(400, told)

    @app.exception_handler(HTTPException)
    def _http(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    return app


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return an error as problem details (RFC 9457)."""
    from http import HTTPStatus

    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return JSONResponse({**body, "detail": detail}, status_code=status, media_type=PROBLEM, headers=headers)


def _status(error: AssayError) -> int:
    kinds = {
        LimitExceeded: 413,
        InputError: 400,
        UnreadableMedia: 415,
        NothingToExamine: 415,
        StorageFull: 507,
    }
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), 500)


def _out(matches: list[Match]) -> MatchesOut:
    return MatchesOut(matches=[MatchOut(manifestId=one.manifest_id, similarityScore=one.similarity) for one in matches])


_MANIFEST: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/c2pa": {"schema": {"type": "string", "format": "binary"}}}},
    404: {"description": "No such manifest", "content": {PROBLEM: {}}},
}
_BINDING = {"required": True, "content": {"application/json": {"schema": BindingIn.model_json_schema()}}}
_UPLOAD = {
    "required": True,
    "content": {
        kind: {"schema": {"type": "string", "format": "binary"}}
        for kind in ("application/octet-stream", "image/*", "audio/*", "video/*")
    },
}
