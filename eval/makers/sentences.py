"""What the speaking makers say: sentences that no detector here was trained on."""

from __future__ import annotations

import numpy as np

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


def drawn(rng: np.random.Generator, count: int = 1) -> str:
    """Return `count` different sentences, drawn by `rng`."""
    return " ".join(SENTENCES[i] for i in rng.choice(len(SENTENCES), count, replace=False))
