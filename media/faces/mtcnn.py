"""Faces by MTCNN (Zhang et al. 2016) as facenet-pytorch ships it: slower, needs torch, a second opinion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtra
from ..extent import Region
from ..weights import resolve
from .interface import Face


class Mtcnn:
    """Three small networks in a cascade, about 250 ms for a 640 x 480 picture on one core."""

    def __init__(self, *, threshold: float = 0.9, smallest: int = 20, most: int = 32) -> None:
        """Load the networks; faces below the score `threshold` (0..1) or `smallest` pixels are dropped.

        At most `most` faces are kept. Raises `MissingExtra` without facenet-pytorch, `WeightsError` if its weights
        are not those of the cards.
        """
        try:
            from facenet_pytorch import MTCNN
        except ImportError as error:
            raise MissingExtra("the face finder mtcnn", "mtcnn") from error
        for part in ("pnet", "rnet", "onet"):
            resolve(f"mtcnn-{part}")
        self._net = MTCNN(keep_all=True, min_face_size=smallest, device="cpu")
        self._threshold, self._smallest, self._most = threshold, smallest, most

    def find(self, image: NDArray[np.uint8]) -> list[Face]:
        """Return the faces of `image` (uint8 `[h, w, 3]` RGB), largest first."""
        if min(image.shape[:2]) < self._smallest:
            return []  # facenet-pytorch builds an empty pyramid and fails
        boxes, scores, points = self._net.detect(np.ascontiguousarray(image), landmarks=True)
        if boxes is None:
            return []
        height, width = image.shape[:2]
        faces = []
        for box, score, marks in zip(boxes, scores, points, strict=True):
            left, top = max(0.0, float(box[0])), max(0.0, float(box[1]))
            right, bottom = min(float(width), float(box[2])), min(float(height), float(box[3]))
            if score < self._threshold or right - left < 1 or bottom - top < 1:
                continue
            region = Region(left=left, top=top, width=right - left, height=bottom - top)
            faces.append(Face(region=region, score=min(float(score), 1.0), points=marks.astype(np.float32)))
        faces.sort(key=lambda face: face.region.width * face.region.height, reverse=True)
        return faces[: self._most]
