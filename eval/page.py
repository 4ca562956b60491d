"""A benchmark's result as one page: no script, nothing fetched, every number a way to the rows that it came from."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..detect.page import environment
from . import charts, metrics
from .protocols import FUSION
from .quality import MEASURES
from .result import Result, collect, write
from .rows import Row
from .summary import ALL, UNSEEN, Line, common, estimate

__all__ = ["Result", "collect", "page_values", "render", "write"]

ROWS_MOST = 40_000
"""Rows that the page lists; of more it names the command that shows them."""
GALLERY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One figure of the survival matrix: the line it is of, and its colour, degrees of hue."""

    line: Line | None
    hue: int
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One item of a gallery: its row, and the thumbnail (JPEG in base64) of the item before laundering."""

    row: Row
    thumb: str


class Board:
    """The result of one detector on one kind of media, as the page shows it."""

    def __init__(self, result: Result, detector: str, kind: str) -> None:
        """Gather what is of this detector and kind."""
        self.result, self.detector, self.kind = result, detector, kind
        self.rows = [row for row in result.rows if (row.detector, row.kind) == (detector, kind)]
        self.lines = [line for line in result.lines if (line.detector, line.kind) == (detector, kind)]
        self.id = f"{_slug(detector)}-{kind}"

    @property
    def chains(self) -> list[str]:
        """Every laundering, clean first."""
        return sorted({row.laundering for row in self.rows}, key=lambda name: (name != "clean", name))

    @property
    def widest(self) -> str:
        """The laundering word that covers the most rows."""
        return ALL if len(self.chains) > 1 else "clean"

    def line(self, maker: str, laundering: str) -> Line | None:
        """Return the line of a maker under a laundering, if there is one."""
        return next((one for one in self.lines if (one.maker, one.laundering) == (maker, laundering)), None)

    @property
    def overall(self) -> Line | None:
        """The line over everything."""
        return self.line(ALL, self.widest)

    @property
    def unseen(self) -> Line | None:
        """The line over the makers never met in training, if some were met."""
        return self.line(UNSEEN, self.widest)

    @property
    def by_maker(self) -> list[Line]:
        """The lines of each maker over all launderings, the best found first."""
        mine = [
            one for one in self.lines if one.laundering == self.widest and one.maker not in (ALL, UNSEEN) and one.auc
        ]
        return sorted(mine, key=lambda line: -line.auc.value if line.auc else 0.0)

    def link(self, line: Line) -> str:
        """Return the anchor of the rows that a line was computed from."""
        return self.anchor(line.maker, line.laundering)

    def anchor(self, maker: str, laundering: str) -> str:
        """Return the anchor of the rows of a maker under a laundering; of pooled ones, of all that are pooled."""
        where = "" if laundering == ALL else f"-{_slug(laundering)}"
        # A maker pooled over launderings has its rows in several tables: they begin at the detector's own.
        who = "" if maker in (ALL, UNSEEN) or laundering == ALL else f"-{_slug(maker)}"
        return f"rows-{self.id}{where}{who}"

    def command(self, maker: str, laundering: str) -> str:
        """Return the command that shows these rows."""
        words = ["assay", "bench", "rows", "RESULTS", "--detector", self.detector, "--kind", self.kind]
        words += ["--laundering", laundering] * (laundering != ALL) + ["--maker", maker] * (maker not in (ALL, UNSEEN))
        return shlex.join(words)

    def listed(self) -> list[tuple[str, list[tuple[str, list[Row]]]]]:
        """Return the rows by laundering and, in it, by maker (bona fide first)."""
        out = []
        for chain in self.chains:
            under = [row for row in self.rows if row.laundering == chain]
            makers = sorted({row.maker for row in under})
            out.append((chain, [(maker, [row for row in under if row.maker == maker]) for maker in makers]))
        return out

    def worst(self, *, fake: bool) -> list[Shot]:
        """Return the fakes that look most real, or the reals that look most like fakes, each item once."""
        scored = [row for row in self.rows if row.score is not None and row.spoof == fake]
        scored.sort(key=lambda row: ((row.score or 0.0) * (1 if fake else -1), row.key))
        first: dict[str, Row] = {}
        for row in scored:
            first.setdefault(row.item, row)
        thumbs = {one.item: one.thumb for one in self.result.facts if one.thumb and one.kind == self.kind}
        return [Shot(row=row, thumb=thumbs.get(row.item, "")) for row in list(first.values())[:GALLERY]]

    @cached_property
    def curves(self) -> list[tuple[str, str]]:
        """The charts, with a sentence each."""
        judged = [
            row for row in self.result.protocols.calibrated if (row.detector, row.kind) == (self.detector, self.kind)
        ]
        title = f"{self.detector}, {self.kind}"
        if not any(line.auc for line in self.lines):
            return []
        found = [
            ("ROC, one curve a laundering, with its AUC.", charts.roc(self.rows, title)),
            ("DET on normal deviates, with the EER; misses against false alarms.", charts.det(self.rows, title)),
        ]
        if judged or any(row.scale == "llr" for row in self.rows):
            words = "Reliability, the prior being the share of fakes here: on the diagonal, what is said is so."
            found.append((words, charts.reliability(self.rows, judged, title)))
        points, measure = self._quality()
        if points:
            words = "Quality against detectability: down on the right are good fakes that pass."
            found.append((words, charts.scatter(points, MEASURES[measure], title)))
        return found

    def _quality(self) -> tuple[list[tuple[str, float, float]], str]:
        """Return each maker's mean quality and AUC under `clean`, and the measure: the first that most items have."""
        facts = [one for one in self.result.facts if one.kind == self.kind and one.maker and one.quality]
        for measure in MEASURES:
            values: dict[str, list[float]] = {}
            for one in facts:
                if one.quality and measure in one.quality:
                    values.setdefault(one.maker, []).append(one.quality[measure])
            lines = {maker: self.line(maker, "clean") for maker in values}
            points = [
                (maker, float(np.mean(values[maker])), line.auc.value)
                for maker, line in sorted(lines.items())
                if line is not None and line.auc is not None
            ]
            if points:
                return points, measure
        return [], ""


def render(result: Result) -> str:
    """Return the page about `result`."""
    pages = environment(Path(__file__).parent / "templates")
    pages.filters["slug"] = _slug
    every = dict.fromkeys((line.detector, line.kind) for line in result.lines)
    boards = [Board(result, detector, kind) for detector, kind in every]
    return pages.get_template("bench.html.j2").render(
        result=result,
        boards=boards,
        matrix=_matrix(boards),
        common=_common(result),
        groups=len({row.group for row in result.rows}),
        items=len({row.item for row in result.rows}),
        detectors=len({row.detector for row in result.rows}),
        listed=len(result.rows) <= ROWS_MOST,
        ALL=ALL,
        FUSION=FUSION,
    )


def page_values(result: Result) -> dict[str, Any]:
    """Return what the short form of the tables, in a page of somebody else's, needs."""
    scored = {(line.detector, line.kind) for line in result.lines if line.auc is not None}
    names = list(dict.fromkeys(row.detector for row in result.rows))
    curves = []
    for name, kind in sorted(scored):
        kept = [row for row in result.rows if (row.detector, row.kind) == (name, kind)]
        curves.append((f"{name}, {kind}", charts.roc(kept, f"{name}, {kind}")))
    return {
        "result": result,
        "tables": {name: [line for line in result.lines if line.detector == name] for name in names},
        "curves": curves,
    }


def _matrix(boards: Sequence[Board]) -> dict[str, tuple[list[str], list[tuple[Board, list[Cell]]]]]:
    """Return for each kind the launderings, and for each detector a cell a laundering."""
    found = {}
    for kind in sorted({board.kind for board in boards}):
        mine = [board for board in boards if board.kind == kind]
        chains = sorted({chain for board in mine for chain in board.chains}, key=lambda name: (name != "clean", name))
        found[kind] = (chains, [(board, [_cell(board, chain) for chain in chains]) for board in mine])
    return found


def _cell(board: Board, chain: str) -> Cell:
    line = board.line(ALL, chain)
    worth = 0.0 if line is None or line.auc is None else min(1.0, max(0.0, 2.0 * line.auc.value - 1.0))
    return Cell(line=line, hue=round(135 * worth), link=board.anchor(ALL, chain))


def _common(result: Result) -> list[dict[str, Any]]:
    """Return each detector's AUC on the items that all of a kind have scored."""
    out = []
    for kind, rows in common(result.rows).items():
        for detector in sorted({row.detector for row in rows}):
            mine = [row for row in rows if row.detector == detector]
            told = estimate(metrics.auc, mine, seed=int(result.provenance["seed"]))
            out.append({"kind": kind, "detector": detector, "items": len(mine), "auc": told})
    return out


def _slug(name: str) -> str:
    """Return `name` as part of an anchor: letters, digits and hyphens, other characters by their number."""
    return "".join(char if (char.isascii() and char.isalnum()) or char == "-" else f"_{ord(char):x}" for char in name)
