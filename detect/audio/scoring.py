"""The seam between windows of speech and the shipped model: the detector, the search for spans and the explanation.

All three ask `window_scores` and nothing else of the model, so a new model is put in here alone.

What a minute of sound costs on one core of the two-core machine: decoding, mixing and resampling 0.10 s, finding
speech 0.06 s, cutting windows 0.02 s. To hear 150 times as fast as it is spoken, 0.4 s in all, features and model may
take 0.2 s: 13 ms for each of the 12 windows that `MOST` leaves of 59, and
some to spare.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model import Model, shipped
from .features import heard
from .frontends.interface import F32, RATE
from .gate import WINDOW

NAME = "audio-whisper"
"""The shipped model that hears."""
SIZE = int(WINDOW * RATE)
"""Samples of a window that it hears."""
_AT_ONCE = 8
"""Windows that go through the network together: more are no faster and take memory."""
MOST = 12
"""Windows of a minute that are scored; of more, as many are taken, evenly spread."""


def ear() -> Model:
    """Return the shipped model. Raises `ModelError` if it is missing or damaged."""
    return shipped(NAME)


def window_scores(samples: F32) -> NDArray[np.float64]:
    """Return the raw score of each window of `samples` `[windows, size]` (as `gate.windows` makes them), `[windows]`.

    Higher = spoof; `ear().llr` turns one into a log10 ratio. Raises `ModelError` as `ear`.
    """
    if not len(samples):
        return np.zeros(0)
    model = ear()
    portions = [samples[at : at + _AT_ONCE] for at in range(0, len(samples), _AT_ONCE)]
    return np.concatenate([model.scores(np.stack([heard(window) for window in one])) for one in portions])
