"""What `hearing.py` compares the shipped ear with: file facts, mixtures, published AASISTs, and one taught here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch  # noqa: TID253 (loaded only when `hearing.py` needs it)
from assay.datasets import splits
from assay.datasets.audit import facts_of
from assay.datasets.corpus import Item
from assay.detect.audio.frontends import front_end
from assay.detect.train import audio, audio_networks
from assay.detect.train.audio_crops import Crops
from assay.detect.train.audio_encoded import encoder_of, weights_digest
from assay.detect.train.audio_loop import teach
from assay.detect.train.audio_networks import Plan
from assay.detect.train.fit import by_item
from assay.detect.train.loop import Pace, Run
from assay.detect.train.networks import aasist
from assay.detect.train.networks.interface import Halved
from assay.detect.train.nuisance import MARKED
from assay.detect.train.table import Table
from assay.detect.train.within import fit_within
from hearing_material import CONDITIONS, F32, F64, FOLDS, LONG, SEED, SHORT, Scores, heard_under, kept, windows_under
from numpy.typing import NDArray

TAUGHT, FUSED = "AASIST, graphs taught here", "shipped ear and that AASIST"
LAUNDERED = "laundered"
"""As training launders: two of 23 chains a clip, half of them marked."""
PACE = Pace(epochs=8, batch=64, rate=5e-4, device="cpu", seed=SEED)


def quiet(_what: str, _done: float) -> None:
    """Say nothing of progress."""


def facts(items: Sequence[Item], cache: Path) -> Scores:
    """Return what boosted trees make of header and trivial facts of the files, never of what is said.

    A laundered file has the facts of its laundering: this row is of files as they are, alone.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    keep = cache / "facts.json"
    if not keep.exists():
        keep.parent.mkdir(parents=True, exist_ok=True)
        keep.write_text(json.dumps([dict(facts_of(str(item.path)).values) for item in items]))
    told = json.loads(keep.read_text())
    names = sorted({name for row in told for name, value in row.items() if isinstance(value, int | float)})
    values = np.array([[float(row.get(name, np.nan)) for name in names] for row in told])
    spoof = np.array([item.spoof for item in items])
    scores = np.full(len(items), np.nan)
    for train, test in splits.unseen(items, folds=FOLDS, seed=SEED):
        model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=6, random_state=SEED)
        scores[test] = model.fit(values[train], spoof[train]).decision_function(values[test])
    return {CONDITIONS[0]: scores}


def gmm(items: Sequence[Item], work: Path, cache: Path, few: int) -> Scores:
    """Return the scores of 64 mixtures a class on LFCC, fitted on the windows that the shipped ear learns from."""
    from sklearn.mixture import GaussianMixture

    front = front_end("lfcc")
    crops = audio.windows_of(items, audio.Settings(cache=work), work, quiet)
    table = crops.table
    clean = np.array([chain == "none" for chain in table.chain])
    scores: Scores = {condition: np.full(len(items), np.nan) for condition in CONDITIONS}

    def fitted(rows: NDArray[np.int64], rng: np.random.Generator) -> GaussianMixture:
        chosen = rng.choice(rows, min(len(rows), 1200), replace=False)
        frames = np.concatenate([front.features(crops.window(int(i)))[::6] for i in chosen])
        return GaussianMixture(64, covariance_type="diag", random_state=SEED, reg_covar=1e-4, max_iter=20).fit(frames)

    for number, (train, test) in enumerate(splits.unseen(items, folds=FOLDS, seed=SEED)):

        def scored(number: int = number, train: list[int] = train, test: list[int] = test) -> F64:
            taught, rng = table.rows(train), np.random.default_rng([SEED, number])
            spoof, real = (fitted(np.flatnonzero(taught & (table.spoof == label)), rng) for label in (True, False))

            def told(windows: Sequence[F32]) -> float:
                frames = [front.features(one) for one in windows]
                return float(np.mean([spoof.score(f) - real.score(f) for f in frames])) if frames else np.nan

            found = np.full((len(CONDITIONS), len(test)), np.nan)
            for row, condition in enumerate(CONDITIONS):
                some = set(heard_under(items, condition, few))
                for column, i in enumerate(test):
                    if condition == CONDITIONS[0]:
                        numbers = np.flatnonzero(clean & (table.item == i))
                        found[row, column] = told([crops.window(int(n)) for n in numbers])
                    elif i in some:
                        found[row, column] = told(list(windows_under(items[i], condition, SHORT, cache)))
            return found

        for condition, row in zip(CONDITIONS, kept(cache / f"gmm-{few}" / f"{number}.npy", scored), strict=True):
            scores[condition][test] = row
    return scores


def encoded_under(
    network: Halved, items: Sequence[Item], cache: Path, size: int, *, only_kept: bool = False
) -> Callable[[str, int], F32]:
    """Return what gives, for a condition and a clip, what an encoder tells of its first window, if any.

    With `only_kept` nothing is heard anew.
    """
    encode = encoder_of(network, size)
    tag = weights_digest(network)

    def told(condition: str, number: int) -> F32:
        def make() -> F32:
            rows = [encode(one[None]) for one in windows_under(items[number], condition, size, cache)[:1]]
            return np.concatenate(rows) if rows else np.zeros((0, 1, 1), np.float32)

        place = cache / "told" / f"{tag}-{size}" / condition / f"{items[number].sha256}.npy"
        if only_kept and not place.exists():
            return np.zeros((0, 1, 1), np.float32)
        return np.asarray(kept(place, make), np.float32)

    return told


def hear_published(items: Sequence[Item], checkpoints: Sequence[Path], cache: Path, few: int) -> None:
    """Let published encoders hear the clips drawn, laundered, then all as they are, a clip under all at a time.

    A run that is broken off leaves the same clips heard under each condition.
    """
    torch.set_num_threads(1)
    ears = [encoded_under(aasist.load_published(one), items, cache, LONG) for one in checkpoints]
    order = np.random.default_rng(SEED).choice(len(items), len(items), replace=False)
    some = set(heard_under(items, CONDITIONS[1], few))
    for number in [int(n) for n in order if n in some] + [int(n) for n in order if n not in some]:
        for condition in CONDITIONS if number in some else CONDITIONS[:1]:
            for ear in ears:
                ear(condition, number)


def published(items: Sequence[Item], checkpoint: Path, cache: Path, few: int, *, only_kept: bool = False) -> Scores:
    """Return the scores of a published AASIST on the middle window of 4.04 s of each clip, spoof less bona fide."""
    network = aasist.load_published(checkpoint).eval()
    torch.set_num_threads(1)
    told = encoded_under(network, items, cache, LONG, only_kept=only_kept)
    return {condition: scores_of(network, told, items, condition, few) for condition in CONDITIONS}


def scores_of(network: Halved, told: Callable[[str, int], F32], items: Sequence[Item], condition: str, few: int) -> F64:
    """Return the mean score of each clip that is heard under a condition."""
    scores = np.full(len(items), np.nan)
    for number in heard_under(items, condition, few):
        if len(rows := told(condition, number)):
            scores[number] = _judged(network, rows)
    return scores


def _judged(network: Halved, rows: F32) -> float:
    with torch.inference_mode():
        logits = network.upper(torch.from_numpy(rows)).double()
    return float((logits[:, 0] - logits[:, 1]).mean())


def plan_of(init: Path) -> Plan:
    """Return how the AASIST of the table is taught: on the shipped ear's windows, in the shipped ear's folds.

    It hears one window of each clip as it is and one of it laundered: each costs a tenth of a second.
    """
    return Plan(
        model="aasist",
        pace=PACE,
        folds=FOLDS,
        laundered=2,
        copies=1.3,
        spoken=48,
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
                    scores[condition][number] = _judged(network, found)
    out = {TAUGHT: scores}
    if ear is not None:
        heard, values = ear_rows(items, work, cache)
        ear |= {LAUNDERED: as_trained(heard.table, values, place)[LAUNDERED]}
        where = {window: n for n, window in enumerate(zip(heard.place, heard.row, strict=True))}
        same = values[[where[window] for window in zip(crops.place, crops.row, strict=True)]]
        both = replace(crops.table, values=np.column_stack([same, rows]).astype(np.float32))
        out[FUSED] = fused(both, (ear, scores), place)
    return out


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
