"""RawNet2: the wave through fixed band-passes, residual blocks that scale their maps, and a recurrent layer.

Tak et al., "End-to-end anti-spoofing with RawNet2", ICASSP 2021: two blocks of 20 maps and four of 128, feature map
scaling, a GRU of 1024. The paper's band-passes have 1024 taps; these are AASIST's of 129, at 20 bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from .aasist import SincBank
from .interface import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """How wide the network is: maps of the first two and the last four blocks, and the recurrent layer's units."""

    narrow: int = 20
    wide: int = 128
    recurrent: int = 1024
    layers: int = 3


class ScaledBlock(nn.Module):
    """Two convolutions beside a straight way, a third of the time, then each map scaled and shifted by its mean."""

    def __init__(self, inside: int, outside: int, *, first: bool = False) -> None:
        """Make the block; the `first` one has no normalisation in front."""
        super().__init__()
        self.before = nn.Identity() if first else nn.Sequential(nn.BatchNorm1d(inside), nn.LeakyReLU(0.3))
        self.bend = nn.Sequential(
            nn.Conv1d(inside, outside, 3, padding=1),
            nn.BatchNorm1d(outside),
            nn.LeakyReLU(0.3),
            nn.Conv1d(outside, outside, 3, padding=1),
        )
        self.straight = nn.Conv1d(inside, outside, 1) if inside != outside else nn.Identity()
        self.scale = nn.Linear(outside, outside)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps `[batch, outside, time // 3]`."""
        pooled = functional.max_pool1d(self.bend(self.before(maps)) + self.straight(maps), 3)
        scale = torch.sigmoid(self.scale(pooled.mean(dim=2)))[:, :, None]
        return pooled * scale + scale


class RawNet2(Network):
    """The wave `[batch, samples, 1]` to logits."""

    FRONTEND: ClassVar[str] = "raw"
    PAPER: ClassVar[str] = "Tak et al.: End-to-end anti-spoofing with RawNet2, ICASSP 2021"

    def __init__(self, widths: Widths | None = None) -> None:
        """Make the network with random weights."""
        super().__init__()
        widths = widths or Widths()
        self.bank = SincBank(widths.narrow)
        self.norm = nn.BatchNorm1d(widths.narrow)
        steps = [widths.narrow] * 3 + [widths.wide] * 4
        pairs = enumerate(pairwise(steps))
        self.blocks = nn.Sequential(*(ScaledBlock(a, b, first=place == 0) for place, (a, b) in pairs))
        self.last = nn.BatchNorm1d(widths.wide)
        self.recurrent = nn.GRU(widths.wide, widths.recurrent, widths.layers, batch_first=True)
        self.dense = nn.Linear(widths.recurrent, widths.recurrent)
        self.out = nn.Linear(widths.recurrent, 2)

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits."""
        bands = functional.max_pool1d(self.bank(features.squeeze(2)).abs(), 3)
        maps = self.blocks(functional.selu(self.norm(bands)))
        rows = functional.selu(self.last(maps)).transpose(1, 2)
        heard, _ = self.recurrent(rows)
        logits: Tensor = self.out(self.dense(heard[:, -1]))
        return logits
