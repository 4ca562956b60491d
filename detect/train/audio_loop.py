"""Teaching a network to hear, and asking it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ..audio.frontends import front_end
from .audio_crops import Crops, Heard, balance
from .audio_encoded import Told
from .loop import Balanced, Pace, Run, learn
from .networks.gmm import LfccGmm
from .networks.interface import Halved, Network, Upper

F64 = NDArray[np.float64]


def teach(network: Network, crops: Crops, chosen: NDArray[np.int64], run: Run) -> Network:
    """Return `network` taught on the windows numbered `chosen`, ready to judge.

    Only the layers above its encoder are taught where `crops` has what that encoder tells. The checkpoint in the run's
    folder is gone on with if there is one. Mixtures are fitted at once, from an even draw.
    """
    pace, (taught, heard) = run.pace, _lesson(network, crops, chosen)
    batch = min(pace.batch, len(chosen))
    count = max(1, len(chosen) // batch) * batch
    sampler = Balanced(balance(crops, chosen), count=count, seed=pace.seed)
    if isinstance(network, LfccGmm):
        return _fitted(network, heard, sampler, pace.seed)
    learn(taught, heard, sampler, replace(run, pace=replace(pace, batch=batch)))
    network.eval()
    return network


def _lesson(
    network: Network, crops: Crops, chosen: NDArray[np.int64]
) -> tuple[nn.Module, Dataset[tuple[Tensor, Tensor]]]:
    """Return what is taught of `network`, and the examples: features of windows, or what its encoder told of them."""
    if isinstance(network, Halved) and crops.table.values.shape[1]:
        return Upper(network), Told(crops, chosen, width=network.width)
    return network, Heard(crops, chosen, front_end(type(network).FRONTEND))


def _fitted(mixtures: LfccGmm, heard: Dataset[tuple[Tensor, Tensor]], sampler: Balanced, seed: int) -> LfccGmm:
    """Return `mixtures` fitted to an even draw of windows."""
    drawn = [heard[position] for position in sampler]
    rows = np.concatenate([features.numpy() for features, _ in drawn])
    spoof = np.repeat([int(label) == 0 for _, label in drawn], [len(features) for features, _ in drawn])
    mixtures.fit(rows, spoof, seed=seed).eval()
    return mixtures


def judge(network: Network, crops: Crops, chosen: NDArray[np.int64], *, pace: Pace) -> F64:
    """Return the scores of the windows numbered `chosen`: logit of spoof less that of bona fide, `[len(chosen)]`."""
    place = torch.device("cuda" if pace.device != "cpu" and torch.cuda.is_available() else "cpu")
    asked, heard = _lesson(network, crops, chosen)
    loader = DataLoader(heard, batch_size=pace.batch)
    asked = asked.to(place).eval()
    scores: list[NDArray[np.float64]] = []
    with torch.inference_mode():
        for features, _ in loader:
            logits = asked(features.to(place)).double().cpu().numpy()
            scores.append(logits[:, 0] - logits[:, 1])
    network.cpu()
    return np.concatenate(scores) if scores else np.zeros(0)
