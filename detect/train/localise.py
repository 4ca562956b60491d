"""Training the line that finds synthetic stretches: spliced recordings -> folds -> calibration -> ONNX and card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.corpus import Item
from ..audio.localise import NAME, segment_labels
from ..audio.moments import compared
from .calibration import calibrate
from .export import Facts, export, sources
from .fit import F64, Heads, Progress
from .logistic import logistic
from .moments_material import FOLDS, HELD_OUT, Example
from .splices import SYNTHETIC

VERSION = "1"
STRENGTH = 2000.0
"""Penalty on the line's weights, in rows."""
_ROWS = 26_000
"""Rows that a line is fitted to; neighbours say nearly the same."""
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


def unseen_scores(
    found: Sequence[Example], tell: Progress, *, strength: float = STRENGTH, seed: int = 1
) -> tuple[list[int], list[F64]]:
    """Return which examples can test, and the raw score of each 160 ms of them by a line that knows none of it."""
    positions: list[int] = []
    values: list[F64] = []
    for fold, (train, test) in enumerate(folds(found)):
        tell("testing on unseen speakers and makers", fold / FOLDS)
        line = fit([found[i] for i in train if found[i].kind != "whole"], strength=strength, seed=seed)
        positions += test
        values += [line.scores(compared(found[i].moments)) for i in test]
    return positions, values


def fit(found: Sequence[Example], *, strength: float = STRENGTH, seed: int = 1) -> Heads:
    """Return the line that tells synthetic from recorded 160 ms; both classes weigh the same."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([compared(one.moments) for one in found])
    made = np.concatenate([labels_of(one) for one in found])
    chosen = rng.permutation(len(rows))[:_ROWS]
    rows, made = rows[chosen].astype(np.float64), made[chosen]
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    columns = np.column_stack([(rows - mean) / spread, np.ones(len(rows))])
    penalty = np.append(np.full(rows.shape[1], strength), 0.0)
    line = logistic(columns, made, penalty=penalty, towards=np.zeros(len(penalty)))
    weights = np.zeros((rows.shape[1], 2))
    weights[:, 1] = line[:-1] / spread
    return Heads(names=("bona fide", "made"), weights=weights, offsets=np.array([0.0, line[-1] - mean @ weights[:, 1]]))


def _but_whole(found: Sequence[Example], unseen: tuple[list[int], list[F64]]) -> tuple[list[int], list[F64]]:
    """Return `unseen` but for fakes from end to end, which have nothing beside them to be compared with."""
    kept = [place for place, i in enumerate(unseen[0]) if found[i].kind != "whole"]
    return [unseen[0][place] for place in kept], [unseen[1][place] for place in kept]


def labels_of(one: Example) -> NDArray[np.bool_]:
    """Return which 160 ms of an example hold anything synthetic."""
    return segment_labels(one.spans, count=len(one.moments))


def train(
    found: Sequence[Example],
    items: Sequence[Item],
    *,
    out: Path,
    unseen: tuple[list[int], list[F64]],
    facts: dict[str, Any],
) -> Path:
    """Train on all of `found`, made of `items`, write `audio-part.onnx` and its card into `out`, return the card.

    It is calibrated on `unseen`, from `unseen_scores`; `facts` has `metrics`, and `training` with the `seed`.
    """
    seed = int(facts["training"]["seed"])
    line = fit([one for one in found if one.kind != "whole"], seed=seed)
    unseen = _but_whole(found, unseen)
    tested = [found[i] for i in unseen[0]]
    labels = np.concatenate([labels_of(one) for one in tested])
    groups = np.concatenate([[one.group] * len(values) for one, values in zip(tested, unseen[1], strict=True)])
    every = np.concatenate(unseen[1])
    chosen = np.random.default_rng(seed).choice(every.size, min(every.size, _SEGMENTS), replace=False)
    calibration = calibrate(every[chosen], labels[chosen], groups[chosen].tolist(), seed=seed)
    card = Facts(
        name=NAME,
        version=VERSION,
        about="which 160 ms of a recording are synthetic, by what differs from the rest of it",
        input="detect/audio/moments.py `compared`, 160 ms each",
        calibration_set=f"{len(tested)} recordings, spliced and not, by models blind to their speakers and makers",
        papers=("Zhang et al.: The PartialSpoof database and countermeasures, IEEE/ACM TASLP 31, 2023",),
        data=sources(list(items)),
        metrics=facts["metrics"],
        training=facts["training"],
    )
    return export(line, calibration, card, out)[1]
