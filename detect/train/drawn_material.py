"""What an eye for drawn pictures is taught on: pieces of real pictures and films, and the same drawn by a network.

Both are coded alike afterwards, the last step always a codec, so that neither format nor quality, size nor what is
shown tells the class: what is left is what drawing did to the finest detail. Training on reconstructions follows
Rajan et al., "Aligned datasets improve detection of latent diffusion-generated images", ICLR 2025; ours are drawn by
small networks (`redraw`) and enlarged by Real-ESRGAN's (`enlarge`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ...datasets.corpus import Item
from ..visual.drawn import SIDE, Corner, places
from ..visual.faces import flat
from .enlarge import enlarged
from .nuisance import MARKED
from .portraits import marked, washed_pixels
from .redraw import Copiers, redrawn
from .seam_figures import view_of
from .selfblend import Pixels
from .table import F32, Rows, none

REACH = 560
"""Pixels a side of what is kept around a piece: enough for a chain that halves it."""
GRID = 16
"""What is kept begins at a multiple of it, so that the grids of codecs stay where they were."""
OWN = "own"
SORTS = ("redrawn", "upscaled")
ENLARGERS = {"realesr-animevideov3-x2": 2, "realesr-animevideov3-x3": 3, "realesr-animevideov3-x4": 4}
"""Network -> by how much it enlarges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is around a piece, at its own size, and the `middle` of the piece in it (down, across)."""

    pixels: Pixels
    middle: tuple[float, float]


def around(image: Pixels, corner: Corner) -> Kept:
    """Return what is around the piece of `image` at `corner`."""
    wanted = [
        max(0, min(begin + SIDE // 2 - REACH // 2, length - REACH))
        for begin, length in zip(corner, image.shape[:2], strict=True)
    ]
    top, left = (begin // GRID * GRID for begin in wanted)
    part = np.ascontiguousarray(image[top : wanted[0] + REACH, left : wanted[1] + REACH])
    return Kept(pixels=part, middle=(corner[0] + SIDE / 2 - top, corner[1] + SIDE / 2 - left))


def drawn(sort: str, pixels: Pixels, copiers: Copiers | None, rng: np.random.Generator) -> Pixels:
    """Return `pixels` as a network draws them: by a small copier, or made small and enlarged again."""
    import cv2

    if sort == "redrawn" and copiers is not None:
        return redrawn(pixels, copiers, rng)
    name = str(rng.choice(list(ENLARGERS)))
    height, width = pixels.shape[:2]
    factor = ENLARGERS[name]
    small = cv2.resize(pixels, (-(-width // factor), -(-height // factor)), interpolation=cv2.INTER_AREA)
    large = np.asarray(enlarged(np.asarray(small, np.uint8), name).round(), np.uint8)
    return np.asarray(cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def piece(pixels: Pixels, middle: tuple[float, float]) -> Pixels:
    """Return the piece of `pixels` around `middle`, given as shares of height and width."""
    corner = [
        int(np.clip(round(share * length - SIDE / 2), 0, length - SIDE))
        for share, length in zip(middle, pixels.shape[:2], strict=True)
    ]
    return np.ascontiguousarray(pixels[corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How rows are made: chains that keep the size and that scale, versions of each piece, seed, copiers, encoder."""

    codecs: tuple[str, ...]
    scaled: tuple[str, ...]
    versions: int
    seed: int
    copiers: Copiers | None
    """`None`: nothing is redrawn, only enlarged."""
    read: Callable[[F32], F32]


def rows_of(item: Item, way: Way) -> Rows:
    """Return what is read of an item's pieces: as they are (`own|none`), and coded (`own|chain`), every second marked.

    A real item also gives `redrawn|chain` and `upscaled|chain`: the same pieces drawn by networks, coded the same way.
    Raises as decoding does.
    """
    shown = [cell for image, corner, _ in places(view_of(item)) for cell in _versions(item, around(image, corner), way)]
    if not shown:
        return none(f"smaller than {SIDE} pixels")
    values = np.concatenate([way.read(flat([pixels])) for _, pixels in shown])
    return Rows(values=values, chains=tuple(name for name, _ in shown))


def _versions(item: Item, kept: Kept, way: Way) -> Iterator[tuple[str, Pixels]]:
    high, wide = kept.pixels.shape[:2]
    middle = (kept.middle[0] / high, kept.middle[1] / wide)
    yield f"{OWN}|none", piece(kept.pixels, middle)
    told = int.from_bytes(hashlib.sha256(f"{item.id} {middle} {kept.pixels[::16, ::16].sum()}".encode()).digest()[:4])
    rng = np.random.default_rng([way.seed, told])
    sorts = {OWN: kept.pixels}
    if not item.spoof:
        made = SORTS if way.copiers is not None else SORTS[1:]
        sorts |= {sort: drawn(sort, kept.pixels, way.copiers, rng) for sort in made}
    chains = (*way.codecs, *way.scaled) if min(high, wide) >= 2 * SIDE else way.codecs
    for version in range(way.versions):
        chain, seed, mark = str(rng.choice(chains)), int(rng.integers(2**32)), version % 2 == 1
        for sort, pixels in sorts.items():
            begun = marked(pixels, seed) if mark else pixels
            coded = washed_pixels(begun, chain, np.random.default_rng(seed))
            yield f"{sort}|{MARKED}+{chain}" if mark else f"{sort}|{chain}", piece(coded, middle)
