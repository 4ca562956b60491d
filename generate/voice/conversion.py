"""The converter: pitch, vocal tract and envelope of a speaker, learnt from seconds of speech alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...media.audio import Audio
from ..interface import GenerationError
from .features import MelAxis, band_limit, stretch
from .matching import Book, Difference, Smoothing, learn_difference
from .world import HIGHEST_PITCH, LOWEST_PITCH, RATE, Grid, Voiceprint, analyse, resynthesise

_LEAST_SUNG_SECONDS = 0.75  # of phonation: below it neither pitch nor vowels are known
_OCTAVE_ERRORS = 0.6  # natural logarithm: pitch further from the median is a mistake, not melody


@dataclass(frozen=True, slots=True, kw_only=True)
class Melody:
    """Where a speaker's voice lies and how far it moves: median and spread of the logarithm of pitch in hertz."""

    middle: float
    spread: float

    @classmethod
    def of(cls, voice: Voiceprint) -> Melody:
        """Measure it, with robust statistics. Raises `GenerationError` if there is hardly any phonation."""
        sung = voice.sung
        if sung.sum() * 0.005 < _LEAST_SUNG_SECONDS:
            msg = f"expected a voice, got {sung.sum() * 0.005:.1f} s of phonation: give a clearer or longer recording"
            raise GenerationError(msg)
        notes = np.log(voice.pitch[sung])
        notes = notes[np.abs(notes - np.median(notes)) < _OCTAVE_ERRORS]
        middle = float(np.median(notes))
        return cls(middle=middle, spread=max(1.4826 * float(np.median(np.abs(notes - middle))), 0.02))


class WorldConverter:
    """Learns a speaker from the speech alone: no weights, no text, no second speaker."""

    name = "world"
    version = "1"

    def __init__(self, smoothing: Smoothing | None = None) -> None:
        """Keep how finely the speaker's sounds are told apart."""
        self._smoothing = smoothing or Smoothing()
        self._book: Book | None = None

    def study(self, own: Sequence[Audio]) -> None:
        """Take apart what the synthesiser said."""
        parts = [analyse(speech, breath=False) for speech in own]
        voice = Voiceprint(
            pitch=np.concatenate([part.pitch for part in parts]),
            envelope=np.concatenate([part.envelope for part in parts]),
            breath=np.concatenate([part.breath for part in parts]),
            active=np.concatenate([part.active for part in parts]),
        )
        self._book = Book(voice=voice, lengths=tuple(len(part.pitch) for part in parts))

    def learn(self, reference: Audio) -> WorldConversion:
        """Return how to sound like `reference`. Raises `GenerationError` if it is no voice or nothing was studied."""
        if self._book is None:
            msg = "a converter needs to study the synthesiser's own voice before it learns another"
            raise GenerationError(msg)
        speaker = analyse(reference, breath=False)
        return WorldConversion(
            own=Melody.of(self._book.voice),
            wanted=Melody.of(speaker),
            difference=learn_difference(self._book, speaker, MelAxis(band_limit(speaker))),
            smoothing=self._smoothing,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldConversion:
    """From one synthesiser's voice to one speaker's."""

    own: Melody
    wanted: Melody
    difference: Difference
    smoothing: Smoothing

    def convert(self, speech: Audio) -> Audio:
        """Return `speech` in the speaker's voice, mono at 24 kHz."""
        voice = analyse(speech)
        stretched = stretch(voice.envelope, self.difference.stretch)
        envelope = stretched + self.difference.gain(voice, self.smoothing)
        samples = resynthesise(self._pitch(voice.pitch), envelope, voice.breath)
        return Audio(samples=samples[None], rate=RATE)

    def _pitch(self, pitch: Grid) -> Grid:
        """Return the melody moved to where the speaker's lies, and widened or narrowed to the speaker's."""
        widened = np.clip(self.wanted.spread / self.own.spread, 0.6, 1.5)
        moved = pitch.copy()
        sung = pitch > 0
        notes = (np.log(pitch[sung]) - self.own.middle) * widened + self.wanted.middle
        moved[sung] = np.clip(np.exp(notes), LOWEST_PITCH, HIGHEST_PITCH)
        return moved
