"""One network's training by Lightning, which goes on after a kill as if nothing had happened: for ears and for eyes."""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler

CHECKPOINT = "last.ckpt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How to train: `epochs`, examples in a `batch`, learning `rate`, `device` (auto, cpu, gpu), `seed`, `workers`."""

    epochs: int = 20
    batch: int = 32
    rate: float = 1e-3
    device: str = "auto"
    seed: int = 1
    workers: int = 0
    """Processes that read and compute features beside the one that trains."""
    precision: str = "32-true"
    """Lightning's name of the numbers that are computed with, such as `16-mixed` or `bf16-mixed` on a GPU."""
    devices: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training: its `pace`, the `folder` of its checkpoint, and who is `told` how much of it is done, 0..1."""

    pace: Pace
    folder: Path
    told: Callable[[float], None] = lambda _done: None


class Lesson(nn.Module):
    """A network that knows its own loss."""

    def loss(self, batch: Sequence[Tensor]) -> Tensor:
        """Return the loss of a batch."""
        raise NotImplementedError


class Learner(lightning.LightningModule):
    """A network with its loss (cross entropy, or its own) and its optimiser (AdamW, a rate falling by cosine)."""

    def __init__(self, network: nn.Module, pace: Pace) -> None:
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
        if isinstance(self.network, Lesson):
            return self.network.loss(batch)
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


class Balanced(Sampler[int]):
    """Draws examples with given chances, the same ones each time for an epoch and a seed."""

    def __init__(self, weights: NDArray[np.float64], *, count: int, seed: int) -> None:
        """Draw `count` examples an epoch with chances proportional to `weights`."""
        self._chances, self._count, self._seed, self._epoch = weights / weights.sum(), count, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch is next: its draw depends on that and the seed alone, also after a resumption."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Return the draws in an epoch."""
        return self._count

    def __iter__(self) -> Iterator[int]:
        """Yield the positions of examples."""
        rng = np.random.default_rng([self._seed, self._epoch])
        yield from rng.choice(len(self._chances), self._count, p=self._chances).tolist()


def learn(network: nn.Module, data: Dataset[Any], sampler: Sampler[int], run: Run) -> None:
    """Teach `network`, which answers with logits, on what `sampler` draws of `data`: pairs of example and class.

    The checkpoint in the run's folder is gone on with if there is one. Afterwards the network judges on the processor.
    """
    pace = run.pace
    run.folder.mkdir(parents=True, exist_ok=True)
    own = torch.Generator()  # else the loader draws from the same source as dropout, and when depends on resuming
    loader = DataLoader(data, batch_size=pace.batch, sampler=sampler, num_workers=pace.workers, generator=own)
    checkpoint = run.folder / CHECKPOINT
    with _silence():
        trainer = lightning.Trainer(
            max_epochs=pace.epochs,
            accelerator=pace.device,
            devices=pace.devices,
            precision=pace.precision,  # type: ignore[arg-type] # a literal of theirs; what it does not know it refuses
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            gradient_clip_val=1.0,
            callbacks=[Kept(run.folder, run.told)],
        )
        resumed = checkpoint if checkpoint.exists() else None
        trainer.fit(Learner(network, pace), loader, ckpt_path=resumed, weights_only=True)
    network.cpu().eval()


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
