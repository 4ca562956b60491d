"""Readers of marks that other makers' tools write; read only, and only when asked, for some need torch.

A mark of theirs is what a file carries, and no verdict: none of these schemes has a key, so anybody can write, copy
and remove one.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from ...media.errors import AssayError, InputError
from .interface import ForeignMark, ForeignReader

if TYPE_CHECKING:
    from ...media.view import View

__all__ = ["FOREIGN", "ForeignMark", "ForeignReader", "foreign_reader", "read_foreign"]

FOREIGN = {
    "stable-diffusion": ".stable_diffusion:StableDiffusionReader",
    "perth": ".perth:PerthReader",
    "trustmark": ".trustmark:TrustMarkReader",
    "audioseal": ".audioseal:AudioSealReader",
}
"""Name of a reader -> module (relative to this folder) and class."""


def foreign_reader(name: str) -> ForeignReader:
    """Return the reader called `name`. Raises `InputError`, naming the known ones, if there is none."""
    if name not in FOREIGN:
        msg = f"no reader of foreign marks is called {name!r}: known are {', '.join(sorted(FOREIGN))}"
        raise InputError(msg)
    module, _, attribute = FOREIGN[name].partition(":")
    return cast(ForeignReader, getattr(import_module(module, __name__), attribute)())


def read_foreign(view: View, names: Iterable[str] = tuple(FOREIGN)) -> tuple[tuple[ForeignMark, ...], tuple[str, ...]]:
    """Return the marks that the readers called `names` find, and a sentence for each reader that could not look."""
    found: list[ForeignMark] = []
    unread: list[str] = []
    for name in names:
        try:
            found += foreign_reader(name).read(view)
        except AssayError as error:
            unread.append(f"marks of {name} were not looked for: {error}")
    return tuple(found), tuple(unread)
