"""Still pictures set moving: fakes of our own that do what makers of talking heads do, each beside the film it is of.

One frame of a real film is carried along the film's own landmarks by a coarse dense map, as such makers do, once as it
is and once with eyes and the inside of the mouth from the living frames. The film and both fakes have the same frame
(the face and its surroundings, 256 to 400 pixels), the same H.264 (crf 18 to 35, drawn) and are followed anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from assay.media.asset import Asset
from assay.media.decode import stream_frames
from assay.media.encode import encode_film
from assay.media.faces import Followed, finder, follow, mesher
from assay.media.faces.align import moved, similarity
from assay.media.video import Frame
from assay.media.view import FOLLOWED_SIDE
from motion_numbers import BONE, EYES, OVAL
from numpy.typing import NDArray

F64, U8 = NDArray[np.float64], NDArray[np.uint8]
FRAMES, GRID = 72, 4
KINDS = ("real", "still", "insides")
LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
"""Landmarks around the inside of the mouth."""


def versions(path: Path, face: Followed, rng: np.random.Generator) -> Iterator[tuple[str, Followed | None]]:
    """Yield the film at `path` and both fakes of it, each followed as a film of its own."""
    frames, points, rate = _portrait(path, face, rng)
    crf, source, soft = int(rng.integers(18, 36)), int(rng.integers(len(frames))), float(rng.uniform(0.0, 1.0))
    still = animated(frames, points, source)
    with tempfile.TemporaryDirectory() as folder:
        for kind, made in zip(KINDS, (frames, still, with_insides(still, frames, points, soft)), strict=True):
            film = (Frame(index=n, time=n / float(rate), image=np.ascontiguousarray(f)) for n, f in enumerate(made))
            place = Path(folder) / f"{kind}.mp4"
            place.write_bytes(encode_film(film, None, rate=rate, crf=crf))
            seen = stream_frames(Asset.open(place), on_note=lambda _note: None)
            yield kind, follow(seen, finder=finder(), mesher=mesher())


def frames_of(path: Path, times: F64) -> Iterator[U8]:
    """Yield the frames of a film at `times`."""
    wanted = iter(times)
    time = next(wanted)
    for frame in stream_frames(Asset.open(path), on_note=lambda _note: None):
        if frame.time >= time - 1e-4:
            yield frame.image
            try:
                time = next(wanted)
            except StopIteration:
                return


def landmarks_of(path: Path, face: Followed) -> F64:
    """Return a followed face's landmarks `[n, 468, 2]` in pixels of the film: large films are followed smaller."""
    video = Asset.open(path).video
    scale = max(1.0, max(video.width, video.height) / FOLLOWED_SIDE) if video else 1.0
    return np.asarray(face.points[:, :, :2] * scale, np.float64)


def _portrait(path: Path, face: Followed, rng: np.random.Generator) -> tuple[list[U8], F64, Fraction]:
    """Return frames around the face, all of one size, landmarks in them, and frames a second."""
    import cv2

    points = landmarks_of(path, face)[:FRAMES]
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    reach, middle = 0.85 * float((high - low).max()), (low + high) / 2
    frames: list[U8] = []
    for image in frames_of(path, face.times[:FRAMES]):
        height, width = image.shape[:2]
        left, top = (int(max(0, value - reach)) for value in middle)
        right, bottom = (int(min(side, value + reach)) for side, value in zip((width, height), middle, strict=True))
        if not frames:
            scale = min(1.0, rng.uniform(256, 400) / max(bottom - top, right - left))
            size = tuple(max(64, int(side * scale) // 2 * 2) for side in (right - left, bottom - top))
        frames.append(
            np.asarray(cv2.resize(image[top:bottom, left:right], size, interpolation=cv2.INTER_AREA), np.uint8)
        )
    points = (points[: len(frames)] - [left, top]) * [size[0] / (right - left), size[1] / (bottom - top)]
    return frames, points, Fraction(face.rate).limit_denominator(1001)


def animated(frames: Sequence[U8], points: F64, source: int) -> list[U8]:
    """Return frame `source` carried along landmarks `points` `[n, 468, 2]`; the picture's edges stand still."""
    import cv2
    from scipy.interpolate import LinearNDInterpolator
    from scipy.ndimage import gaussian_filter1d

    height, width = frames[0].shape[:2]
    smooth = gaussian_filter1d(points, 1.2, axis=0, mode="nearest")
    begin, bone = smooth[source], list(BONE)
    outline = begin[list(OVAL)]
    hair = (outline - outline.mean(axis=0)) * 1.35 + outline.mean(axis=0)
    sides = [(x, y) for x in (-1, width / 2, width) for y in (-1, height / 2, height)]
    edge = np.array([one for one in sides if one != (width / 2, height / 2)], np.float64)
    coarse = np.meshgrid(np.arange(0, width, GRID, dtype=float), np.arange(0, height, GRID, dtype=float))
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    out = []
    for mesh in smooth:
        ring = moved(hair, similarity(begin[bone], mesh[bone]))
        inside = ((ring > 0) & (ring < [width, height])).all(axis=1)
        goal, start = np.vstack([mesh, ring[inside], edge]), np.vstack([begin, hair[inside], edge])
        way = LinearNDInterpolator(goal, start - goal, fill_value=0.0)(*coarse).astype(np.float32)
        way = cv2.resize(cv2.GaussianBlur(way, (0, 0), 0.7), (width, height), interpolation=cv2.INTER_LINEAR)
        where = across + way[..., 0], down + way[..., 1]
        drawn = cv2.remap(frames[source], *where, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        out.append(np.asarray(drawn, np.uint8))
    return out


def with_insides(still: Sequence[U8], frames: Sequence[U8], points: F64, soft: float) -> list[U8]:
    """Return `still` with eyes and the inside of the mouth from `frames`, blurred by `soft` pixels."""
    import cv2

    out = []
    for drawn, living, mesh in zip(still, frames, points, strict=True):
        mask = np.zeros(drawn.shape[:2], np.float32)
        for marks in (LIPS, *EYES):
            cv2.fillConvexPoly(mask, cv2.convexHull(mesh[list(marks)].astype(np.float32)).round().astype(np.int32), 1.0)
        edge = float(np.ptp(mesh[:, 0])) / 60
        mask = cv2.dilate(mask, np.ones((3, 3), np.uint8), iterations=max(1, int(edge)))
        share = cv2.GaussianBlur(mask, (0, 0), edge)[..., None]
        inner = cv2.GaussianBlur(living, (0, 0), soft) if soft > 0.2 else living
        out.append(np.asarray((drawn * (1 - share) + inner * share).round().clip(0, 255), np.uint8))
    return out
