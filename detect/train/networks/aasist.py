"""AASIST: raw speech to bona fide or spoof, by graph attention over frequency and time.

Jung et al., "AASIST: audio anti-spoofing using integrated spectro-temporal graph attention networks", ICASSP 2022.
The published checkpoints (LA 2019, its light form, ASVspoof 5) load without a key left over, and give the published
implementation's logits; tests hold both. Two ways of that implementation are kept because its weights need them: a
residual block's first normalisation does not reach its convolution, and the sinc filters are fixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ...finding import ModelError
from .graph import GraphAttention, GraphPool, HeterogeneousAttention
from .interface import WINDOW, Halved, load_weights

RATE = 16_000
"""Hertz."""
SAMPLES = WINDOW
"""Samples that the network hears at a time, about four seconds."""
FILTERS = 70
TAPS = 129


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How wide the network is: `encoder` widths, graph widths `graph`, and the shares of nodes that pools keep."""

    encoder: tuple[int, int] = (32, 64)
    graph: tuple[int, int] = (64, 32)
    keep: tuple[float, float, float] = (0.5, 0.7, 0.5)
    temperatures: tuple[float, float, float] = (2.0, 2.0, 100.0)


SHAPES = MappingProxyType(
    {"aasist": Shape(), "aasist-l": Shape(encoder=(32, 24), graph=(24, 32), keep=(0.4, 0.5, 0.7))}
)
"""The paper's two sizes: 297,866 and 85,306 parameters."""


def mel_filters(count: int = FILTERS) -> NDArray[np.float32]:
    """Return `count` windowed band-passes whose edges lie evenly on the mel scale, float32 `[count, 1, TAPS]`.

    Computed in single precision as the published networks were trained: it moves their logits by up to 1e-4.
    """
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 2 * 700 * (10 ** (np.linspace(0, top, count + 1) / 2595) - 1)
    times = np.arange(TAPS, dtype=np.float32) - (TAPS - 1) // 2
    phases = edges.astype(np.float32)[:, None] * times / np.float32(RATE)
    low_passes = (edges / RATE).astype(np.float32)[:, None] * np.sinc(phases).astype(np.float32)
    return np.asarray((low_passes[1:] - low_passes[:-1]) * np.hamming(TAPS).astype(np.float32))[:, None]


class SincBank(nn.Module):
    """Fixed band-passes, `[batch, samples]` to `[batch, count, samples - TAPS + 1]`."""

    def __init__(self, count: int = FILTERS) -> None:
        """Compute the filters; they are no parameters."""
        super().__init__()
        self.register_buffer("bands", torch.from_numpy(mel_filters(count)), persistent=False)

    def forward(self, sound: Tensor) -> Tensor:
        """Return the sound in each band."""
        return functional.conv1d(sound[:, None], self.get_buffer("bands"))


class Block(nn.Module):
    """A residual block of two convolutions that thirds the time axis."""

    def __init__(self, inside: int, outside: int, *, first: bool = False) -> None:
        """Make the block; the `first` one has no normalisation in front."""
        super().__init__()
        if not first:
            self.bn1 = nn.BatchNorm2d(inside)  # in the published weights, without effect on what comes out
        self.conv1 = nn.Conv2d(inside, outside, (2, 3), padding=(1, 1))
        self.bn2 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, (2, 3), padding=(0, 1))
        if inside != outside:
            self.conv_downsample = nn.Conv2d(inside, outside, (1, 3), padding=(0, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps `[batch, outside, bands, time // 3]`."""
        straight = self.conv_downsample(maps) if hasattr(self, "conv_downsample") else maps
        bent = self.conv2(functional.selu(self.bn2(self.conv1(maps))))
        return functional.max_pool2d(bent + straight, (1, 3))


class Aasist(Halved):
    """The network: `[batch, SAMPLES]` or `[batch, SAMPLES, 1]` at `RATE` to logits `[batch, 2]`, spoof first.

    Its graphs have as many nodes as the sound has times, so that it can be taught on windows of another length.
    """

    FRONTEND: ClassVar[str] = "raw"
    PAPER: ClassVar[str] = "Jung et al.: AASIST, audio anti-spoofing by spectro-temporal graph attention, ICASSP 2022"

    def __init__(self, shape: Shape | None = None) -> None:
        """Make the network with random weights."""
        super().__init__()
        shape = shape or Shape()
        narrow, wide = shape.encoder
        self.width = wide
        inner, outer = shape.graph
        spectral, temporal, mixed = shape.temperatures
        self.conv_time = SincBank()
        self.first_bn = nn.BatchNorm2d(1)
        widths = [(1, narrow), (narrow, narrow), (narrow, wide), (wide, wide), (wide, wide), (wide, wide)]
        self.encoder = nn.Sequential(
            *(nn.Sequential(Block(a, b, first=place == 0)) for place, (a, b) in enumerate(widths))
        )
        self.pos_S = nn.Parameter(torch.randn(1, FILTERS // 3, wide))
        self.master1 = nn.Parameter(torch.randn(1, 1, inner))
        self.master2 = nn.Parameter(torch.randn(1, 1, inner))
        self.GAT_layer_S = GraphAttention(wide, inner, temperature=spectral)
        self.GAT_layer_T = GraphAttention(wide, inner, temperature=temporal)
        self.HtrgGAT_layer_ST11 = HeterogeneousAttention(inner, outer, temperature=mixed)
        self.HtrgGAT_layer_ST12 = HeterogeneousAttention(outer, outer, temperature=mixed)
        self.HtrgGAT_layer_ST21 = HeterogeneousAttention(inner, outer, temperature=mixed)
        self.HtrgGAT_layer_ST22 = HeterogeneousAttention(outer, outer, temperature=mixed)
        self.pool_S = GraphPool(inner, share=shape.keep[0])
        self.pool_T = GraphPool(inner, share=shape.keep[1])
        self.pool_hS1, self.pool_hT1, self.pool_hS2, self.pool_hT2 = (
            GraphPool(outer, share=shape.keep[2]) for _ in range(4)
        )
        self.drop_way = nn.Dropout(0.2)
        self.drop = nn.Dropout(0.5)
        self.out_layer = nn.Linear(5 * outer, 2)

    def lower(self, sound: Tensor) -> Tensor:
        """Return what the graphs begin with, `[batch, bands + times, encoder's width]`.

        First each band's largest over time, then each time's largest over bands.
        """
        wave = sound.reshape(sound.shape[0], -1)
        bands = functional.max_pool2d(self.conv_time(wave)[:, None].abs(), (3, 3))
        maps = self.encoder(functional.selu(self.first_bn(bands))).abs()
        return torch.cat([maps.amax(dim=3), maps.amax(dim=2)], dim=2).transpose(1, 2)

    def upper(self, told: Tensor) -> Tensor:
        """Return the logits of what `lower` gave."""
        logits: Tensor = self.out_layer(self.drop(self._embedding(told)))
        return logits

    def encoder_parts(self) -> tuple[nn.Module, ...]:
        """Return the modules that `lower` runs through."""
        return self.conv_time, self.first_bn, self.encoder

    def _embedding(self, told: Tensor) -> Tensor:
        """Return what the last layer sees, `[batch, 5 * graph width]`."""
        bands = self.pos_S.shape[1]
        spectral = self.pool_S(self.GAT_layer_S(told[:, :bands] + self.pos_S))
        temporal = self.pool_T(self.GAT_layer_T(told[:, bands:]))
        left = self._branch(temporal, spectral, "1")
        right = self._branch(temporal, spectral, "2")
        time, band, stack = (
            torch.maximum(self.drop_way(a), self.drop_way(b)) for a, b in zip(left, right, strict=True)
        )
        parts = [time.abs().amax(dim=1), time.mean(dim=1), band.abs().amax(dim=1), band.mean(dim=1), stack.squeeze(1)]
        return torch.cat(parts, dim=1)

    def _branch(self, temporal: Tensor, spectral: Tensor, which: str) -> tuple[Tensor, Tensor, Tensor]:
        """Return one of the two branches' temporal nodes, spectral nodes and stack node."""
        stack = getattr(self, f"master{which}").expand(temporal.shape[0], -1, -1)
        time, band, stack = getattr(self, f"HtrgGAT_layer_ST{which}1")(temporal, spectral, stack)
        band, time = getattr(self, f"pool_hS{which}")(band), getattr(self, f"pool_hT{which}")(time)
        more = getattr(self, f"HtrgGAT_layer_ST{which}2")(time, band, stack)
        return time + more[0], band + more[1], stack + more[2]


class AasistLight(Aasist):
    """The paper's small network, AASIST-L."""

    def __init__(self) -> None:
        """Make the network with random weights."""
        super().__init__(SHAPES["aasist-l"])


def load_published(path: Path, shape: Shape | None = None) -> Aasist:
    """Return the network with a published checkpoint's weights, ready to judge.

    Raises `ModelError` if `path` cannot be read as tensors alone, or if a tensor is missing, left over or of another
    shape.
    """
    network = Aasist(shape)
    load_weights(network, path)
    return network.eval()


def repeated(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the first `SAMPLES` of `samples` `[n]`, repeated end to end if shorter.

    Raises `ModelError` if there are none.
    """
    if not samples.size:
        msg = "expected at least one sample for AASIST, got none: skip silence and empty files before"
        raise ModelError(msg)
    return np.resize(samples, SAMPLES)
