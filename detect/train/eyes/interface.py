"""What every network that looks has in common: how it is asked, and where it looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and spread of the colours that backbones were taught on."""
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class Eye(nn.Module):
    """Crops `[batch, 3, SIDE, SIDE]`, RGB in 0..1, to logits `[batch, 2]`, spoof first, bona fide second."""

    SIDE: ClassVar[int]
    MARGIN: ClassVar[float] = 0.15
    """How far a crop reaches beyond forehead and chin, in sides of the face."""
    PAPER: ClassVar[str]

    def where(self, crops: Tensor) -> Tensor:
        """Return what each place adds to the score, `[batch, h, w]`; networks without places give one, the score."""
        logits: Tensor = self(crops)
        return (logits[:, 0] - logits[:, 1])[:, None, None]


class Mapped(Eye):
    """An eye whose answer is a line through the mean of its last maps, so that each place's share of it is known.

    The shares are the class activation map of Zhou et al., "Learning deep features for discriminative localization",
    CVPR 2016; their mean is the score itself.
    """

    COLOURS: ClassVar[tuple[tuple[float, float, float], tuple[float, float, float]]] = IMAGENET

    def __init__(self, channels: int, *, drop: float = 0.2) -> None:
        """Make the head for maps of `channels`."""
        super().__init__()
        mean, spread = (torch.tensor(values)[None, :, None, None] for values in self.COLOURS)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("spread", spread, persistent=False)
        self.mean: Tensor
        self.spread: Tensor
        self.drop, self.head = nn.Dropout(drop), nn.Linear(channels, 2)

    def maps(self, crops: Tensor) -> Tensor:
        """Return the last maps `[batch, channels, h, w]` of standardised `crops`."""
        raise NotImplementedError

    def forward(self, crops: Tensor) -> Tensor:
        """Return the logits."""
        maps = self.maps((crops - self.mean) / self.spread)
        logits: Tensor = self.head(self.drop(maps.mean(dim=(2, 3))))
        return logits

    def where(self, crops: Tensor) -> Tensor:
        """Return what each place adds to the score, `[batch, h, w]`; the mean over places is the score."""
        maps = self.maps((crops - self.mean) / self.spread)
        line, offset = self.head.weight[0] - self.head.weight[1], self.head.bias[0] - self.head.bias[1]
        return torch.einsum("bchw,c->bhw", maps, line) + offset


class Several(Eye):
    """Eyes of one kind that were taught on different people: the mean of what they say and of where they look."""

    def __init__(self, eyes: Sequence[Eye]) -> None:
        """Ask all of `eyes`."""
        super().__init__()
        self.SIDE, self.MARGIN, self.PAPER = eyes[0].SIDE, eyes[0].MARGIN, eyes[0].PAPER  # type: ignore[misc]
        self.eyes = nn.ModuleList(eyes)

    def forward(self, crops: Tensor) -> Tensor:
        """Return the mean of the logits."""
        return torch.stack([eye(crops) for eye in self.eyes]).mean(dim=0)

    def where(self, crops: Tensor) -> Tensor:
        """Return the mean of what each place adds to the score."""
        found = [eye.where(crops) for eye in self.eyes if isinstance(eye, Eye)]
        return torch.stack(found).mean(dim=0)


class Shown(nn.Module):
    """An eye as it is shipped: flat crops `[n, 3 * SIDE * SIDE]` to `score` `[n, 1]`, higher = spoof, and `map`."""

    def __init__(self, eye: Eye) -> None:
        """Wrap `eye`."""
        super().__init__()
        self.eye = eye

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the score, and what each place adds to it, `[n, h, w]`."""
        side = self.eye.SIDE
        where = self.eye.where(features.reshape(-1, 3, side, side))
        return where.mean(dim=(1, 2))[:, None], where
