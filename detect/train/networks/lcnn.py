"""LCNN: light convolutions that keep the larger of two maps, then recurrence over time.

Lavrentyeva et al., "STC antispoofing systems for the ASVspoof2019 challenge", Interspeech 2019, with the recurrent
layers and the mean over time of the ASVspoof 2021 baseline (Wang & Yamagishi, "A comparative study on recent neural
spoofing countermeasures for synthetic speech detection", Interspeech 2021).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from .interface import Network


class MaxMap(nn.Module):
    """Max-feature-map: the larger of the two halves of the channels."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return `[batch, channels // 2, ...]`."""
        first, second = maps.chunk(2, dim=1)
        return torch.maximum(first, second)


def _light(inside: int, outside: int, size: int) -> list[nn.Module]:
    """Return a convolution of `size` with max-feature-map."""
    return [nn.Conv2d(inside, 2 * outside, size, padding=size // 2), MaxMap()]


class Lcnn(Network):
    """LFCC `[batch, rows, 60]` to logits; nine light convolutions, two bidirectional LSTM, mean over time."""

    FRONTEND: ClassVar[str] = "lfcc"
    PAPER: ClassVar[str] = "Lavrentyeva et al.: STC antispoofing systems for ASVspoof2019, Interspeech 2019"

    def __init__(self) -> None:
        """Make the network with random weights."""
        super().__init__()
        self.maps = nn.Sequential(
            *_light(1, 32, 5),
            nn.MaxPool2d(2),
            *_light(32, 32, 1),
            nn.BatchNorm2d(32),
            *_light(32, 48, 3),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(48),
            *_light(48, 48, 1),
            nn.BatchNorm2d(48),
            *_light(48, 64, 3),
            nn.MaxPool2d(2),
            *_light(64, 64, 1),
            nn.BatchNorm2d(64),
            *_light(64, 32, 3),
            nn.BatchNorm2d(32),
            *_light(32, 32, 1),
            nn.BatchNorm2d(32),
            *_light(32, 32, 3),
            nn.MaxPool2d(2),
            nn.Dropout(0.7),
        )
        wide = 32 * (60 // 16)
        self.first = nn.LSTM(wide, wide // 2, batch_first=True, bidirectional=True)
        self.second = nn.LSTM(wide, wide // 2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(wide, 2)

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits."""
        maps = self.maps(features[:, None])
        rows = maps.transpose(1, 2).flatten(2)
        bent, _ = self.second(self.first(rows)[0])
        logits: Tensor = self.out((bent + rows).mean(dim=1))
        return logits
