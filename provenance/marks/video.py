"""The mark for films: the picture mark, its lattice points chosen on the mean of a group of frames.

All frames of a group (0.4 s of the film's own time) get the same small change, so that it does not flicker and a
codec that predicts frame from frame carries it along. A detector adds up what the groups say; where a group starts
after a cut is not known, so several starts are read side by side. Nothing grows with the length of the film but a
few numbers a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from ...media.extent import Span
from ...media.video import Frame
from . import align, canvas, codes, image, image_reader, presence, template, template_search
from .interface import Mark

GROUP = 0.4
"""Seconds of a group."""
MOST_FRAMES = 24
"""Frames of a group at most: they are held in memory while their mean is made."""
SHORT = 24
"""Frames: in a film of no more, each is marked by itself, like a picture: groups are too few to repeat the symbols."""
ALONE = " alone"
"""What the layout of such frames is called after the scheme."""
STARTS = 4
"""Starts of a group that are read side by side."""
WINDOW = 8
"""Groups that are decoded together when the film as a whole gives nothing, or as it runs."""
KEPT_FRAMES = 150
"""Frames from the start whose canvas is kept (40 MB), to be read again when the film was cropped or turned."""
PLACED = 12
"""Frames of these that are added up to find where a cropped or turned film lies."""
ALIGNED = 5
"""Groups of these by whose lattice that place is made exact."""
SURE_GAIN = 4.0
"""Lattice score, over all groups so far, from which a group is read at the gain that has it."""
PRESENT = 3.0
"""Agreement of a group with the id, in standard deviations, from which it counts as marked."""


class FilmMark:
    """The film mark under the catalogue name `name`; stateless, the patterns of a key are cached."""

    name = "assay.canvas-film.1"

    def embed(self, frames: Iterable[Frame], payload: int, key: bytes) -> Iterator[Frame]:
        """Yield `frames` with `payload` in them, same times and shapes. Raises `MarkError` if they are too small."""
        symbols = codes.encode(payload, key, self.name)
        waved = template.pattern(key, self.name)
        groups, where = _groups_and_layout(frames, key, self.name)
        for group in groups:
            for frame in group:
                image.check_size(frame.image)
            change = image.difference(_mean(group), symbols, where, waved)
            yield from _changed(group, change)

    def detect(self, frames: Iterable[Frame], key: bytes) -> Mark | None:
        """Return the mark of `frames` under `key` with the seconds that carry it, or `None`."""
        reader = _Reader(key, self.name)
        for frame in frames:
            reader.add(frame)
        return reader.result()

    def presence(self, frames: Iterable[Frame], key: bytes) -> float:
        """Return the p-value of "`frames` are unmarked under `key`" as they lie: uniform in (0, 1] without a mark."""
        large = (frame for frame in frames if min(frame.image.shape[:2]) >= image.LEAST_SIDE // 4)
        groups, where = _groups_and_layout(large, key, self.name)
        seen = np.zeros(where.dither.shape, dtype=np.complex128)
        for group in groups:
            seen += image_reader.turns_of(_mean(group), where)
        return presence.p_value(seen, where)


def _groups_and_layout(frames: Iterable[Frame], key: bytes, scheme: str) -> tuple[Iterator[list[Frame]], canvas.Layout]:
    """Return the groups that are marked as one, and with what: frame by frame in a short film."""
    source = iter(frames)
    first = list(islice(source, SHORT + 1))
    if len(first) <= SHORT:
        return ([frame] for frame in first), canvas.layout(key, scheme + ALONE, canvas.PICTURES)
    return _groups(chain(first, source)), canvas.layout(key, scheme, canvas.FILMS)


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


@dataclass(slots=True)
class _Group:
    """The running sums of one group at one start, how many frames are in it and how open its blocks were."""

    sums: NDArray[np.float32]
    weights: NDArray[np.float32]
    number: int
    first: float
    last: float
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
    """What one group said: seconds of its first and last frame, soft values `[3, 306]` by how blurred it may be."""

    first: float
    last: float
    soft: NDArray[np.float32]


class _Reader:
    """Reads frames as they come: one row of soft values a group, for each of some starts."""

    def __init__(self, key: bytes, scheme: str) -> None:
        self._key, self._scheme = key, scheme
        self._where = canvas.layout(key, scheme, canvas.FILMS)
        self._groups: list[_Group | None] = [None] * STARTS
        self._rows: list[list[_Row]] = [[] for _ in range(STARTS)]
        self._scores = np.zeros((STARTS, len(image_reader.GAINS)))
        self._kept: list[tuple[float, NDArray[np.uint8]]] = []
        self._aspect, self._before, self._gap = 1.0, -1.0, GROUP / 10.0

    def add(self, frame: Frame) -> None:
        """Take in one frame."""
        if min(frame.image.shape[:2]) < image.LEAST_SIDE // 4:
            return
        self._aspect = frame.image.shape[0] / frame.image.shape[1]
        if self._before >= 0.0 and frame.time > self._before:
            self._gap = min(frame.time - self._before, GROUP)
        self._before = frame.time
        grey = canvas.canvas_of(frame.image)
        if len(self._kept) < KEPT_FRAMES:
            self._kept.append((frame.time, np.rint(grey).astype(np.uint8)))
        self._take(frame.time, grey, np.ones(canvas.BLOCKS**2, dtype=np.float32))

    def _take(self, time: float, grey: NDArray[np.float32], there: NDArray[np.float32]) -> None:
        sums = canvas.sums_of(canvas.forward(grey, self._where), self._where)
        weights = there * image_reader.open_blocks(grey)
        for start in range(STARTS):
            number = int((time + GROUP * start / STARTS) / GROUP)
            group = self._groups[start]
            if group is None or group.number != number:
                self._close(start)
                group = _Group(np.zeros_like(sums), np.zeros_like(weights), number, time, time)
                self._groups[start] = group
            group.sums += sums
            group.weights += weights
            group.count += 1
            group.last = time

    def _close(self, start: int) -> None:
        group = self._groups[start]
        if group is None:
            return
        phases = group.sums / np.float32(group.count * self._where.grid.step)
        weights = group.weights[:, None] / np.float32(group.count) * np.ones_like(phases)
        scores = canvas.gain_scores(phases, self._where, weights, image_reader.GAINS)
        self._scores[start] += scores
        best = int(np.argmax(self._scores[start]))
        sure = float(self._scores[start][best]) / np.sqrt(len(self._rows[start]) + 1.0) > SURE_GAIN
        phases = phases / np.float32(image_reader.GAINS[best] if sure else 1.0)
        soft = [
            canvas.soft_values(phases, self._where, weights * canvas.band_weights(self._where, *bands))
            for bands in image_reader.BLURS
        ]
        self._rows[start].append(_Row(group.first, group.last, np.stack(soft).astype(np.float32)))

    def _finish(self) -> None:
        for start in range(STARTS):
            self._close(start)
            self._groups[start] = None

    def result(self) -> Mark | None:
        """Return the mark of all frames so far: as they lie or, if that gives nothing, where the template lies."""
        self._finish()
        best, trials = self._decoded()
        if best is None and 0 < len(self._kept) <= SHORT:
            greys = [small.astype(np.float32) for _, small in self._kept]
            alone = image_reader.read_frames(greys, self._key, self._scheme, ALONE)
            trials += alone.trials
            if alone.found is not None:
                whole = Span(start=self._kept[0][0], end=self._kept[-1][0] + self._gap)
                return self._mark(alone.found, trials, (whole,))
        if best is None and self._kept:
            placed = self._placed()
            if placed is not None:
                self._rows = [[] for _ in range(STARTS)]
                self._scores[:] = 0.0
                placed, _ = align.aligned(self._means(), placed, self._aspect, self._where)
                for time, small in self._kept:
                    self._take(time, *template.onto_canvas(small.astype(np.float32), placed))
                self._finish()
                best, more = self._decoded()
                trials += more
        if best is None:
            return None
        return self._mark(best, trials, self._spans(best.symbols))

    def _mark(self, found: codes.Decoded, trials: int, spans: tuple[Span, ...]) -> Mark:
        p = codes.p_false_alarm(found.strength, trials)
        return Mark(scheme=self._scheme, payload=found.payload, p_false_alarm=p, spans=spans)

    def _decoded(self) -> tuple[codes.Decoded | None, int]:
        """Decode all groups together and every stretch of `WINDOW` groups, at each start."""
        tried: list[NDArray[np.float32]] = []
        for rows in self._rows:
            if rows:
                soft = np.stack([row.soft for row in rows])
                tried += list(soft.sum(axis=0))
                if len(rows) > WINDOW:
                    for at in range(0, len(rows) - WINDOW // 2, WINDOW // 2):
                        tried += list(soft[at : at + WINDOW].sum(axis=0))
        if not tried:
            return None, 0
        found = [one for one in codes.decode(np.stack(tried), self._key, self._scheme) if one is not None]
        return max(found, key=lambda one: one.strength, default=None), len(tried)

    def _placed(self) -> template.Placement | None:
        """Return where the first frames lie on the original canvas, from the spectra of some added up."""
        waves = template.waves(self._key, self._scheme)
        several = self._kept[:: max(1, len(self._kept) // PLACED)]
        mean = np.zeros((canvas.SIDE, canvas.SIDE), dtype=np.float32)
        for _, small in several:
            mean += template.whitened(small.astype(np.float32)) / np.float32(len(several))
        seen = template.received(mean)
        best = template_search.search(seen, self._aspect, self._key, self._scheme)[0]
        return template.refined(seen, best, waves) if best.score >= image_reader.SEEN else None

    def _means(self) -> list[NDArray[np.float32]]:
        """Return the mean canvases of some groups among the frames that were kept."""
        groups: dict[int, list[NDArray[np.uint8]]] = {}
        for time, small in self._kept:
            groups.setdefault(int(time / GROUP), []).append(small)
        several = list(groups.values())[:: max(1, len(groups) // ALIGNED)]
        return [np.mean(group, axis=0, dtype=np.float32) for group in several]

    def _spans(self, symbols: NDArray[np.float32]) -> tuple[Span, ...]:
        """Return the seconds whose groups agree with `symbols`, whatever the start."""
        sure = sorted(
            (row.first, row.last)
            for rows in self._rows
            for row in rows
            if float((row.soft @ symbols / (np.linalg.norm(row.soft, axis=1) + 1e-9)).max()) >= PRESENT
        )
        out: list[Span] = []
        for first, last in sure:
            end = last + self._gap
            if out and first - out[-1].end <= GROUP / STARTS:
                out[-1] = Span(start=out[-1].start, end=max(out[-1].end, end))
            else:
                out.append(Span(start=first, end=end))
        return tuple(out)
