"""The real media that marks are measured on: out of any corpus in a known layout, in a seeded order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...datasets.corpus import CorpusError, Item
from ...datasets.launder import Media
from ...datasets.layouts import choose
from ...media.asset import Asset
from ...media.audio import Audio
from ...media.decode import decode_audio, decode_image, stream_frames
from ...media.errors import AssayError, InputError
from ...media.image import Still
from ...media.video import Frame
from ..reals import read_reals

KINDS = {"image": "image", "audio": "audio", "film": "video"}
"""Kind of media -> what corpora call it."""
LEAST_SIDE = 200
PICTURE_SIDE = 1024
FILM_SIDE = 854
FRAMES = 100
"""Pictures are brought to at most 1024 pixels a side, films to 854 and their first 100 frames: time, not need."""
LEAST_SECONDS, MOST_SECONDS = 3.0, 30.0
QUIET = 1e-3
"""Sound whose RMS is lower is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A file of the material: `made` where it is synthetic (speech alone is filled up with such)."""

    item: str
    kind: str
    group: str
    path: Path
    made: bool = False


@lru_cache(maxsize=8)
def pieces(corpora: tuple[Path, ...], kind: str, *, seed: int, made: bool = False) -> tuple[Piece, ...]:
    """Return the files of `kind` in `corpora`, real ones first, each once, in an order drawn by `seed`.

    A corpus is a folder in a layout of the catalogue, or any folder of real media. `made`: synthetic ones behind the
    real ones. Raises `InputError` if there is none.
    """
    found: dict[Path, Piece] = {}
    for corpus in corpora:
        for piece in _listed(corpus, kind):
            if made or not piece.made:
                found.setdefault(piece.path, piece)
    if not found:
        msg = f"expected real media of the kind {kind} in {', '.join(map(str, corpora)) or 'no folder'}, found none"
        raise InputError(msg)
    return tuple(sorted(found.values(), key=lambda one: (one.made, draw(seed, one.item))))


def _listed(corpus: Path, kind: str) -> Iterator[Piece]:
    try:
        layout = choose(corpus)
    except CorpusError:
        for real in read_reals(corpus)[0]:
            if real.kind == KINDS[kind]:
                yield Piece(item=f"{corpus.name}/{real.id}", kind=kind, group=real.subject, path=real.path)
        return
    for item in layout.items(corpus):
        if isinstance(item, Item) and item.kind == KINDS[kind]:
            name = f"{corpus.name}/{item.id.partition('@')[0]}"
            yield Piece(item=name, kind=kind, group=item.group, path=item.path, made=item.spoof)


def draw(seed: int, *words: str) -> int:
    """Return a 63-bit number that `seed` and `words` give, the same on every machine."""
    digest = hashlib.sha256("|".join((str(seed), *words)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def load(piece: Piece) -> Media | None:
    """Return what the file holds, brought to the bench's size; `None` if it cannot be read, is too small or silent."""
    try:
        if piece.kind == "image":
            return _picture(piece.path)
        if piece.kind == "audio":
            return _sound(piece.path)
        return _film(piece.path)
    except AssayError:
        return None


def loaded(some: Sequence[Piece], most: int) -> Iterator[tuple[Piece, Media]]:
    """Yield the first `most` of `some` that can be used, with what they hold."""
    given = 0
    for piece in some:
        if given == most:
            return
        media = load(piece)
        if media is not None:
            given += 1
            yield piece, media


def _picture(path: Path) -> Still | None:
    import cv2

    pixels = decode_image(Asset.open(path)).pixels
    if min(pixels.shape[:2]) < LEAST_SIDE:
        return None
    scale = PICTURE_SIDE / max(pixels.shape[:2])
    if scale < 1:
        pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return Still(pixels=np.ascontiguousarray(pixels))


def _sound(path: Path) -> Audio | None:
    audio = decode_audio(Asset.open(path))
    samples = np.ascontiguousarray(audio.samples[:, : int(MOST_SECONDS * audio.rate)])
    if samples.shape[1] < LEAST_SECONDS * audio.rate or float(np.sqrt(np.mean(samples**2))) < QUIET:
        return None
    return Audio(samples=samples, rate=audio.rate)


def _film(path: Path) -> tuple[Frame, ...] | None:
    frames = []
    for frame in stream_frames(Asset.open(path), max_side=FILM_SIDE):
        height, width = (side // 2 * 2 for side in frame.image.shape[:2])
        frames.append(
            Frame(index=frame.index, time=frame.time, image=np.ascontiguousarray(frame.image[:height, :width]))
        )
        if len(frames) == FRAMES:
            break
    if len(frames) < FRAMES * 3 // 4 or min(frames[0].image.shape[:2]) < LEAST_SIDE:
        return None
    return tuple(frames)
