"""A small SE-ResNet on log-mel: residual blocks whose channels weigh each other, attentive statistics over time.

After Lai et al., "ASSERT: anti-spoofing with squeeze-excitation and residual networks", Interspeech 2019; thin, so
that one core hears faster than people speak.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from .interface import AttentivePool, Network, Squeeze


class SeBlock(nn.Module):
    """Two convolutions of 3 x 3 with squeeze and excitation beside a straight way."""

    def __init__(self, inside: int, outside: int, *, stride: int) -> None:
        """Make the block."""
        super().__init__()
        self.bend = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outside),
            nn.ReLU(),
            nn.Conv2d(outside, outside, 3, padding=1, bias=False),
            nn.BatchNorm2d(outside),
            Squeeze(outside, inside=max(8, outside // 8)),
        )
        same = inside == outside and stride == 1
        self.straight = nn.Identity() if same else nn.Conv2d(inside, outside, 1, stride=stride, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps, smaller by `stride`."""
        return functional.relu(self.bend(maps) + self.straight(maps))


class SeResNet(Network):
    """Log-mel `[batch, rows, 80]` to logits; each clip's mean spectrum is taken off first: it is the microphone's."""

    FRONTEND: ClassVar[str] = "log-mel"
    PAPER: ClassVar[str] = "Lai et al.: ASSERT, anti-spoofing with squeeze-excitation and residual networks, 2019"

    def __init__(self, widths: tuple[int, int, int, int] = (16, 32, 64, 128)) -> None:
        """Make the network with random weights; two blocks of each of `widths`."""
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(1, widths[0], 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        blocks = []
        inside = widths[0]
        for place, width in enumerate(widths):
            blocks += [SeBlock(inside, width, stride=1 if place == 0 else 2), SeBlock(width, width, stride=1)]
            inside = width
        self.blocks = nn.Sequential(*blocks)
        wide = widths[-1] * 5  # 80 bands, halved four times
        self.pool = AttentivePool(wide, inside=64)
        self.out = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * wide, 2))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits."""
        level = features - features.mean(dim=1, keepdim=True)
        maps = self.blocks(self.first(level.transpose(1, 2)[:, None]))
        logits: Tensor = self.out(self.pool(maps.flatten(1, 2)))
        return logits
