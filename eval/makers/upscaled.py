"""Faces drawn anew by a super-resolution network: Real-ESRGAN (Wang et al. 2021), run by ncnn on the processor."""

from __future__ import annotations

import numpy as np

from ...detect.train.enlarge import enlarged, network
from ...generate.face.canonical import OVAL
from ...generate.face.warp import box_around
from ...generate.interface import GenerationError, Scope
from .interface import Maker
from .retouched import FilmMaker, Found, Pixels, Step, StillMaker, feathered


class Upscaled:
    """A face at `side` pixels, made larger by the network `model` and put back with soft edges."""

    scope = Scope.FACE_SWAP

    def __init__(self, name: str, *, model: str, side: int) -> None:
        """Make the retouch: the smaller `side`, the more of the face is the network's invention."""
        self.name = name
        self._model, self._side = model, side

    def begin(self, first: Found, rng: np.random.Generator) -> Step:
        """Return the step; nothing is drawn."""
        del first, rng
        network(self._model)
        return self._step

    def _step(self, seen: Found) -> Pixels:
        import cv2

        box = box_around(seen.points[list(OVAL)], seen.pixels.shape, margin=0.25)
        if min(box.width, box.height) < 16:
            msg = f"expected a face of at least 16 pixels, got {box.width} x {box.height}"
            raise GenerationError(msg)
        scale = self._side / max(box.width, box.height)
        small = (max(8, round(box.width * scale)), max(8, round(box.height * scale)))
        low = cv2.resize(box.of(seen.pixels), small, interpolation=cv2.INTER_AREA)
        high = cv2.resize(
            enlarged(np.asarray(low, np.uint8), self._model), (box.width, box.height), interpolation=cv2.INTER_AREA
        )
        image = seen.pixels.copy()
        box.of(image)[...] = feathered(box.of(seen.pixels), np.asarray(high, np.float32))
        return image


def upscaled() -> Maker:
    """Return the maker `upscaled`: the face at 128 pixels, enlarged by a light network."""
    return StillMaker(Upscaled("upscaled", model="realesr-animevideov3-x2", side=128))


def upscaled_film() -> Maker:
    """Return the maker `upscaled-film`: the same in every frame."""
    return FilmMaker(Upscaled("upscaled", model="realesr-animevideov3-x2", side=128))


def regenerated() -> Maker:
    """Return the maker `regenerated`: the face at 96 pixels, most detail drawn by a large network."""
    return StillMaker(Upscaled("regenerated", model="realesrgan-x4plus", side=96))
