"""The AASIST of `hearing.py` whose graph layers are taught here, and its fusion with the shipped ear."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch  # noqa: TID253 (loaded only when `hearing.py` needs it)
from assay.datasets.corpus import Item
from assay.detect.train import audio, audio_networks
from assay.detect.train.audio_crops import Crops
from assay.detect.train.audio_loop import teach
from assay.detect.train.audio_networks import Plan
from assay.detect.train.loop import Pace, Run
from assay.detect.train.networks import aasist
from assay.detect.train.networks.interface import Halved
from assay.detect.train.table import Table
from assay.detect.train.within import fit_within
from hearing_ear import LAUNDERED, as_trained, ear_rows
from hearing_material import CONDITIONS, FOLDS, SEED, SHORT, Scores, heard_under, quiet
from hearing_others import encoded_under, judged

TAUGHT, FUSED = "AASIST, graphs taught here", "shipped ear and that AASIST"
PACE = Pace(epochs=5, batch=64, rate=1e-3, device="cpu", seed=SEED)


def plan_of(init: Path) -> Plan:
    """Return how the AASIST of the table is taught: on the shipped ear's windows, in the shipped ear's folds.

    It hears one window of each clip as it is and one of it laundered, and no copies by vocoders: a window costs a tenth
    of a second.
    """
    return Plan(
        model="aasist",
        pace=PACE,
        folds=FOLDS,
        laundered=2,
        copies=0.0,
        spoken=0,
        init=init,
        keep_encoder=True,
        heard=1,
        window=SHORT / 16_000,
        resume=True,
    )


def taught(
    items: Sequence[Item], init: Path, work: Path, cache: Path, few: int, *, ear: Scores | None = None
) -> dict[str, Scores]:
    """Return the scores of AASISTs taught here, each on clips whose page and maker it did not meet.

    With the scores of the shipped `ear`, which then get a column for training's own laundering, their fusion too.
    """
    torch.set_num_threads(1)
    plan = plan_of(init)
    crops = audio_networks.windows_of(items, plan, work, quiet)
    run = audio_networks.checkpoints(work, plan, crops.table.items)
    rows = audio_networks.unseen_scores(crops, plan, run, quiet)
    place = {item.id: number for number, item in enumerate(items)}
    scores = as_trained(crops.table, rows, place)
    scores |= {condition: np.full(len(items), np.nan) for condition in CONDITIONS[1:]}
    told = encoded_under(aasist.load_published(init), items, cache, SHORT)
    for network, test in _folds(crops, plan, run):
        held = {place[crops.table.items[i].id] for i in test if crops.table.items[i].id in place}
        for condition in CONDITIONS[1:]:
            for number in heard_under(items, condition, few):
                if number in held and len(found := told(condition, number)):
                    scores[condition][number] = judged(network, found)
    out = {TAUGHT: scores}
    if ear is not None:
        heard, values = ear_rows(items, work, cache)
        ear |= {LAUNDERED: as_trained(heard.table, values, place)[LAUNDERED]}
        where = {window: n for n, window in enumerate(zip(heard.place, heard.row, strict=True))}
        same = values[[where[window] for window in zip(crops.place, crops.row, strict=True)]]
        both = replace(crops.table, values=np.column_stack([same, rows]).astype(np.float32))
        out[FUSED] = fused(both, (ear, scores), place)
    return out


def fused(table: Table, both: tuple[Scores, Scores], place: dict[str, int]) -> Scores:
    """Return the scores of a line on both detectors' scores, fitted within sources that it is not asked about.

    It is fitted on scores of windows by models that met neither their source nor their maker.
    """
    settings = audio.Settings()
    out = {name: np.full(len(place), np.nan) for name in (*CONDITIONS, LAUNDERED)}
    for train, test in audio.folded(table.items, folds=FOLDS, seed=SEED):
        line = fit_within(table, table.rows(train), strength=1.0, lone=settings.lone)
        held = [place[table.items[i].id] for i in test if table.items[i].id in place]
        for name, scores in out.items():
            scores[held] = np.column_stack([one[name][held] for one in both]) @ line.weights + line.offset
    return out


def _folds(crops: Crops, plan: Plan, run: Path) -> Iterator[tuple[Halved, list[int]]]:
    """Yield the network of each fold, from its checkpoint, and the items that it did not meet."""
    for number, (train, test) in enumerate(audio.folded(crops.table.items, folds=plan.folds, seed=SEED)):
        chosen = np.flatnonzero(crops.table.rows(train))
        network = teach(audio_networks.make(plan), crops, chosen, Run(pace=plan.pace, folder=run / f"fold-{number}"))
        if isinstance(network, Halved):
            yield network.eval(), test
