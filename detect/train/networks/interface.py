"""What every network has in common, and the parts that several share."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

WINDOW = 64_600
"""Samples that a network hears at a time, about four seconds: those of AASIST, so that all are comparable."""


class Network(nn.Module):
    """Features `[batch, rows, width]` of `SAMPLES` samples to logits `[batch, 2]`, spoof first, bona fide second."""

    FRONTEND: ClassVar[str]
    SAMPLES: ClassVar[int] = WINDOW
    PAPER: ClassVar[str]


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
