"""One face put in the place of another in one picture: warp, colour, light, mask."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...media.faces import Mesh, similarity
from . import blend, tone
from .canonical import OVAL, mean_face
from .smooth import Ease, SteadyMesh
from .warp import Box, box_around, dense_map

_MARGIN = 0.12
"""Room around the outline of a face that is worked on, as a share of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The face that is given away.

    `levels` hold the photograph uint8 `[h, w, 4]`, each half the size of the one before: RGB and how far the place
    shows bare face (255) or hair and background (0). `points` are its landmarks `[468, 2]` in the first.
    """

    levels: tuple[NDArray[np.uint8], ...]
    points: NDArray[np.float64]


@dataclass(slots=True, kw_only=True)
class Person:
    """What is steadied from frame to frame for one person; new for a still."""

    seen: float = 0.0
    mesh: SteadyMesh = field(default_factory=SteadyMesh)
    tones: Ease = field(default_factory=lambda: Ease(seconds=0.5))
    hidden: Ease = field(default_factory=lambda: Ease(seconds=0.15))
    light: Ease = field(default_factory=lambda: Ease(seconds=0.25))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """A face at one moment: the part of the picture, the warped new face, and both on the coarse grid in CIELAB."""

    box: Box
    old: NDArray[np.uint8]
    new: NDArray[np.uint8]
    old_coarse: NDArray[np.float32]
    new_coarse: NDArray[np.float32]
    usable: NDArray[np.float32]


def origin(image: NDArray[np.uint8], mesh: Mesh) -> Origin:
    """Return the face with the landmarks `mesh` in `image` (uint8 RGB), ready to be put elsewhere."""
    import cv2

    points = mesh.points[:, :2].astype(np.float64)
    box = box_around(points[list(OVAL)], image.shape, margin=_MARGIN)
    part = box.of(image)
    masks = blend.masks(points, box)
    odd = tone.unlike_skin(tone.lab(blend.coarse(part)), masks.sure)
    bare = blend.spread_out((1.0 - odd * masks.coverable).astype(np.float32), box)
    level = np.dstack([part, np.round(bare * 255.0).astype(np.uint8)])
    levels = [level]
    while min(level.shape[:2]) >= 64:
        size = ((level.shape[1] + 1) // 2, (level.shape[0] + 1) // 2)
        level = np.asarray(cv2.resize(level, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        levels.append(level)
    return Origin(levels=tuple(levels), points=points - box.corner)


def put(image: NDArray[np.uint8], mesh: Mesh, given: Origin, person: Person, *, time: float, keep_eyes: bool) -> None:
    """Put the face `given` over the face `mesh` in `image`, in place; `person` carries what is steadied over time."""
    points = person.mesh.step(time, mesh.points[:, :2].astype(np.float64))
    box = box_around(points[list(OVAL)], image.shape, margin=_MARGIN)
    if min(box.width, box.height) < 8:
        return
    look = _look(image, box, warped(given, points, box, depth=mesh.points[:, 2].astype(np.float64)))
    masks = blend.masks(points, box)
    odd = tone.unlike_skin(look.old_coarse, masks.sure)
    hidden = person.hidden.step(time, (odd * masks.coverable).astype(np.float32))
    own = tone.tone(look.new_coarse, masks.skin * look.usable)
    goal = tone.tone(look.old_coarse, masks.skin * (1.0 - odd))
    own, goal = person.tones.step(time, np.stack([own, goal]))
    seam = blend.seam(masks.face * look.usable) * look.usable * (1.0 - hidden) ** 2
    gap = tone.rgb(look.old_coarse) - tone.rgb(tone.matched(look.new_coarse, own, goal))
    light = person.light.step(time, blend.membrane(gap, seam.astype(np.float32)))
    fresh = tone.rgb(tone.matched(tone.lab(look.new), own, goal)) + blend.spread_out(light, box)
    share = blend.shown(masks.face * look.usable * (1.0 - hidden), box)
    share *= 1.0 - blend.opening(points, box, eyes=keep_eyes)
    mixed = look.old + share[..., None] * (fresh - look.old)
    look.old[...] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def warped(given: Origin, points: NDArray[np.float64], box: Box, *, depth: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the face `given` in the shape of the landmarks `points`, uint8 `[h, w, 4]` over `box`."""
    import cv2

    there = similarity(mean_face(), points)
    here = similarity(mean_face(), given.points)
    shrink = float(np.hypot(*there[:, 0]) / np.hypot(*here[:, 0]))
    number = int(np.clip(np.floor(-np.log2(shrink) + 0.25), 0, len(given.levels) - 1))
    level = given.levels[number]
    scale = np.array([level.shape[1] / given.levels[0].shape[1], level.shape[0] / given.levels[0].shape[0]])
    places = dense_map(points, (given.points + 0.5) * scale - 0.5, box, depth=depth)
    columns, rows = (np.ascontiguousarray(places[..., axis]) for axis in (0, 1))
    taken = cv2.remap(level, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(taken, dtype=np.uint8)


def _look(image: NDArray[np.uint8], box: Box, new: NDArray[np.uint8]) -> _Look:
    old = box.of(image)
    small = blend.coarse(new)
    return _Look(
        box=box,
        old=old,
        new=np.ascontiguousarray(new[..., :3]),
        old_coarse=tone.lab(blend.coarse(old)),
        new_coarse=tone.lab(np.ascontiguousarray(small[..., :3])),
        usable=small[..., 3].astype(np.float32) / np.float32(255.0),
    )
