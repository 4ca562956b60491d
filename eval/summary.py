"""From rows to tables: every figure with its interval, its counts, and what was not scored."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from . import metrics
from .rows import Row
from .statistics import Estimate, Metric, group_bootstrap

DRAWS = 500
# An interval over fewer groups than this would only look like one.
GROUPS_LEAST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a table: a detector on one maker's fakes (or all) against the reals, under one chain.

    A figure is `None` when a class is missing. `skipped` and `failed` count items without a score.
    """

    detector: str
    maker: str
    laundering: str
    bona_fide: int
    spoof: int
    skipped: int
    failed: int
    auc: Estimate | None
    eer: Estimate | None
    ap: float | None
    cllr: float | None
    min_cllr: float | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the line as plain JSON values."""
        return asdict(self)


def summarise(rows: Iterable[Row], *, seed: int) -> list[Line]:
    """Return a line for each detector, laundering and maker, and one over all makers (`maker` = `all`).

    Where a detector applies to nothing that a chain can happen to, there is no line.
    """
    ordered = sorted(rows, key=lambda row: (row.detector, row.laundering))
    lines: list[Line] = []
    for (detector, laundering), group in itertools.groupby(ordered, key=lambda row: (row.detector, row.laundering)):
        kept = list(group)
        kinds = {row.kind for row in kept if row.llr is not None} or {row.kind for row in kept}
        kept = [row for row in kept if row.kind in kinds]
        makers = sorted({row.maker for row in kept if row.maker})
        for maker in ["all", *makers]:
            chosen = [row for row in kept if not row.maker or maker in ("all", row.maker)]
            kind = {row.kind for row in chosen if row.maker}
            chosen = [row for row in chosen if row.maker or row.kind in kind]
            line = _line(detector, maker, laundering, chosen, seed)
            if line.bona_fide or line.spoof or line.failed:
                lines.append(line)
    return lines


def _line(detector: str, maker: str, laundering: str, rows: Sequence[Row], seed: int) -> Line:
    scored = [(row.llr, row.spoof, row.group) for row in rows if row.llr is not None]
    llr = np.array([value for value, _, _ in scored], dtype=np.float64)
    spoof = np.array([label for _, label, _ in scored], dtype=np.bool_)
    groups = [group for _, _, group in scored]
    both = bool(spoof.any() and not spoof.all())
    enough = len(set(groups)) >= GROUPS_LEAST

    def estimate(metric: Metric) -> Estimate | None:
        if not both:
            return None
        if enough:
            return group_bootstrap(metric, llr, spoof, groups, draws=DRAWS, seed=seed)
        return Estimate(value=metric(llr, spoof), low=None, high=None, groups=len(set(groups)))

    return Line(
        detector=detector,
        maker=maker,
        laundering=laundering,
        bona_fide=int((~spoof).sum()),
        spoof=int(spoof.sum()),
        skipped=sum(row.llr is None and not row.failed for row in rows),
        failed=sum(row.failed for row in rows),
        auc=estimate(metrics.auc),
        eer=estimate(metrics.eer),
        ap=metrics.average_precision(llr, spoof) if both else None,
        cllr=metrics.cllr(llr, spoof) if both else None,
        min_cllr=metrics.min_cllr(llr, spoof) if both else None,
        seconds=float(np.mean([row.seconds for row in rows])) if rows else 0.0,
    )
