"""Reenactment by warping: another expression, a photograph that talks, a mouth that says something else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...generate.face.canonical import BROWS, EYES, LIPS, MOUTH
from ...generate.face.warp import box_around, dense_map
from ...generate.interface import Scope
from ...media.faces import moved, similarity
from .interface import Maker
from .retouched import FilmMaker, Found, Pixels, Step, StillMaker, feathered

F64 = NDArray[np.float64]
_MARGIN = 0.7
"""How far around the face the picture gives way, as a share of the face."""
_CHIN = (152, 148, 377, 176, 400, 149, 378)
"""Landmarks of the chin, which goes down with the lower lip."""


def warped(seen: Found, wanted: F64) -> Pixels:
    """Return the picture with its face's landmarks moved to `wanted` `[468, 2]`; around it the picture gives way."""
    import cv2

    box = box_around(np.concatenate([seen.points, wanted]), seen.pixels.shape, margin=_MARGIN)
    places = dense_map(wanted, seen.points, box, depth=seen.depth)
    grid = np.stack(np.meshgrid(np.arange(box.left, box.right), np.arange(box.top, box.bottom)), axis=-1)
    share = _giving(box.width, box.height)[..., None]
    shifted = (grid + share * (places - grid)).astype(np.float32)
    image = seen.pixels.copy()
    across, down = (np.ascontiguousarray(shifted[..., axis]) for axis in (0, 1))
    box.of(image)[...] = cv2.remap(seen.pixels, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return image


def _giving(width: int, height: int) -> NDArray[np.float32]:
    """Return how much of the shift is kept: 1 over the face, 0 at the borders of the box, `[height, width]`."""
    sides = []
    for size in (width, height):
        place = np.minimum(np.arange(size), np.arange(size)[::-1]) / (0.25 * size)
        sides.append(0.5 - 0.5 * np.cos(np.pi * np.minimum(place, 1.0)))
    return (sides[1][:, None] * sides[0]).astype(np.float32)


class Reenact:
    """Another expression and a slightly turned head, by moving landmarks and warping the picture after them."""

    name = "reenact"
    scope = Scope.REENACT

    def begin(self, first: Found, rng: np.random.Generator) -> Step:
        """Return the step: how far the mouth, brows, eyes and head move is drawn once."""
        del first
        smile, brows, lids = (
            rng.uniform(0.02, 0.06) * rng.choice([-1, 1]),
            rng.uniform(-0.04, 0.04),
            rng.uniform(0, 0.3),
        )
        turn = np.deg2rad(rng.uniform(4, 9) * rng.choice([-1, 1]))

        def step(seen: Found) -> Pixels:
            return warped(seen, expression(seen, smile=smile, brows=brows, lids=lids, turn=turn))

        return step


def expression(seen: Found, *, smile: float, brows: float, lids: float, turn: float) -> F64:
    """Return the landmarks of `seen` with another expression.

    `smile` and `brows` are shares of the face's height by which the corners of the mouth and the brows rise, `lids` how
    far the eyes close (0 to 1), `turn` a turn of the head about its upright axis in radians.
    """
    points, depth = seen.points.copy(), seen.depth
    tall = float(np.ptp(points[:, 1]))
    lips = list(LIPS)
    centre = points[lips].mean(axis=0)
    side = (points[lips, 0] - centre[0]) / max(1.0, float(np.abs(points[lips, 0] - centre[0]).max()))
    points[lips, 1] -= smile * tall * side**2
    points[lips, 0] += 0.5 * abs(smile) * tall * side
    for brow in BROWS:
        points[list(brow), 1] -= brows * tall
    for eye in EYES:
        middle = points[list(eye), 1].mean()
        points[list(eye), 1] += lids * (middle - points[list(eye), 1])
    middle_x, near = points[:, 0].mean(), depth - depth.mean()
    points[:, 0] = middle_x + (points[:, 0] - middle_x) * np.cos(turn) + near * np.sin(turn)
    return points


class TalkingPhoto:
    """The first frame, made to move as the person moved later: a film out of one photograph.

    The head stays where it was; what moves is the expression, carried over landmark by landmark.
    """

    name = "talking-photo"
    scope = Scope.REENACT

    def begin(self, first: Found, rng: np.random.Generator) -> Step:
        """Return the step: each later frame gives its expression to `first`."""
        del rng
        frozen = Found(pixels=first.pixels.copy(), face=first.face, mesh=first.mesh)

        def step(seen: Found) -> Pixels:
            if seen.pixels.shape != frozen.pixels.shape:
                return seen.pixels
            return warped(frozen, moved(seen.points, similarity(seen.points, frozen.points)))

        return step


class MouthDub:
    """The mouth says something else: lips and chin of the frame from a moment ago, warped onto the face of now."""

    name = "mouth-dub"
    scope = Scope.REENACT

    def begin(self, first: Found, rng: np.random.Generator) -> Step:
        """Return the step: the mouth lags by 8 to 16 frames."""
        lag = int(rng.integers(8, 17))
        past: list[Found] = [first]

        def step(seen: Found) -> Pixels:
            past.append(Found(pixels=seen.pixels.copy(), face=seen.face, mesh=seen.mesh))
            del past[: -lag - 1]
            return _dubbed(seen, past[0])

        return step


def _dubbed(seen: Found, before: Found) -> Pixels:
    """Return `seen` with the lower face of `before`."""
    import cv2

    around = [*LIPS, *MOUTH, *_CHIN]
    box = box_around(seen.points[around], seen.pixels.shape, margin=0.12)
    places = dense_map(seen.points, before.points, box, depth=seen.depth)
    across, down = (np.ascontiguousarray(places[..., axis]) for axis in (0, 1))
    mouth = cv2.remap(before.pixels, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    image = seen.pixels.copy()
    box.of(image)[...] = feathered(box.of(seen.pixels), np.asarray(mouth, np.uint8), edge=0.25)
    return image


def reenact() -> Maker:
    """Return the maker `reenact`."""
    return StillMaker(Reenact())


def reenact_film() -> Maker:
    """Return the maker `reenact-film`."""
    return FilmMaker(Reenact())


def talking_photo_film() -> Maker:
    """Return the maker `talking-photo-film`."""
    return FilmMaker(TalkingPhoto())


def mouth_dub_film() -> Maker:
    """Return the maker `mouth-dub-film`."""
    return FilmMaker(MouthDub())
