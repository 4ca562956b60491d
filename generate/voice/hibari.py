"""The synthesiser hibari: one American English voice that comes inside its package."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...media.audio import Audio
from ...media.errors import MissingExtra
from ..interface import GenerationError


class HibariSynthesiser:
    """Speaks English by hibari-tts at 24 kHz, about thirty times faster than real time on one core.

    Only the voice that ships in the package is used: the others would be downloaded.
    """

    name = "hibari"
    trained = True

    def __init__(self) -> None:
        """Load the model. Raises `MissingExtra` if hibari-tts is not installed."""
        try:
            import hibari
        except ImportError as error:
            feature = "speaking with the voice hibari"
            raise MissingExtra(feature, "generate") from error
        self.version = str(hibari.__version__)
        self._voice: Any = hibari.Hibari(voice="heart", threads=1)

    def say(self, sentence: str, *, seed: int) -> Audio | None:
        """Return the sentence at 24 kHz, or `None` if it has no words.

        Raises `GenerationError` if it has a word that hibari would leave out, in another script for instance.
        """
        words = [word for word in sentence.split() if any(character.isalnum() for character in word)]
        for word in words:
            if not any(sound.isalpha() for sounds in self._voice.phonemize(word) for sound in sounds):
                msg = f"expected words that hibari can pronounce (English), got {word[:60]!r}"
                raise GenerationError(msg)
        if not words:
            return None
        samples = np.asarray(self._voice(sentence, seed=seed), np.float32)
        return Audio(samples=np.ascontiguousarray(samples[None]), rate=int(self._voice.sample_rate))
