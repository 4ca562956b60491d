"""One step of laundering: words for people, a function for each kind of media."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio
from ...media.extent import Span
from .films import Film


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens to media: `about` says it in words; a function for each kind of media it can happen to.

    `span` gives the seconds of a film that are left of it, pictures and sound alike, where a step cuts.
    """

    about: str
    audio: Callable[[Audio, np.random.Generator], Audio] | None = None
    image: Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]] | None = None
    film: Callable[[Film, np.random.Generator], Film] | None = None
    span: Callable[[Film, np.random.Generator], Span] | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of media that this step applies to; a picture's step applies to a film frame by frame."""
        film = self.film or self.image or self.span
        found = {"audio": self.audio, "image": self.image, "film": film}
        return tuple(kind for kind, function in found.items() if function)
