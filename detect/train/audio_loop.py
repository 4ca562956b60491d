"""One network's training by Lightning, which goes on after a kill as if nothing had happened."""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from ..audio.frontends import front_end
from .audio_crops import Balanced, Crops, Heard, balance
from .networks.gmm import LfccGmm
from .networks.interface import Network

F64 = NDArray[np.float64]
CHECKPOINT = "last.ckpt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How to train: `epochs`, windows in a `batch`, learning `rate`, `device` (auto, cpu or gpu), `seed`, `workers`."""

    epochs: int = 20
    batch: int = 32
    rate: float = 1e-3
    device: str = "auto"
    seed: int = 1
    workers: int = 0
    """Processes that read and compute features beside the one that trains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training: its `pace`, the `folder` of its checkpoint, and who is `told` how much of it is done, 0..1."""

    pace: Pace
    folder: Path
    told: Callable[[float], None] = lambda _done: None


class Learner(lightning.LightningModule):
    """A network with its loss (cross entropy) and its optimiser (AdamW, the rate falling along a cosine)."""

    def __init__(self, network: Network, pace: Pace) -> None:
        """Teach `network` at `pace`."""
        super().__init__()
        self.network, self.pace = network, pace

    def on_train_epoch_start(self) -> None:
        """Seed dropout and set the rate by the epoch alone, so that a resumed run does what an unbroken one does."""
        torch.manual_seed(self.pace.seed * 100_003 + self.current_epoch)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.pace.rate * (1 + math.cos(math.pi * self.current_epoch / self.pace.epochs)) / 2

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Return the loss of a batch."""
        features, label = batch
        return functional.cross_entropy(self.network(features), label)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimiser."""
        learning = [weight for weight in self.network.parameters() if weight.requires_grad]
        return torch.optim.AdamW(learning, lr=self.pace.rate, weight_decay=1e-4)


class Kept(Callback):
    """Writes the checkpoint after each epoch by way of a temporary name, and tells how far training is."""

    def __init__(self, folder: Path, told: Callable[[float], None]) -> None:
        """Keep the checkpoint in `folder`."""
        self._folder, self._told = folder, told

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write, then tell."""
        temporary = self._folder / f"{CHECKPOINT}.tmp"
        trainer.save_checkpoint(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(self._folder / CHECKPOINT)
        self._told((trainer.current_epoch + 1) / (trainer.max_epochs or 1))


def teach(network: Network, crops: Crops, chosen: NDArray[np.int64], run: Run) -> Network:
    """Return `network` taught on the windows numbered `chosen`, ready to judge.

    The checkpoint in the run's folder is gone on with if there is one. Mixtures are fitted at once, from an even draw.
    """
    pace, heard = run.pace, Heard(crops, chosen, front_end(type(network).FRONTEND))
    batch = min(pace.batch, len(chosen))
    count = max(1, len(chosen) // batch) * batch
    sampler = Balanced(balance(crops, chosen), count=count, seed=pace.seed)
    if isinstance(network, LfccGmm):
        return _fitted(network, heard, sampler, pace.seed)
    run.folder.mkdir(parents=True, exist_ok=True)
    own = torch.Generator()  # else the loader draws from the same source as dropout, and when depends on resuming
    loader = DataLoader(heard, batch_size=batch, sampler=sampler, num_workers=pace.workers, generator=own)
    checkpoint = run.folder / CHECKPOINT
    with _silence():
        trainer = lightning.Trainer(
            max_epochs=pace.epochs,
            accelerator=pace.device,
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            gradient_clip_val=1.0,
            callbacks=[Kept(run.folder, run.told)],
        )
        resumed = checkpoint if checkpoint.exists() else None
        trainer.fit(Learner(network, pace), loader, ckpt_path=resumed, weights_only=True)
    return network.cpu().eval()


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Lightning from advising on workers, loggers and its maker's services; errors still come."""
    log = logging.getLogger("lightning")
    parts = [log, *(logging.getLogger(f"lightning.{name}") for name in ("pytorch", "fabric"))]
    before = [part.level for part in parts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for part in parts:
                part.setLevel(logging.ERROR)
            yield
        finally:
            for part, level in zip(parts, before, strict=True):
                part.setLevel(level)


def _fitted(mixtures: LfccGmm, heard: Heard, sampler: Balanced, seed: int) -> LfccGmm:
    """Return `mixtures` fitted to an even draw of windows."""
    drawn = [heard[position] for position in sampler]
    rows = np.concatenate([features.numpy() for features, _ in drawn])
    spoof = np.repeat([int(label) == 0 for _, label in drawn], [len(features) for features, _ in drawn])
    mixtures.fit(rows, spoof, seed=seed).eval()
    return mixtures


def judge(network: Network, crops: Crops, chosen: NDArray[np.int64], *, pace: Pace) -> F64:
    """Return the scores of the windows numbered `chosen`: logit of spoof less that of bona fide, `[len(chosen)]`."""
    place = torch.device("cuda" if pace.device != "cpu" and torch.cuda.is_available() else "cpu")
    loader = DataLoader(Heard(crops, chosen, front_end(type(network).FRONTEND)), batch_size=pace.batch)
    network = network.to(place).eval()
    scores: list[NDArray[np.float64]] = []
    with torch.inference_mode():
        for features, _ in loader:
            logits = network(features.to(place)).double().cpu().numpy()
            scores.append(logits[:, 0] - logits[:, 1])
    network.cpu()
    return np.concatenate(scores) if scores else np.zeros(0)
