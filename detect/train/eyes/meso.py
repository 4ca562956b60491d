"""MesoNet's two networks, taught anew on this material; the published weights are `visual-mesonet`'s."""

from __future__ import annotations

import torch
from torch import Tensor

from ..networks.mesonet import SIDE as MESO_SIDE
from ..networks.mesonet import Kind, MesoNet
from .interface import Eye


class Meso4(Eye):
    """Four layers, 28 thousand weights."""

    SIDE = MESO_SIDE
    PAPER = "Afchar et al.: MesoNet: a compact facial video forgery detection network, IEEE WIFS 2018"
    KIND: Kind = "meso4"

    def __init__(self) -> None:
        """Make the network with random weights."""
        super().__init__()
        self.body = MesoNet(self.KIND)

    def forward(self, crops: Tensor) -> Tensor:
        """Return the logits; that of bona fide is 0."""
        spoof: Tensor = self.body(crops)
        return torch.cat([spoof, torch.zeros_like(spoof)], dim=1)


class MesoInception(Meso4):
    """The same with inception modules first."""

    KIND: Kind = "mesoinception"
