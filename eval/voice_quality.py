"""Judging a cloned voice: is it the speaker, are the words understood, does it sound clean.

Each judge is a network that took no part in making the clone. They are judges, not people: of sixteen such measures
only one agrees well with listeners (TTSDS2, Minixhofer et al. 2025), so read them beside real speech.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from ..detect.audio.voices import embed
from ..media.audio import Audio, resample
from ..media.errors import MissingExtra
from ..media.weights import resolve

_RATE = 16_000


def similarity(a: Audio, b: Audio) -> float:
    """Return how alike two speakers sound: the cosine of their d-vectors, -1..1 (higher is more alike).

    Raises as `embed` does.
    """
    return float(embed(a) @ embed(b))


def word_error_rate(audio: Audio, text: str) -> float:
    """Return substitutions, deletions and insertions by the words of `text`; 0 is perfect, more than 1 is possible.

    English only, heard by Whisper tiny.en (faster-whisper, int8, one beam). Raises `ValueError` if `text` has no word,
    `MissingExtra` without the extra `judge`.
    """
    wanted = _words(text)
    if not wanted:
        msg = f"expected a text with words to compare with, got {text[:60]!r}"
        raise ValueError(msg)
    samples = resample(audio.mono(), audio.rate, _RATE)
    segments, _ = _listener().transcribe(samples, beam_size=1, language="en", condition_on_previous_text=False)
    return edit_distance(_words(" ".join(segment.text for segment in segments)), wanted) / len(wanted)


def quality(audio: Audio) -> float:
    """Return the predicted mean opinion score of the sound, 1 (bad) to 5 (excellent), by DistillMOS at 16 kHz.

    Raises `MissingExtra` without the extra `judge`.
    """
    critic = _critic()
    import torch

    samples = torch.from_numpy(resample(audio.mono(), audio.rate, _RATE))
    with torch.inference_mode():
        return float(critic(samples[None]).reshape(-1)[0])


def edit_distance(heard: list[str], wanted: list[str]) -> int:
    """Return the least number of words to change, drop or add to turn `heard` into `wanted` (Levenshtein 1966)."""
    row = list(range(len(heard) + 1))
    for place, word in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], place
        for column, other in enumerate(heard, start=1):
            change = diagonal + (word != other)
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, change)
    return row[-1]


def _words(text: str) -> list[str]:
    return re.sub(r"[^a-z0-9' ]", " ", text.lower().replace("’", "'")).split()


@cache
def _listener() -> Any:  # noqa: ANN401 - faster-whisper's types are not exported
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        feature = "counting word errors (faster-whisper)"
        raise MissingExtra(feature, "judge") from error
    return WhisperModel(str(resolve("whisper-tiny-en").parent), device="cpu", compute_type="int8", cpu_threads=1)


@cache
def _critic() -> Any:  # noqa: ANN401 - distillmos ships no types
    try:
        import torch
        from distillmos import ConvTransformerSQAModel
    except ImportError as error:
        feature = "judging the quality of speech (distillmos)"
        raise MissingExtra(feature, "judge") from error
    model = ConvTransformerSQAModel(load_weights=False)
    model.load_state_dict(torch.load(resolve("distillmos"), map_location="cpu", weights_only=True)["model"])
    return model.eval()
