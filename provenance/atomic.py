"""Files that appear whole or not at all: written under a temporary name beside their own, then renamed."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..media.errors import InputError


@contextlib.contextmanager
def temporary(destination: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file (read and write) beside `destination`; it is removed unless `settle` gave it that name.

    Raises `InputError` if the folder cannot be written into.
    """
    try:
        file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed below, renamed by `settle`
            mode="w+b", dir=destination.parent, prefix=".assay-", suffix=destination.suffix, delete=False
        )
    except OSError as error:
        msg = f"expected to write into {str(destination.parent)!r}, but: {error.strerror}"
        raise InputError(msg) from error
    try:
        with file:
            yield file
    finally:
        Path(file.name).unlink(missing_ok=True)


def settle(file: IO[bytes], destination: Path) -> None:
    """Bring a written file to disk and give it its name. Raises `InputError` if that cannot be done."""
    try:
        file.flush()
        os.fsync(file.fileno())
        Path(file.name).replace(destination)
        folder = os.open(destination.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        msg = f"expected to write {str(destination)!r}, but: {error.strerror}"
        raise InputError(msg) from error
