"""Graph attention over spectral and temporal nodes, and graph pooling: the parts of AASIST.

After Jung et al., "AASIST: audio anti-spoofing using integrated spectro-temporal graph attention networks",
ICASSP 2022, sections 3.2 and 3.3. Parameters carry the names of the published checkpoints, so that those load whole.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

DROPOUT = 0.2
"""Of node features, before attention."""


def _vector(size: int) -> nn.Parameter:
    """Return a learned attention vector, `[size, 1]`."""
    weight = torch.empty(size, 1)
    nn.init.xavier_normal_(weight)
    return nn.Parameter(weight)


def _normalised(norm: nn.BatchNorm1d, nodes: Tensor) -> Tensor:
    """Return `nodes` `[batch, n, width]`, batch-normalised over all nodes and activated by SELU."""
    flat: Tensor = norm(nodes.reshape(-1, nodes.shape[-1]))
    return functional.selu(flat.reshape(nodes.shape))


def _pairs(nodes: Tensor) -> Tensor:
    """Return the products of all pairs of nodes, `[batch, n, n, width]`."""
    return nodes[:, :, None, :] * nodes[:, None, :, :]


class GraphAttention(nn.Module):
    """Attention among nodes of one kind: `[batch, n, inside]` to `[batch, n, outside]`."""

    def __init__(self, inside: int, outside: int, *, temperature: float) -> None:
        """Make the layer; attention logits are divided by `temperature`."""
        super().__init__()
        self.temperature = temperature
        self.drop = nn.Dropout(DROPOUT)
        self.att_proj = nn.Linear(inside, outside)
        self.att_weight = _vector(outside)
        self.proj_with_att = nn.Linear(inside, outside)
        self.proj_without_att = nn.Linear(inside, outside)
        self.bn = nn.BatchNorm1d(outside)

    def forward(self, nodes: Tensor) -> Tensor:
        """Return the nodes after they attended to each other."""
        nodes = self.drop(nodes)
        logits = torch.tanh(self.att_proj(_pairs(nodes))) @ self.att_weight
        attention = torch.softmax(logits.squeeze(-1) / self.temperature, dim=-1)
        mixed = self.proj_with_att(attention @ nodes) + self.proj_without_att(nodes)
        return _normalised(self.bn, mixed)


class HeterogeneousAttention(nn.Module):
    """Attention among nodes of two kinds and one stack ("master") node that hears both."""

    def __init__(self, inside: int, outside: int, *, temperature: float) -> None:
        """Make the layer for nodes of width `inside`; it gives width `outside`."""
        super().__init__()
        self.temperature = temperature
        self.drop = nn.Dropout(DROPOUT)
        self.proj_type1 = nn.Linear(inside, inside)
        self.proj_type2 = nn.Linear(inside, inside)
        self.att_proj = nn.Linear(inside, outside)
        self.att_projM = nn.Linear(inside, outside)
        self.att_weight11 = _vector(outside)
        self.att_weight22 = _vector(outside)
        self.att_weight12 = _vector(outside)
        self.att_weightM = _vector(outside)
        self.proj_with_att = nn.Linear(inside, outside)
        self.proj_without_att = nn.Linear(inside, outside)
        self.proj_with_attM = nn.Linear(inside, outside)
        self.proj_without_attM = nn.Linear(inside, outside)
        self.bn = nn.BatchNorm1d(outside)

    def forward(self, first: Tensor, second: Tensor, stack: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the nodes of both kinds, `[batch, n1 or n2, outside]`, and the stack node, `[batch, 1, outside]`."""
        count = first.shape[1]
        nodes = self.drop(torch.cat([self.proj_type1(first), self.proj_type2(second)], dim=1))
        attention = self._attention(nodes, count)
        stack = self._heard(nodes, stack)
        mixed = _normalised(self.bn, self.proj_with_att(attention @ nodes) + self.proj_without_att(nodes))
        return mixed[:, :count], mixed[:, count:], stack

    def _attention(self, nodes: Tensor, count: int) -> Tensor:
        """Return who attends to whom, `[batch, n, n]`: one vector for each pairing of kinds."""
        pairs = torch.tanh(self.att_proj(_pairs(nodes)))
        top = torch.cat([pairs[:, :count, :count] @ self.att_weight11, pairs[:, :count, count:] @ self.att_weight12], 2)
        low = torch.cat([pairs[:, count:, :count] @ self.att_weight12, pairs[:, count:, count:] @ self.att_weight22], 2)
        logits = torch.cat([top, low], dim=1).squeeze(-1)
        return torch.softmax(logits / self.temperature, dim=-1)

    def _heard(self, nodes: Tensor, stack: Tensor) -> Tensor:
        """Return the stack node after it attended to all nodes."""
        logits: Tensor = torch.tanh(self.att_projM(nodes * stack)) @ self.att_weightM
        attention = torch.softmax(logits / self.temperature, dim=1)
        heard: Tensor = self.proj_with_attM(attention.transpose(1, 2) @ nodes) + self.proj_without_attM(stack)
        return heard


class GraphPool(nn.Module):
    """Keeps the share of nodes that a learned projection scores highest, each scaled by its score."""

    def __init__(self, width: int, *, share: float, dropout: float = 0.3) -> None:
        """Make the pool for nodes of `width`; `share` of them, at least one, are kept."""
        super().__init__()
        self.share = share
        self.drop = nn.Dropout(dropout)
        self.proj = nn.Linear(width, 1)

    def forward(self, nodes: Tensor) -> Tensor:
        """Return the kept nodes, `[batch, kept, width]`, best first."""
        scores = torch.sigmoid(self.proj(self.drop(nodes)))
        kept = max(int(nodes.shape[1] * self.share), 1)
        chosen = torch.topk(scores, kept, dim=1).indices.expand(-1, -1, nodes.shape[2])
        return torch.gather(nodes * scores, 1, chosen)
