"""Training the network that finds synthetic stretches: spliced recordings -> folds -> calibration -> ONNX and card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets.corpus import Item
from ..audio.localise import NAME, segment_labels
from .calibration import calibrate
from .export import Facts, publish, sources
from .fit import F64, Progress
from .moments_material import FOLDS, HELD_OUT, Example
from .moments_network import Pace, onnx_of, scores, teach
from .splices import SYNTHETIC

VERSION = "1"
_SEGMENTS = 20_000
"""Segments that the calibration is learned from: more say no more of the same recordings."""


def folds(found: Sequence[Example]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield (train, test) positions: no speaker, no source page and no maker of a test is in its training."""
    owned = {maker for held in HELD_OUT for maker in held}
    for fold, held in enumerate(HELD_OUT):
        foreign = {one.maker for one in found if one.fold == fold and one.kind in SYNTHETIC} - owned
        makers = foreign | held
        train = [i for i, one in enumerate(found) if one.fold != fold and one.maker not in makers]
        test = [i for i, one in enumerate(found) if one.fold == fold and _fits(one, makers)]
        yield train, test


def _fits(one: Example, makers: set[str]) -> bool:
    """Tell whether an example can test: its synthetic stretch, if it has one, is by an unheard maker."""
    return one.kind not in SYNTHETIC or one.maker in makers


def unseen_scores(found: Sequence[Example], pace: Pace, tell: Progress) -> tuple[list[int], list[F64]]:
    """Return which examples can test, and the raw score of each 160 ms of them by a network that knows none of it."""
    positions: list[int] = []
    values: list[F64] = []
    for fold, (train, test) in enumerate(folds(found)):

        def done(share: float, fold: int = fold) -> None:
            tell("testing on unseen speakers and makers", (fold + share) / FOLDS)

        network = teach([found[i] for i in train], pace, done)
        positions += test
        values += scores(network, [found[i] for i in test])
    return positions, values


def train(
    found: Sequence[Example],
    items: Sequence[Item],
    *,
    out: Path,
    unseen: tuple[list[int], list[F64]],
    pace: Pace,
    facts: dict[str, Any],
) -> Path:
    """Train on all of `found`, made of `items`, write `audio-part.onnx` and its card into `out`, return the card.

    It is calibrated on `unseen`, from `unseen_scores`; `facts` has `metrics` and `training` for the card.
    """
    network = teach(found, pace, lambda _share: None)
    tested = [found[i] for i in unseen[0]]
    labels = np.concatenate([segment_labels(one.spans, count=len(one.moments)) for one in tested])
    groups = np.concatenate([[one.group] * len(values) for one, values in zip(tested, unseen[1], strict=True)])
    every = np.concatenate(unseen[1])
    chosen = np.random.default_rng(pace.seed).choice(every.size, min(every.size, _SEGMENTS), replace=False)
    calibration = calibrate(every[chosen], labels[chosen], groups[chosen].tolist(), seed=pace.seed)
    card = Facts(
        name=NAME,
        version=VERSION,
        about="which 160 ms of a recording are synthetic, by what differs from the rest of it",
        input="detect/audio/moments.py, 20 ms each; one score for eight of them",
        calibration_set=f"{len(tested)} recordings, spliced and not, by models blind to their speakers and makers",
        papers=("Zhang et al.: The PartialSpoof database and countermeasures, IEEE/ACM TASLP 31, 2023",),
        data=sources(list(items)),
        metrics=facts["metrics"],
        training=facts["training"],
    )
    return publish(onnx_of(network), calibration, card, out)[1]
