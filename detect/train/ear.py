"""The shipped ear as a network: samples and LFCC statistics in, Whisper's first layers inside, a score out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...media.errors import MissingExtra
from ..audio import scoring
from ..model import golden_input
from .export import Exported, halved, onnx_scores, traced
from .table import F32, TrainingError
from .within import Line

if TYPE_CHECKING:
    from torch import Tensor, nn

FEATURE = "training the shipped voice detector"
TOLERANCE = 0.02
"""How far scores may differ between machines: the order of summing in single precision moves them by up to 0.01, where
clips of one class differ by 1.
"""


def encoder() -> Callable[[F32], F32]:
    """Return what turns windows of samples `[n, SIZE]` into what Whisper's first layers hear, `[n, OUT]`.

    It runs on ONNX Runtime as the shipped network will, one window after the other: what a window gives does not hang
    on the windows beside it. Raises `MissingExtra` without torch or the weights, `ModelError` if they are damaged.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    data = traced(_encoder(), golden_input(scoring.SIZE), ["told"])
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def told(samples: F32) -> F32:
        return np.concatenate([session.run(["told"], {"features": one[None]})[0] for one in samples])

    return told


def onnx_of(line: Line) -> Exported:
    """Return encoder and line as one network: from `features` `[n, SIZE + LFCC]` to `score` `[n, 1]`.

    Weights that half precision holds exactly, as Whisper's are, are stored so. Raises `TrainingError` unless ONNX
    Runtime gives what torch gives.
    """
    import torch

    network = _whole(line)
    inputs = scoring.SIZE + len(line.weights) - _width()
    data = halved(traced(network, golden_input(inputs), ["score"]))
    rng = np.random.default_rng(0)
    noise = np.concatenate([golden_input(inputs), (0.05 * rng.standard_normal((2, inputs))).astype(np.float32)])
    with torch.inference_mode():
        own = network(torch.from_numpy(noise)).double().numpy().reshape(-1)
    found = onnx_scores(data, noise)
    if not np.allclose(found, own, rtol=0, atol=TOLERANCE):
        msg = f"the exported network gives {found.tolist()}, torch {own.tolist()}: their versions do not fit"
        raise TrainingError(msg)
    return Exported(data=data, inputs=inputs, own=own[:2], tolerance=TOLERANCE)


def _encoder() -> nn.Module:
    try:
        from .encoder import Encoder, published, read_weights
    except ImportError as error:
        raise MissingExtra(FEATURE, "train") from error
    return Encoder(read_weights(published())).eval()


def _width() -> int:
    from .encoder import Encoder

    return Encoder.OUT


def _whole(line: Line) -> nn.Module:
    """Return encoder, LFCC and line as one module."""
    import torch
    from torch import nn

    class Ear(nn.Module):
        """Samples and statistics of windows `[n, SIZE + LFCC]` to scores `[n, 1]`."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = _encoder()
            self.register_buffer("weights", torch.from_numpy(line.weights.astype(np.float32))[:, None])
            self.register_buffer("offset", torch.tensor(line.offset, dtype=torch.float32))

        def forward(self, features: Tensor) -> Tensor:
            """Return the scores."""
            heard = self.encoder(features[:, : scoring.SIZE])
            numbers = torch.cat([heard, features[:, scoring.SIZE :]], dim=1)
            return numbers @ self.get_buffer("weights") + self.get_buffer("offset")

    return Ear().eval()
