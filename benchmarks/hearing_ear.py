"""The shipped ear and its controls, for `hearing.py`: each clip by a line that met neither its page nor its maker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from assay.datasets.corpus import Item
from assay.detect.audio.features import features
from assay.detect.train import audio
from assay.detect.train.audio_crops import Crops
from assay.detect.train.ear import encoder
from assay.detect.train.fit import by_item
from assay.detect.train.nuisance import MARKED
from assay.detect.train.table import Table
from assay.detect.train.within import clip_means, fit_within
from hearing_material import CONDITIONS, F64, FOLDS, SEED, SHORT, Scores, drawn, kept, quiet, windows_under
from numpy.typing import NDArray

EAR, SHUFFLED = "shipped ear", "control: shuffled labels"
LAUNDERED = "laundered"
"""As training launders: two of 23 chains a clip, half of them marked."""


def heard(items: Sequence[Item], cache: Path, few: int) -> dict[str, F64]:
    """Return what the line is applied to, the mean over the windows of each clip, NaN for none."""
    encode = encoder()
    width = len(features(np.zeros(32_000, np.float32))) + encode(np.zeros((1, 32_000), np.float32)).shape[1]
    out = {}
    some = set(drawn(items, few))
    for condition in CONDITIONS[1:]:
        rows = np.full((len(items), width), np.nan)
        for number, item in enumerate(items):
            if number not in some:
                continue

            def mean(item: Item = item, condition: str = condition) -> NDArray[np.float32]:
                found = windows_under(item, condition, SHORT, cache)
                if not len(found):
                    return np.zeros(0, np.float32)
                told = np.concatenate([encode(found), np.stack([features(one) for one in found])], axis=1)
                return np.asarray(told.mean(axis=0))

            value = kept(cache / "heard" / condition / f"{item.sha256}.npy", mean)
            if value.size:
                rows[number] = value
        out[condition] = rows
    return out


def ear(items: Sequence[Item], work: Path, cache: Path, few: int) -> dict[str, Scores]:
    """Return the shipped detector's scores and two controls, each by a line that met neither page nor maker."""
    settings = audio.Settings(cache=work)
    crops = audio.windows_of(items, settings, work, quiet)
    table = audio.examples(crops, work, quiet)
    everything = list(table.items)
    place = {item.id: number for number, item in enumerate(items)}
    told = heard(items, cache, few)
    told[CONDITIONS[0]] = as_they_are(table, place)
    penalties = {"strength": settings.strength, "lone": settings.lone}
    ways = {EAR: slice(None), "its Whisper part": slice(0, -408), "its LFCC part": slice(-408, None)}
    out: dict[str, Scores] = {name: {c: np.full(len(items), np.nan) for c in CONDITIONS} for name in (*ways, SHUFFLED)}
    for train, test in audio.folded(everything, folds=FOLDS, seed=SEED):
        held = np.array([place[everything[i].id] for i in test if everything[i].id in place])
        for name, columns in ways.items():
            line = fit_within(_columns(table, columns), table.rows(train), **penalties)
            for condition in CONDITIONS:
                out[name][condition][held] = told[condition][held][:, columns] @ line.weights + line.offset
        mixed = fit_within(_shuffled(table), table.rows(train), **penalties)
        for condition in CONDITIONS:
            out[SHUFFLED][condition][held] = told[condition][held] @ mixed.weights + mixed.offset
    return out


def as_they_are(table: Table, place: dict[str, int]) -> F64:
    """Return the mean over the windows of each clip as it is, which training has already heard."""
    rows = np.full((len(place), table.values.shape[1]), np.nan)
    clean = clip_means(table, np.array([chain == "none" for chain in table.chain]))
    for row, position in enumerate(clean.item):
        if (at := place.get(table.items[position].id)) is not None:
            rows[at] = clean.values[row]
    return rows


def _columns(table: Table, columns: slice) -> Table:
    return replace(table, values=table.values[:, columns])


def _shuffled(table: Table) -> Table:
    """Return the table with labels dealt anew among clips."""
    order = np.random.default_rng(SEED).permutation(len(table.items))
    mixed = tuple(
        replace(one, label=table.items[i].label, maker=table.items[i].maker)
        for one, i in zip(table.items, order, strict=True)
    )
    return replace(table, items=mixed)


def ear_rows(items: Sequence[Item], work: Path, cache: Path) -> tuple[Crops, F64]:
    """Return the windows that the shipped ear learns from, and the score of each by a line that met neither its own."""
    settings = audio.Settings(cache=work)
    crops = audio.windows_of(items, settings, work, quiet)

    def scores() -> F64:
        return audio.unseen_scores(audio.examples(crops, work, quiet), settings, quiet)

    return crops, np.asarray(kept(cache / "ear-rows.npy", scores))


def as_trained(table: Table, rows: F64, place: dict[str, int]) -> Scores:
    """Return the mean score of each clip as it is, and as training laundered it."""
    chains = np.array(table.chain)
    out: Scores = {}
    for name, chosen in ((CONDITIONS[0], chains == "none"), (LAUNDERED, (chains != "none") & (chains != MARKED))):
        out[name] = np.full(len(place), np.nan)
        for position, mean in zip(*by_item(table, rows, chosen), strict=True):
            if (at := place.get(table.items[position].id)) is not None:
                out[name][at] = mean
    return out
