"""What `hearing.py` compares the shipped ear with: file facts, mixtures, published AASISTs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch  # noqa: TID253 (loaded only when `hearing.py` needs it)
from assay.datasets import splits
from assay.datasets.audit import facts_of
from assay.datasets.corpus import Item
from assay.detect.audio.frontends import front_end
from assay.detect.train import audio
from assay.detect.train.audio_encoded import encoder_of, weights_digest
from assay.detect.train.networks import aasist
from assay.detect.train.networks.interface import Halved
from hearing_material import (
    CONDITIONS,
    F32,
    F64,
    FOLDS,
    LONG,
    SEED,
    SHORT,
    Scores,
    heard_under,
    kept,
    quiet,
    windows_under,
)
from numpy.typing import NDArray


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
        return GaussianMixture(64, covariance_type="diag", random_state=SEED, reg_covar=1e-4, max_iter=20).fit(
            frames.astype(np.float64)  # in single precision variances of tight components come out below zero
        )

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
            scores[number] = judged(network, rows)
    return scores


def judged(network: Halved, rows: F32) -> float:
    """Return the mean score of a clip's windows, by what the encoder told of them."""
    with torch.inference_mode():
        logits = network.upper(torch.from_numpy(rows)).double()
    return float((logits[:, 0] - logits[:, 1]).mean())
