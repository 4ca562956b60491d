"""ECAPA-TDNN, thin, on log-mel: channel attention, features of several depths, attentive statistics.

Desplanques, Thienpondt, Demuynck, "ECAPA-TDNN: emphasized channel attention, propagation and aggregation in TDNN based
speaker verification", Interspeech 2020; 256 channels instead of 512 or 1024.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from .interface import AttentivePool, Network, Squeeze

SCALE = 8
"""Groups of channels of a block, each of which hears the one before (Res2Net)."""


def _layer(inside: int, outside: int, size: int, *, dilation: int = 1) -> nn.Sequential:
    padding = dilation * (size // 2)
    convolution = nn.Conv1d(inside, outside, size, padding=padding, dilation=dilation)
    return nn.Sequential(convolution, nn.ReLU(), nn.BatchNorm1d(outside))


class SeRes2Block(nn.Module):
    """A dilated Res2Net block with squeeze and excitation, beside a straight way."""

    def __init__(self, channels: int, *, dilation: int) -> None:
        """Make the block."""
        super().__init__()
        part = channels // SCALE
        self.enter = _layer(channels, channels, 1)
        self.groups = nn.ModuleList(_layer(part, part, 3, dilation=dilation) for _ in range(SCALE - 1))
        self.leave = _layer(channels, channels, 1)
        self.squeeze = Squeeze(channels, inside=channels // 8)

    def forward(self, rows: Tensor) -> Tensor:
        """Return `[batch, channels, time]`."""
        first, *others = self.enter(rows).chunk(SCALE, dim=1)
        heard = [first]
        for layer, group in zip(self.groups, others, strict=True):
            heard.append(layer(group if len(heard) == 1 else group + heard[-1]))
        bent: Tensor = self.squeeze(self.leave(torch.cat(heard, dim=1)))
        return rows + bent


class Ecapa(Network):
    """Log-mel `[batch, rows, 80]`, each clip's mean taken off, to logits."""

    FRONTEND: ClassVar[str] = "log-mel"
    PAPER: ClassVar[str] = "Desplanques, Thienpondt, Demuynck: ECAPA-TDNN, Interspeech 2020"

    def __init__(self, channels: int = 256) -> None:
        """Make the network with random weights."""
        super().__init__()
        self.first = _layer(80, channels, 5)
        self.blocks = nn.ModuleList(SeRes2Block(channels, dilation=dilation) for dilation in (2, 3, 4))
        self.join = nn.Sequential(nn.Conv1d(3 * channels, 3 * channels, 1), nn.ReLU())
        self.pool = AttentivePool(3 * channels, inside=channels // 4)
        self.out = nn.Sequential(
            nn.BatchNorm1d(6 * channels), nn.Linear(6 * channels, 128), nn.ReLU(), nn.Linear(128, 2)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits."""
        level = features - features.mean(dim=1, keepdim=True)
        rows = self.first(level.transpose(1, 2))
        depths: list[Tensor] = []
        for block in self.blocks:
            rows = block(rows)
            depths.append(rows)
        logits: Tensor = self.out(self.pool(self.join(torch.cat(depths, dim=1))))
        return logits
