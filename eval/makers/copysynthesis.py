"""Copy synthesis: the same words by the same person, through a vocoder. What remains is the vocoder's trace alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...generate.consent import file_sha256
from ...generate.interface import GenerationError, Scope
from ...media.audio import Audio, resample
from ...media.errors import MissingExtra
from .interface import PURPOSE, Kind, Leave, Media, Real

RATE = 16_000


def _speech(real: Real, leave: Leave) -> NDArray[np.float32]:
    """Return the recording, mono at 16 kHz, after asking for consent to re-synthesise that voice."""
    leave.book.require(
        real.subject, Scope.VOICE_CLONE, purpose=PURPOSE, source_sha256=file_sha256(real.path), now=leave.now
    )
    if not isinstance(real.media, Audio):
        msg = f"copy synthesis needs sound, got {real.kind} {real.path.name}"
        raise GenerationError(msg)
    return resample(real.media.mono(), real.media.rate, RATE)


class WorldCopyMaker:
    """WORLD analysis and synthesis (Morise et al. 2016) with nothing changed in between."""

    name = "world-copy"
    kind: Kind = "audio"

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return the re-synthesised recording; `cast` and `seed` are not used."""
        del cast, seed
        try:
            import pyworld
        except ImportError as error:
            feature = "the maker world-copy"
            raise MissingExtra(feature, "generate") from error
        speech = _speech(real, leave).astype(np.float64)
        pitch, spectrum, aperiodicity = pyworld.wav2world(speech, RATE)
        made = pyworld.synthesize(pitch, spectrum, aperiodicity, RATE)[: speech.size]
        return Audio(samples=np.clip(made, -1.0, 1.0).astype(np.float32)[np.newaxis], rate=RATE)


class GriffinLimMaker:
    """Phase thrown away and guessed again (Griffin & Lim 1984, with the momentum of Perraudin et al. 2013)."""

    name = "griffin-lim"
    kind: Kind = "audio"
    rounds = 32
    momentum = 0.99

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return the re-synthesised recording, its first phase drawn by `seed`; `cast` is not used."""
        del cast
        from scipy.signal import ShortTimeFFT
        from scipy.signal.windows import hann

        speech = _speech(real, leave).astype(np.float64)
        if speech.size < 1024:
            msg = f"copy synthesis needs at least 1024 samples at {RATE} Hz, got {speech.size}"
            raise GenerationError(msg)
        frames = ShortTimeFFT(hann(512, sym=False), hop=128, fs=RATE)
        magnitude = np.abs(frames.stft(speech))
        phase = np.exp(2j * np.pi * np.random.default_rng(seed).random(magnitude.shape))
        before = np.zeros_like(phase)
        for _ in range(self.rounds):
            guess = frames.stft(frames.istft(magnitude * phase, k1=speech.size))
            turned = guess - self.momentum / (1.0 + self.momentum) * before
            phase = turned / np.maximum(np.abs(turned), 1e-12)
            before = guess
        made = frames.istft(magnitude * phase, k1=speech.size)
        return Audio(samples=np.clip(made, -1.0, 1.0).astype(np.float32)[np.newaxis], rate=RATE)
