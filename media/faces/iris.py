"""Where the iris lies in an eye, by MediaPipe's network (Ablavatski et al. 2020), run by OpenCV.

The network is a file inside the package mediapipe, which is not imported.
"""

from __future__ import annotations

import functools
import math
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import WeightsError
from ..weights import resolve
from .align import cut, inverse, moved

_SIDE = 64
_WIDER = 2.3
"""How much wider than the eye the network's crop is, as MediaPipe's own graph feeds it."""
_OUTPUT = "output_iris"
EYES = ((33, 133), (362, 263))
"""Corners of the eye on the picture's left and of that on its right, each from left to right of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Iris:
    """One iris in pixels of the picture: `centre` float64 `[2]`; `rim` float64 `[4, 2]`, two ends of two diameters."""

    centre: NDArray[np.float64]
    rim: NDArray[np.float64]

    @property
    def radius(self) -> float:
        """Mean distance of the rim from the centre."""
        return float(np.linalg.norm(self.rim - self.centre, axis=1).mean())


class IrisFinder:
    """Finds the irises of a face whose landmarks are known; may be shared by threads (they take turns)."""

    def __init__(self) -> None:
        """Load the network. Raises `MissingExtra` or `WeightsError` without the model file."""
        import cv2

        path = resolve("iris")
        try:
            self._net = cv2.dnn.readNetFromTFLite(str(path), cv2.dnn.ENGINE_CLASSIC)
        except cv2.error as error:
            msg = f"OpenCV {cv2.__version__} cannot load the iris network {path}: {error}"
            raise WeightsError(msg) from error
        self._lock = threading.Lock()

    def find(self, image: NDArray[np.uint8], points: NDArray[np.floating]) -> tuple[Iris, Iris]:
        """Return both irises, the picture's left one first, of landmarks `points` `[468, 2 or 3]` in `image` (RGB)."""
        left, right = (self._one(image, points[list(eye), :2], mirror=bool(n)) for n, eye in enumerate(EYES))
        return left, right

    def _one(self, image: NDArray[np.uint8], corners: NDArray[np.floating], *, mirror: bool) -> Iris:
        """Return the iris between two corners; the network knows the picture's left eye, the other is mirrored."""
        import cv2

        across = np.asarray(corners[1] - corners[0], np.float64)
        angle, width = math.atan2(across[1], across[0]), max(float(np.linalg.norm(across)), 1.0)
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        scaled = turn * (_SIDE / (width * _WIDER))
        middle = np.asarray(corners, np.float64).mean(axis=0)
        matrix = np.column_stack([scaled, _SIDE / 2 - scaled @ middle])
        crop = cut(image, matrix, _SIDE)
        shown = np.ascontiguousarray(crop[:, ::-1]) if mirror else crop
        with self._lock:
            self._net.setInput(cv2.dnn.blobFromImage(shown, 1.0 / 255.0))
            marks = self._net.forward(_OUTPUT).reshape(5, 3)[:, :2].astype(np.float64)
        if mirror:
            marks[:, 0] = _SIDE - 1 - marks[:, 0]
        back = moved(marks, inverse(matrix))
        return Iris(centre=back[0], rim=back[1:])


@functools.cache
def iris_finder() -> IrisFinder:
    """Return the finder of irises, made once a process. Raises `MissingExtra` or `WeightsError` without its file."""
    return IrisFinder()
