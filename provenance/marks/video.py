"""The mark for films: the picture mark, its lattice points chosen on the mean of a group of frames.

All frames of a group (0.4 s of the film's own time) get the same small change, so that it does not flicker and a
codec that predicts frame from frame carries it along. Nothing grows with the length of the film.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from ...media.video import Frame
from . import canvas, codes, image, image_reader, presence, template, video_reader
from .interface import Mark
from .video_reader import ALONE, GROUP, SHORT

MOST_FRAMES = 24
"""Frames of a group at most: they are held in memory while their mean is made."""
TEMPLATE_SIDES, TEMPLATE_PARTS = (224.0, 480.0), (0.45, 1.0)
"""Pixels of the shorter side, and how much of the template it gets."""


class FilmMark:
    """The film mark under the catalogue name `name`; stateless, the patterns of a key are cached."""

    name = "assay.canvas-film.2"

    def embed(self, frames: Iterable[Frame], payload: int, key: bytes) -> Iterator[Frame]:
        """Yield `frames` with `payload` in them, same times and shapes. Raises `MarkError` if they are too small."""
        symbols = codes.encode(payload, key, self.name)
        waved = template.pattern(key, self.name)
        groups, where = _groups_and_layout(frames, key, self.name)
        for group in groups:
            for frame in group:
                image.check_size(frame.image)
            part = _part_of_template(group[0]) if where.grid == canvas.FILMS else np.float32(1.0)
            change = image.difference(_mean(group), symbols, where, part * waved)
            yield from _changed(group, change)

    def detect(self, frames: Iterable[Frame], key: bytes) -> Mark | None:
        """Return the mark of `frames` under `key` with the seconds that carry it, or `None`."""
        reader = video_reader.Reader(key, self.name)
        for frame in frames:
            reader.add(frame)
        return reader.result()

    def presence(self, frames: Iterable[Frame], key: bytes) -> float:
        """Return the p-value of "`frames` are unmarked under `key`" as they lie: uniform in (0, 1] without a mark."""
        large = (frame for frame in frames if min(frame.image.shape[:2]) >= image.LEAST_SIDE // 4)
        groups, where = _groups_and_layout(large, key, self.name)
        seen = np.zeros(where.dither.shape, dtype=np.complex128)
        rough = np.zeros(where.dither.shape)
        for group in groups:
            mean = _mean(group)
            seen += image_reader.turns_of(mean, where)
            rough += canvas.roughness(canvas.forward(mean, where), where)
        return presence.p_value(seen, where, rough)


def _groups_and_layout(frames: Iterable[Frame], key: bytes, scheme: str) -> tuple[Iterator[list[Frame]], canvas.Layout]:
    """Return the groups that are marked as one, and with what: frame by frame in a short film."""
    source = iter(frames)
    first = list(islice(source, SHORT + 1))
    if len(first) <= SHORT:
        return ([frame] for frame in first), canvas.layout(key, scheme + ALONE, canvas.PICTURES)
    return _groups(chain(first, source)), canvas.layout(key, scheme, canvas.FILMS)


def _part_of_template(frame: Frame) -> np.float32:
    """Return how much of the template a film of this size gets: a small one needs its loss for the id."""
    return np.float32(np.interp(min(frame.image.shape[:2]), TEMPLATE_SIDES, TEMPLATE_PARTS))


def _groups(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    group: list[Frame] = []
    for frame in frames:
        if group and (int(frame.time / GROUP) != int(group[0].time / GROUP) or len(group) >= MOST_FRAMES):
            yield group
            group = []
        group.append(frame)
    if group:
        yield group


def _mean(group: list[Frame]) -> NDArray[np.float32]:
    """Return the mean canvas of the frames of `group`."""
    mean = np.zeros((canvas.SIDE, canvas.SIDE), dtype=np.float32)
    for frame in group:
        mean += canvas.canvas_of(frame.image) / np.float32(len(group))
    return mean


def _changed(group: list[Frame], change: NDArray[np.float32]) -> Iterator[Frame]:
    """Yield the frames of `group` plus `change`, which is brought to their size once."""
    import cv2

    shape: tuple[int, ...] = ()
    for frame in group:
        if frame.image.shape != shape:
            shape = frame.image.shape
            more, less = image.native(change, shape[1], shape[0])
        marked = cv2.subtract(cv2.add(np.ascontiguousarray(frame.image), more), less)
        yield Frame(index=frame.index, time=frame.time, image=np.asarray(marked, dtype=np.uint8))
