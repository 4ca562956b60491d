"""MesoNet as published, on request: what its makers' own weights say of each face, without calibration."""

from __future__ import annotations

import functools
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from ...media.errors import MissingExtra
from ...media.weights import resolve
from ..finding import UNCALIBRATED, Evidence, Finding, Skipped

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

NETWORKS = ("meso4-df", "meso4-f2f", "mesoinception-df", "mesoinception-f2f")
"""The published networks, by the names of their cards."""
_SIDE, _MARGIN = 256, 0.15


class MesoNetDetector:
    """Shows what the four published networks of 2018 give; measured near chance on others' fakes, it weighs nothing."""

    name = "visual-mesonet"
    version = "1"

    def examine(self, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
        """Return one finding with each network's share of fake, or why there is none.

        Raises `WeightsError` without the published files, `MissingExtra` without torch and h5py, and what decoding
        raises.
        """
        view = evidence.view
        if view.kind == "audio":
            return Skipped(detector=self.name, why="there is no picture")
        crops = view.crops(_SIDE, margin=_MARGIN)
        if not crops:
            return Skipped(detector=self.name, why="no face was found")
        faces = np.stack([crop.image.transpose(2, 0, 1) for crop in crops]).astype(np.float32) / 255.0
        told = []
        for name in NETWORKS:
            logits = session(name).run(["score"], {"faces": faces})[0][:, 0]
            people: dict[int, list[float]] = defaultdict(list)
            for number, (crop, logit) in enumerate(zip(crops, logits, strict=True)):
                people[number if crop.track is None else crop.track].append(float(logit))
            highest = max(float(np.median(scores)) for scores in people.values())
            told.append(f"{name} {1.0 / (1.0 + np.exp(-highest)):.2f}")
        return (
            Finding(
                detector=self.name,
                version=self.version,
                llr=0.0,
                calibration=UNCALIBRATED,
                note=f"published networks' share of fake, of the face that they doubt most: {', '.join(told)}; "
                "not calibrated, so it does not count",
                modality="visual",
            ),
        )


@functools.cache
def session(name: str) -> InferenceSession:
    """Return the network of the card `name`, converted and ready, once a process."""
    import onnxruntime

    path = resolve(name)
    try:
        from ..train.networks.mesonet import load_published, to_onnx
    except ImportError as error:
        feature = "MesoNet (torch)"
        raise MissingExtra(feature, "train") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(to_onnx(load_published(path)), options, providers=["CPUExecutionProvider"])
