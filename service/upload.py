"""A request's body as a private file: counted while it comes, gone with the answer, never named to the sender."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..media.errors import AssayError, LimitExceeded

if TYPE_CHECKING:
    from starlette.requests import Request


@asynccontextmanager
async def received(request: Request, *, most: int) -> AsyncIterator[Path]:
    """Lend the body of `request` as a file, of `most` bytes at most.

    Errors that are raised meanwhile do not tell where it lies. Raises `LimitExceeded` for a longer body, before it is
    read where its length is told.
    """
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > most:
        raise LimitExceeded(_too_long(most))
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        path = Path(folder) / "upload"
        size = 0
        with path.open("wb") as file:
            async for block in request.stream():
                size += len(block)
                if size > most:
                    raise LimitExceeded(_too_long(most))
                file.write(block)
        try:
            yield path
        except AssayError as error:
            error.args = tuple(str(part).replace(str(path), "the upload") for part in error.args)
            raise


def _too_long(most: int) -> str:
    return f"expected a file of at most {most} bytes, got more: use the command line"
