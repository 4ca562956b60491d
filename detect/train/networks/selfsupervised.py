"""A head on a self-supervised speech encoder: wav2vec 2.0, HuBERT or WavLM.

Tak et al., "Automatic speaker verification spoofing and deepfake detection using wav2vec 2.0 and data augmentation",
Odyssey 2022; layers are weighed as in SUPERB (Yang et al., Interspeech 2021). The encoder comes from a folder in the
layout of transformers (`config.json`, `model.safetensors`); nothing is fetched.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...finding import ModelError
from .interface import AttentivePool, Network

KINDS = ("wav2vec2", "wavlm", "hubert")
"""Architectures whose `forward` takes the wave and gives all layers."""


class SelfSupervised(Network):
    """The wave `[batch, samples, 1]`, brought to unit variance, to logits."""

    FRONTEND: ClassVar[str] = "raw"
    PAPER: ClassVar[str] = "Tak et al.: Spoofing and deepfake detection using wav2vec 2.0, Odyssey 2022"

    def __init__(self, encoder: nn.Module | None = None, *, frozen: bool = True) -> None:
        """Put a random head on `encoder`; a `frozen` encoder does not learn.

        Without an encoder it is a tiny random wav2vec 2.0, which has the true architecture and knows nothing.
        """
        super().__init__()
        self.encoder = encoder if encoder is not None else made({"model_type": "wav2vec2", **TINY})
        self.frozen = frozen
        self.encoder.requires_grad_(not frozen)
        config: Any = self.encoder.config
        for name, weight in self.encoder.named_parameters():
            if name == "masked_spec_embed":  # taught by masking alone, which is not done here
                weight.requires_grad = False
        self.layers = nn.Parameter(torch.zeros(config.num_hidden_layers + 1))
        self.narrow = nn.Linear(config.hidden_size, 128)
        self.pool = AttentivePool(128, inside=32)
        self.out = nn.Sequential(nn.Dropout(0.2), nn.Linear(256, 2))

    def train(self, mode: bool = True) -> SelfSupervised:  # noqa: FBT001, FBT002 - torch's own signature
        """Switch to training; a frozen encoder stays as it judges."""
        super().train(mode)
        if self.frozen:
            self.encoder.eval()
        return self

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits."""
        sound = features.squeeze(2)
        centred = sound - sound.mean(dim=1, keepdim=True)
        unit = centred / torch.sqrt((centred**2).mean(dim=1, keepdim=True) + 1e-7)
        states = torch.stack(self.encoder(unit, output_hidden_states=True).hidden_states)
        mixed = (torch.softmax(self.layers, dim=0)[:, None, None, None] * states).sum(dim=0)
        logits: Tensor = self.out(self.pool(torch.relu(self.narrow(mixed)).transpose(1, 2)))
        return logits


TINY: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [16, 16, 16, 16, 16, 16, 16],
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "apply_spec_augment": False,
    "layerdrop": 0.0,
}


def made(told: dict[str, Any]) -> nn.Module:
    """Return a random encoder of the configuration `told`. Raises `ModelError` if it is none of `KINDS`."""
    from transformers import AutoConfig, AutoModel

    kind = told.get("model_type")
    if kind not in KINDS:
        msg = f"expected a speech encoder of {', '.join(KINDS)}, got {kind!r}"
        raise ModelError(msg)
    rest = {key: value for key, value in told.items() if key != "model_type"}
    config = AutoConfig.for_model(kind, **rest)
    model: nn.Module = AutoModel.from_config(config, attn_implementation="eager")  # type: ignore[no-untyped-call]
    return model


def load_encoder(folder: Path) -> nn.Module:
    """Return the encoder in `folder`: `config.json` and `model.safetensors`.

    Raises `ModelError` if they are missing, damaged or of another architecture. Pickled weights are not read.
    """
    from safetensors import SafetensorError
    from transformers import AutoModel

    try:
        told = json.loads((folder / "config.json").read_bytes())
        if told.get("model_type") not in KINDS:
            msg = f"expected a speech encoder of {', '.join(KINDS)} in {folder}, got {told.get('model_type')!r}"
            raise ModelError(msg)
        model: nn.Module = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, attn_implementation="eager", apply_spec_augment=False
        )
    except (OSError, ValueError, RuntimeError, AttributeError, SafetensorError) as error:
        msg = f"expected config.json and model.safetensors of a speech encoder in {folder}: {error}"
        raise ModelError(msg) from error
    return model
