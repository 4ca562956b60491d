"""What a benchmark is to run, as one value that workers, resumed runs and readers of the result can rely on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..datasets.corpus import CorpusError
from ..datasets.launder import steps_of
from ..generate.consent import ConsentBook
from ..media.errors import InputError
from .executor import Payload
from .makers import Kind, Leave, Real, maker
from .plugins import Card
from .samples import CLEAN, seed_of

CAST_MOST = 8
"""Other people's files of each kind that a maker may draw from: enough to vary, few enough to send along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run: makers, detectors (ours by name, others' by card), chains by kind of media, and the seed.

    `marked` puts our own mark into both classes; without, neither has one. `judges` asks the slow judges of quality.
    """

    makers: tuple[str, ...]
    detectors: tuple[str, ...]
    chains: dict[str, tuple[str, ...]]
    seed: int
    plugins: tuple[Card, ...] = ()
    marked: bool = False
    judges: bool = False

    def __post_init__(self) -> None:
        """Raise `InputError` if two detectors have one name."""
        every = self.detector_names
        twice = {name for name in every if every.count(name) > 1}
        if twice:
            msg = f"expected a name of its own for each detector, got {', '.join(sorted(twice))} twice: use a card"
            raise InputError(msg)

    @property
    def detector_names(self) -> tuple[str, ...]:
        """Every detector's name, ours first."""
        return (*self.detectors, *(card.name for card in self.plugins))

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return {
            "makers": list(self.makers),
            "detectors": list(self.detectors),
            "chains": {kind: list(chains) for kind, chains in self.chains.items()},
            "seed": self.seed,
            "plugins": [card.to_json() for card in self.plugins],
            "marked": self.marked,
            "judges": self.judges,
        }

    @classmethod
    def of(cls, told: dict[str, Any]) -> Plan:
        """Return the plan that `to_json` told."""
        return cls(
            makers=tuple(told["makers"]),
            detectors=tuple(told["detectors"]),
            chains={kind: tuple(chains) for kind, chains in told["chains"].items()},
            seed=int(told["seed"]),
            plugins=tuple(Card.of(card) for card in told["plugins"]),
            marked=bool(told["marked"]),
            judges=bool(told["judges"]),
        )


def chains_by_kind(chains: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return, for each kind of media, `clean` and those of `chains` that can happen to it.

    Raises `InputError` for a chain that happens to no kind at all.
    """
    chosen = {kind: ("clean", *(chain for chain in chains if _applies(chain, kind))) for kind in CLEAN}
    for chain in chains:
        if not any(chain in kept for kept in chosen.values()):
            msg = f"no laundering chain is named {chain!r}: join steps such as mp3-64k, jpeg-70 or h264-crf35 by '+'"
            raise InputError(msg)
    return chosen


def _applies(chain: str, kind: str) -> bool:
    try:
        return bool(steps_of(chain, "film" if kind == "video" else kind))
    except CorpusError:
        return False


def pieces(reals: Sequence[Real], plan: Plan, leave: Leave) -> Iterator[Payload]:
    """Yield the pieces of work, one an item (a real, or a fake of it), in an order drawn by the seed.

    No detector can tell by the order of its questions what is a fake.
    """
    made = {name: maker(name).kind for name in plan.makers}
    listed = [
        (number, name)
        for number, real in enumerate(reals)
        for name in ("", *(name for name, kind in made.items() if kind == real.kind))
    ]
    common = {"plan": plan.to_json(), "book": str(leave.book.folder), "now": leave.now.isoformat()}
    by_kind = {kind: [real for real in reals if real.kind == kind] for kind in CLEAN}
    for place in np.random.default_rng(plan.seed).permutation(len(listed)):
        number, name = listed[place]
        real = reals[number]
        others = _others(real, by_kind, plan.seed) if name else []
        yield {**common, "real": _told(real), "maker": name, "cast": [_told(other) for other in others]}


def piece_key(payload: Payload) -> str:
    """Return what tells a piece of work from all others of the run."""
    return f"{payload['real']['id']}|{payload['maker']}"


def real_of(told: dict[str, Any]) -> Real:
    """Return the real file that a piece of work names."""
    return Real(id=told["id"], path=Path(told["path"]), kind=cast("Kind", told["kind"]), subject=told["subject"])


def leave_of(payload: Payload) -> Leave:
    """Return by whose leave a piece of work is done."""
    return Leave(book=ConsentBook(Path(payload["book"])), now=datetime.fromisoformat(payload["now"]))


def fingerprint(plan: Plan, reals: Sequence[Real], version: str) -> str:
    """Return what two runs share if and only if they do the same with the same files: 64 hexadecimal digits."""
    told = {"plan": plan.to_json(), "version": version, "data": data_hash(reals)}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def data_hash(reals: Sequence[Real]) -> str:
    """Return the SHA-256 over ids, people and contents of the real files, hexadecimal."""
    total = hashlib.sha256()
    for real in sorted(reals, key=lambda real: real.id):
        with real.path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{real.id}\0{real.subject}\0{content}\n".encode())
    return total.hexdigest()


def _told(real: Real) -> dict[str, str]:
    return {"id": real.id, "path": str(real.path), "kind": real.kind, "subject": real.subject}


def _others(real: Real, by_kind: dict[str, list[Real]], seed: int) -> list[Real]:
    """Return files of other people, a few of each kind, drawn for this real."""
    rng = np.random.default_rng(seed_of(seed, f"{real.id}|cast"))
    chosen: list[Real] = []
    for members in by_kind.values():
        if not members:
            continue
        drawn = (members[place] for place in rng.permutation(len(members))[: 8 * CAST_MOST])
        chosen += [other for other in drawn if other.subject != real.subject][:CAST_MOST]
    return chosen
