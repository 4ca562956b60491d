"""Networks that look at faces: trained with torch, exported to ONNX, one file for each sort, after the paper it names.

Each sees upright crops `[batch, 3, SIDE, SIDE]`, RGB in 0..1, and answers with logits `[batch, 2]`, spoof first and
bona fide second. Nothing here is imported while scanning: a shipped detector runs on ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...finding import ModelError

if TYPE_CHECKING:
    from .interface import Eye

EYES: Mapping[str, str] = MappingProxyType(
    {
        "efficientnet-lite0": ".backbones:EfficientNetLite0",
        "lite0-linear": ".backbones:LinearLite0",
        "efficientnet-b4": ".backbones:EfficientNetB4",
        "xception": ".backbones:Xception",
        "inception-resnet": ".facenet:InceptionResnet",
        "meso4": ".meso:Meso4",
        "mesoinception": ".meso:MesoInception",
        "srm": ".frequency:Srm",
        "f3": ".frequency:F3",
        "encoder-linear": ".encoder:LinearEncoder",
        "encoder-lora": ".encoder:LoraEncoder",
    }
)
"""Name of a network -> module in this folder and class."""


def eye_class(name: str) -> type[Eye]:
    """Return the class of the network called `name`. Raises `ModelError` if there is none, naming those there are."""
    if name not in EYES:
        msg = f"expected a network of {', '.join(EYES)}, got {name!r}"
        raise ModelError(msg)
    module, _, kind = EYES[name].partition(":")
    found: type[Eye] = getattr(import_module(module, __package__), kind)
    return found
