"""Brotli (RFC 7932) undone, to a size that is known before: a kilobyte of it can stand for a gigabyte."""

from __future__ import annotations

from ...media.errors import LimitExceeded
from .jumbf import JumbfError


def expand(data: bytes, *, most: int) -> bytes:
    """Return what `data` was before it was compressed.

    Raises `LimitExceeded` if that is more than `most` bytes, `JumbfError` if it is damaged or cut short.
    """
    import brotli

    undo, parts, size = brotli.Decompressor(), [], 0
    try:
        given = data
        while not undo.is_finished():
            part = undo.process(given, output_buffer_limit=max(1, most + 1 - size))
            given = b""
            size += len(part)
            parts.append(part)
            if size > most:
                msg = f"expected a manifest store of at most {most} bytes when it is no longer compressed, got more"
                raise LimitExceeded(msg)
            if not part and undo.can_accept_more_data():
                msg = "a compressed manifest is cut short"
                raise JumbfError(msg)
    except brotli.error as error:
        msg = "a compressed manifest is damaged"
        raise JumbfError(msg) from error
    return b"".join(parts)
