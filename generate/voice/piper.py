"""The synthesiser Piper, which is GPL-3.0 and therefore never installed unless asked for."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from ...media.audio import Audio
from ...media.errors import MissingExtra, WeightsError
from ...media.home import home

VARIABLE = "ASSAY_PIPER_VOICE"


class PiperSynthesiser:
    """Speaks by piper-tts with the voice file that `ASSAY_PIPER_VOICE` names, else the first in the user's folder.

    Its own noise, which no seed reaches, is switched off: the same sentence gives the same sound.
    """

    name = "piper"
    trained = True

    def __init__(self) -> None:
        """Load the voice. Raises `MissingExtra` if piper-tts is not installed, `WeightsError` without a voice file."""
        try:
            piper: Any = importlib.import_module("piper")
        except ImportError as error:
            feature = "speaking with Piper"
            raise MissingExtra(feature, "piper") from error
        from importlib.metadata import version

        self.version = version("piper-tts")
        self._voice: Any = piper.PiperVoice.load(_voice_file())
        self._quiet: Any = piper.SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)

    def say(self, sentence: str, *, seed: int) -> Audio | None:
        """Return the sentence at the voice's own rate, or `None` if nothing in it can be pronounced."""
        del seed  # the noise is off: there is nothing to seed
        chunks = list(self._voice.synthesize(sentence, syn_config=self._quiet))
        samples = np.concatenate([np.zeros(0, np.float32), *(chunk.audio_float_array for chunk in chunks)])
        if samples.size == 0:
            return None
        return Audio(samples=samples[None].astype(np.float32), rate=int(chunks[0].sample_rate))


def _voice_file() -> Path:
    named = os.environ.get(VARIABLE)
    if named:
        path = Path(named)
        if not path.is_file():
            msg = f"expected a Piper voice (.onnx) where {VARIABLE} says, found no file at {str(path)!r}"
            raise WeightsError(msg)
        return path
    folder = home() / "weights" / "piper"
    found = sorted(folder.glob("*.onnx"))
    if not found:
        msg = f"expected a Piper voice (.onnx with its .onnx.json) in {str(folder)!r}: put one there or set {VARIABLE}"
        raise WeightsError(msg)
    return found[0]
