"""What makes a cloned voice: an engine; and its two halves, a synthesiser that speaks and a converter that learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ...media.audio import Audio

MAX_CHARACTERS = 5_000
"""The longest text, in characters, that an engine speaks at once: about six minutes."""

LEAST_SPEECH_SECONDS = 3.0
"""The least speech, in seconds, that a voice can be learnt from."""

MOST_SPEECH_SECONDS = 30.0
"""How much speech of a reference is used, in seconds; what comes after it adds little and costs time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRequest:
    """A text to be spoken in the voice of `reference`; `seed` fixes all that is random."""

    text: str
    reference: Audio
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `ValueError` if `seed` is negative."""
        if self.seed < 0:
            msg = f"a seed must not be negative, got {self.seed}"
            raise ValueError(msg)


class VoiceEngine(Protocol):
    """Speaks a text in somebody's voice; writes nothing.

    `trained` tells whether a trained model makes the sound; a publication says so.
    """

    name: str
    version: str
    trained: bool

    def speak(self, request: VoiceRequest) -> Audio:
        """Return mono sound. The same request gives the same samples.

        Raises `GenerationError` if the text is empty, too long or cannot be pronounced, or if the reference holds too
        little speech.
        """
        ...


class Synthesiser(Protocol):
    """Speaks in its own voice, one sentence at a time."""

    name: str
    version: str
    trained: bool

    def say(self, sentence: str, *, seed: int) -> Audio | None:
        """Return mono sound of any rate, or `None` if `sentence` has no words.

        Raises `GenerationError` if it has words that cannot be pronounced.
        """
        ...


class Conversion(Protocol):
    """Turns the voice of one synthesiser into the voice of one speaker."""

    def convert(self, speech: Audio) -> Audio:
        """Return `speech`, said by the synthesiser, as the speaker would sound: mono, as long as it was."""
        ...


class Converter(Protocol):
    """Learns speakers."""

    name: str
    version: str

    def study(self, own: Sequence[Audio]) -> None:
        """Take `own`, about a minute of the synthesiser's speech, as what all later speech will sound like."""
        ...

    def learn(self, reference: Audio) -> Conversion:
        """Return how to turn the studied voice into that of `reference` (speech only, no pauses to speak of).

        Raises `GenerationError` if it cannot be learnt.
        """
        ...
