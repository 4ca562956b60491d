"""A head on a large encoder of pictures, CLIP or DINOv2: frozen, or taught through narrow side ways (LoRA).

After Ojha et al., "Towards universal fake image detectors that generalize across generative models", CVPR 2023 (a line
on frozen CLIP) and Hu et al., "LoRA: low-rank adaptation of large language models", ICLR 2022. The encoder comes from a
folder in the layout of transformers (`config.json`, `model.safetensors`); nothing is fetched.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...finding import ModelError
from .interface import Mapped

KINDS = ("clip_vision_model", "dinov2", "vit")
"""Architectures of transformers that give a token for each patch."""
TINY: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 224,
    "patch_size": 14,
}


class LinearEncoder(Mapped):
    """The mean of the frozen encoder's patches, and a line."""

    SIDE = 224
    PAPER = "Ojha et al.: Towards universal fake image detectors that generalize across generative models, CVPR 2023"

    def __init__(self, encoder: nn.Module | None = None) -> None:
        """Put a head on `encoder`; without one it is a tiny random DINOv2, which knows nothing."""
        found = made({"model_type": "dinov2", **TINY}) if encoder is None else encoder
        config: Any = found.config
        super().__init__(int(config.hidden_size))
        self.encoder = found.requires_grad_(requires_grad=False)
        self.grid = self.SIDE // int(config.patch_size)

    def train(self, mode: bool = True) -> LinearEncoder:  # noqa: FBT001, FBT002 - torch's own signature
        """Switch to training; the encoder stays as it judges."""
        super().train(mode)
        self.encoder.eval()
        return self

    def maps(self, crops: Tensor) -> Tensor:
        """Return the patches as maps; what comes before them (class and register tokens) is left out."""
        tokens: Tensor = self.encoder(pixel_values=crops).last_hidden_state
        patches = tokens[:, -self.grid * self.grid :]
        return patches.transpose(1, 2).reshape(crops.shape[0], -1, self.grid, self.grid)


class LoraEncoder(LinearEncoder):
    """The same, with a side way of rank 4 at each query and value."""

    PAPER = "Hu et al.: LoRA: low-rank adaptation of large language models, ICLR 2022"

    def __init__(self, encoder: nn.Module | None = None, *, rank: int = 4) -> None:
        """Add the side ways, which give nothing until they are taught."""
        super().__init__(encoder)
        for parent in list(self.encoder.modules()):
            for name, layer in list(parent.named_children()):
                if isinstance(layer, nn.Linear) and name in ("query", "value", "q_proj", "v_proj"):
                    setattr(parent, name, SideWay(layer, rank))


class SideWay(nn.Module):
    """A frozen line with a narrow one beside it."""

    def __init__(self, line: nn.Linear, rank: int) -> None:
        """Go beside `line` through `rank` numbers."""
        super().__init__()
        self.line = line
        self.narrow = nn.Parameter(torch.empty(rank, line.in_features))
        self.widen = nn.Parameter(torch.zeros(line.out_features, rank))
        nn.init.kaiming_uniform_(self.narrow, a=math.sqrt(5))

    def forward(self, values: Tensor) -> Tensor:
        """Return the sum of both ways."""
        both: Tensor = self.line(values) + values @ self.narrow.T @ self.widen.T
        return both


def made(told: dict[str, Any]) -> nn.Module:
    """Return a random encoder of the configuration `told`. Raises `ModelError` if it is none of `KINDS`."""
    from transformers import AutoConfig, AutoModel

    kind = told.get("model_type")
    if kind not in KINDS:
        msg = f"expected an encoder of pictures of {', '.join(KINDS)}, got {kind!r}"
        raise ModelError(msg)
    config = AutoConfig.for_model(kind, **{key: value for key, value in told.items() if key != "model_type"})
    model: nn.Module = AutoModel.from_config(config, attn_implementation="eager")  # type: ignore[no-untyped-call]
    return model


def load_encoder(folder: Path) -> nn.Module:
    """Return the encoder in `folder`: `config.json` and `model.safetensors`; of a whole CLIP its half that sees.

    Raises `ModelError` if they are missing, damaged or of another architecture. Pickled weights are not read.
    """
    from safetensors import SafetensorError
    from transformers import AutoModel, CLIPVisionModel

    try:
        kind = json.loads((folder / "config.json").read_bytes()).get("model_type")
        if kind not in (*KINDS, "clip"):
            msg = f"expected an encoder of pictures of {', '.join(KINDS)} in {folder}, got {kind!r}"
            raise ModelError(msg)
        source: Any = CLIPVisionModel if kind.startswith("clip") else AutoModel
        model: nn.Module = source.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, attn_implementation="eager"
        )
    except (OSError, ValueError, RuntimeError, AttributeError, SafetensorError) as error:
        msg = f"expected config.json and model.safetensors of an encoder of pictures in {folder}: {error}"
        raise ModelError(msg) from error
    return model
