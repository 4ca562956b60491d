"""Protocols inside a run: what a detector is worth when its threshold and calibration come from others.

Scores are calibrated, joined and cut at a threshold on some makers or people of the run, and judged on those left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import metrics
from .calibration.affine import Affine
from .calibration.fusion import Fusion
from .calibration.interface import CalibrationError
from .rows import Row
from .statistics import Estimate
from .summary import GROUPS_LEAST, estimate

FOLDS = 10
FUSION = "fusion"
LOGO, LOIO = "leave one generator out", "leave one identity out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A detector (or the fusion of all of a kind) calibrated on others and judged on those left out.

    `fpr` and `fnr` are the error rates at the threshold (log10 ratio 0) that the others set, with intervals over
    people; `cllr` is of the calibrated ratios.
    """

    protocol: str
    kind: str
    detector: str
    left_out: str
    bona_fide: int
    spoof: int
    auc: Estimate
    fpr: Estimate
    fnr: Estimate
    cllr: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLine:
    """One person under the threshold that the others set: items, and how many were judged wrongly."""

    kind: str
    detector: str
    group: str
    bona_fide: int
    false_alarms: int
    spoof: int
    misses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocols:
    """What the protocols gave, and the calibrated rows that reliability is drawn from."""

    judged: tuple[Judged, ...]
    groups: tuple[GroupLine, ...]
    calibrated: tuple[Row, ...]


def judge(rows: Sequence[Row], *, seed: int) -> Protocols:
    """Return every detector under both protocols, and the fusion of those of one kind where there are several."""
    judged: list[Judged] = []
    groups: list[GroupLine] = []
    calibrated: list[Row] = []
    for kind in sorted({row.kind for row in rows}):
        tables = _tables([row for row in rows if row.kind == kind and row.score is not None])
        for name, table in tables.items():
            by_person = list(_left_out(table, name, LOIO, seed))
            calibrated += by_person
            groups += _by_group(by_person)
            judged += _lines(by_person, LOIO, seed)
            judged += _lines(list(_left_out(table, name, LOGO, seed)), LOGO, seed)
    return Protocols(judged=tuple(judged), groups=tuple(groups), calibrated=tuple(calibrated))


_Table = list[tuple[Row, NDArray[np.float64]]]


def _tables(rows: Sequence[Row]) -> dict[str, _Table]:
    """Return for each detector its rows with their score `[1]`; for the fusion, of any, NaN where one is missing."""
    names = sorted({row.detector for row in rows})
    tables = {name: [(row, np.array([row.score])) for row in rows if row.detector == name] for name in names}
    if len(names) > 1:
        found: dict[tuple[str, str], dict[str, Row]] = {}
        for row in rows:
            found.setdefault((row.item, row.laundering), {})[row.detector] = row
        tables[FUSION] = [
            (
                next(iter(answers.values())),
                np.array([answers[name].score if name in answers else np.nan for name in names], dtype=np.float64),
            )
            for answers in found.values()
        ]
    return tables


def _left_out(table: _Table, name: str, protocol: str, seed: int) -> Iterator[Row]:
    """Yield calibrated rows, each by a calibration that has seen neither its person nor (under LOGO) its maker.

    Under LOGO a real is judged once for each maker left out, with that maker in `version`.
    """
    people = sorted({row.group for row, _ in table})
    if len(people) < GROUPS_LEAST:
        return
    order = np.random.default_rng(seed).permutation(len(people))
    fold_of = {people[place]: number % min(FOLDS, len(people)) for number, place in enumerate(order)}
    makers = sorted({row.maker for row, _ in table if row.maker}) if protocol == LOGO else [""]
    if protocol == LOGO and len(makers) < 2:
        return
    for maker in makers:
        for fold in range(min(FOLDS, len(people))):
            learn = [(r, s) for r, s in table if fold_of[r.group] != fold and (not maker or r.maker != maker)]
            test = [(r, s) for r, s in table if fold_of[r.group] == fold and (not maker or r.maker in ("", maker))]
            labels = {row.spoof for row, _ in learn}
            if labels != {True, False} or not test:
                continue
            ratios = _fitted(learn, np.stack([scores for _, scores in test]), seed)
            for (row, _), llr in zip(test, ratios, strict=True):
                if not np.isnan(llr):
                    yield _as(row, name, float(llr), maker)


def _lines(rows: Sequence[Row], protocol: str, seed: int) -> Iterator[Judged]:
    by_left_out: dict[str, list[Row]] = {}
    for row in rows:
        by_left_out.setdefault(row.version, []).append(row)
    for left_out, kept in by_left_out.items():
        figures = [estimate(metric, kept, seed=seed) for metric in (metrics.auc, _fpr, _fnr)]
        auc, fpr, fnr = figures
        if auc is None or fpr is None or fnr is None:
            continue
        scores = [row.score for row in kept if row.score is not None]
        yield Judged(
            protocol=protocol,
            kind=kept[0].kind,
            detector=kept[0].detector,
            left_out=left_out or "each person in turn",
            bona_fide=sum(not row.spoof for row in kept),
            spoof=sum(row.spoof for row in kept),
            auc=auc,
            fpr=fpr,
            fnr=fnr,
            cllr=metrics.cllr(scores, [row.spoof for row in kept]),
        )


def _by_group(rows: Sequence[Row]) -> Iterator[GroupLine]:
    for group in sorted({row.group for row in rows}):
        mine = [row for row in rows if row.group == group and row.score is not None]
        yield GroupLine(
            kind=mine[0].kind,
            detector=mine[0].detector,
            group=group,
            bona_fide=sum(not row.spoof for row in mine),
            false_alarms=sum(not row.spoof and (row.score or 0.0) >= 0.0 for row in mine),
            spoof=sum(row.spoof for row in mine),
            misses=sum(row.spoof and (row.score or 0.0) < 0.0 for row in mine),
        )


def _fpr(scores: NDArray[np.float64], spoof: NDArray[np.bool_]) -> float:
    return float((scores[~spoof] >= 0.0).mean())


def _fnr(scores: NDArray[np.float64], spoof: NDArray[np.bool_]) -> float:
    return float((scores[spoof] < 0.0).mean())


def _as(row: Row, name: str, llr: float, left_out: str) -> Row:
    return Row(
        item=row.item,
        real=row.real,
        kind=row.kind,
        group=row.group,
        maker=row.maker,
        laundering=row.laundering,
        detector=name,
        version=left_out,
        score=llr,
        scale="llr",
    )


def _fitted(learn: _Table, scores: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return log10 likelihood ratios `[n]` of `scores` `[n, d]`, calibrated, or fused if there are several, on `learn`.

    NaN where nothing can be said, or where there is too little to learn from.
    """
    values = np.stack([one for _, one in learn])
    spoof = np.array([row.spoof for row, _ in learn])
    groups = [row.group for row, _ in learn]
    kind: type[Affine | Fusion] = Affine if values.shape[1] == 1 else Fusion
    try:
        return kind.fit(values, spoof, groups, prior=0.5, seed=seed).llr(scores)
    except CalibrationError:
        return np.full(len(scores), np.nan)
