"""The invisible mark that Stable Diffusion's public tools write: method `dwtDct` of the package invisible-watermark.

Read by code of our own: one Haar step over the plane U, and of every 4 x 4 block of the smaller picture the largest
coefficient but the first, whose remainder modulo 36 is a bit; the text is repeated over the picture. The texts are
public (CompVis's scripts, Stability's, diffusers for SDXL). A PNG as it was made carries it; JPEG, scaling and
cropping take it away.
"""

from __future__ import annotations

from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...media.view import View
from .interface import KEYLESS, ForeignMark

_SCALE: Final = 36.0
_BLOCK: Final = 4
_LEAST_SIDE: Final = 256  # smaller pictures are not marked by these tools
_LEVEL: Final = 1e-8
"""The largest chance at which a mark is told."""
TEXTS: Final = {
    "StableDiffusionV1": b"StableDiffusionV1",
    "SDV2": b"SDV2",
}
_SDXL: Final = "101100111110110010010000011110111011000110011110"  # diffusers, 48 bits


class StableDiffusionReader:
    """Says which of the known texts a picture carries."""

    name = "stable-diffusion"

    def read(self, view: View) -> tuple[ForeignMark, ...]:
        """Return the mark in a picture; see `ForeignReader`."""
        if view.still is None or min(view.still.pixels.shape[:2]) < _LEAST_SIDE:
            return ()
        votes = _votes(view.still.pixels)
        found = []
        for text, bits in _payloads().items():
            chance = _chance(votes, bits)
            if chance <= _LEVEL:
                found.append(
                    ForeignMark(
                        reader=self.name,
                        scheme="Stable Diffusion (dwtDct)",
                        payload=text,
                        false_alarms=f"chance in unmarked pictures {chance:.0e}, told up to {_LEVEL:.0e}; {KEYLESS}",
                    )
                )
        return tuple(found)


def _payloads() -> dict[str, NDArray[np.bool_]]:
    texts = {name: np.unpackbits(np.frombuffer(text, np.uint8)).astype(bool) for name, text in TEXTS.items()}
    return {**texts, "SDXL (diffusers)": np.array([bit == "1" for bit in _SDXL])}


def _votes(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the bit of every block, in the order in which they are written."""
    import cv2

    height, width = (side // _BLOCK * _BLOCK for side in pixels.shape[:2])
    plane = cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV)[:height, :width, 1].astype(np.float64)
    smaller = (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) / 2  # orthonormal Haar
    rows, columns = smaller.shape[0] // _BLOCK, smaller.shape[1] // _BLOCK
    blocks = smaller[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2)
    flat = np.abs(blocks.reshape(rows * columns, _BLOCK * _BLOCK)[:, 1:])
    return np.asarray(flat.max(axis=1) % _SCALE > _SCALE / 2)


def _chance(votes: NDArray[np.bool_], bits: NDArray[np.bool_]) -> float:
    """Return how likely bits of an unmarked picture fall on the ones of `bits` this well (hypergeometric tail).

    The picture decides how many of its bits are ones, often few; only which ones they are is compared.
    """
    places = np.arange(len(votes)) % len(bits)
    ones = np.bincount(places, weights=votes, minlength=len(bits))
    every = np.bincount(places, minlength=len(bits))
    read = ones > 0.5 * every
    total, expected, told = len(bits), int(bits.sum()), int(read.sum())
    hits = int((read & bits).sum())
    ways = sum(comb(expected, k) * comb(total - expected, told - k) for k in range(hits, min(expected, told) + 1))
    return ways / comb(total, told)
