"""Training the audio detector `audio-lfcc`: corpus -> laundered windows -> heads -> calibration -> ONNX and card."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from ...datasets.corpus import SPOOF, Item, both_labels
from ...datasets.launder import launder
from ...datasets.splits import draw
from ...media.asset import Asset
from ...media.audio import Audio
from ...media.decode import decode_audio
from ...media.errors import AssayError
from ..audio.features import features
from ..audio.gate import windows
from . import copysynth
from .calibration import calibrate
from .export import Facts, export, sources
from .fit import F64, MADE, Progress, Protocol, by_item, figures, fit, interval, made, unseen_scores
from .table import F32, Rows, Table, gather, joined

NAME, VERSION = "audio-lfcc", "1"
CHAINS = (
    *(
        "mp3-64k",
        "aac-64k",
        "opus-24k",
        "telephone",
        "noise-15",
        "noise-20",
        "noise-30",
        "resample",
        "reverb",
        "lowpass",
    ),
    *("telephone+noise-20", "reverb+noise-20", "noise-20+opus-24k"),
)
"""Laundering to train on. Level and silence are fixed by the front end; at 10 dB nothing is learned but noise."""
SECONDS = 12.0
"""Seconds of a clip that are looked at."""
COPIED_SECONDS = 4.0
"""Seconds of a real clip that are copied by a vocoder: each costs about as much again to make."""


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
    versions = _versions(table, scores)
    calibration = calibrate(
        versions[1],
        np.array([table.items[i].spoof for i in versions[0]]),
        [table.items[i].group for i in versions[0]],
        seed=settings.seed,
    )
    facts = Facts(
        name=NAME,
        version=VERSION,
        about="synthetic against recorded speech, statistics of LFCC, modulation, excitation and phase over 2 s",
        input="detect/audio/features.py on windows by detect/audio/gate.py",
        calibration_set=f"{len(versions[0])} clips, clean and laundered, by models blind to their maker and source",
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
    copied = [item for item in items if not item.spoof and draw(f"copy {item.id}", settings.seed) < settings.copies]
    parts: list[tuple[str, Sequence[Item]]] = [
        ("listening to the corpus", items),
        ("copying voices by vocoders", [_copy_of(item, settings.seed) for item in copied]),
        ("speaking", _utterances(settings)),
    ]
    return joined([_gathered(part, settings, partial(progress, what)) for what, part in parts if part])


def _gathered(items: Sequence[Item], settings: Settings, done: Callable[[float], None]) -> Table:
    tag = (VERSION, settings.seed, settings.laundered, settings.chains)
    return gather(items, partial(_rows, settings=settings), cache=settings.cache, tag=tag, done=done)


def _copy_of(item: Item, seed: int) -> Item:
    """Return the item of a vocoder's copy, by WORLD or Griffin-Lim; it stays in the original's group."""
    process = "world" if draw(f"vocoder {item.id}", seed) < 0.5 else "griffin-lim"
    return replace(item, id=f"{item.id}+{process}", label=SPOOF, maker=f"{process} copy{MADE}", process=process)


def _utterances(settings: Settings) -> list[Item]:
    """Return items for text to speech; they have no file, and are dealt to as many groups as folds."""
    return [
        Item(
            id=f"hibari-{number}",
            path=Path("hibari"),
            sha256="",
            label=SPOOF,
            maker=f"hibari{MADE}",
            group=f"hibari-{number % settings.folds}",
            licence="Apache-2.0",
            process="hibari",
        )
        for number in range(settings.spoken)
    ]


def _rows(item: Item, *, settings: Settings) -> Rows:
    """Return the features of an item as it is and after drawn chains; an unreadable file gives none and says why."""
    rng = np.random.default_rng([settings.seed, int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:4])])
    try:
        audio = _sound(item, rng)
    except AssayError as error:
        return Rows(values=np.zeros((0, 0), np.float32), chains=(), skipped=(str(error),))
    values: list[F32] = []
    chains: list[str] = []
    skipped: list[str] = []
    for version, chain in enumerate(("none", *rng.choice(settings.chains, settings.laundered, replace=False))):
        washed = launder(audio, str(chain), rng)
        found = windows(cast("Audio", washed))
        chosen = _spread(len(found.starts), 3 if version == 0 else 2)
        values += [features(found.samples[window]) for window in chosen]
        chains += [str(chain)] * len(chosen)
        if not chosen:
            skipped.append(f"{chain}: only {found.active:.1f} s of active sound")
    stacked = np.stack(values) if values else np.zeros((0, 0), np.float32)
    return Rows(values=stacked, chains=tuple(chains), skipped=tuple(skipped))


def _spread(count: int, most: int) -> list[int]:
    """Return at most `most` of 0 to `count` - 1, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist() if count else []


def _sound(item: Item, rng: np.random.Generator) -> Audio:
    """Return an item's sound: read, copied by a vocoder or spoken, as the item says. Raises as decoding does."""
    if item.process == "hibari":
        return copysynth.speak(rng)
    audio = decode_audio(Asset.open(item.path))
    copied = copysynth.COPIES.get(item.process) if made(item) else None
    seconds = COPIED_SECONDS if copied else SECONDS
    first = Audio(samples=np.ascontiguousarray(audio.samples[:, : int(seconds * audio.rate)]), rate=audio.rate)
    return copied(first, rng) if copied else first


def _versions(table: Table, scores: F64) -> tuple[list[int], F64]:
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
