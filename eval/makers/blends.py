"""Fakes by blending and filling: a face into itself, a face mixed with another's, features painted over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...detect.train.selfblend import Portrait, self_blend
from ...generate import swap_face
from ...generate.face.canonical import EYES, LIPS, NOSTRILS
from ...generate.face.warp import box_around
from ...generate.interface import GenerationError, Scope
from ...media.faces import moved, similarity
from ...media.image import Still
from .interface import PURPOSE, Kind, Leave, Maker, Media, Real
from .permission import asked, picture
from .retouched import FilmMaker, Found, Pixels, Step, StillMaker, found
from .warps import warped


class SelfBlend:
    """A changed copy of the face blended into the picture it came from (Shiohara & Yamasaki 2022).

    Detectors here are trained on such blends: a floor check, not a stranger's maker.
    """

    name = "self-blend"
    scope = Scope.FACE_SWAP

    def begin(self, first: Found, rng: np.random.Generator) -> Step:
        """Return the step; every frame of a film gets the same draws."""
        del first
        seed = int(rng.integers(2**32))

        def step(seen: Found) -> Pixels:
            real = Portrait(pixels=seen.pixels, mesh=seen.points.astype(np.float32), points=seen.face.points)
            return self_blend(real, np.random.default_rng(seed)).pixels

        return step


class Inpainted:
    """Eyes, mouth or nose painted over from their surroundings (Telea 2004), and the film grain put back."""

    name = "inpainted"
    scope = Scope.FACE_SWAP

    def begin(self, first: Found, rng: np.random.Generator) -> Step:
        """Return the step; one feature is drawn."""
        del first
        parts = (EYES[0], EYES[1], LIPS, NOSTRILS)
        part = list(parts[int(rng.integers(len(parts)))])
        seed = int(rng.integers(2**32))

        def step(seen: Found) -> Pixels:
            return _filled(seen, part, np.random.default_rng(seed))

        return step


def _filled(seen: Found, part: list[int], rng: np.random.Generator) -> Pixels:
    """Return the picture with the landmarks `part` painted over."""
    import cv2

    box = box_around(seen.points[part], seen.pixels.shape, margin=0.6)
    old = np.ascontiguousarray(box.of(seen.pixels))
    hull = cv2.convexHull(((seen.points[part] - seen.points[part].mean(0)) * 1.25).astype(np.float32))
    hull = hull + (seen.points[part].mean(0) - box.corner).astype(np.float32)
    mask = np.zeros(old.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), 255)
    radius = max(3.0, 0.1 * max(box.width, box.height))
    new = cv2.inpaint(old, mask, radius, cv2.INPAINT_TELEA).astype(np.float32)
    grain = old.astype(np.float32) - cv2.GaussianBlur(old, (0, 0), 1.0)
    new += rng.normal(0, float(grain.std()), old.shape) * (mask[..., None] > 0)
    image = seen.pixels.copy()
    box.of(image)[...] = np.clip(np.rint(new), 0, 255)
    return image


class MorphMaker:
    """Half of one face and half of another's, in shape and skin: the attack on passport photographs.

    After Ferrara, Franco, Maltoni, "The magic passport", IJCB 2014.
    """

    name = "morph"
    kind: Kind = "image"

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return the morph; the other face is drawn by `seed` from the pictures in `cast`."""
        own = picture(real, Scope.FACE_SWAP, leave)
        others = [one for one in cast if one.kind == "image" and one.subject != real.subject]
        if not others:
            msg = f"a morph needs a picture of somebody else than {real.subject}: the material has none"
            raise GenerationError(msg)
        other = others[int(np.random.default_rng(seed).integers(len(others)))]
        asked(other, Scope.FACE_SWAP, leave)
        draft = swap_face(
            real.path,
            other.path,
            face_of=other.subject,
            footage_of=(real.subject,),
            book=leave.book,
            purpose=PURPOSE,
            now=leave.now,
        )
        here = found(own.pixels)
        there = found(other.media.pixels) if isinstance(other.media, Still) else None
        if here is None or there is None or not isinstance(draft.media, Still):
            msg = f"no face to morph was found in {real.path.name} or {other.path.name}"
            raise GenerationError(msg)
        mixed = np.rint((own.pixels.astype(np.float32) + draft.media.pixels) / 2).astype(np.uint8)
        halfway = (here.points + moved(there.points, similarity(there.points, here.points))) / 2
        return Still(pixels=warped(Found(pixels=mixed, face=here.face, mesh=here.mesh), halfway), notes=own.notes)


def self_blend_maker() -> Maker:
    """Return the maker `self-blend`."""
    return StillMaker(SelfBlend())


def self_blend_film() -> Maker:
    """Return the maker `self-blend-film`."""
    return FilmMaker(SelfBlend())


def inpainted() -> Maker:
    """Return the maker `inpainted`."""
    return StillMaker(Inpainted())
