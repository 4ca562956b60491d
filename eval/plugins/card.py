"""A plug-in card: how a detector made by others is started, and what its scores mean."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from ...media.errors import InputError

KINDS = ("audio", "image", "video")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """How to ask a detector.

    `run` is `py:MODULE:FUNCTION` (or `py:FILE.py:FUNCTION`), `cmd:PROGRAM {path}` (started for each file),
    `cmd:PROGRAM` (started once: a path a line on its stdin, an answer a line on its stdout) or `http://...`.
    `higher` says what a higher score means. `scale` is `llr` (log10 likelihood ratio), `ln-llr` (natural),
    `probability` or `score` (an order and no more): only ratios are judged as ratios. `trained_on` names
    the makers that it has met.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, which is imported only where needed

    name: str
    run: str
    version: str = ""
    kinds: tuple[str, ...] = KINDS
    higher: Literal["fake", "real"] = "fake"
    scale: Literal["score", "probability", "llr", "ln-llr"] = "score"
    timeout: float = 60.0
    start: float = 120.0
    trained_on: tuple[str, ...] | None = None
    python: str = ""
    send: Literal["file", "path"] = "file"
    key: str = "score"
    hosts: tuple[str, ...] = ()

    @property
    def way(self) -> str:
        """The word before the first colon of `run`."""
        return self.run.partition(":")[0]

    @property
    def calibrated(self) -> bool:
        """Whether its scores are likelihood ratios."""
        return self.scale in ("llr", "ln-llr")

    def to_json(self) -> dict[str, Any]:
        """Return the card as plain JSON values; `Card.of` reads them."""
        return asdict(self)

    @classmethod
    def of(cls, told: dict[str, Any], where: str = "a plug-in card") -> Card:
        """Return the card that `told` holds. Raises `InputError` for unknown, missing or wrong entries."""
        from pydantic import TypeAdapter, ValidationError

        try:
            card = TypeAdapter(cls).validate_python(told)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the card"
            msg = f"expected a plug-in card in {where}: {place}: {first['msg'].lower()}"
            raise InputError(msg) from error
        _check(card, where)
        return card


def read_card(spec: str, *, hosts: Iterable[str] = ()) -> Card:
    """Return the card in the TOML or JSON file `spec`, or one of defaults for a plain `py:`, `cmd:` or `http:` spec.

    `hosts` are the names of machines beside this one that may be asked. Raises `InputError` if it cannot be used.
    """
    path = Path(spec)
    if path.suffix in (".toml", ".json"):
        card = Card.of({**_told(path), "hosts": tuple(hosts)}, spec)
    else:
        card = Card(name=_name_of(spec), run=spec, hosts=tuple(hosts))
        _check(card, spec)
    if card.way in ("http", "https"):
        _check_host(card)
    return card


def _told(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        told = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        msg = f"expected a plug-in card in TOML or JSON at {path}: {error}"
        raise InputError(msg) from error
    if not isinstance(told, dict) or "hosts" in told:
        msg = f"expected a table of a plug-in card at {path}; which hosts may be asked is no matter of the card"
        raise InputError(msg)
    return told


def _name_of(spec: str) -> str:
    """Return a short name for a detector without a card: its function, program or machine."""
    way, _, rest = spec.partition(":")
    if way == "py":
        return rest.rpartition(":")[2]
    if way in ("http", "https"):
        return urlsplit(spec).netloc
    return Path(rest.split()[0]).name if rest.split() else spec


def _check(card: Card, where: str) -> None:
    if not card.name or not card.name.isprintable() or set(card.kinds) - set(KINDS) or not card.kinds:
        msg = f"expected a name and kinds of {', '.join(KINDS)} in {where}, got {card.name!r} and {card.kinds}"
        raise InputError(msg)
    if card.timeout <= 0 or card.start <= 0:
        msg = f"expected time limits above 0 s in {where}, got {card.timeout} and {card.start}"
        raise InputError(msg)
    if card.way == "py" and not all(card.run.partition(":")[2].rpartition(":")[::2]):
        msg = f"expected py:MODULE:FUNCTION or py:FILE.py:FUNCTION in {where}, got {card.run!r}"
        raise InputError(msg)


def _check_host(card: Card) -> None:
    """Raise `InputError` unless the address is of this machine or of one that the user named."""
    try:
        host = urlsplit(card.run).hostname or ""
    except ValueError as error:
        msg = f"expected an http address for the detector, got {card.run!r}: {error}"
        raise InputError(msg) from error
    if host not in ("localhost", "127.0.0.1", "::1", *card.hosts):
        msg = (
            f"the detector {card.name} is at {host or 'no host'}, another machine: media would leave this one. "
            f"Allow it by --allow-host {host}"
        )
        raise InputError(msg)
