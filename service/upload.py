"""A request's body as a private file: counted while it comes, gone with the answer, never named to the sender."""

from __future__ import annotations

import asyncio
import errno
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..media.errors import AssayError, InputError, LimitExceeded

if TYPE_CHECKING:
    from starlette.requests import Request

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_SECONDS: Final = 120.0  # for the whole body: whoever sends a byte a minute must not hold a place for hours


class StorageFull(AssayError):
    """There is no room to keep the body of a request while it is examined (HTTP 507)."""


@asynccontextmanager
async def received(request: Request, *, most: int) -> AsyncIterator[Path]:
    """Lend the body of `request` as a file, of `most` bytes at most.

    Errors that are raised meanwhile do not tell where it lies. Raises `LimitExceeded` for a longer body, before it is
    read where its length is told, `InputError` for one that does not come within two minutes or breaks off, and
    `StorageFull` where the server has no room left for it.
    """
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        path = Path(folder) / "upload"
        try:
            with path.open("wb") as file:
                async for block in blocks(request, most=most):
                    file.write(block)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            msg = "expected room for the upload, but the server has none left: ask again later, or its keeper"
            raise StorageFull(msg) from error
        try:
            yield path
        except AssayError as error:
            error.args = tuple(str(part).replace(str(path), "the upload") for part in error.args)
            raise


async def blocks(request: Request, *, most: int, seconds: float = _SECONDS) -> AsyncIterator[bytes]:
    """Yield the body of `request` as it comes. Raises as `received`."""
    from starlette.requests import ClientDisconnect

    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > most:
        raise LimitExceeded(_too_long(most))
    size, stream, until = 0, request.stream(), asyncio.get_running_loop().time() + seconds
    while True:
        try:
            async with asyncio.timeout_at(until):
                block = await anext(stream, None)
        except TimeoutError as error:
            msg = f"expected the whole body within {seconds:g} s, got {size} bytes"
            raise InputError(msg) from error
        except ClientDisconnect as error:
            msg = f"expected the whole body, but the sender went away after {size} bytes"
            raise InputError(msg) from error
        if block is None:
            return
        size += len(block)
        if size > most:
            raise LimitExceeded(_too_long(most))
        yield block


def _too_long(most: int) -> str:
    return f"expected a file of at most {most} bytes, got more: use the command line"
