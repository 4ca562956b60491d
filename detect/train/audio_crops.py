"""The windows that networks are trained on: cut once, kept in files, drawn evenly from makers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ...datasets.corpus import Item
from ...datasets.launder import launder
from ...media.audio import Audio
from ...media.errors import AssayError
from ..audio.frontends import FrontEnd
from ..audio.gate import windows
from .audio_material import marked, randomness, sound, spread
from .nuisance import MARKED
from .table import F32, Rows, Table, digest, keep, labels, none

_WINDOWS = 2
"""Windows of each version of a clip that are kept, evenly spread; one more of the clip as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """How clips become windows of `size` samples: as they are and after `laundered` chains drawn from `chains`.

    One more version bears the mark of our own generators (`MARKED`), and laundered ones bear it with the chance
    `marked`. The draw is the same for both classes.
    """

    size: int
    chains: tuple[str, ...]
    laundered: int
    seed: int
    marked: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Crops:
    """Windows in files: `table` has no values, but item and chain of each; window `k` is row `row[k]` of `place[k]`."""

    table: Table
    place: tuple[Path, ...]
    row: tuple[int, ...]

    def window(self, number: int) -> F32:
        """Return a window's samples, float32 `[size]`."""
        with np.load(self.place[number], allow_pickle=False) as stored:
            return np.asarray(stored["values"][self.row[number]], np.float32)


def cut(items: Sequence[Item], cutting: Cutting, *, folder: Path, done: Callable[[float], None]) -> Crops:
    """Return the windows of all `items`, cut into files in `folder` unless they lie there: a broken run goes on."""
    item: list[int] = []
    chain: list[str] = []
    place: list[Path] = []
    row: list[int] = []
    skipped: list[tuple[str, str]] = []
    for number, one in enumerate(items):
        done(number / len(items))
        path = folder / f"{digest('crops', one.id, one.sha256, cutting)}.npz"
        rows = labels(path)
        if rows is None:
            rows = _windows(one, cutting)
            keep(path, rows)
        item += [number] * len(rows.chains)
        chain += rows.chains
        place += [path] * len(rows.chains)
        row += range(len(rows.chains))
        skipped += [(one.id, why) for why in rows.skipped]
    table = Table(
        items=tuple(items),
        values=np.zeros((len(item), 0), np.float32),
        item=np.array(item, np.int64),
        chain=tuple(chain),
        skipped=tuple(skipped),
    )
    return Crops(table=table, place=tuple(place), row=tuple(row))


def _windows(item: Item, cutting: Cutting) -> Rows:
    """Return the windows of a clip as it is and laundered; an unreadable file gives none and says why."""
    rng = randomness(item, cutting.seed)
    values: list[F32] = []
    chains: list[str] = []
    skipped: list[str] = []
    try:
        audio = sound(item, rng)
        for chain in _versions(cutting, rng):
            bearing = chain == MARKED or (chain != "none" and rng.random() < cutting.marked)
            plain = marked(audio, rng) if bearing else audio
            washed = plain if chain == MARKED else launder(plain, chain, rng)
            found = windows(cast("Audio", washed), size=cutting.size)
            chosen = spread(len(found.starts), _WINDOWS + (chain == "none"))
            values += [found.samples[window] for window in chosen]
            chains += [chain] * len(chosen)
            if not chosen:
                skipped.append(f"{chain}: only {found.active:.1f} s of active sound")
    except AssayError as error:
        return none(str(error))
    return Rows(
        values=np.stack(values) if values else np.zeros((0, 0), np.float32),
        chains=tuple(chains),
        skipped=tuple(skipped),
    )


def _versions(cutting: Cutting, rng: np.random.Generator) -> list[str]:
    """Return the chains that a clip goes through: none, the mark alone (where marks are wanted), and drawn ones."""
    drawn = rng.choice(cutting.chains, cutting.laundered, replace=False)
    return ["none", *([MARKED] if cutting.marked else []), *map(str, drawn)]


class Heard(Dataset[tuple[Tensor, Tensor]]):
    """The features of chosen windows, `[rows, width]`, with 0 for spoof and 1 for bona fide."""

    def __init__(self, crops: Crops, chosen: NDArray[np.int64], front: FrontEnd) -> None:
        """Hear the windows numbered `chosen` through `front`."""
        self._crops, self._chosen, self._front = crops, chosen, front
        self._spoof = crops.table.spoof

    def __len__(self) -> int:
        """Return how many windows there are."""
        return len(self._chosen)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return the features of a window, and its class."""
        number = int(self._chosen[index])
        features = self._front.features(self._crops.window(number))
        return torch.from_numpy(features), torch.tensor(0 if self._spoof[number] else 1)


def balance(crops: Crops, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weight of each of the windows numbered `chosen`, `[len(chosen)]`."""
    items = crops.table.item[chosen]
    makers = np.array([one.maker if one.spoof else "" for one in crops.table.items])[items]
    weights = 1.0 / np.bincount(items)[items]
    names = sorted(set(makers))
    for name in names:
        share = 0.5 if not name else 0.5 / max(1, len(names) - 1)
        weights[makers == name] *= share / weights[makers == name].sum()
    return np.asarray(weights)
