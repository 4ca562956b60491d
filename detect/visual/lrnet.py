"""LRNet as published, on request: what its makers' own weights say of a face's landmarks over time, uncalibrated."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from ...media.errors import MissingExtra
from ...media.weights import resolve
from ..cue import Measured, Untold
from .cues.cue import CueDetector, Needs, Seen
from .landmarks import F32, LEAST_RATE, WINDOW, flat, series, windows

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

PARTS = ("lrnet-g1", "lrnet-g2")
"""Cards of the published networks: on landmarks, on their differences."""


class LRNetDetector(CueDetector):
    """Shows what the two published networks of 2021 give of windows of 60 frames; it explains and weighs nothing."""

    name = "visual-lrnet"
    version = "1"
    needs = Needs(seconds=1.9, rate=LEAST_RATE, side=60.0)

    def measure(self, seen: Seen) -> Measured | Untold:
        """Return the share of fake that each network and both together tell, the mean over windows.

        Raises `WeightsError` without the published files and `MissingExtra` without torch.
        """
        return told(series(seen.followed))


def told(landmarks: F32) -> Measured | Untold:
    """Return what the published networks say of a series `[n, 68, 2]`. Raises as `LRNetDetector.measure`."""
    cut = windows(landmarks)
    if not len(cut):
        return Untold(why=f"needs {WINDOW} frames of one face without a gap, got {len(landmarks)}")
    (odds,) = session().run(["branches"], {"features": flat(cut)})
    shares = 1.0 / (1.0 + np.exp(-np.asarray(odds, np.float64)))
    first, second = (float(share) for share in shares.mean(axis=0))
    figures = {"g1": first, "g2": second, "both": (first + second) / 2.0}
    note = (
        f"published networks' share of fake over {len(cut)} window{'s' * (len(cut) > 1)} of {WINDOW} frames: "
        f"landmarks {first:.2f}, differences {second:.2f}, both {figures['both']:.2f}"
    )
    return Measured(score=figures["both"], note=note, figures=figures)


@functools.cache
def session() -> InferenceSession:
    """Return both published networks as one, converted and ready, once a process."""
    import onnxruntime

    paths = [resolve(part) for part in PARTS]
    try:
        from ..train.networks.lrnet import load_published, to_onnx
    except ImportError as error:
        feature = "LRNet (torch)"
        raise MissingExtra(feature, "train") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    data = to_onnx(load_published(paths[0], paths[1]))
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
