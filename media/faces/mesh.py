"""The 468 face landmarks of MediaPipe (Kartynnik et al. 2019), run by OpenCV.

The network is the file inside the package mediapipe, which is not imported: that would cost two seconds and bring jax
and matplotlib. OpenCV's own reader of the file gives the same landmarks to within a thousandth of a pixel.
"""

from __future__ import annotations

import math
import threading

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from ..weights import resolve
from .align import cut, inverse, moved, similarity, template
from .interface import Face, Mesh

_SIDE = 192
_OUTPUTS = ["conv2d_21", "conv2d_31"]
"""The network's landmarks (x, y, depth in pixels of its input) and its logit that a face is there."""
_MARGIN = 0.25
"""The network wants the landmarks' box widened by a quarter on each side, as MediaPipe's own graph feeds it."""
_EYES = (33, 263)
"""Outer corners of the eyes: their line gives the roll."""


class FaceMesh:
    """Dense landmarks on a crop around a found face; may be shared by threads (they take turns)."""

    def __init__(self, *, threshold: float = 0.5) -> None:
        """Load the network; a mesh is given where its face probability exceeds `threshold`, 0..1 exclusive.

        Raises `MissingExtra` or `WeightsError` without the model file.
        """
        import cv2

        path = resolve("face-mesh")
        try:
            self._net = cv2.dnn.readNetFromTFLite(str(path), cv2.dnn.ENGINE_CLASSIC)
        except cv2.error as error:
            msg = f"OpenCV {cv2.__version__} cannot load the face mesh network {path}: {error}"
            raise WeightsError(msg) from error
        self._lock = threading.Lock()
        self._least = math.log(threshold / (1.0 - threshold))

    def mesh(self, image: NDArray[np.uint8], face: Face) -> Mesh | None:
        """Return the landmarks of `face` in `image` (uint8 `[h, w, 3]` RGB), or `None` if the network sees no face.

        The network looks twice: at the crop that the five points give, then at the crop that its own landmarks give,
        which is how it was meant to be fed and makes the result independent of the finder.
        """
        first = self._look(image, similarity(face.points, template(_MARGIN) * _SIDE))
        if first is None:
            return None
        second = self._look(image, _around(first))
        return None if second is None else Mesh(points=second.astype(np.float32))

    def follow(self, image: NDArray[np.uint8], last: Mesh) -> Mesh | None:
        """Return the landmarks in `image` of the face that was at `last` in the frame before, or `None`.

        One look, as MediaPipe follows a face in a film: half the cost of finding it again.
        """
        found = self._look(image, _around(last.points.astype(np.float64)))
        return None if found is None else Mesh(points=found.astype(np.float32))

    def _look(self, image: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return the landmarks `[468, 3]` in the crop that `matrix` takes out of `image`, or `None` without a face."""
        import cv2

        blob = cv2.dnn.blobFromImage(cut(image, matrix, _SIDE), 1.0 / 255.0)
        with self._lock:
            self._net.setInput(blob)
            marks, logit = self._net.forward(_OUTPUTS)
        if float(logit.ravel()[0]) < self._least or not np.isfinite(marks).all():
            return None
        points = marks.reshape(-1, 3).astype(np.float64)
        back = inverse(matrix)
        return np.column_stack([moved(points[:, :2], back), points[:, 2] * math.sqrt(abs(np.linalg.det(back[:, :2])))])


def _around(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 2x3 matrix of the crop around landmarks: square, upright by the line of the eyes, widened."""
    across = points[_EYES[1], :2] - points[_EYES[0], :2]
    angle = math.atan2(across[1], across[0])
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    turned = points[:, :2] @ turn.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    scale = _SIDE / (max(float((high - low).max()), 1.0) * (1.0 + 2.0 * _MARGIN))
    return np.column_stack([scale * turn, _SIDE / 2 - scale * (low + high) / 2])
