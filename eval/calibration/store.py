"""A calibrator on disk: the numbers as safetensors, and a JSON card that says where they come from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from ...media.errors import InputError
from ...provenance.atomic import settle, temporary
from .interface import METHODS, CalibrationError, Calibrator, method

FORMAT = "assay-calibrator-1"
LIMIT_BYTES = 64 << 20
"""The largest card or set of numbers that is read: isotonic maps of a million knots are 16 MiB."""


class DamagedCalibrator(CalibrationError):
    """A calibrator is there, but is not what its card says or no card at all."""

    exit_code = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a calibrator was fitted on, and how to do it again.

    `calibration_set` is its name in words, `digest` the SHA-256 of the score file; `scores` names the columns in their
    order; `higher` says which class a higher score meant in that file: `spoof` or `bona fide`.
    """

    calibration_set: str
    digest: str
    scores: tuple[str, ...]
    higher: str
    bona_fide: int
    spoof: int
    groups: int
    prior: float
    seed: int
    commit: str
    command: str


class _Card(BaseModel):
    model_config = ConfigDict(extra="allow")

    format: str
    method: str
    sha256: str
    origin: dict[str, Any]
    held_out: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stored:
    """A calibrator with its card."""

    method: str
    calibrator: Calibrator
    origin: Origin
    held_out: dict[str, Any] | None


def save(stored: Stored, path: Path) -> tuple[Path, Path]:
    """Write `path` (the card, .json) and the numbers beside it (.safetensors); return both paths.

    The numbers are put in place before the card, each whole or not at all. Raises `CalibrationError` for another
    suffix or if the folder cannot be written.
    """
    from safetensors.numpy import save as packed

    if path.suffix != ".json":
        msg = f"a calibrator's card ends in .json, got {path.name}"
        raise CalibrationError(msg)
    numbers = packed({name: np.ascontiguousarray(part) for name, part in stored.calibrator.tensors().items()})
    card = {
        "format": FORMAT,
        "method": stored.method,
        "sha256": hashlib.sha256(numbers).hexdigest(),
        "origin": asdict(stored.origin),
        "held_out": stored.held_out,
    }
    tensors = path.with_suffix(".safetensors")
    _write(tensors, numbers)
    _write(path, json.dumps(card, indent=1).encode())
    return path, tensors


def load(path: Path) -> Stored:
    """Return the calibrator whose card is `path`.

    Raises `DamagedCalibrator` for a card of another format, numbers whose SHA-256 is not the card's, or that do not
    fit, and `CalibrationError` if there is none.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpacked

    try:
        card = _Card.model_validate_json(_read(path))
        origin = Origin(**{**card.origin, "scores": tuple(card.origin.get("scores", ()))})
    except (ValidationError, TypeError) as error:
        why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        msg = f"expected a calibrator's card of format {FORMAT} at {path}: {why}"
        raise DamagedCalibrator(msg) from error
    if card.format != FORMAT or card.method not in METHODS:
        msg = f"expected a calibrator of format {FORMAT} by {', '.join(METHODS)}, got {card.format} by {card.method}"
        raise DamagedCalibrator(msg)
    numbers = _read(path.with_suffix(".safetensors"))
    found = hashlib.sha256(numbers).hexdigest()
    if found != card.sha256:
        msg = f"the numbers beside {path.name} are not those of its card: expected SHA-256 {card.sha256}, got {found}"
        raise DamagedCalibrator(msg)
    try:
        tensors: dict[str, NDArray[np.float64]] = unpacked(numbers)
    except SafetensorError as error:
        msg = f"the numbers beside {path.name} are no safetensors: {error}"
        raise DamagedCalibrator(msg) from error
    return Stored(method=card.method, calibrator=method(card.method).of(tensors), origin=origin, held_out=card.held_out)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LIMIT_BYTES:
            msg = f"expected at most {LIMIT_BYTES} bytes at {path}"
            raise DamagedCalibrator(msg)
        return path.read_bytes()
    except OSError as error:
        msg = f"expected a calibrator at {path}, but it cannot be read: {error.strerror or error}"
        raise CalibrationError(msg) from error


def _write(path: Path, data: bytes) -> None:
    try:
        with temporary(path) as file:
            file.write(data)
            settle(file, path)
    except InputError as error:
        msg = f"a calibrator cannot be written: {error}"
        raise CalibrationError(msg) from error
