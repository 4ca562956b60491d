"""LRNet: two small recurrent networks, one on landmarks over time and one on their differences from frame to frame.

Sun, Han, Hua, Ruan & Jia, "Improving the efficiency and robustness of deepfakes detection through precise geometric
features", CVPR 2021, arXiv:2104.04480, section 3.3. The tensors of its published networks load whole. What tensors
do not tell is decided so: the last states of both directions are joined (the paper's own Keras layers do); between the
two lines of the residual block stands GELU, as in the block of vision transformers whose names the tensors bear.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ....media.errors import InputError
from ...visual.landmarks import IBUG, WINDOW
from ..export import onnx_scores, traced
from ..loop import Lesson
from ..table import TrainingError
from .interface import load_weights

WIDTH, UNITS = 2 * len(IBUG), 32
"""Numbers of a frame, and states of each direction."""
INPUTS = WINDOW * WIDTH
OUTPUTS = ("score", "branches")
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


class FeedForward(nn.Module):
    """Two lines with a bend between them."""

    def __init__(self, width: int, drop: float) -> None:
        """Make the lines, `width` wide."""
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.Dropout(drop), nn.Linear(width, width), nn.Dropout(drop)
        )

    def forward(self, state: Tensor) -> Tensor:
        """Return what they make of `state`."""
        out: Tensor = self.net(state)
        return out


class Residual(nn.Module):
    """Adds to its input what `fn` makes of it."""

    def __init__(self, fn: nn.Module) -> None:
        """Wrap `fn`."""
        super().__init__()
        self.fn = fn

    def forward(self, state: Tensor) -> Tensor:
        """Return the sum."""
        out: Tensor = state + self.fn(state)
        return out


class Branch(nn.Module):
    """One network: series `[batch, frames, 136]` to logits `[batch, 2]`, real first, fake second, as published."""

    def __init__(self, *, drop_landmarks: float = 0.1, drop: float = 0.5) -> None:
        """Make the network with random weights; its tensors bear the published names."""
        super().__init__()
        self.hidden_state = nn.Parameter(torch.randn(2, 1, UNITS))
        self.drop = nn.Dropout(drop_landmarks)
        self.gru = nn.GRU(WIDTH, UNITS, batch_first=True, bidirectional=True)
        self.dense = nn.Sequential(
            nn.Dropout(drop), Residual(FeedForward(2 * UNITS, drop)), nn.Dropout(drop), nn.Linear(2 * UNITS, 2)
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Return the logits."""
        start = self.hidden_state.expand(-1, frames.shape[0], -1).contiguous()
        _, last = self.gru(self.drop(frames), start)
        logits: Tensor = self.dense(torch.cat([last[0], last[1]], dim=1))
        return logits


class LRNet(Lesson):
    """Both branches: flat windows `[batch, 60 * 136]` to logits `[batch, 2]`, spoof first and bona fide second.

    Before the branches the mean face is taken off and both are divided by a spread: 0 and 1 for the published networks,
    which take landmarks as they are; those of the material for a network that is trained here.
    """

    PAPER: ClassVar[str] = "Sun et al.: Improving the efficiency and robustness of deepfakes detection, CVPR 2021"

    def __init__(self) -> None:
        """Make both branches with random weights."""
        super().__init__()
        self.landmarks, self.differences = Branch(), Branch()
        self.register_buffer("middle", torch.zeros(WIDTH))
        self.register_buffer("spreads", torch.ones(2))
        self.middle: Tensor
        self.spreads: Tensor

    def standardised(self, middle: F32, spreads: tuple[float, float]) -> LRNet:
        """Take off the mean face `middle` `[136]`, and divide landmarks and differences by their `spreads`."""
        self.middle.copy_(torch.from_numpy(np.asarray(middle, np.float32)))
        self.spreads.copy_(torch.tensor(spreads, dtype=torch.float32))
        return self

    def branches(self, features: Tensor) -> Tensor:
        """Return each branch's log odds of fake, `[batch, 2]`, landmarks first."""
        frames = features.reshape(-1, WINDOW, WIDTH)
        steps = (frames[:, 1:] - frames[:, :-1]) / self.spreads[1]
        told = (self.landmarks((frames - self.middle) / self.spreads[0]), self.differences(steps))
        return torch.stack([logits[:, 1] - logits[:, 0] for logits in told], dim=1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits of the mean of both branches' probabilities."""
        odds = self.branches(features)
        return torch.stack([torch.logsumexp(functional.logsigmoid(way), dim=1) for way in (odds, -odds)], dim=1)

    def loss(self, batch: Sequence[Tensor]) -> Tensor:
        """Return the sum of the branches' own losses: each learns alone, as in the paper."""
        features, label = batch
        odds = self.branches(features)
        fake = (label == 0).float()[:, None].expand_as(odds)
        return functional.binary_cross_entropy_with_logits(odds, fake) * odds.shape[1]


class Shown(nn.Module):
    """LRNet as it is shipped: flat windows to `score` `[n, 1]`, higher = spoof, and each branch's log odds `[n, 2]`."""

    def __init__(self, network: LRNet) -> None:
        """Wrap `network`."""
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the score and the branches."""
        logits = self.network(features)
        return (logits[:, 0] - logits[:, 1])[:, None], self.network.branches(features)


def load_published(landmarks: Path, differences: Path) -> LRNet:
    """Return the network of the two published files, ready to judge.

    Raises `ModelError` if a file is no such checkpoint, or a tensor is missing, unknown or of another shape.
    """
    network = LRNet()
    for branch, path in ((network.landmarks, landmarks), (network.differences, differences)):
        load_weights(branch, path)
    return network.eval()


def to_onnx(network: LRNet) -> bytes:
    """Return the network as ONNX: `features` `[n, 8160]` to `score` `[n, 1]` and `branches` `[n, 2]`.

    Raises `TrainingError` unless ONNX Runtime gives torch's scores to 1e-4.
    """
    features = np.random.default_rng(0).uniform(-1, 1, (3, INPUTS)).astype(np.float32)
    data = traced(Shown(network).eval(), features[:2], OUTPUTS)
    own, found = torch_scores(network, features), onnx_scores(data, features)
    if not np.allclose(found, own, rtol=1e-4, atol=1e-4):
        msg = f"the exported network gives {found.tolist()}, torch {own.tolist()}: their versions do not fit"
        raise TrainingError(msg)
    return data


def torch_scores(network: LRNet, features: F32) -> F64:
    """Return torch's scores of flat windows `[n, 8160]`, `[n]`. Raises `InputError` for another width."""
    if features.ndim != 2 or features.shape[1] != INPUTS:
        msg = f"expected windows [n, {INPUTS}], got {features.shape}"
        raise InputError(msg)
    with torch.inference_mode():
        return np.asarray(Shown(network.cpu().eval())(torch.from_numpy(features))[0].double().numpy()).reshape(-1)
