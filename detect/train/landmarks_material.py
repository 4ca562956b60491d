"""What LRNet is trained on: the landmarks of every film's followed face, windows of them, and fakes of real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ...datasets.corpus import SPOOF, CorpusError, Item
from ...media.asset import Asset
from ...media.decode import stream_frames
from ...media.errors import AssayError
from ...media.faces import Followed, finder, follow, mesher
from ...media.video import Frame
from ...media.view import FOLLOWED_SIDE
from ..visual.landmarks import LEAST_RATE, WINDOW, aligned, series
from .fit import MADE, made
from .landmarks_fakes import FAKES, disturbed, paced
from .table import Table, digest

if TYPE_CHECKING:
    from collections.abc import Generator

F32 = NDArray[np.float32]
Drawn = dict[tuple[int, int, int], F32]
"""Seed, row and turn -> the window that was drawn."""
DRAWN_REAL, DRAWN_FAKE = 24, 6
"""Windows that are drawn for each row of a real film, and of a fake: there are six fakes for each real film."""
SPEEDS = (0.8, 1.25)
"""Between these the frame rate of a drawn window is changed, in half of the draws."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """Windows of followed faces: row `k` begins at frame `start[k]` of `landmarks[of[item of k]]`, `[n, 68, 2]`.

    Items that training makes are fakes of the series that they refer to.
    """

    table: Table
    landmarks: tuple[F32, ...]
    of: tuple[int, ...]
    start: tuple[int, ...]
    kept: Drawn = field(default_factory=dict)
    """Windows that were drawn, for all who are shown these tracks."""

    def window(self, row: int) -> F32:
        """Return the window of a row, `[WINDOW, 68, 2]`, faked if its item is made here: the same each time."""
        return aligned(self._cut(row, self.start[row], np.random.default_rng([row, 7])))

    def drawn(self, row: int, rng: np.random.Generator) -> F32:
        """Return a window of the row's film drawn anew, at a drawn pace, disturbed as either class is."""
        points = self.landmarks[self._source(row)]
        fastest = min(SPEEDS[1], (len(points) - 2) / (WINDOW - 1))
        speed = 1.0 if rng.random() < 0.5 or fastest <= SPEEDS[0] else float(rng.uniform(SPEEDS[0], fastest))
        need = min(len(points), int(np.ceil((WINDOW - 1) * speed)) + 2)
        start = int(rng.integers(len(points) - need + 1))
        stretch = self._cut(row, start, rng, frames=need)
        return aligned(disturbed(paced(stretch, WINDOW, speed), rng))

    def _source(self, row: int) -> int:
        return self.of[int(self.table.item[row])]

    def _cut(self, row: int, start: int, rng: np.random.Generator, frames: int = WINDOW) -> F32:
        """Return a stretch of the row's series; of an item made here, a fake of it."""
        item = self.table.items[int(self.table.item[row])]
        points = self.landmarks[self._source(row)]
        stretch = points[start : start + frames]
        if not made(item):
            return stretch
        # Another moment of the same film, backwards: a donor from elsewhere would carry what a fold must not meet.
        other = int(rng.integers(len(points) - len(stretch) + 1))
        return FAKES[item.process](stretch, points[other : other + len(stretch)][::-1], rng)


class Windows(Dataset[tuple[Tensor, Tensor]]):
    """Chosen rows as flat windows `[8160]`, with 0 for spoof and 1 for bona fide.

    Beyond the rows' number, index `k * len + n` is one of the windows of row `n`'s film that are drawn as `seed` says,
    `DRAWN_REAL` of a real one and `DRAWN_FAKE` of a fake: they are kept, since drawing costs more than learning.
    """

    def __init__(self, tracks: Tracks, chosen: NDArray[np.int64], *, seed: int = 0) -> None:
        """Show the rows numbered `chosen`."""
        self._tracks, self._chosen, self._seed = tracks, chosen, seed
        self._spoof = tracks.table.spoof

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._chosen)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return a window and its class."""
        row = int(self._chosen[index % len(self._chosen)])
        if index < len(self._chosen):
            window = self._tracks.window(row)
        else:
            turn = (index // len(self._chosen)) % (DRAWN_FAKE if self._spoof[row] else DRAWN_REAL)
            place = (self._seed, row, turn)
            if place not in self._tracks.kept:
                self._tracks.kept[place] = self._tracks.drawn(row, np.random.default_rng(place))
            window = self._tracks.kept[place]
        return torch.from_numpy(window.reshape(-1)), torch.tensor(0 if self._spoof[row] else 1)


def tracks_of(
    items: Sequence[Item],
    series_of: Callable[[Item], F32],
    *,
    folder: Path | None,
    sorts: Sequence[str] = tuple(FAKES),
    done: Callable[[float], None] = lambda _done: None,
) -> Tracks:
    """Return the windows of all films in `items`, and of `sorts` of fakes of the real ones.

    `series_of` gives an item's landmarks; they are kept in `folder`. Raises `CorpusError` if no real film has a window.
    """
    found: dict[int, F32] = {}
    skipped = []
    for number, item in enumerate(items):
        done(number / len(items))
        try:
            points = _kept(item, series_of, folder)
        except AssayError as error:
            skipped.append((item.id, str(error)))
            continue
        if len(points) >= WINDOW:
            found[number] = points
        else:
            skipped.append((item.id, f"needs {WINDOW} frames of one face without a gap, got {len(points)}"))
    reals = [number for number in found if not items[number].spoof]
    if not reals:
        msg = f"expected a real film with {WINDOW} frames of one face without a gap, got none of {len(items)} films"
        raise CorpusError(msg)
    names = [items[number] for number in found]
    of = list(range(len(found)))
    place = {number: where for where, number in enumerate(found)}
    for sort in sorts:
        names += [made_of(items[number], sort) for number in reals]
        of += [place[number] for number in reals]
    return _laid_out(names, tuple(found.values()), tuple(of), tuple(skipped))


def _laid_out(
    items: Sequence[Item], landmarks: tuple[F32, ...], of: tuple[int, ...], skipped: tuple[tuple[str, str], ...]
) -> Tracks:
    """Return one row for each window of each item."""
    rows = [
        (number, turn * WINDOW) for number in range(len(items)) for turn in range(len(landmarks[of[number]]) // WINDOW)
    ]
    table = Table(
        items=tuple(items),
        values=np.zeros((len(rows), 0), np.float32),
        item=np.array([number for number, _ in rows], np.int64),
        chain=("none",) * len(rows),
        skipped=skipped,
    )
    return Tracks(table=table, landmarks=landmarks, of=of, start=tuple(start for _, start in rows))


def made_of(item: Item, sort: str) -> Item:
    """Return the item of a fake of a real film; it stays in the film's group."""
    return replace(item, id=f"{item.id}+{sort}", label=SPOOF, maker=f"{sort}{MADE}", process=sort)


def _kept(item: Item, series_of: Callable[[Item], F32], folder: Path | None) -> F32:
    """Return an item's series, from `folder` if it lies there."""
    place = folder / f"{digest('landmarks', 1, item.id, item.sha256)}.npy" if folder else None
    if place is not None and place.exists():
        return cast("F32", np.load(place, allow_pickle=False))
    points = series_of(item)
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        np.save(place.with_suffix(".tmp.npy"), points, allow_pickle=False)
        place.with_suffix(".tmp.npy").replace(place)
    return points


def series_of_film(item: Item) -> F32:
    """Return the landmarks of the face that is followed in a film, `[n, 68, 2]`, none if its frame rate is too low.

    Only the item's region is looked at. Raises as decoding does.
    """
    with closing(cast("Generator[Frame]", _frames(item))) as frames:
        followed = follow(frames, finder=finder(), mesher=mesher())
    return series_if_fit(followed)


def series_if_fit(followed: Followed | None) -> F32:
    """Return the landmarks of a followed face; none without a face, or if its frame rate is too low."""
    if followed is None or followed.rate < LEAST_RATE:
        return np.zeros((0, 68, 2), np.float32)
    return series(followed)


def _frames(item: Item) -> Iterator[Frame]:
    """Yield the frames of a film, cut to the item's region, at most `FOLLOWED_SIDE` pixels a side."""
    import cv2

    left, top, right, bottom = item.region or (0.0, 0.0, 1.0, 1.0)
    for frame in stream_frames(Asset.open(item.path), on_note=lambda _note: None):
        height, width = frame.image.shape[:2]
        part = frame.image[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
        scale = FOLLOWED_SIDE / max(part.shape[:2])
        if scale < 1.0:
            part = np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        yield replace(frame, image=np.ascontiguousarray(part))


def spreads(tracks: Tracks, chosen: NDArray[np.int64]) -> tuple[F32, tuple[float, float]]:
    """Return of the real rows in `chosen` the mean face `[136]`, and the deviations from it and from frame to frame."""
    real = [int(row) for row in chosen if not tracks.table.spoof[row]]
    cut = np.stack([tracks.window(row) for row in real]).reshape(-1, WINDOW, 136)
    middle = cut.mean(axis=(0, 1))
    return middle, (float((cut - middle).std()), float(np.diff(cut, axis=1).std()))
