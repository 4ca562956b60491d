"""How many requests may be inside: a number is examined at once, a number waits, and the rest is sent away."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..media.errors import AssayError
from .upload import received

if TYPE_CHECKING:
    from starlette.requests import Request

WAITING: Final = 8
"""Requests that wait for each place: more would fill the disk with uploads and answer nobody in time."""
SECONDS: Final = 900.0
"""The longest that a request is answered: waiting and examination together."""


class Busy(AssayError):
    """The service is full, or was too long about it: ask again later (HTTP 503)."""


class Door:
    """Lets requests in, keeps their bodies as private files, and has them examined, at most so many at once."""

    def __init__(self, *, at_once: int = 0, waiting: int = WAITING, seconds: float = SECONDS) -> None:
        """Examine `at_once` files at a time (0: one a core), answer in `seconds`, let `waiting` wait for each place."""
        self._at_once = at_once or os.cpu_count() or 1
        self._places = asyncio.Semaphore(self._at_once)
        self._inside = 0
        self._room, self._seconds = self._at_once * (1 + waiting), seconds
        self._tasks: set[asyncio.Task[dict[str, Any]]] = set()

    async def through(
        self, request: Request, examine: Callable[[Path], Awaitable[dict[str, Any]]], *, most: int
    ) -> dict[str, Any]:
        """Return what `examine` says of the request's body of at most `most` bytes, which is gone afterwards.

        Raises `Busy` if too many are inside or time is over, `LimitExceeded` for a body too long, `InputError` for one
        that does not come, and what `examine` raises. An examination that is overdue keeps its place until it ends.
        """
        if self._inside >= self._room:
            msg = f"{self._inside} files are being examined or wait for it: ask again later"
            raise Busy(msg)
        self._inside += 1
        held = AsyncExitStack()
        try:
            path = await held.enter_async_context(received(request, most=most))
        except BaseException:
            self._inside -= 1
            raise
        task = asyncio.create_task(self._examined(held, path, examine))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        try:
            return await asyncio.wait_for(asyncio.shield(task), self._seconds)
        except TimeoutError as error:
            msg = f"the examination took longer than {self._seconds:g} s: ask again later, or use the command line"
            raise Busy(msg) from error

    async def _examined(
        self, held: AsyncExitStack, path: Path, examine: Callable[[Path], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        try:
            async with held, self._places:
                return await examine(path)
        finally:
            self._inside -= 1

    def _ended(self, task: asyncio.Task[dict[str, Any]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # told to whoever waits; if nobody does any more, it is no fault of ours
