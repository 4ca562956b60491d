"""Networks that do not see the picture, but its noise or its bands of frequencies."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .interface import HALF, Mapped


class _Trunk(nn.Module):
    """Five blocks of two convolutions, the first at full size, for `inside` maps; gives 128."""

    def __init__(self, inside: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for width in (16, 32, 48, 96, 128):
            blocks.append(_block(inside, width))
            inside = width
        self.blocks = nn.Sequential(*blocks)

    def forward(self, maps: Tensor) -> Tensor:
        found: Tensor = self.blocks(maps)
        return found


def _block(inside: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inside, width, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class Srm(Mapped):
    """Residuals of three steganalysis filters on each colour, cut at two, then a small network."""

    SIDE = 224
    COLOURS = HALF
    PAPER = "Luo et al.: Generalizing face forgery detection with high-frequency features, CVPR 2021"

    def __init__(self) -> None:
        """Make the network with random weights; the filters are fixed (Fridrich and Kodovsky, IEEE TIFS 2012)."""
        super().__init__(128)
        self.register_buffer("filters", _srm().repeat(3, 1, 1)[:, None], persistent=False)
        self.trunk = _Trunk(9)

    def maps(self, crops: Tensor) -> Tensor:
        """Return the maps of the residuals."""
        residual = functional.conv2d(crops * 127.5, self.filters, padding=2, groups=3)  # type: ignore[arg-type]
        maps: Tensor = self.trunk(residual.clamp(-2, 2))
        return maps


def _srm() -> Tensor:
    """Return the filters of first, second and third order that Zhou et al. (CVPR 2018) chose, `[3, 5, 5]`."""
    second = torch.tensor([[-1.0, 2, -1], [2, -4, 2], [-1, 2, -1]]) / 4
    third = torch.tensor(
        [[-1.0, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]]
    )
    first = torch.zeros(5, 5)
    first[2, 1:4] = torch.tensor([1.0, -2, 1]) / 2
    return torch.stack([functional.pad(second, (1, 1, 1, 1)), third / 12, first])


class F3(Mapped):
    """The crop split into three bands of its cosine transform, each a picture again: F3-Net's first way.

    The bands' borders are fixed where F3-Net learns them, and its second way, local statistics, is left out.
    """

    SIDE = 176
    COLOURS = HALF
    PAPER = "Qian et al.: Thinking in frequency: face forgery detection by mining frequency-aware clues, ECCV 2020"

    def __init__(self) -> None:
        """Make the network with random weights."""
        super().__init__(128)
        steps = torch.arange(self.SIDE, dtype=torch.float64)
        cosines = torch.cos(math.pi / self.SIDE * (steps[None] + 0.5) * steps[:, None]) * math.sqrt(2 / self.SIDE)
        cosines[0] /= math.sqrt(2)
        reach = (steps[:, None] + steps[None]) / self.SIDE
        edges = (0.0, 1 / 16, 1 / 8, 2.0)
        bands = [(reach >= low) & (reach < high) for low, high in itertools.pairwise(edges)]
        self.register_buffer("cosines", cosines.float(), persistent=False)
        self.register_buffer("bands", torch.stack(bands).float(), persistent=False)
        self.trunk = _Trunk(9)

    def maps(self, crops: Tensor) -> Tensor:
        """Return the maps of the three bands."""
        cosines: Tensor = self.cosines  # type: ignore[assignment]
        bands: Tensor = self.bands  # type: ignore[assignment]
        spectrum = cosines @ crops @ cosines.T
        split = torch.cat([cosines.T @ (spectrum * band) @ cosines for band in bands], dim=1)
        maps: Tensor = self.trunk(split)
        return maps
