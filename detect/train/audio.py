"""Training the audio detector `audio-lfcc`: corpus -> laundered windows -> heads -> calibration -> ONNX and card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from ...datasets.corpus import Item, both_labels
from ...datasets.launder import launder
from ...media.audio import Audio
from ...media.errors import AssayError
from ..audio.features import features
from ..audio.gate import windows
from .audio_material import CHAINS, material, randomness, sound, spread
from .calibration import calibrate
from .export import Facts, export, sources
from .fit import F64, Progress, Protocol, by_item, figures, fit, interval, made, unseen_scores
from .table import F32, Rows, Table, gather, joined

NAME, VERSION = "audio-lfcc", "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to train; the defaults made the shipped model."""

    seed: int = 1
    strength: float = 0.01
    laundered: int = 2
    """Laundered versions of each clip beside the clip itself; chains are drawn alike for both classes."""
    copies: float = 0.5
    """Share of the bona fide clips that are also copied by a vocoder."""
    spoken: int = 48
    """Utterances by text to speech."""
    folds: int = 8
    commit: str = ""
    """Commit of the code, for the card."""
    cache: Path | None = None
    """Folder that keeps features for the next run."""
    chains: tuple[str, ...] = CHAINS


def train(
    items: Sequence[Item], *, out: Path, settings: Settings | None = None, progress: Progress | None = None
) -> Path:
    """Train on `items`, write `audio-lfcc.onnx` and its card into `out`, and return the card's path.

    Raises `CorpusError` unless both classes are there, and `MissingExtra` without scikit-learn, onnx or the
    vocoders.
    """
    settings = settings or Settings()
    tell = progress or (lambda _what, _done: None)
    both_labels(items, "the corpus")
    table = examples(items, settings, tell)
    protocol = Protocol(strength=settings.strength, folds=settings.folds, seed=settings.seed)
    scores = unseen_scores(table, protocol, tell)
    tell("fitting", 0.0)
    heads = fit(table, np.ones(len(table.item), bool), strength=settings.strength)
    held = versions(table, scores)
    calibration = calibrate(
        held[1],
        np.array([table.items[i].spoof for i in held[0]]),
        [table.items[i].group for i in held[0]],
        seed=settings.seed,
    )
    facts = Facts(
        name=NAME,
        version=VERSION,
        about="synthetic against recorded speech, statistics of LFCC, modulation, excitation and phase over 2 s",
        input="detect/audio/features.py on windows by detect/audio/gate.py",
        calibration_set=f"{len(held[0])} clips, clean and laundered, by models blind to their maker and source",
        papers=("Sahidullah, Kinnunen, Hanilci: Features for synthetic speech detection, Interspeech 2015",),
        data=sources(table.items),
        metrics=metrics(table, scores, seed=settings.seed),
        training={
            "commit": settings.commit,
            "seed": settings.seed,
            "strength": settings.strength,
            "chains": list(settings.chains),
        },
    )
    tell("writing", 0.9)
    return export(heads, calibration, facts, out)[1]


def examples(items: Sequence[Item], settings: Settings, progress: Progress) -> Table:
    """Return the windows of `items`, of vocoder copies of some bona fide ones and of text to speech, as features."""
    parts = material(items, seed=settings.seed, copies=settings.copies, spoken=settings.spoken, groups=settings.folds)
    return joined([_gathered(part, settings, partial(progress, what)) for what, part in parts])


def _gathered(items: Sequence[Item], settings: Settings, done: Callable[[float], None]) -> Table:
    tag = (VERSION, settings.seed, settings.laundered, settings.chains)
    return gather(items, partial(_rows, settings=settings), cache=settings.cache, tag=tag, done=done)


def _rows(item: Item, *, settings: Settings) -> Rows:
    """Return the features of an item as it is and after drawn chains; an unreadable file gives none and says why."""
    rng = randomness(item, settings.seed)
    try:
        audio = sound(item, rng)
    except AssayError as error:
        return Rows(values=np.zeros((0, 0), np.float32), chains=(), skipped=(str(error),))
    values: list[F32] = []
    chains: list[str] = []
    skipped: list[str] = []
    for version, chain in enumerate(("none", *rng.choice(settings.chains, settings.laundered, replace=False))):
        washed = launder(audio, str(chain), rng)
        found = windows(cast("Audio", washed))
        chosen = spread(len(found.starts), 3 if version == 0 else 2)
        values += [features(found.samples[window]) for window in chosen]
        chains += [str(chain)] * len(chosen)
        if not chosen:
            skipped.append(f"{chain}: only {found.active:.1f} s of active sound")
    stacked = np.stack(values) if values else np.zeros((0, 0), np.float32)
    return Rows(values=stacked, chains=tuple(chains), skipped=tuple(skipped))


def versions(table: Table, scores: F64) -> tuple[list[int], F64]:
    """Return a score for each clip as it is, and one for it laundered: positions of items and mean scores.

    Fakes made in training are left out: they are easier than a stranger's and would make the ratios too sure.
    """
    clean = np.array([chain == "none" for chain in table.chain])
    first, second = by_item(table, scores, clean), by_item(table, scores, ~clean)
    positions, means = first[0] + second[0], np.concatenate([first[1], second[1]])
    theirs = np.array([not made(table.items[i]) for i in positions])
    return [i for i, kept in zip(positions, theirs, strict=True) if kept], means[theirs]


def metrics(table: Table, scores: F64, *, seed: int) -> dict[str, Any]:
    """Return what the unseen scores are worth: over the corpus, laundered, by sort of spoof, and on the own copies."""
    clean = np.array([chain == "none" for chain in table.chain])
    out: dict[str, Any] = {
        "protocol": "every clip by a model that saw neither its source nor its maker; own copies: the maker is known"
    }
    for name, chosen in (("clean", clean), ("laundered", ~clean)):
        positions, means = by_item(table, scores, chosen)
        theirs = np.array([not made(table.items[i]) for i in positions])
        items = [table.items[i] for i, kept in zip(positions, theirs, strict=True) if kept]
        out[name] = figures(items, means[theirs]) | {"auc_interval": interval(items, means[theirs], seed=seed)}
        if name == "clean":
            out["by_sort"] = by_sort([table.items[i] for i in positions], means)
    return out


def by_sort(items: Sequence[Item], scores: F64) -> dict[str, Any]:
    """Return the figures of each sort of spoof against all bona fide items."""
    sorts = sorted({item.process or "spoof" for item in items if item.spoof})
    out = {}
    for sort in sorts:
        chosen = [i for i, item in enumerate(items) if not item.spoof or (item.process or "spoof") == sort]
        out[sort] = figures([items[i] for i in chosen], scores[chosen])
    return out
