"""Reading the film mark: soft values of groups at several starts, added up, then where the template shows it to lie.

Where a group starts after a cut is not known, so several starts are read side by side. Nothing grows with the length
of the film: when there are many groups, neighbours are joined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...media.extent import Span
from ...media.video import Frame
from . import align, canvas, codes, image_reader, template, template_search
from .interface import Mark

GROUP = 0.4
"""Seconds of a group."""
SHORT = 24
"""Frames: in a film of no more, each is marked by itself, like a picture: groups are too few to repeat the symbols."""
ALONE = " alone"
"""What the layout of such frames is called after the scheme."""
STARTS = 4
"""Starts of a group that are read side by side."""
WINDOW = 8
"""Groups that are decoded together when the film as a whole gives nothing, or as it runs."""
FEW = 3
"""Groups that fit the lattice best, decoded by themselves: key frames are coded better than what lies between."""
KEPT_FRAMES = 150
"""Frames from the start whose canvas is kept (40 MB), to be read again when the film was cropped or turned."""
PLACED = 12
"""Frames of these that are added up to find where a cropped or turned film lies."""
ALIGNED = 5
"""Groups of these by whose lattice that place is made exact."""
SURE_GAIN = 4.0
"""Mean lattice score of the groups so far from which a group is read at the gain that has it.

The groups of a still film have the same noise, so it is no help that they are many.
"""
NEARLY_ONE = 0.013
"""Distance from 1 of a gain that is taken to be 1: the gains that are tried lie as far apart."""
PRESENT = 3.0
"""Agreement of a group with the id, in standard deviations, from which it counts as marked."""
MOST_ROWS = 1023
"""Groups at one start (7 minutes of a film): of more, each two neighbours are joined. Odd, so that pairs come out."""
LEAST_SIDE = 32
"""Pixels: frames with a smaller side are left out."""


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
    """What one group said: seconds of its first and last frame, soft values `[4, 306]`, how well it fits the lattice.

    The soft values are three by how blurred it may be, and one at the gain that all groups so far show: that gain is
    wrong where a plain wall leaves the sums short of the lattice, so gain 1 is always kept.
    """

    first: float
    last: float
    soft: NDArray[np.float32]
    fit: float


class Reader:
    """Reads frames as they come: one row of soft values a group, for each of some starts."""

    def __init__(self, key: bytes, scheme: str) -> None:
        """Start with no frame seen."""
        self._key, self._scheme = key, scheme
        self._where = canvas.layout(key, scheme, canvas.FILMS)
        self._groups: list[_Group | None] = [None] * STARTS
        self._rows: list[list[_Row]] = [[] for _ in range(STARTS)]
        self._scores = np.zeros((STARTS, len(image_reader.GAINS)))
        self._kept: list[tuple[float, NDArray[np.uint8]]] = []
        self._aspect, self._before, self._gap = 1.0, -1.0, GROUP / 10.0

    def add(self, frame: Frame) -> None:
        """Take in one frame."""
        if min(frame.image.shape[:2]) < LEAST_SIDE:
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
        gain = float(image_reader.GAINS[best])
        each = float(self._scores[start][best]) / (len(self._rows[start]) + 1.0)
        soft = [
            canvas.soft_values(phases, self._where, weights * canvas.band_weights(self._where, *bands))
            for bands in image_reader.BLURS
        ]
        if each > SURE_GAIN and abs(gain - 1.0) > NEARLY_ONE:
            phases = phases / np.float32(gain)
        soft.append(canvas.soft_values(phases, self._where, weights))
        rows = self._rows[start]
        fit = float(scores[np.argmin(np.abs(image_reader.GAINS - 1.0))])
        rows.append(_Row(group.first, group.last, np.stack(soft).astype(np.float32), fit))
        if len(rows) > MOST_ROWS:
            rows[:] = [
                _Row(one.first, two.last, one.soft + two.soft, max(one.fit, two.fit))
                for one, two in zip(rows[::2], rows[1::2], strict=True)
            ]

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
        """Decode all groups together, the few that fit best and every stretch of `WINDOW` groups, at each start.

        Of all together also with the roots of the soft values: a picture that stands still repeats its errors.
        """
        tried: list[NDArray[np.float32]] = []
        for rows in self._rows:
            if rows:
                soft = np.stack([row.soft for row in rows])
                together = soft.sum(axis=0)
                tried += [*together, np.sign(together[0]) * np.sqrt(np.abs(together[0]))]
                if len(rows) > FEW:
                    tried.append(soft[np.argsort([-row.fit for row in rows])[:FEW], 0].sum(axis=0))
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
