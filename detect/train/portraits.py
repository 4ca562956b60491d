"""Faces to train on: found, cut out with their surroundings, laundered, and turned into features as in scanning."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np

from ...datasets.corpus import Kind
from ...datasets.launder import launder
from ...media.asset import Asset
from ...media.decode import decode_image, stream_frames
from ...media.faces import cut, finder, mesher, moved, similarity, template
from ...media.image import Still
from ...media.video import Frame
from ...provenance.marks import image_scheme
from ..visual.features import MARGIN, SIZE, FaceCrop, features
from ..visual.residual import LEAST_FACE
from .selfblend import Pixels, Portrait
from .table import F32

FRAMES = 6
"""Frames of a film that are looked at."""
CONTEXT = 1.15
"""Half the side of the picture kept around a face, in sides of the face."""
LARGEST = 360
"""Pixels: the longer side of a face above which the surroundings are scaled down."""

Part = tuple[float, float, float, float]


@functools.lru_cache(maxsize=2)
def portraits(
    path: Path, kind: Kind, region: Part | None, mark: int | None = None, frames: int = FRAMES
) -> tuple[Portrait, ...]:
    """Return the largest face of a picture, or of each of `frames` frames of a film, with its surroundings.

    Only `region` (left, top, right, bottom in 0..1) is looked at. With a seed in `mark` every picture bears the picture
    mark of our own generators under a key and id drawn with it. Raises as decoding does, `MarkError` where none fits.
    """
    found = []
    for image in _images(path, kind, region or (0.0, 0.0, 1.0, 1.0), frames):
        if mark is not None:
            image = marked(image, mark)
        faces = finder().find(image)
        mesh = mesher().mesh(image, faces[0]) if faces else None
        if mesh is not None and min(faces[0].region.width, faces[0].region.height) >= LEAST_FACE:
            found.append(_surroundings(image, mesh.points[:, :2], faces[0].points))
    return tuple(found)


def marked(image: Pixels, seed: int) -> Pixels:
    """Return `image` under the picture mark of our own generators, key and id drawn with `seed`. Raises `MarkError`."""
    rng = np.random.default_rng(seed)
    return image_scheme().embed(image, int(rng.integers(2**63)), rng.bytes(32))


def _images(path: Path, kind: Kind, region: Part, most: int) -> Iterator[Pixels]:
    """Yield the pictures of a file, cut to the region."""
    asset = Asset.open(path)
    if kind == "image":
        images: Iterator[Pixels] = iter([decode_image(asset).pixels])
    else:
        info = asset.video
        count = (info.frames or int(25 * (info.seconds or 1))) if info else 1
        frames = stream_frames(asset, every=max(1, count // most))
        images = (frame.image for frame, _ in zip(frames, range(most), strict=False))
    for image in images:
        left, top, right, bottom = region
        height, width = image.shape[:2]
        part = image[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
        yield np.ascontiguousarray(part)


def _surroundings(image: Pixels, mesh: F32, points: F32) -> Portrait:
    """Return the square around a face, scaled down where the face is larger than `LARGEST` pixels."""
    import cv2

    low, high = mesh.min(axis=0), mesh.max(axis=0)
    side = float((high - low).max())
    height, width = image.shape[:2]
    left, top = np.maximum(0, np.floor((low + high) / 2 - CONTEXT * side)).astype(int)
    right, bottom = np.minimum([width, height], np.ceil((low + high) / 2 + CONTEXT * side)).astype(int)
    part = image[top:bottom, left:right]
    if side > LARGEST:
        part = np.asarray(
            cv2.resize(part, None, fx=LARGEST / side, fy=LARGEST / side, interpolation=cv2.INTER_AREA), np.uint8
        )
    scale = np.array([part.shape[1] / (right - left), part.shape[0] / (bottom - top)])
    shift = np.array([left, top])
    return Portrait(
        pixels=np.ascontiguousarray(part),
        mesh=((mesh - shift) * scale).astype(np.float32),
        points=((points - shift) * scale).astype(np.float32),
    )


def washed(face: Portrait, chain: str, rng: np.random.Generator) -> Portrait:
    """Return the face after a chain, its landmarks carried along where the chain scales the picture."""
    pixels = washed_pixels(face.pixels, chain, rng)
    (height, width), (was_high, was_wide) = pixels.shape[:2], face.pixels.shape[:2]
    scale = np.array([width / was_wide, height / was_high], np.float32)
    return Portrait(pixels=pixels, mesh=np.asarray(face.mesh * scale), points=np.asarray(face.points * scale))


def washed_pixels(pixels: Pixels, chain: str, rng: np.random.Generator) -> Pixels:
    """Return a picture after a chain of pictures or films."""
    if not any(codec in chain for codec in ("h264", "h265", "vp9")):
        return cast("Still", launder(Still(pixels=pixels), chain, rng)).pixels
    even = np.ascontiguousarray(pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2])
    film = cast("tuple[Frame, ...]", launder((Frame(index=0, time=0.0, image=even),), chain, rng))
    return film[0].image


def features_of(face: Portrait) -> F32:
    """Return the features of a face, aligned as in scanning."""
    matrix = similarity(face.points, template(MARGIN) * SIZE)
    crop = FaceCrop(pixels=cut(face.pixels, matrix, SIZE), outline=moved(face.mesh, matrix).astype(np.float32))
    return features(crop)
