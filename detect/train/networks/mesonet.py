"""Meso-4 and MesoInception-4: one face to fake or real, by few and mesoscopic features.

Afchar et al., "MesoNet: a compact facial video forgery detection network", IEEE WIFS 2018, arXiv:1809.00888. The four
published .h5 files load whole, tensor by tensor in the order in which their layers were made, and give what Keras
gives with them; tests hold it.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ....media.errors import MissingExtra
from ...finding import ModelError

SIDE = 256
"""Pixels a side of the face, RGB in 0..1."""
Kind = Literal["meso4", "mesoinception"]


class Inception(nn.Module):
    """Four ways side by side: 1x1, and 1x1 followed by 3x3 of dilation 1, 2 and 3."""

    def __init__(self, inside: int, widths: tuple[int, int, int, int]) -> None:
        """Make the ways, `widths` maps wide."""
        super().__init__()
        layers = [nn.Conv2d(inside, widths[0], 1)]
        for dilation, width in enumerate(widths[1:], start=1):
            layers += [nn.Conv2d(inside, width, 1)]
            layers += [nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)]
        self.layers = nn.ModuleList(layers)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the ways' maps, joined."""
        out = [functional.relu(self.layers[0](maps))]
        for place in (1, 3, 5):
            out.append(functional.relu(self.layers[place + 1](functional.relu(self.layers[place](maps)))))
        return torch.cat(out, dim=1)


class MesoNet(nn.Module):
    """The network: faces float32 `[batch, 3, SIDE, SIDE]` in 0..1 to logits `[batch, 1]`, positive = fake.

    The published networks answer how real a face is, after a sigmoid; this is their last layer with its sign turned.
    """

    def __init__(self, kind: Kind) -> None:
        """Make the network with random weights."""
        super().__init__()
        first: list[nn.Module]
        if kind == "meso4":
            first = [nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 5, padding=2)]
            widths = (8, 8, 16, 16)
        else:
            first = [Inception(3, (1, 4, 4, 2)), Inception(11, (2, 4, 4, 2))]
            widths = (11, 12, 16, 16)
        last = [nn.Conv2d(widths[1], 16, 5, padding=2), nn.Conv2d(16, 16, 5, padding=2)]
        self.looks = nn.ModuleList([*first, *last])
        self.norms = nn.ModuleList([nn.BatchNorm2d(width, eps=1e-3) for width in widths])
        self.hidden, self.out = nn.Linear(1024, 16), nn.Linear(16, 1)
        self.drop = nn.Dropout(0.5)

    def forward(self, faces: Tensor) -> Tensor:
        """Return the logits of `faces`."""
        maps = faces
        for look, norm, pool in zip(self.looks, self.norms, (2, 2, 2, 4), strict=True):
            maps = functional.max_pool2d(norm(functional.relu(look(maps))), pool)
        flat = maps.permute(0, 2, 3, 1).flatten(1)  # Keras lays a map out with its channels last
        hidden = functional.leaky_relu(self.hidden(self.drop(flat)), 0.1)
        logits: Tensor = -self.out(self.drop(hidden))
        return logits

    def in_order(self) -> tuple[list[nn.Conv2d], list[nn.BatchNorm2d], list[nn.Linear]]:
        """Return the layers that hold weights, each sort in the order in which the published code makes them."""
        looks = [layer for layer in self.looks.modules() if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in self.norms if isinstance(layer, nn.BatchNorm2d)]
        return looks, norms, [self.hidden, self.out]


def load_published(path: Path) -> MesoNet:
    """Return the network of a published .h5 file, ready to judge.

    Raises `MissingExtra` without h5py, `ModelError` if the file is no such file or a tensor is missing or of another
    shape.
    """
    layers = _layers(path)
    kind: Kind = "mesoinception" if len(layers["conv2d"]) > 4 else "meso4"
    network = MesoNet(kind)
    looks, norms, lines = network.in_order()
    try:
        with torch.no_grad():
            for conv, told in zip(looks, layers["conv2d"], strict=True):
                _copy(conv.weight, told["kernel"].transpose(3, 2, 0, 1))
                _copy(conv.bias, told["bias"])
            for norm, told in zip(norms, layers["batch_normalization"], strict=True):
                names = ("gamma", "beta", "moving_mean", "moving_variance")
                for place, name in zip(
                    (norm.weight, norm.bias, norm.running_mean, norm.running_var), names, strict=True
                ):
                    _copy(place, told[name])
            for line, told in zip(lines, layers["dense"], strict=True):
                _copy(line.weight, told["kernel"].T)
                _copy(line.bias, told["bias"])
    except (KeyError, ValueError) as error:
        msg = f"expected the tensors of a published MesoNet in {path}, got others: {error}"
        raise ModelError(msg) from error
    return network.eval()


def to_onnx(network: MesoNet) -> bytes:
    """Return the network as ONNX: `faces` float32 `[n, 3, SIDE, SIDE]` in 0..1 to `score` `[n, 1]`, higher = fake."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no further package calls itself old
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, 3, SIDE, SIDE),),
            out,  # type: ignore[arg-type]
            input_names=["faces"],
            output_names=["score"],
            dynamic_axes={"faces": {0: "n"}, "score": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
    return out.getvalue()


def _copy(place: Tensor | None, values: np.ndarray[Any, Any]) -> None:
    """Copy `values` into a tensor. Raises `ValueError` if the shapes differ."""
    if place is None or tuple(place.shape) != values.shape:
        msg = f"expected shape {None if place is None else tuple(place.shape)}, got {values.shape}"
        raise ValueError(msg)
    place.copy_(torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)))


def _layers(path: Path) -> dict[str, list[dict[str, np.ndarray[Any, Any]]]]:
    """Return the weights of each sort of layer, in the order of the numbers at the end of the layers' names."""
    try:
        import h5py
    except ImportError as error:
        feature = "reading MesoNet's published weights (h5py)"
        raise MissingExtra(feature, "train") from error
    found: dict[str, list[tuple[int, dict[str, np.ndarray[Any, Any]]]]] = {}
    try:
        with h5py.File(path, "r") as file:
            for name in file:
                sort, number = re.fullmatch(r"(.*?)_?(\d*)", name).groups()  # type: ignore[union-attr]
                group = file[name].get(name)
                if group is not None:
                    tensors = {key.removesuffix(":0"): np.asarray(group[key]) for key in group}
                    found.setdefault(sort, []).append((int(number or 0), tensors))
    except (OSError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        msg = f"expected a published MesoNet .h5 file, got {path}: {error}"
        raise ModelError(msg) from error
    layers = {sort: [told for _, told in sorted(those, key=lambda one: one[0])] for sort, those in found.items()}
    for sort in ("conv2d", "batch_normalization", "dense"):
        layers.setdefault(sort, [])
    return layers
