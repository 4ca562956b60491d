"""Text to speech in the synthesisers' own voices: nobody's voice is copied.

Three generations of the craft: formants (espeak-ng), recorded units and statistical models (flite), and a small neural
voice (hibari). The real file decides nothing but the draw of the sentences; consent is asked all the same, so that
one rule holds for every maker.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from ...generate.interface import GenerationError
from ...generate.voice.hibari import HibariSynthesiser
from ...media.audio import Audio
from .interface import Kind, Leave, Media, Real
from .permission import speech
from .sentences import drawn

_SECONDS = 60.0
"""Longest that a synthesiser may take for two sentences."""


class HibariMaker:
    """The neural voice hibari, as it comes in its package."""

    name = "hibari"
    kind: Kind = "audio"

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return two drawn sentences; `cast` is not used."""
        del cast
        speech(real, leave)
        said = HibariSynthesiser().say(drawn(np.random.default_rng(seed), 2), seed=seed)
        if said is None:
            msg = "the voice hibari said nothing"
            raise GenerationError(msg)
        return said


class EspeakMaker:
    """The formant synthesiser espeak-ng with a drawn accent, pitch and speed."""

    name = "espeak-ng"
    kind: Kind = "audio"
    voices = ("en-us", "en-gb", "en-gb-scotland", "en-us+f3", "en-us+m3", "en-gb+f2", "en-gb+m7")

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return two drawn sentences; `cast` is not used. Raises `GenerationError` where espeak-ng is not installed."""
        del cast
        speech(real, leave)
        rng = np.random.default_rng(seed)
        voice = str(rng.choice(self.voices))
        pitch, pace = str(int(rng.integers(30, 70))), str(int(rng.integers(140, 190)))
        text = drawn(rng, 2)
        return _read(_output("espeak-ng", "-v", voice, "-p", pitch, "-s", pace, "--stdout", text))


class FliteMaker:
    """The synthesiser flite: cluster units (`rms`, `slt`, `awb`) and diphones (`kal16`)."""

    name = "flite"
    kind: Kind = "audio"
    voices = ("rms", "slt", "awb", "kal16")

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return two drawn sentences; `cast` is not used. Raises `GenerationError` where flite is not installed."""
        del cast
        speech(real, leave)
        rng = np.random.default_rng(seed)
        voice, text = str(rng.choice(self.voices)), drawn(rng, 2)
        with tempfile.TemporaryDirectory() as folder:  # flite writes to a file alone
            path = Path(folder) / "said.wav"
            _output("flite", "-voice", voice, "-t", text, "-o", str(path))
            if not path.is_file():
                msg = f"flite wrote no sound for the voice {voice}"
                raise GenerationError(msg)
            return _read(path.read_bytes())


def _output(program: str, *arguments: str) -> bytes:
    """Return what `program` prints. Raises `GenerationError` if it is missing, fails or takes too long."""
    found = shutil.which(program)
    if found is None:
        msg = f"the program {program} is not installed: install the system package {program}"
        raise GenerationError(msg)
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, arguments never seen by a shell
            [found, *arguments], capture_output=True, check=True, timeout=_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        msg = f"{program} could not speak: {error}"
        raise GenerationError(msg) from error
    return done.stdout


def _read(data: bytes) -> Audio:
    """Return the 16-bit WAV file `data` as sound. Raises `GenerationError` if it is none or empty."""
    try:
        with wave.open(BytesIO(data)) as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            frames = file.readframes(len(data))  # a stream's header need not know the length
    except (wave.Error, EOFError) as error:
        msg = f"expected a WAV file from the synthesiser, got {error}"
        raise GenerationError(msg) from error
    if width != 2 or not frames:
        msg = f"expected 16-bit sound from the synthesiser, got {8 * width}-bit, {len(frames)} bytes"
        raise GenerationError(msg)
    samples = np.frombuffer(frames, "<i2").reshape(-1, channels).T.astype(np.float32) / 32768
    return Audio(samples=np.ascontiguousarray(samples), rate=rate)
