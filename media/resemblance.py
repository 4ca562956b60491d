"""How much two fingerprints resemble, whatever was cropped, turned a little, cut or sped up in between."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .fingerprint import Fingerprint

SAME = 0.7
"""From here on two media count as the same: of 443 pairs of portraits two studio heads on white came nearest, 0.70."""
OTHER = 0.5
"""Below it they count as different; between the two nothing is said."""

_SCALES = tuple(1.0 - 0.04 * step for step in range(11))  # of the part in the whole: down to 36 % of the area
_TURNS = (-4.0, 0.0, 4.0)  # degrees
_NEAR = (-0.06, -0.03, 0.0, 0.03, 0.06)  # changes of the scales, width and height apart, around the best
_BLUR = 2.0  # pixels of the sketch: what is smoother than that is the lighting, not the picture
_EDGE = 2  # pixels at the border of a part that blurring spoils
_FLAT = 1.0  # grey levels of deviation below which there is nothing to compare
_LOOKS = 5  # frames of a film that are compared

_PIECE = 50  # steps of 0.1 s that are compared at a time
_LEAST_PIECE = 15
_PIECES = 9
_SPEEDS = tuple(1.0 + 0.02 * step for step in range(-5, 6))
_BANDS_PER_SPEED = 24 / np.log(3600 / 150)  # bands by which the spectrum moves when sound is played e times as fast


def resemblance(a: Fingerprint, b: Fingerprint) -> float:
    """Return the likeness of two fingerprints, -1 to 1; 0 for different kinds and for what is flat or silent.

    It is the correlation of one sketch, scaled and turned, with the other where it fits best: the order of arguments
    does not matter.
    """
    if a.kind != b.kind:
        return 0.0
    if a.kind == "audio":
        return max(_sounds(a.array()[..., 0], b.array()[..., 0]), _sounds(b.array()[..., 0], a.array()[..., 0]))
    return max(_films(a.array(), b.array()), _films(b.array(), a.array()))


def _films(whole: NDArray[np.uint8], part: NDArray[np.uint8]) -> float:
    """Return the median over pictures of `part` of how well each fits into the one of `whole` that it fits best."""
    sharp = [_detail(picture) for picture in whole]
    looks = part[np.unique(np.linspace(0, len(part) - 1, _LOOKS).round().astype(int))]
    return float(np.median([_best_picture(sharp, look) for look in looks]))


def _best_picture(whole: list[NDArray[np.float32]], part: NDArray[np.uint8]) -> float:
    if len(whole) == 1:
        return _picture(whole[0], part)
    grey = part.astype(np.float32)
    rough = [max(_fit(sharp, grey, scale, scale) for scale in _SCALES[::2]) for sharp in whole]
    return _picture(whole[int(np.argmax(rough))], part)


def _picture(whole: NDArray[np.float32], part: NDArray[np.uint8]) -> float:
    """Return how well `part` fits into `whole` at its best place, scale and angle: first coarsely, then around it."""
    turned = {turn: _turned(part, turn) for turn in (-4.0, -2.0, 0.0, 2.0, 4.0)}
    coarse = ((_fit(whole, turned[turn], s, s), s, turn) for turn, s in product(_TURNS, _SCALES))
    best, scale, turn = max(coarse)
    for near in {turn, max(-4.0, turn - 2.0), min(4.0, turn + 2.0)}:
        for wide, tall in product(_NEAR, _NEAR):
            best = max(best, _fit(whole, turned[near], min(1.0, scale + wide), min(1.0, scale + tall)))
    return best


def _fit(whole: NDArray[np.float32], part: NDArray[np.float32], wide: float, tall: float) -> float:
    """Return the best correlation of `part`, shrunk to `wide` x `tall` of the side, with any place of `whole`."""
    import cv2

    side = whole.shape[0]
    small = cv2.resize(part, (round(side * wide), round(side * tall)), interpolation=cv2.INTER_AREA)
    sharp = _detail(np.asarray(small, np.float32))[_EDGE:-_EDGE, _EDGE:-_EDGE]
    if sharp.std() < _FLAT or whole.std() < _FLAT:
        return 0.0
    return float(cv2.matchTemplate(whole, sharp, cv2.TM_CCOEFF_NORMED).max())


def _detail(grey: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
    import cv2

    fine = grey.astype(np.float32)
    return np.asarray(fine - cv2.GaussianBlur(fine, (0, 0), _BLUR), np.float32)


def _turned(grey: NDArray[np.uint8], degrees: float) -> NDArray[np.float32]:
    import cv2

    side = grey.shape[0]
    matrix = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, 1.0)
    fine = grey.astype(np.float32)
    return np.asarray(cv2.warpAffine(fine, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE), np.float32)


def _sounds(whole: NDArray[np.uint8], part: NDArray[np.uint8]) -> float:
    """Return the median over pieces of `part` of how well each fits into `whole`, at the speed that fits best."""
    if len(part) < _LEAST_PIECE or len(whole) < _LEAST_PIECE:
        return 0.0
    ground = _balanced(whole.astype(np.float32))
    best = 0.0
    for speed, pitched in product(_SPEEDS, (True, False)):
        if speed == 1.0 and not pitched:
            continue
        pieces = _pieces(_balanced(_respeed(part, speed, pitched=pitched)), len(ground))
        scores = [_slide(ground, piece) for piece in pieces]
        best = max(best, float(np.median(scores)) if scores else 0.0)
    return best


def _balanced(sketch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sketch without what level, equaliser and silence put into it: the mean of each step and each band."""
    level = sketch - sketch.mean(axis=1, keepdims=True)
    return np.asarray(level - level.mean(axis=0, keepdims=True), np.float32)


def _respeed(sketch: NDArray[np.uint8], speed: float, *, pitched: bool) -> NDArray[np.float32]:
    """Return the sketch of the sound as it was before it was played `speed` times as fast, its pitch with it or not."""
    import cv2

    rows = max(_LEAST_PIECE, round(len(sketch) * speed))
    shift = float(np.log(speed) * _BANDS_PER_SPEED) if pitched else 0.0
    matrix = np.array([[1.0, 0.0, -shift], [0.0, rows / len(sketch), 0.0]])
    out = cv2.warpAffine(sketch.astype(np.float32), matrix, (sketch.shape[1], rows), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.float32)


def _pieces(sketch: NDArray[np.float32], most: int) -> Iterable[NDArray[np.float32]]:
    """Yield the livelier half of up to nine stretches of 5 s spread over `sketch`, none longer than `most` steps."""
    length = min(_PIECE, len(sketch), most)
    starts = np.unique(np.linspace(0, len(sketch) - length, _PIECES).round().astype(int))
    pieces = [sketch[start : start + length] for start in starts]
    lively = sorted(pieces, key=lambda piece: -float(piece.std()))
    return [piece for piece in lively[: (len(lively) + 1) // 2] if piece.std() > _FLAT]


def _slide(whole: NDArray[np.float32], piece: NDArray[np.float32]) -> float:
    import cv2

    return float(cv2.matchTemplate(whole, piece, cv2.TM_CCOEFF_NORMED).max())
