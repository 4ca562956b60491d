"""c2pa-rs reading by file descriptor: its callbacks are libc's own `read` and `lseek`, so that no block passes Python.

c2pa-python wraps a Python file and calls it back for each block, and parses the report for each question about it.
This calls the same functions of the same library (the release is pinned), and is used in the reading process alone.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import re
import tempfile
from dataclasses import dataclass
from typing import Any, Final

# the report is written with this member first; anything else is parsed
_LABEL: Final = re.compile(rb'\{\s*"active_manifest": "([^"\\]*)"')


@dataclass(frozen=True, slots=True)
class Native:
    """What c2pa-rs says of a file: its report (JSON), the store's bytes, and where the manifest lay."""

    report: bytes
    store: bytes
    embedded: bool
    remote_url: str | None


def read_native(file: int, mime: str | None, manifest: bytes, context: Any) -> Native:  # noqa: ANN401 - c2pa has no types
    """Return what c2pa-rs reads from the descriptor `file`, or in the detached `manifest` about it.

    Raises `c2pa.C2paError` as `c2pa.Reader` does.
    """
    from c2pa import c2pa as binding

    lib, checked = binding._lib, binding._check_ffi_operation_result
    kind = mime.encode() if mime else None
    stream = _stream(file)
    reader = None
    try:
        empty = checked(lib.c2pa_reader_from_context(context.execution_context), "no reader: {}")
        if manifest:
            given = (ctypes.c_ubyte * len(manifest)).from_buffer_copy(manifest)
            made = lib.c2pa_reader_with_manifest_data_and_stream(empty, kind, stream, given, len(manifest))
        else:
            made = lib.c2pa_reader_with_stream(empty, kind, stream)
        reader = checked(made, "the manifest could not be read: {}")  # a reader that fails is freed by the library
        report = _text(checked(lib.c2pa_reader_json(reader), "no report: {}"))
        url = lib.c2pa_reader_remote_url(reader)
        return Native(
            report=report,
            store=_store(reader, report),
            embedded=bool(lib.c2pa_reader_is_embedded(reader)),
            remote_url=_text(url).decode("utf-8", "replace") if url else None,
        )
    finally:
        if reader is not None:
            lib.c2pa_free(reader)
        lib.c2pa_release_stream(stream)


def _store(reader: Any, report: bytes) -> bytes:  # noqa: ANN401 - a pointer
    """Return the manifest store that was read, empty if the library does not give it."""
    from c2pa import c2pa as binding

    start = _LABEL.match(report)
    label = start[1] if start else str(json.loads(report).get("active_manifest")).encode()
    out = _scratch()
    stream = _stream(out)
    try:
        # c2pa-rs answers any URI below the active manifest that is no resource with the whole store
        uri = b"self#jumbf=/c2pa/" + label + b"/c2pa.signature"
        if binding._lib.c2pa_reader_resource_to_stream(reader, uri, stream) < 0:
            binding._read_native_error()  # which clears it
            return b""
        return os.pread(out, os.fstat(out).st_size, 0)
    finally:
        binding._lib.c2pa_release_stream(stream)
        os.ftruncate(out, 0)
        os.lseek(out, 0, os.SEEK_SET)


@functools.lru_cache(maxsize=1)
def _scratch() -> int:
    """Return a file without a name to write stores into, empty between files."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("store")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _stream(file: int) -> Any:  # noqa: ANN401 - a pointer
    """Return a stream of c2pa-rs over a descriptor, which takes the place of the pointer that callbacks are handed."""
    from c2pa import c2pa as binding

    context = ctypes.cast(file, ctypes.POINTER(binding.StreamContext))
    made = binding._lib.c2pa_create_stream(context, *_callbacks())
    return binding._check_ffi_operation_result(made, "no stream: {}")


@functools.lru_cache(maxsize=1)
def _callbacks() -> tuple[Any, ...]:
    """Return libc's functions as callbacks: an `int` is taken from the low half of a pointer on every 64-bit system."""
    from c2pa import c2pa as binding

    libc = ctypes.CDLL(None)
    kinds = (binding.ReadCallback, binding.SeekCallback, binding.WriteCallback)
    names = (libc.read, libc.lseek, libc.write)
    native = (kind(ctypes.cast(name, ctypes.c_void_p).value) for kind, name in zip(kinds, names, strict=True))
    return (*native, binding.FlushCallback(lambda _: 0))


def _text(pointer: Any) -> bytes:  # noqa: ANN401 - a pointer, which is freed
    from c2pa import c2pa as binding

    try:
        return ctypes.string_at(pointer)
    finally:
        binding._lib.c2pa_free(pointer)
