"""Networks that are trained with torch and exported to ONNX: one file each, after the paper that it names.

Each hears what its `FRONTEND` gives of `SAMPLES` samples, `[batch, rows, width]`, and answers with logits `[batch, 2]`,
spoof first and bona fide second. Nothing here is imported while scanning: a shipped detector runs on ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...finding import ModelError

if TYPE_CHECKING:
    from .interface import Network

NETWORKS: Mapping[str, str] = MappingProxyType(
    {
        "lfcc-gmm": ".gmm:LfccGmm",
        "lcnn": ".lcnn:Lcnn",
        "rawnet2": ".rawnet:RawNet2",
        "aasist": ".aasist:Aasist",
        "aasist-l": ".aasist:AasistLight",
        "se-resnet": ".resnet:SeResNet",
        "ecapa": ".ecapa:Ecapa",
        "ssl": ".selfsupervised:SelfSupervised",
    }
)


def network_class(name: str) -> type[Network]:
    """Return the class of the network called `name`. Raises `ModelError` if there is none, naming those there are."""
    if name not in NETWORKS:
        msg = f"expected a network of {', '.join(NETWORKS)}, got {name!r}"
        raise ModelError(msg)
    module, _, kind = NETWORKS[name].partition(":")
    found: type[Network] = getattr(import_module(module, __package__), kind)
    return found
