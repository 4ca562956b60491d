"""What a network's encoder tells of windows: heard once and kept, so that the layers above it are taught in minutes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby, zip_longest
from operator import itemgetter
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..audio.frontends import front_end
from .audio_crops import Crops
from .export import traced
from .fit import Progress
from .networks.interface import Halved
from .nuisance import MARKED
from .table import F32, Rows, TrainingError, digest, keep, kept

Encode = Callable[[F32], F32]
"""Windows `[n, samples]` to what the encoder tells of them, `[n, rows, width]`."""
_TOLERANCE = 1e-4
"""Of the largest number: how far ONNX Runtime may be from torch."""


class _Lower(nn.Module):
    """A network's encoder as a module."""

    def __init__(self, network: Halved) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> Tensor:
        return self.network.lower(features)


def encoder_of(network: Halved, samples: int) -> Encode:
    """Return the encoder of `network` for windows of `samples`, by ONNX Runtime, twice as fast as torch on one core.

    Raises `TrainingError` unless both tell the same of noise to 1e-4 of the largest number.
    """
    import onnxruntime

    front = front_end(type(network).FRONTEND)
    lower = _Lower(network).eval()
    noise = (0.05 * np.random.default_rng(0).standard_normal((2, samples))).astype(np.float32)
    trial = np.stack([front.features(one) for one in noise])
    data = traced(lower, trial, ["told"])
    with torch.inference_mode(mode=False), torch.no_grad():
        wanted = lower(torch.from_numpy(trial)).numpy()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    running = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def encode(windows: F32) -> F32:
        features = np.stack([front.features(one) for one in windows])
        return np.asarray(running.run(None, {"features": features})[0], np.float32)

    if (far := float(np.abs(encode(noise) - wanted).max())) > _TOLERANCE * np.abs(wanted).max():
        msg = f"expected ONNX Runtime to tell what torch tells to {_TOLERANCE:g} of it, got {far:.2g} away"
        raise TrainingError(msg)
    return encode


def encoded(network: Halved, crops: Crops, work: Path, progress: Progress) -> Crops:
    """Return `crops` with what the encoder of `network` tells of each window, flat, as the values of their table.

    Kept in `work` in half precision, under the encoder's own digest: a run that was broken off goes on.
    """
    tag = weights_digest(network)
    encode: Encode | None = None
    values = []
    files = [
        (place, [row for _, row in rows])
        for place, rows in groupby(zip(crops.place, crops.row, strict=True), itemgetter(0))
    ]
    for number, (place, rows) in enumerate(files):
        progress("hearing through the encoder", number / len(files))
        path = work / "encoded" / f"{digest('encoded', tag, place.stem, rows)}.npz"
        found = kept(path)
        if found is None:
            with np.load(place, allow_pickle=False) as stored:
                samples = np.asarray(stored["values"], np.float32)[rows]
            encode = encode or encoder_of(network, samples.shape[1])
            told = np.concatenate([encode(one[None]) for one in samples]).reshape(len(samples), -1)
            found = Rows(values=cast("F32", told.astype(np.float16)), chains=("",) * len(told))
            keep(path, found)
        values.append(found.values.astype(np.float32))
    return replace(crops, table=replace(crops.table, values=np.concatenate(values)))


def thinned(crops: Crops, most: int) -> Crops:
    """Return `crops` with at most `most` windows of each clip as it is, and as many of it laundered, of chains in turn.

    What a slow encoder is to hear. Versions marked and no more are left out: half of the laundered ones are marked.
    """
    table = crops.table
    chosen: list[int] = []
    for _, rows in groupby(range(len(crops.row)), lambda n: int(table.item[n])):
        versions = [list(some) for _, some in groupby(rows, lambda n: table.chain[n])]
        clean = [version for version in versions if table.chain[version[0]] == "none"]
        washed = [version for version in versions if table.chain[version[0]] not in ("none", MARKED)]
        for some in (clean, washed):
            in_turn = [n for turn in zip_longest(*some) for n in turn if n is not None]
            chosen += sorted(in_turn[:most])
    return Crops(
        table=replace(
            table,
            values=table.values[chosen],
            item=table.item[chosen],
            chain=tuple(table.chain[i] for i in chosen),
        ),
        place=tuple(crops.place[i] for i in chosen),
        row=tuple(crops.row[i] for i in chosen),
    )


def weights_digest(network: Halved) -> str:
    """Return a short name for the weights of the encoder of `network`."""
    told = hashlib.sha256()
    for part in network.encoder_parts():
        for name, value in part.state_dict().items():
            told.update(name.encode())
            told.update(value.detach().cpu().numpy().tobytes())
    return told.hexdigest()[:24]


class Told(Dataset[tuple[Tensor, Tensor]]):
    """What the encoder told of chosen windows, `[rows, width]`, with 0 for spoof and 1 for bona fide."""

    def __init__(self, crops: Crops, chosen: NDArray[np.int64], *, width: int) -> None:
        """Give the windows numbered `chosen`, whose rows are `width` wide."""
        self._values, self._spoof = crops.table.values, crops.table.spoof
        self._chosen, self._width = chosen, width

    def __len__(self) -> int:
        """Return how many windows there are."""
        return len(self._chosen)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return what was told of a window, and its class."""
        number = int(self._chosen[index])
        told = torch.from_numpy(self._values[number].reshape(-1, self._width))
        return told, torch.tensor(0 if self._spoof[number] else 1)
