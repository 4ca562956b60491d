"""The answers of an earlier run, so that files which have not changed since are not verified again."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from ..media.errors import InputError
from .verification import Check, State, Verification

_LINE_BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A file as it was: bytes, time of change (ns, Unix), both of a sidecar beside it, and what it was judged by.

    `size` and `modified` are `None` for a file that is not there.
    """

    size: int | None
    modified: int | None
    sidecar: str
    under: str

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {name: getattr(self, name) for name in _STAMP}


_STAMP = tuple(one.name for one in fields(Stamp))


class Earlier:
    """The JSON Lines that an earlier run printed; only places in the file are kept in memory."""

    def __init__(self, path: Path, places: dict[str, tuple[int, Stamp]]) -> None:
        """Use the file at `path`, in which the answer on each path stands at a place with its stamp."""
        self._path = path
        self._places = places
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many files it has an answer for."""
        return len(self._places)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the answers in the file at `path`.

        A run that was stopped leaves a last line that is cut off; it is passed over. Answers that are errors count as
        none, so those files are tried again. Raises `InputError` for anything that is not such a file.
        """
        places: dict[str, tuple[int, Stamp]] = {}
        at = 0
        try:
            with path.open("rb") as file:
                for number, line in enumerate(iter(lambda: file.readline(_LINE_BYTES), b""), 1):
                    if line.endswith(b"\n") or not line.startswith(b"{"):
                        told = _told(line, path, number)
                        if told["state"] in set(State):
                            places[told["path"]] = (at, Stamp(**{name: told[name] for name in _STAMP}))
                    at += len(line)
        except OSError as error:
            msg = f"expected the JSON Lines of an earlier run at {path}, but: {error.strerror}"
            raise InputError(msg) from error
        return cls(path, places)

    def find(self, path: str, stamp: Stamp) -> Verification | None:
        """Return what was found of `path`, `None` if it was not seen then or `stamp` is another."""
        at, known = self._places.get(path, (0, None))
        if known != stamp or stamp.size is None:
            return None
        try:
            with self._lock, self._path.open("rb") as file:
                file.seek(at)
                told = _told(file.readline(_LINE_BYTES), self._path, at)
        except OSError as error:
            msg = f"the earlier run at {self._path} can no longer be read: {error.strerror}"
            raise InputError(msg) from error
        return verification_of(told) if told["path"] == path else None


def _told(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError as error:
        msg = f"expected JSON Lines of an earlier run at {path}, but line {number} is none: {error}"
        raise InputError(msg) from error
    if not isinstance(told, dict) or not {"path", "state", *_STAMP} <= told.keys():
        msg = f"expected lines that assay verify --json printed at {path}, line {number} lacks path, state or {_STAMP}"
        raise InputError(msg)
    return told


def verification_of(told: dict[str, Any]) -> Verification:
    """Return the verification in a line that an answer's `to_json` made. Raises `InputError` if it is damaged."""
    try:
        checks = tuple(Check(**{**one, "codes": tuple(one["codes"])}) for one in told["checks"])
        return Verification(state=State(told["state"]), checks=checks, facts=dict(told["facts"]))
    except (KeyError, TypeError, ValueError) as error:
        msg = f"the earlier answer on {told['path']!r} is damaged ({error}): leave out --resume"
        raise InputError(msg) from error
