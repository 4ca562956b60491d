"""Files that appear whole or not at all: written under a temporary name beside their own, then renamed."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from ..media.errors import InputError


@contextlib.contextmanager
def temporary(destination: Path, *, secret: bool = False) -> Iterator[IO[bytes]]:
    """Open a temporary file (read and write) beside `destination`; it is removed unless `settle` gave it that name.

    Others may read it as far as the user's umask lets them; a `secret` file only its owner (mode 0600). Raises
    `InputError` if the folder cannot be written into.
    """
    place = destination.parent / f".assay-{secrets.token_hex(8)}{destination.suffix}"
    mode = 0o600 if secret else 0o666
    try:
        file = open(str(place), "x+b", opener=partial(os.open, mode=mode))  # noqa: SIM115 - closed below
    except OSError as error:
        msg = f"expected to write into {str(destination.parent)!r}, but: {error.strerror}"
        raise InputError(msg) from error
    try:
        with file:
            yield file
    finally:
        place.unlink(missing_ok=True)


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
