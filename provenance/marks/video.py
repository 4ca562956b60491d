"""The mark for films: the picture mark, its lattice points chosen on the mean of a group of frames.

All frames of a group (0.4 s of the film's own time) get the same small change, so that it does not flicker and a
codec that predicts frame from frame carries it along. A detector adds up what the groups say; where a group starts
after a cut is not known, so several starts are read side by side. Nothing grows with the length of the film but a
few numbers a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...media.extent import Span
from ...media.video import Frame
from . import canvas, codes, image, template
from .interface import Mark

GROUP = 0.4
"""Seconds of a group."""
MOST_FRAMES = 24
"""Frames of a group at most: they are held in memory while their mean is made."""
STARTS = 4
"""Starts of a group that are read side by side."""
WINDOW = 8
"""Groups that are decoded together when the film as a whole gives nothing, or as it runs."""
PLACED = 12
"""Groups whose mean is kept for finding where a cropped or turned film lies."""
PRESENT = 3.0
"""Agreement of a group with the id, in standard deviations, from which it counts as marked."""


class FilmMark:
    """The film mark under the catalogue name `name`; stateless, the patterns of a key are cached."""

    name = "assay.canvas-film.1"

    def embed(self, frames: Iterable[Frame], payload: int, key: bytes) -> Iterator[Frame]:
        """Yield `frames` with `payload` in them, same times and shapes. Raises `MarkError` if they are too small."""
        symbols = codes.encode(payload, key, self.name)
        for group in _groups(frames):
            for frame in group:
                image.check_size(frame.image)
            mean = np.zeros((canvas.SIDE, canvas.SIDE), dtype=np.float32)
            for frame in group:
                mean += image.canvas_of(frame.image) / np.float32(len(group))
            change = image.difference(mean, symbols, key, self.name)
            yield from _changed(group, change)

    def detect(self, frames: Iterable[Frame], key: bytes) -> Mark | None:
        """Return the mark of `frames` under `key` with the seconds that carry it, or `None`."""
        reader = _Reader(key, self.name)
        for frame in frames:
            reader.add(frame)
        return reader.result()


def _groups(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    group: list[Frame] = []
    for frame in frames:
        if group and (int(frame.time / GROUP) != int(group[0].time / GROUP) or len(group) >= MOST_FRAMES):
            yield group
            group = []
        group.append(frame)
    if group:
        yield group


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


@dataclass(slots=True)
class _Group:
    """The running sum of one group at one start: signed sums of its frames and how many there are."""

    number: int = -1
    sums: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    count: int = 0
    first: float = 0.0
    last: float = 0.0


@dataclass(slots=True)
class _Reader:
    """Reads frames as they come: soft values for each start of a group, kept as one small row a group."""

    key: bytes
    scheme: str
    geometry: template.Placement | None = None
    open_: list[_Group] = field(default_factory=lambda: [_Group() for _ in range(STARTS)])
    rows: list[list[tuple[float, float, NDArray[np.float32]]]] = field(
        default_factory=lambda: [[] for _ in range(STARTS)]
    )
    means: list[NDArray[np.float32]] = field(default_factory=list)
    aspect: float = 1.0
    frame_seconds: float = GROUP / 10.0
    before: float = -1.0

    def add(self, frame: Frame) -> None:
        """Take in one frame."""
        if min(frame.image.shape[:2]) < image.LEAST_SIDE // 4:
            return
        grey = image.canvas_of(frame.image)
        self.aspect = frame.image.shape[0] / frame.image.shape[1]
        if self.before >= 0.0 and frame.time > self.before:
            self.frame_seconds = min(frame.time - self.before, GROUP)
        self.before = frame.time
        where = canvas.layout(self.key, self.scheme)
        sums = canvas.sums_of(canvas.forward(grey), where)
        for start in range(STARTS):
            self._into(start, frame.time, sums)

    def _into(self, start: int, time: float, sums: NDArray[np.float32]) -> None:
        group = self.open_[start]
        number = int((time + GROUP * start / STARTS) / GROUP)
        if number != group.number:
            self._close(start)
            group.number, group.sums, group.count, group.first = number, np.zeros_like(sums), 0, time
        group.sums += sums
        group.count += 1
        group.last = time

    def _close(self, start: int) -> None:
        group = self.open_[start]
        if group.count == 0:
            return
        where = canvas.layout(self.key, self.scheme)
        phases = group.sums / np.float32(group.count * image.STEP)
        soft = canvas.soft_values(phases, where, np.ones_like(phases))
        self.rows[start].append((group.first, group.last, soft.astype(np.float32)))

    def result(self) -> Mark | None:
        """Return the mark of all frames so far."""
        for start in range(STARTS):
            self._close(start)
        stacked = [np.stack([row for _, _, row in rows]) for rows in self.rows if rows]
        if not stacked:
            return None
        tried = [rows.sum(axis=0) for rows in stacked]
        for rows in stacked:
            tried += [
                rows[at : at + WINDOW].sum(axis=0) for at in range(0, max(len(rows) - WINDOW // 2, 1), WINDOW // 2)
            ]
        found = [one for one in codes.decode(np.stack(tried), self.key, self.scheme) if one is not None]
        if not found:
            return None
        best = max(found, key=lambda one: one.strength)
        spans = self._spans(best.symbols)
        p = codes.p_false_alarm(best.strength, len(tried))
        return Mark(scheme=self.scheme, payload=best.payload, p_false_alarm=p, spans=spans)

    def _spans(self, symbols: NDArray[np.float32]) -> tuple[Span, ...]:
        """Return the seconds whose groups agree with `symbols`, whatever the start."""
        deviation = np.sqrt(canvas.layout(self.key, self.scheme).symbol.size / 2.0)
        sure = sorted(
            (first, last)
            for rows in self.rows
            for first, last, row in rows
            if float(row @ symbols) / deviation >= PRESENT
        )
        out: list[Span] = []
        for first, last in sure:
            end = last + self.frame_seconds
            if out and first - out[-1].end <= GROUP / STARTS:
                out[-1] = Span(start=out[-1].start, end=max(out[-1].end, end))
            else:
                out.append(Span(start=first, end=end))
        return tuple(out)
