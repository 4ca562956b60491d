"""From rows to tables: every figure with its interval, its counts, and what was not scored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import metrics
from .rows import Facts, Row
from .statistics import Estimate, Metric, group_bootstrap

DRAWS = 300
ALL = "all"
UNSEEN = "never met"
"""In the place of a maker: those that the detector is known not to have met in training, where it has met others."""
FPR = 0.05
# An interval over fewer groups than this would only look like one.
GROUPS_LEAST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a table: a detector on one maker's fakes (or all) against the reals, under one chain (or all).

    A figure is `None` when a class is missing, and those of ratios also where the scores are none. `skipped`,
    `crashed`, `timed_out` and `no_input` count items without a score, and `coverage` is the share with one. `seen` says
    whether the detector has met the maker in training, `None` where its card does not tell.
    """

    detector: str
    kind: str
    maker: str
    laundering: str
    bona_fide: int
    spoof: int
    skipped: int
    crashed: int
    timed_out: int
    no_input: int
    auc: Estimate | None
    eer: Estimate | None
    ap: float | None
    tpr: float | None
    cllr: float | None
    min_cllr: float | None
    seconds: float
    seen: bool | None = None

    @property
    def failed(self) -> int:
        """Items on which the detector broke, or was given nothing."""
        return self.crashed + self.timed_out + self.no_input

    @property
    def items(self) -> int:
        """Items that it was asked about."""
        return self.bona_fide + self.spoof + self.skipped + self.failed

    @property
    def coverage(self) -> float:
        """The share of the items that have a score, 0..1."""
        return (self.bona_fide + self.spoof) / self.items if self.items else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the line as plain JSON values."""
        return asdict(self) | {"coverage": self.coverage}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """How well one fact that should tell nothing tells fakes from reals: the AUC of `fact` alone, under `clean`."""

    kind: str
    fact: str
    auc: Estimate


Seen = Mapping[str, frozenset[str] | None]
"""For each detector the makers that it has met in training, `None` where nobody says."""


def summarise(rows: Iterable[Row], *, seed: int, seen: Seen | None = None) -> list[Line]:
    """Return a line for each detector, kind, laundering and maker, and over all makers and launderings (`all`).

    Where some makers are known from training, and some not, there is one more over those `never met`.

    Where a detector applies to nothing of a kind there is no line.
    """
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.detector, row.kind].append(row)
    lines: list[Line] = []
    for (_, _), kept in sorted(groups.items()):
        if not any(row.score is not None or row.failed for row in kept):
            continue
        chains = list(dict.fromkeys(["clean", *sorted({row.laundering for row in kept})]))
        makers = sorted({row.maker for row in kept if row.maker})
        met = (seen or {}).get(kept[0].detector)
        strange = {maker for maker in makers if met is not None and maker not in met}
        pools = [ALL, UNSEEN] if 0 < len(strange) < len(makers) else [ALL]
        for chain in [*chains, ALL] if len(chains) > 1 else chains:
            under = kept if chain == ALL else [row for row in kept if row.laundering == chain]
            for maker in [*pools, *makers]:
                members = {ALL: set(makers), UNSEEN: strange}.get(maker, {maker})
                chosen = [row for row in under if not row.maker or row.maker in members]
                if chosen:
                    lines.append(_line(chosen, (maker, chain), seed, seen or {}))
    return lines


def arrays(rows: Sequence[Row]) -> tuple[NDArray[np.float64], NDArray[np.bool_], list[str]]:
    """Return scores, labels and groups of the rows that are scored."""
    scored = [(row.score, row.spoof, row.group) for row in rows if row.score is not None]
    scores = np.array([score for score, _, _ in scored], dtype=np.float64)
    return scores, np.array([label for _, label, _ in scored], dtype=np.bool_), [group for _, _, group in scored]


def estimate(metric: Metric, rows: Sequence[Row], *, seed: int) -> Estimate | None:
    """Return `metric` with its interval over people (none where they are few); `None` where a class is missing."""
    scores, spoof, groups = arrays(rows)
    if not spoof.any() or spoof.all():
        return None
    if len(set(groups)) >= GROUPS_LEAST:
        return group_bootstrap(metric, scores, spoof, groups, draws=DRAWS, seed=seed)
    return Estimate(value=metric(scores, spoof), low=None, high=None, groups=len(set(groups)))


def leaks(facts: Sequence[Facts], *, seed: int) -> list[Leak]:
    """Return how well size, length, width and height tell the classes of each kind apart: it should be half."""
    found = []
    for kind in sorted({one.kind for one in facts}):
        clean = [one for one in facts if one.kind == kind and one.laundering == "clean" and one.digest]
        for fact in ("size", "seconds", "width", "height"):
            values = {float(getattr(one, fact)) for one in clean}
            rows = [_as_row(one, float(getattr(one, fact))) for one in clean]
            told = estimate(metrics.auc, rows, seed=seed) if len(values) > 1 else None
            if told is not None:
                found.append(Leak(kind=kind, fact=fact, auc=told))
    return found


def common(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return, for each kind, the rows of the items that every detector of that kind has scored.

    A detector that never scored anything of the kind does not count.
    """
    found: dict[str, list[Row]] = {}
    for kind in sorted({row.kind for row in rows}):
        scored = [row for row in rows if row.kind == kind and row.score is not None]
        wanted = len({row.detector for row in scored})
        answers = Counter((row.item, row.laundering) for row in scored)
        kept = [row for row in scored if answers[row.item, row.laundering] == wanted]
        if wanted > 1 and kept:
            found[kind] = kept
    return found


def _line(rows: Sequence[Row], what: tuple[str, str], seed: int, seen: Seen) -> Line:
    maker, laundering = what
    detector = rows[0].detector
    scores, spoof, _ = arrays(rows)
    both = bool(spoof.any() and not spoof.all())
    ratios = both and all(row.scale == "llr" for row in rows if row.score is not None)
    counts = Counter(row.outcome for row in rows)
    met = seen.get(detector)
    return Line(
        detector=detector,
        kind=rows[0].kind,
        maker=maker,
        laundering=laundering,
        bona_fide=int((~spoof).sum()),
        spoof=int(spoof.sum()),
        skipped=counts["skipped"],
        crashed=counts["crashed"],
        timed_out=counts["timed out"],
        no_input=counts["no input"],
        auc=estimate(metrics.auc, rows, seed=seed),
        eer=estimate(metrics.eer, rows, seed=seed),
        ap=metrics.average_precision(scores, spoof) if both else None,
        tpr=metrics.tpr_at_fpr(scores, spoof, fpr=FPR) if both else None,
        cllr=metrics.cllr(scores, spoof) if ratios else None,
        min_cllr=metrics.min_cllr(scores, spoof) if both else None,
        seconds=float(np.mean([row.seconds for row in rows])),
        seen=None if met is None or maker in (ALL, UNSEEN) else maker in met,
    )


def _as_row(fact: Facts, value: float) -> Row:
    return Row(
        item=fact.item,
        real=fact.real,
        kind=fact.kind,
        group=fact.group,
        maker=fact.maker,
        laundering=fact.laundering,
        detector="",
        score=value,
    )
