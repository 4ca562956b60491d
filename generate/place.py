"""Where a published file goes: a closed folder beside its place while it is made, then its name, in one step."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..media.errors import InputError

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
"""What file systems without hard links answer."""


def check_place(out: Path, sources: Sequence[Path], *, replace: bool) -> None:
    """Raise `InputError` if `out` cannot be written, exists (unless `replace`), or is one of `sources`."""
    if not out.parent.is_dir():
        msg = f"there is no folder {str(out.parent)!r} to publish into: make it first"
        raise InputError(msg)
    if os.path.lexists(out) and (not replace or not out.is_file()):
        _refuse(out)
    if out.exists() and any(source.exists() and source.samefile(out) for source in sources):
        msg = f"{str(out)!r} is one of the files it is made from: give another name"
        raise InputError(msg)


@contextmanager
def closed_room(folder: Path) -> Iterator[Path]:
    """Make a folder in `folder` that only the owner can enter; it is removed with all it holds, whatever happens."""
    room = Path(tempfile.mkdtemp(dir=folder, prefix=".assay-"))
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def put(made: Path, out: Path, *, replace: bool) -> None:
    """Give the file `made` the name `out`. Raises `InputError` if that was taken meanwhile (unless `replace`)."""
    with made.open("rb") as file:
        os.fsync(file.fileno())
    if replace:
        made.replace(out)
    else:
        _link(made, out)
    folder = os.open(out.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def put_beside(made: Path, place: Path, *, replace: bool) -> Iterator[None]:
    """Give `made` the name `place`, and keep it only if what is done meanwhile succeeds; else all is as it was.

    Raises `InputError` if the name was taken meanwhile (unless `replace`).
    """
    mine, older = made.lstat(), made.with_name(f"older-{made.name}")
    try:
        if replace and os.path.lexists(place):
            _keep(place, older)
        put(made, place, replace=replace)
        yield
    except BaseException:
        if os.path.lexists(older):
            older.replace(place)
        elif os.path.lexists(place) and os.path.samestat(place.lstat(), mine):
            place.unlink()
        raise


@contextmanager
def away(place: Path, room: Path) -> Iterator[None]:
    """Take what lies at `place` into `room`, to be gone with it; it comes back if what is done meanwhile fails."""
    older = room / f"older-{place.name}"
    try:
        with suppress(FileNotFoundError):
            place.rename(older)
        yield
    except BaseException:
        if os.path.lexists(older) and not os.path.lexists(place):
            older.rename(place)
        raise


def _keep(place: Path, older: Path) -> None:
    try:
        older.hardlink_to(place)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        place.rename(older)


def _link(made: Path, out: Path) -> None:
    """Name `made` by a link, which unlike a rename never overwrites."""
    try:
        out.hardlink_to(made)
    except FileExistsError:
        _refuse(out)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(out):
            _refuse(out)
        made.rename(out)


def _refuse(out: Path) -> None:
    msg = f"{str(out)!r} exists: give another name, or ask for it to be replaced"
    raise InputError(msg)
