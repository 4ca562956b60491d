"""Any synthesiser and any converter make an engine: the text is spoken sentence by sentence, and each is converted."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample
from ...media.errors import NothingToExamine
from ...media.speech import voiced
from ..interface import GenerationError
from .interface import LEAST_SPEECH_SECONDS, MOST_SPEECH_SECONDS, Conversion, Converter, Synthesiser, VoiceRequest
from .text import EXAMPLES, sentences

_PAUSE_SECONDS = 0.12  # between sentences, besides the silence that a synthesiser leaves around each
_LOUDEST, _QUIETEST = -18.0, -32.0  # decibels of full scale: a louder or softer reference is not followed further
_CEILING = 0.97  # of full scale


class CloningEngine:
    """Speaks by `synthesiser` and turns what it said into the wanted voice by `converter`."""

    def __init__(self, name: str, synthesiser: Synthesiser, converter: Converter) -> None:
        """Join the halves; nothing is spoken yet."""
        self.name = name
        self.version = f"{converter.version}+{synthesiser.name}-{synthesiser.version}"
        self.trained = synthesiser.trained
        self._synthesiser = synthesiser
        self._converter = converter
        self._studied = False

    def speak(self, request: VoiceRequest) -> Audio:
        """Return the text in the voice of the reference, mono, as loud as the reference.

        Raises `GenerationError` if the text is empty, too long or cannot be pronounced, or if the reference holds less
        than 3 s of speech.
        """
        spoken = self.plain(request.text, seed=request.seed)
        reference = _speech_of(request.reference)
        conversion = self._learn(reference)
        parts = [conversion.convert(sentence) for sentence in spoken]
        return _as_loud_as(reference, _joined(parts))

    def plain(self, text: str, *, seed: int) -> list[Audio]:
        """Return the sentences of `text` as the synthesiser says them, before any cloning.

        Raises `GenerationError` as `speak` does.
        """
        spoken = []
        for place, sentence in enumerate(sentences(text)):
            speech = self._synthesiser.say(sentence, seed=seed + place)
            if speech is not None:
                spoken.append(speech)
        if not spoken:
            msg = f"expected words to speak, got {text[:60]!r}"
            raise GenerationError(msg)
        return spoken

    def _learn(self, reference: Audio) -> Conversion:
        if not self._studied:
            own = [self._synthesiser.say(sentence, seed=place) for place, sentence in enumerate(EXAMPLES)]
            self._converter.study([speech for speech in own if speech is not None])
            self._studied = True
        return self._converter.learn(reference)


@cache
def hibari_world() -> CloningEngine:
    """Return the engine that needs the extra `generate` alone. Raises `MissingExtra` without it."""
    from .conversion import WorldConverter
    from .hibari import HibariSynthesiser

    return CloningEngine("hibari-world", HibariSynthesiser(), WorldConverter())


@cache
def piper_world() -> CloningEngine:
    """Return the engine on Piper. Raises `MissingExtra` without the extra `piper`, `WeightsError` without a voice."""
    from .conversion import WorldConverter
    from .piper import PiperSynthesiser

    return CloningEngine("piper-world", PiperSynthesiser(), WorldConverter())


def _speech_of(reference: Audio) -> Audio:
    """Return the first 30 s of speech in `reference`, mono, pauses cut. Raises `GenerationError` below 3 s."""
    samples = reference.mono()
    peak = float(np.abs(samples).max())
    spans = voiced(Audio(samples=samples[None] / peak, rate=reference.rate)) if peak > 0 else ()
    edges = [(round(span.start * reference.rate), round(span.end * reference.rate)) for span in spans]
    seconds = sum(end - start for start, end in edges) / reference.rate
    if seconds < LEAST_SPEECH_SECONDS:
        msg = (
            f"expected at least {LEAST_SPEECH_SECONDS:.0f} s of speech to learn a voice from, got {seconds:.1f} s "
            f"in {reference.seconds:.1f} s of sound: give a longer or cleaner recording (5 to 30 s are best)"
        )
        raise GenerationError(msg)
    speech = np.concatenate([samples[start:end] for start, end in edges])
    return Audio(samples=speech[None, : round(MOST_SPEECH_SECONDS * reference.rate)], rate=reference.rate)


def _joined(parts: list[Audio]) -> Audio:
    """Return sentences one after another with a short pause between them."""
    rate = parts[0].rate
    pause = np.zeros(round(_PAUSE_SECONDS * rate), np.float32)
    pieces: list[NDArray[np.float32]] = [resample(parts[0].mono(), parts[0].rate, rate)]
    for _, part in pairwise(parts):
        pieces += [pause, resample(part.mono(), part.rate, rate)]
    return Audio(samples=np.concatenate(pieces)[None], rate=rate)


def _as_loud_as(reference: Audio, made: Audio) -> Audio:
    """Return `made` at the level of `reference`, within limits and without clipping."""
    wanted = float(np.clip(20 * np.log10(_level(reference) + 1e-9), _QUIETEST, _LOUDEST))
    gain = 10 ** (wanted / 20) / (_level(made) + 1e-9)
    gain = min(gain, _CEILING / (float(np.abs(made.samples).max()) + 1e-9))
    return Audio(samples=(made.samples * np.float32(gain)).astype(np.float32), rate=made.rate)


def _level(audio: Audio) -> float:
    """Return the root mean square of the louder half of all 20 ms stretches, which is speech and no pause."""
    size = max(1, audio.rate // 50)
    samples = audio.mono()[: audio.samples.shape[1] // size * size]
    if samples.size == 0:
        msg = "expected at least 20 ms of sound"
        raise NothingToExamine(msg)
    power = np.sort(np.square(samples.reshape(-1, size)).mean(axis=1))
    return float(np.sqrt(power[power.size // 2 :].mean()))
