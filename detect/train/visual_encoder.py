"""What `visual-face` reads: the first blocks of CLIP's tower for pictures, frozen, as a network of their own.

The upper blocks know what is shown; how a picture was made is best read from the middle ones (docs/detectors.md). Lines
are small and often fitted anew, the encoder is large and stays: it lies in a file of its own beside them, its weights
as whole numbers of eight bits with a scale for each output. Radford et al., "Learning transferable visual models from
natural language supervision", ICML 2021; reading frozen CLIP: Ojha et al., CVPR 2023.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...media.errors import MissingExtra
from ..finding import ModelError
from ..model import WEIGHTS, golden_input, onnx_session
from .export import Frozen, traced
from .eyes.encoder import load_encoder
from .table import F32, TrainingError

FILE = "visual-face-encoder.onnx"
BLOCKS = 7
"""Blocks of the tower that are read; CLIP's picture tower has twelve."""
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Mean and spread of the colours that CLIP was taught on."""
SIDE, MARGIN = 224, 0.3
"""Pixels of a crop, and how far it reaches beyond forehead and chin, in sides of the face."""
LEVELS = 127
"""Whole steps on either side of zero that a weight can take."""


class Tower(nn.Module):
    """Flat crops, colours first, 0..1, to what the first blocks make of the class token, `[n, width]`."""

    def __init__(self, encoder: nn.Module, blocks: int) -> None:
        """Keep `blocks` blocks of `encoder`, their weights rounded as they are kept.

        Raises `ModelError` if it is no picture encoder of CLIP or has fewer.
        """
        super().__init__()
        tower: Any = encoder
        config = tower.config
        told = config.model_type, config.image_size, config.num_hidden_layers
        if told[:2] != ("clip_vision_model", SIDE) or told[2] < blocks:
            msg = f"expected a picture encoder of CLIP for {SIDE} pixels with {blocks} blocks or more, got {told}"
            raise ModelError(msg)
        tower.encoder.layers = tower.encoder.layers[:blocks]
        mean, spread = (torch.tensor(values)[None, :, None, None] for values in CLIP)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("spread", spread, persistent=False)
        self.mean: Tensor
        self.spread: Tensor
        self.tower = tower.eval().requires_grad_(requires_grad=False)
        for layer in self.tower.encoder.modules():
            if isinstance(layer, nn.Linear):
                whole, scale = stepped(layer.weight.detach().numpy(), axis=1)
                layer.weight.data = torch.from_numpy(whole.astype(np.float32) * scale)

    def forward(self, features: Tensor) -> Tensor:
        """Return the class token after the last block that is kept."""
        crops = features.reshape(-1, 3, SIDE, SIDE)
        tokens: Tensor = self.tower(pixel_values=(crops - self.mean) / self.spread).last_hidden_state
        return tokens[:, 0]


def stepped(weight: F32, *, axis: int) -> tuple[np.ndarray[Any, np.dtype[np.int8]], F32]:
    """Return whole numbers int8 and the scale of each output (along `axis` weights of one output lie), `weight = q s`.

    Weights that were stepped so before come back as they were.
    """
    scale = np.maximum(np.abs(weight).max(axis=axis, keepdims=True), 1e-12).astype(np.float32) / np.float32(LEVELS)
    return np.asarray(np.round(weight / scale), np.int8), scale


def kept(folder: Path = WEIGHTS) -> Frozen:
    """Return the encoder that lies in `folder`, that of the package if not given. Raises `ModelError` without one."""
    path = folder / FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = f"expected an encoder at {path}: {error.strerror}; name the folder of one by --encoder"
        raise ModelError(msg) from error
    told = onnx_session(data).get_modelmeta().custom_metadata_map
    return Frozen(file=FILE, data=data, about=told["about"])


def made_of(folder: Path, *, blocks: int = BLOCKS) -> Frozen:
    """Return the first blocks of the CLIP in `folder` (`config.json`, `model.safetensors`) as it is kept.

    `SOURCE.txt` beside them, one line on whose it is and under what licence, goes into it and into cards. Raises
    `ModelError` if there is no such encoder, `TrainingError` unless ONNX Runtime gives what torch gives.
    """
    note = folder / "SOURCE.txt"
    source = note.read_text().strip() if note.exists() else "source and licence not stated"
    about = f"first {blocks} blocks of CLIP's picture tower, weights int8 by output: {source}"
    return Frozen(file=FILE, data=onnx_of(Tower(load_encoder(folder), blocks), about), about=about)


def onnx_of(tower: Tower, about: str) -> bytes:
    """Return the tower as ONNX, from `features` `[n, 3 * side * side]` to `rows` `[n, width]`, its weights int8.

    Raises `TrainingError` unless ONNX Runtime gives torch's numbers to 1e-4 of their size on noise.
    """
    inputs = 3 * SIDE**2
    crops = np.random.default_rng(0).random((2, inputs), dtype=np.float32)
    data = _in_steps(traced(tower, crops, ["rows"]), about)
    noise = np.concatenate([golden_input(inputs), crops])
    with torch.inference_mode():
        own = tower(torch.from_numpy(noise)).numpy()
    found = onnx_session(data).run(["rows"], {"features": noise})[0]
    if not np.allclose(found, own, rtol=1e-4, atol=1e-4):
        worst = float(np.abs(found - own).max())
        msg = f"the exported encoder is off torch's numbers by up to {worst:.3g}, more than 1e-4: versions do not fit"
        raise TrainingError(msg)
    return data


def _in_steps(data: bytes, about: str) -> bytes:
    """Return the network with the weights of its lines in int8, brought back on loading; `about` is noted in it."""
    try:
        import onnx
        from onnx import helper, numpy_helper
    except ImportError as error:
        feature = "exporting a trained model"
        raise MissingExtra(feature, "train") from error
    model = onnx.load_from_string(data)
    lines = {node.input[1] for node in model.graph.node if node.op_type == "MatMul"}
    back = []
    for weight in list(model.graph.initializer):
        values, name = numpy_helper.to_array(weight), weight.name
        if name not in lines or values.ndim != 2:
            continue
        whole, scale = stepped(values, axis=0)
        weight.CopyFrom(numpy_helper.from_array(whole, f"{name} in steps"))
        model.graph.initializer.append(numpy_helper.from_array(scale.reshape(-1), f"{name} of a step"))
        put = [f"{name} in steps", f"{name} of a step"]
        back.append(helper.make_node("DequantizeLinear", put, [name], axis=1))
    nodes = [*back, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    helper.set_model_props(model, {"about": about})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
