"""The network that says of each 160 ms of speech whether it is made: a small convolution over moments, with torch.

It takes `moments` `[n, WIDTH]` and answers with one logit for each eight of them, higher = synthetic. Each answer sees
1.3 s: the moment itself, and what lies around it to compare it with.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..audio.localise import GROUP, segment_labels
from ..audio.moments import WIDTH
from ..model import golden_input
from .export import OPSET, Exported, onnx_scores
from .moments_material import Example
from .table import TrainingError

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How to train: passes over the material, examples at a time, the highest step and the seed."""

    epochs: int = 14
    batch: int = 24
    rate: float = 2e-3
    seed: int = 1


class MomentsNetwork(nn.Module):
    """Three convolutions, then a moment beside its surroundings."""

    def __init__(self, width: int = 48) -> None:
        """Make a new network."""
        super().__init__()
        self.scale = nn.BatchNorm1d(WIDTH)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv1d(inside, outside, 5, stride, 2), nn.BatchNorm1d(outside), nn.ReLU(), nn.Dropout(0.1))
            for inside, outside, stride in ((WIDTH, width, 1), (width, width, 2), (width, 64, 2))
        )
        self.inner = nn.Conv1d(192, 32, 1)
        self.last = nn.Conv1d(32, 1, 1)
        self.loose = nn.Dropout(0.3)

    def forward(self, rows: Tensor) -> Tensor:
        """Return logits `[batch, k]` of `rows` `[batch, n, WIDTH]`, k at least `ceil(n / GROUP)`."""
        found = self.scale(functional.pad(rows.transpose(1, 2), (0, GROUP - 1)))
        for layer in self.layers:
            found = layer(found)
        middle = functional.avg_pool1d(found, 2, 2)
        around = functional.avg_pool1d(found, 16, 2, 7, count_include_pad=False)
        strongest = functional.max_pool1d(found, 16, 2, 7)
        logits: Tensor = self.last(self.loose(functional.relu(self.inner(torch.cat([middle, around, strongest], 1)))))
        return logits[:, 0]


class Flat(nn.Module):
    """The network as it is exported: `features` `[n, WIDTH]` to `score` `[k]`."""

    def __init__(self, network: MomentsNetwork) -> None:
        """Wrap `network`."""
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits of one recording."""
        logits: Tensor = self.network(features[None])
        return logits[0]


def teach(found: Sequence[Example], pace: Pace, done: Callable[[float], None]) -> MomentsNetwork:
    """Return a network trained on `found`; both classes of segment weigh the same."""
    torch.manual_seed(pace.seed)
    rng = np.random.default_rng(pace.seed)
    network = MomentsNetwork().train()
    steps = pace.epochs * -(-len(found) // pace.batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=pace.rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, pace.rate, total_steps=steps)
    labels = [segment_labels(one.spans, count=len(one.moments)) for one in found]
    share = float(np.concatenate(labels).mean())
    weight = torch.tensor([1.0, (1 - share) / share])
    for epoch in range(pace.epochs):
        order = rng.permutation(len(found))
        for start in range(0, len(found), pace.batch):
            rows, wanted, counts = _batch([(found[i], labels[i]) for i in order[start : start + pace.batch]], rng)
            logits = network(rows)[:, : wanted.shape[1]]
            losses = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
            loss = (losses * counts * weight[wanted.long()]).sum() / counts.sum()
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimiser.step()
            schedule.step()
        done((epoch + 1) / pace.epochs)
    return network.eval()


def _batch(chosen: Sequence[tuple[Example, NDArray[np.bool_]]], rng: np.random.Generator) -> tuple[Tensor, ...]:
    """Return rows `[b, n, WIDTH]`, labels `[b, k]` and which are no padding `[b, k]`; bands are masked at random."""
    longest = max(len(one.moments) for one, _ in chosen)
    rows = np.zeros((len(chosen), longest, WIDTH), np.float32)
    wanted = np.zeros((len(chosen), -(-longest // GROUP)), np.float32)
    counts = np.zeros_like(wanted)
    for place, (one, label) in enumerate(chosen):
        rows[place, : len(one.moments)] = one.moments
        wanted[place, : len(label)], counts[place, : len(label)] = label, 1.0
        first = int(rng.integers(WIDTH))
        rows[place, :, first : first + int(rng.integers(1, 16))] = 0.0
    rows *= rng.uniform(0.9, 1.1, (len(chosen), 1, 1)).astype(np.float32)
    return torch.from_numpy(rows), torch.from_numpy(wanted), torch.from_numpy(counts)


def scores(network: MomentsNetwork, found: Sequence[Example]) -> list[F64]:
    """Return the raw score of each 160 ms of each example."""
    with torch.inference_mode():
        flat = Flat(network.eval())
        return [flat(torch.from_numpy(one.moments)).double().numpy()[: -(-len(one.moments) // GROUP)] for one in found]


def onnx_of(network: MomentsNetwork) -> Exported:
    """Return `network` as ONNX. Raises `TrainingError` unless ONNX Runtime gives torch's scores to 1e-4."""
    flat = Flat(network.cpu().eval()).eval()
    golden = golden_input(WIDTH)
    long = np.random.default_rng(0).standard_normal((403, WIDTH)).astype(np.float32)
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter by tracing is deprecated; its follower needs onnxscript
        torch.onnx.export(
            flat,
            (torch.from_numpy(long),),
            buffer,  # type: ignore[arg-type] # the exporter by tracing writes to one, the follower's signature hides it
            dynamo=False,
            input_names=["features"],
            output_names=["score"],
            dynamic_axes={"features": {0: "n"}, "score": {0: "k"}},
            opset_version=OPSET,
        )
        own = [np.asarray(flat(torch.from_numpy(rows)).double().numpy()) for rows in (long, golden)]
    data = buffer.getvalue()
    if not np.allclose(onnx_scores(data, long), own[0], rtol=1e-4, atol=1e-4):
        msg = "the exported network does not give torch's scores: their versions do not fit"
        raise TrainingError(msg)
    return Exported(data=data, inputs=WIDTH, own=own[1])
