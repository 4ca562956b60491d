"""What every network has in common, and the parts that several share."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 (the error alone: `weights_only` raises it)
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...finding import ModelError

WINDOW = 64_600
"""Samples that a network hears at a time, about four seconds: those of AASIST, so that all are comparable."""


class Network(nn.Module):
    """Features `[batch, rows, width]` of `SAMPLES` samples to logits `[batch, 2]`, spoof first, bona fide second."""

    FRONTEND: ClassVar[str]
    SAMPLES: ClassVar[int] = WINDOW
    PAPER: ClassVar[str]


class Halved(Network):
    """A network of an encoder below and layers above, which can be taught alone while the encoder is kept as it is.

    It hears windows of any length: `SAMPLES` unless it is taught on others. `width` is that of the encoder's rows.
    """

    width: int

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits of `features`."""
        return self.upper(self.lower(features))

    def lower(self, features: Tensor) -> Tensor:
        """Return what the encoder makes of `features`, `[batch, rows, width]`."""
        raise NotImplementedError

    def upper(self, told: Tensor) -> Tensor:
        """Return the logits of what `lower` gave."""
        raise NotImplementedError

    def encoder_parts(self) -> tuple[nn.Module, ...]:
        """Return the modules that `lower` runs through."""
        raise NotImplementedError


class Upper(nn.Module):
    """The layers above a network's encoder, as a network of their own."""

    def __init__(self, network: Halved) -> None:
        """Teach what lies above the encoder of `network`; nothing in the encoder learns."""
        super().__init__()
        self.network = network
        for part in network.encoder_parts():
            part.requires_grad_(requires_grad=False)

    def forward(self, told: Tensor) -> Tensor:
        """Return the logits of what the encoder told."""
        return self.network.upper(told)


def load_weights(network: nn.Module, path: Path) -> None:
    """Give `network` the weights in `path`, those below the smallest normal number as 0.

    The attention of both published AASISTs has decayed to such: they say nothing, and make a processor 14 times slower.
    Raises `ModelError` if `path` cannot be read as tensors alone, or if a tensor is missing, left over or of another
    shape.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict({name: _normal(value) for name, value in state.items()}, strict=True)
    except (OSError, RuntimeError, ValueError, TypeError, AttributeError, EOFError, KeyError, UnpicklingError) as error:
        kind = type(network).__name__
        msg = f"expected an {kind} checkpoint of this size in {path}, got {type(error).__name__}: {error}"
        raise ModelError(msg) from error


def _normal(value: Tensor) -> Tensor:
    """Return `value` with 0 for numbers that are too small for full precision."""
    return torch.where(value.abs() < torch.finfo(value.dtype).tiny, 0, value) if value.is_floating_point() else value


class Scored(nn.Module):
    """A network as it is shipped: flat features `[n, rows * width]` to one score `[n, 1]`, higher = spoof."""

    def __init__(self, network: nn.Module, *, width: int) -> None:
        """Wrap `network`, whose rows are `width` wide."""
        super().__init__()
        self.network = network
        self.width = width

    def forward(self, features: Tensor) -> Tensor:
        """Return the difference of the logits, spoof less bona fide."""
        logits: Tensor = self.network(features.reshape(features.shape[0], -1, self.width))
        return logits[:, :1] - logits[:, 1:]


class Squeeze(nn.Module):
    """Squeeze and excitation: each channel scaled by what all channels say on average (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, *, inside: int) -> None:
        """Make the block for maps `[batch, channels, ...]`."""
        super().__init__()
        self.narrow = nn.Linear(channels, inside)
        self.widen = nn.Linear(inside, channels)

    def forward(self, maps: Tensor) -> Tensor:
        """Return `maps` scaled."""
        mean = maps.flatten(2).mean(dim=2)
        scale = torch.sigmoid(self.widen(functional.relu(self.narrow(mean))))
        return maps * scale.reshape(*scale.shape, *(1 for _ in maps.shape[2:]))


class AttentivePool(nn.Module):
    """Attentive statistics: weighted mean and deviation over time (Okabe et al., Interspeech 2018)."""

    def __init__(self, channels: int, *, inside: int) -> None:
        """Make the pool for `[batch, channels, time]`."""
        super().__init__()
        self.attend = nn.Sequential(nn.Conv1d(channels, inside, 1), nn.Tanh(), nn.Conv1d(inside, channels, 1))

    def forward(self, rows: Tensor) -> Tensor:
        """Return `[batch, 2 * channels]`."""
        weight = torch.softmax(self.attend(rows), dim=2)
        mean = (weight * rows).sum(dim=2)
        variance = (weight * (rows - mean[:, :, None]) ** 2).sum(dim=2)
        return torch.cat([mean, torch.sqrt(variance.clamp(min=1e-6))], dim=1)
