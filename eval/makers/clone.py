"""The voice engine as a maker: another sentence in the voice of the real file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...generate import clone_voice
from .interface import PURPOSE, Kind, Leave, Media, Real
from .sentences import drawn


class CloneMaker:
    """Speaks a sentence in the voice of a real recording."""

    name = "hibari-world"
    kind: Kind = "audio"

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return a cloned utterance; `cast` is not used."""
        del cast
        text = drawn(np.random.default_rng(seed))
        draft = clone_voice(
            text, real.path, subject=real.subject, book=leave.book, purpose=PURPOSE, seed=seed, now=leave.now
        )
        return draft.media
