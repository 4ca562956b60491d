"""Partial fakes of speech: a stretch of a real recording is replaced, the rest is the recording itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...detect.train import copysynth
from ...generate.interface import GenerationError
from ...media.audio import Audio, resample
from ...media.extent import Span
from .interface import Kind, Leave, Media, Real
from .permission import speech

FADE = 0.02
"""Seconds of cross-fade at each seam."""
LEAST_SECONDS = 1.5

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spliced:
    """A partial fake and the `spans` of it that are synthetic, in seconds."""

    audio: Audio
    spans: tuple[Span, ...]


class SpliceMaker:
    """Replaces 0.6 to 1.2 s of a recording by the same words through a vocoder, at the same level, with soft seams."""

    name = "splice"
    kind: Kind = "audio"

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return the edited recording; `cast` is not used. Raises `GenerationError` if it is shorter than 1.5 s."""
        del cast
        return spliced(speech(real, leave, least=LEAST_SECONDS), np.random.default_rng(seed)).audio


def spliced(audio: Audio, rng: np.random.Generator) -> Spliced:
    """Return `audio` in mono with one drawn stretch re-synthesised by WORLD or Griffin-Lim.

    Of eight drawn stretches the loudest is taken, so that it holds speech. Raises `GenerationError` for silence.
    """
    own = np.array(audio.mono(), np.float32)
    size = int(rng.uniform(0.6, 1.2) * audio.rate)
    first = min(int(3.0 * audio.rate), own.size)  # what a benchmark keeps of it
    starts = rng.integers(0, max(1, first - size), 8)
    start = int(max(starts, key=lambda at: float(np.mean(own[at : at + size] ** 2))))
    part = own[start : start + size]
    level = float(np.sqrt(np.mean(part.astype(np.float64) ** 2)))
    if level < 1e-4:
        msg = "expected speech to replace, found silence"
        raise GenerationError(msg)
    make = copysynth.COPIES[str(rng.choice(sorted(copysynth.COPIES)))]
    new = make(Audio(samples=part[None], rate=audio.rate), rng)
    fresh = _fitted(resample(new.mono(), new.rate, audio.rate), part.size)
    fresh *= level / max(1e-6, float(np.sqrt(np.mean(fresh.astype(np.float64) ** 2))))
    share = _share(part.size, int(FADE * audio.rate))
    own[start : start + size] = np.clip(part * (1 - share) + fresh * share, -1, 1)
    span = Span(start=start / audio.rate, end=(start + part.size) / audio.rate)
    return Spliced(audio=Audio(samples=own[None], rate=audio.rate), spans=(span,))


def _fitted(samples: F32, size: int) -> F32:
    """Return `samples` cut or filled with silence to `size`."""
    fitted = np.zeros(size, np.float32)
    kept = min(size, samples.size)
    fitted[:kept] = samples[:kept]
    return fitted


def _share(size: int, fade: int) -> F32:
    """Return how much of the new sound is heard: 1 in the middle, raised cosines over `fade` samples at the ends."""
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    share = np.ones(size)
    share[:fade], share[size - fade :] = ramp, ramp[::-1]
    return share.astype(np.float32)
