"""The voice engine as a maker: another sentence in the voice of the real file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...generate import clone_voice
from .interface import PURPOSE, Kind, Leave, Media, Real

SENTENCES = (
    "The bridge will be closed to heavy traffic until the end of the month.",
    "She said that the meeting had been moved to Thursday afternoon.",
    "Nobody had seen the letter before it was read aloud in the council.",
    "The figures for the last quarter are better than most people expected.",
    "He asked the driver to wait outside while the others went upstairs.",
    "A light rain fell over the harbour when the first boats came back.",
    "They have agreed to publish the whole report before the summer.",
    "Please call me again tomorrow, because I have not found the papers yet.",
    "The old station is going to be a library with a garden on its roof.",
    "We counted the votes twice, and the result was the same both times.",
)


class CloneMaker:
    """Speaks a sentence in the voice of a real recording."""

    name = "hibari-world"
    kind: Kind = "audio"

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return a cloned utterance; `cast` is not used."""
        del cast
        text = SENTENCES[int(np.random.default_rng(seed).integers(len(SENTENCES)))]
        draft = clone_voice(
            text, real.path, subject=real.subject, book=leave.book, purpose=PURPOSE, seed=seed, now=leave.now
        )
        return draft.media
