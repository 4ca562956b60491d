"""What a maker of fresh fakes must do. Everything it makes stays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from ...generate.consent import ConsentBook
from ...media.audio import Audio
from ...media.image import Still
from ...media.video import Film

PURPOSE = "benchmark"
"""The purpose that a consent must name before a benchmark makes a fake of its material."""

Kind = Literal["audio", "image", "video"]
Media = Audio | Still | Film


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """A bona fide file: who is in it (`subject`, also the group that intervals are drawn over) and what it holds.

    `media` is decoded when asked for, and only the last few stay in memory, unless it is `held`.
    """

    id: str
    path: Path
    kind: Kind
    subject: str
    held: Media | None = None

    @property
    def media(self) -> Media:
        """What the file holds. Raises what decoding raises."""
        from ..reals import decoded

        return decoded(self.path) if self.held is None else self.held


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """By whose leave fakes are made: the book of consents, and the time at which they are asked."""

    book: ConsentBook
    now: datetime


class Maker(Protocol):
    """Makes one fake of one real file."""

    name: str
    kind: Kind

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return a fake of `real`, with the help of other reals in `cast` where the method needs a second person.

        Raises `ConsentError` unless everybody who is used consented to the benchmark with that very file, and
        `GenerationError` if the method cannot work on it.
        """
        ...
