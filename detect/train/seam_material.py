"""Pairs to train an eye for seams on: a real face, and a fake of that very face, sent the same way through the world.

Every pair is drawn anew. Size, laundering chain, place and light are drawn once and happen to both, so that neither
file nor size, person or background have anything to do with the class. Of a blended fake it is known where it was
blended: `4 m (1 - m)` of the mask, the blending boundary of Li et al., "Face X-ray for more general face forgery
detection", CVPR 2020, section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ...media.faces import cut, similarity, template
from .portraits import washed
from .selfblend import Blend, Pixels, Portrait, laid_over, self_blended
from .table import F32
from .visual_crops import sized

SIDE, MARGIN = 176, 0.12
"""Pixels of a crop, and how far it reaches beyond forehead and chin, in sides of the face."""
GRID = 22
"""Places along a side of the map of blending boundaries."""
CHAINS = {
    "none": 4.0,
    "jpeg-90": 2.0,
    "jpeg-70": 2.0,
    "jpeg-50": 1.0,
    "webp-70": 1.0,
    "screenshot": 1.0,
    "half": 1.0,
    "blur": 1.0,
    "grain": 1.0,
    "resize+jpeg-70": 1.0,
    "half+jpeg-70": 0.5,
    "h264-crf23": 2.0,
    "h264-crf28": 1.5,
    "h264-crf35": 1.0,
    "half+h264-crf28": 1.0,
    "resize+h264-crf23": 1.0,
    "chroma": 0.5,
}
"""Laundering chain -> how often it is drawn, for both classes alike."""
SORTS = {"self-blend": 0.5, "redrawn-face": 0.2, "redrawn": 0.3}
"""Sort of fake -> its share of the pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitter:
    """A real picture or film: `faces` of it, and of each face `drawn` copies of the same size, made by networks."""

    kind: str
    faces: tuple[Portrait, ...]
    drawn: tuple[tuple[Pixels, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The real crop and the fake one, uint8 `[2, SIDE, SIDE, 3]`.

    `told` float32 `[2, 2]` says of each whether it is blended and whether it is drawn by a network; `seams` float32
    `[2, GRID, GRID]` is the blending boundary, 0..1.
    """

    crops: Pixels
    told: F32
    seams: F32


def drawn_pair(sitter: Sitter, rng: np.random.Generator) -> Pair:
    """Return a pair of one of the sitter's faces."""
    number = int(rng.integers(len(sitter.faces)))
    face, copies = sitter.faces[number], sitter.drawn[number]
    shares = {sort: share for sort, share in SORTS.items() if copies or sort == "self-blend"}
    sort = str(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
    own = float(np.ptp(face.mesh, axis=0).max())
    side = float(np.exp(rng.uniform(np.log(90.0), np.log(max(91.0, own)))))
    small = sized(face, side)
    copy = _fitted(copies[int(rng.integers(len(copies)))], small) if sort != "self-blend" else small.pixels
    small, copy = _as_sharp(small, copy, rng) if sort != "self-blend" else (small, copy)
    blend = _fake(small, sort, copy, rng)
    names = list(CHAINS)
    chain = str(rng.choice(names, p=np.array(list(CHAINS.values())) / sum(CHAINS.values())))
    seed = int(rng.integers(2**32))
    shown = [washed(one, chain, np.random.default_rng(seed)) for one in (small, blend.portrait)]
    place = _place(shown[0], rng)
    crops = np.stack([cut(one.pixels, place, SIDE) for one in shown])
    seams = np.zeros((2, GRID, GRID), np.float32)
    seams[1] = seam_map(blend.mask, shown[1].pixels.shape[:2], place)
    if rng.random() < 0.5:
        crops, seams = crops[:, :, ::-1], seams[:, :, ::-1]
    told = np.zeros((2, 2), np.float32)
    told[1] = (sort != "redrawn", sort != "self-blend")
    return Pair(crops=_lit(crops, rng), told=told, seams=np.ascontiguousarray(seams))


def _fake(face: Portrait, sort: str, copy: Pixels, rng: np.random.Generator) -> Blend:
    if sort == "self-blend":
        return self_blended(face, rng)
    if sort == "redrawn-face":
        return laid_over(face, copy, rng)
    return Blend(portrait=replace(face, pixels=copy), mask=np.zeros(copy.shape[:2], np.float32))


def _as_sharp(face: Portrait, copy: Pixels, rng: np.random.Generator) -> tuple[Portrait, Pixels]:
    """Return face and copy as sharp as each other, mostly: the face softened, or the copy sharpened.

    What small networks draw is soft, what large ones draw is not: softness alone must not be what is learned.
    """
    import cv2

    way, ratio = rng.random(), _fineness(copy) / _fineness(face.pixels)
    if way < 0.2 or ratio >= 1:
        return face, copy
    if way < 0.6:
        wanted = ratio * _fineness(face.pixels)
        soft = face.pixels
        for sigma in (0.4, 0.55, 0.7, 0.9, 1.2, 1.6, 2.2):
            soft = np.asarray(cv2.GaussianBlur(face.pixels, (0, 0), sigma), np.uint8)
            if _fineness(soft) <= wanted:
                break
        return replace(face, pixels=soft), copy
    fine = copy.astype(np.float32) - cv2.GaussianBlur(copy, (0, 0), 1.2)
    amount = min(2.5, 0.7 * (1 / ratio - 1))
    return face, np.clip(np.round(copy + amount * fine), 0, 255).astype(np.uint8)


def _fineness(pixels: Pixels) -> float:
    """Return the spread of the second differences of the brightness."""
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std()) + 1e-3


def _fitted(copy: Pixels, face: Portrait) -> Pixels:
    """Return a drawn copy at the size that its face was brought to."""
    import cv2

    height, width = face.pixels.shape[:2]
    if copy.shape[:2] == (height, width):
        return copy
    return np.asarray(cv2.resize(copy, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _place(face: Portrait, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the matrix from a face's picture to a crop that is placed, turned and sized a little otherwise."""
    matrix = similarity(face.points, template(MARGIN) * SIDE)
    angle, scale = float(rng.uniform(-0.08, 0.08)), float(np.exp(rng.uniform(-0.1, 0.1)))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([SIDE / 2, SIDE / 2])
    shift = middle - turn @ middle + rng.uniform(-0.03, 0.03, 2) * SIDE
    return np.column_stack([turn @ matrix[:, :2], turn @ matrix[:, 2] + shift])


def seam_map(mask: F32, shape: Sequence[int], place: NDArray[np.float64]) -> F32:
    """Return the blending boundary of a `mask` in a crop: the mask is brought to `shape`, cut by `place`, and averaged.

    Float32 `[GRID, GRID]`, 0..1.
    """
    import cv2

    fitted = cv2.resize(mask, (int(shape[1]), int(shape[0])), interpolation=cv2.INTER_LINEAR)
    double = 2 * GRID
    scale = double / SIDE
    matrix = np.asarray(place, np.float64) * scale
    inside = cv2.warpAffine(fitted, matrix, (double, double), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    edge = 4 * inside * (1 - inside)
    # A sharp seam falls between the points of a coarse grid: its slope across them tells it all the same.
    step = np.abs(cv2.morphologyEx(inside, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)))
    told = np.maximum(edge, step).reshape(GRID, 2, GRID, 2).max(axis=(1, 3))
    return np.asarray(np.clip(told, 0, 1), np.float32)


def _lit(crops: Pixels, rng: np.random.Generator) -> Pixels:
    """Return crops in another light: the same gains, offsets and contrast for all."""
    if rng.random() < 0.3:
        return np.ascontiguousarray(crops)
    gain, offset = rng.uniform(0.93, 1.07, 3) * rng.uniform(0.8, 1.2), rng.uniform(-12, 12)
    values = np.arange(256)[:, None] * gain + offset
    table = np.clip(np.round(values), 0, 255).astype(np.uint8)
    return np.stack([table[crops[..., channel], channel] for channel in range(3)], axis=-1)


class Pairs(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Pairs of `sitters`: index `turn * len(sitters) + n` is a pair of sitter `n`, drawn by seed and index alone."""

    def __init__(self, sitters: Sequence[Sitter], *, seed: int) -> None:
        """Draw pairs of `sitters`."""
        self._sitters, self._seed = sitters, seed

    def __len__(self) -> int:
        """Return how many sitters there are."""
        return len(self._sitters)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return crops `[2, 3, SIDE, SIDE]` in 0..1, what they are `[2, 2]`, and their boundaries."""
        pair = drawn_pair(self._sitters[index % len(self._sitters)], np.random.default_rng([self._seed, index]))
        crops = torch.from_numpy(np.ascontiguousarray(pair.crops.transpose(0, 3, 1, 2))).float() / 255
        return crops, torch.from_numpy(pair.told), torch.from_numpy(pair.seams)


def weights(sitters: Sequence[Sitter], *, films: float = 0.4) -> NDArray[np.float64]:
    """Return how often each sitter is drawn: films share `films` of the pairs, pictures the rest."""
    film = np.array([one.kind == "video" for one in sitters])
    if film.all() or not film.any():
        return np.ones(len(sitters)) / len(sitters)
    return np.asarray(np.where(film, films / film.sum(), (1 - films) / (~film).sum()), np.float64)
