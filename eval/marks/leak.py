"""Does the mark leak into the detectors? Their scores on marked reals against the same reals unmarked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.launder import Media
from ...detect import Evidence, Skipped, detector, names
from ...media.audio import Audio
from ...media.errors import AssayError
from ...media.image import Still
from ...media.video import Film
from ...media.view import View
from .. import metrics
from ..statistics import group_bootstrap
from .contenders import contender
from .ledger import Record
from .material import Piece, draw, load

GOAL = 0.05
"""Farthest that the AUC of a detector may lie from one half."""
DECLARING = ("declared", "marks")
"""Detectors that read what is declared: telling marked from unmarked is what they are for."""
OUR_SCHEME = {"image": "assay-image", "audio": "assay-audio", "film": "assay-film"}


def forensic() -> tuple[str, ...]:
    """Return the detectors that must not see the mark."""
    return tuple(name for name in names() if name not in DECLARING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A unit of work: one real file, unmarked and marked, before every detector."""

    piece: Piece
    seed: int

    @property
    def unit(self) -> str:
        """What this unit is called in the file of rows."""
        return f"leak|{self.piece.item}"


def judged(work: Pair) -> Iterator[Record]:
    """Yield a row for each detector that scores both: the scores without and with the mark."""
    piece = work.piece
    media = load(piece)
    about = {"kind": piece.kind, "item": piece.item, "group": piece.group}
    if media is None:
        yield {**about, "row": "left out", "why": "cannot be read, too small, too short or silent"}
        return
    try:
        marked = contender(OUR_SCHEME[piece.kind]).embed(media, draw(work.seed, "id", piece.item))
    except AssayError as error:
        yield {**about, "row": "left out", "why": f"not marked: {error}"[:200]}
        return
    views = [_view(one) for one in (media, marked)]
    for name in forensic():
        scores = [_score(name, view) for view in views]
        if isinstance(scores[0], float) and isinstance(scores[1], float):
            plain, with_mark = (round(score, 5) for score in scores if isinstance(score, float))
            yield {**about, "row": "leak", "detector": name, "plain": plain, "marked": with_mark}
        else:
            why = next(score for score in scores if isinstance(score, str))
            yield {**about, "row": "skipped", "detector": name, "why": why[:200]}


def _view(media: Media) -> View:
    if isinstance(media, Audio | Still):
        return View.of(media)
    return View.of(Film(frames=lambda: iter(media), rate=Fraction(25)))


def _score(name: str, view: View) -> float | str:
    try:
        answer = detector(name).examine(Evidence(view=view, verification=None))
    except AssayError as error:
        return str(error)
    return answer.why if isinstance(answer, Skipped) else max(float(finding.llr) for finding in answer)


def leaked(rows: Sequence[Record], *, seed: int) -> list[dict[str, Any]]:
    """Return, for each detector, the AUC of marked against unmarked and the mean shift, with 95 % intervals."""
    out = []
    for name in dict.fromkeys(row["detector"] for row in rows if row["row"] == "leak"):
        some = [row for row in rows if row["row"] == "leak" and row["detector"] == name]
        groups = [row["group"] for row in some]
        scores = np.array([row["plain"] for row in some] + [row["marked"] for row in some])
        is_marked = np.repeat([False, True], len(some))
        area = group_bootstrap(_area, scores, is_marked, [*groups, *groups], seed=seed)
        shift = scores[len(some) :] - scores[: len(some)]
        rng = np.random.default_rng(seed)
        means = [float(rng.choice(shift, shift.size).mean()) for _ in range(1000)]
        low, high = np.quantile(means, (0.025, 0.975))
        skipped = sum(row["row"] == "skipped" and row["detector"] == name for row in rows)
        out.append(
            {
                "detector": name,
                "n": len(some),
                "groups": len(set(groups)),
                "skipped": skipped,
                "auc": area.value,
                "low": area.low,
                "high": area.high,
                "shift": float(shift.mean()),
                "shift_low": float(low),
                "shift_high": float(high),
                "within": abs(area.value - 0.5) <= GOAL,
            }
        )
    return out


def _area(scores: NDArray[np.float64], marked: NDArray[np.bool_]) -> float:
    return float(metrics.auc(scores, marked))
