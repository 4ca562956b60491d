"""What the demonstration works with, and the acts that its page tells."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from ...detect.preview import Preview
from ...detect.report import Report, Unexamined
from ...eval.page import Result
from ...generate import ConsentBook, Published
from ...provenance.certs import Credentials
from ...provenance.durable import Store
from ...provenance.ledger import Ledger
from ...provenance.trust import Trust
from ...provenance.verification import Verification
from ..cli.progress import Steps

PURPOSE = "demonstration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Keys, consents, store and log of this run alone, below the folder `out`; the user's own are not touched."""

    out: Path
    book: ConsentBook
    credentials: Credentials
    trust: Trust
    store: Store
    ledger: Ledger
    now: datetime
    rng: np.random.Generator
    seed: int
    progress: Steps
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def act(self, name: str) -> Iterator[None]:
        """Tell that a part begins, and keep how long it took."""
        self.progress.next(name)
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A file on the page: its name and preview, and the file itself (`media`, of type `mime`) if it can be played."""

    name: str
    caption: str
    preview: Preview
    media: bytes | None = None
    mime: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A published fake beside what it was made from; `figures` are things measured on it, in words."""

    title: str
    sources: tuple[Look, ...]
    made: Look
    published: Published
    figures: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that was asked for and refused: what, and the answer."""

    asked: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A copy of a published file to which something was done, and what is then found in it."""

    look: Look
    done: str
    verification: Verification
    recovered: Verification | None = None
    mark_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """All that the page tells."""

    stage: Stage
    made_cast: bool
    works: tuple[Work, ...]
    stripped: Damaged
    tampered: Damaged
    refusals: tuple[Refusal, ...]
    scans: tuple[tuple[str, Report | Unexamined], ...]
    bench: Result
    licences: tuple[tuple[str, str], ...]
