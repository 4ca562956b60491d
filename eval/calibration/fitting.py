"""Fit a calibrator to a score file, and apply one: what the command line does, without its words."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ..checkout import commit
from ..scorefile import ScoreFile
from .conformal import Answer, Conformal
from .heldout import held_out
from .interface import CalibrationError, method
from .store import Origin, Stored

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which columns of the file mean what, and how to fit. An empty `group` makes each trial its own group."""

    scores: tuple[str, ...]
    label: str
    spoof_is: tuple[str, ...]
    group: str
    higher: str
    prior: float
    seed: int
    command: str

    def __post_init__(self) -> None:
        """Raise `CalibrationError` for a prior outside 0..1 or no scores."""
        if not 0.0 < self.prior < 1.0 or not self.scores:
            msg = f"the prior lies inside 0..1 and a column of scores is needed, got {self.prior} and {self.scores}"
            raise CalibrationError(msg)


def fitted(read: ScoreFile, name: str, request: Request) -> Stored:
    """Return the calibrator `name` fitted on all of `read`, with its figures by cross-fitting over groups.

    A conformal one answers by p-values, not ratios, and has no such figures. Raises `CalibrationError` if the file
    does not suffice.
    """
    way = method(name)
    scores = _columns(read, request.scores, request.higher)
    spoof = read.spoof(request.label, spoof_is=request.spoof_is)
    groups = read.column(request.group) if request.group else [str(row) for row in range(len(read))]
    calibrator = way.fit(scores, spoof, groups, prior=request.prior, seed=request.seed)
    judged = None
    if name != "conformal":
        judged = asdict(held_out(way, scores, spoof, groups, prior=request.prior, seed=request.seed))
    origin = Origin(
        calibration_set=read.name,
        digest=read.digest,
        scores=request.scores,
        higher=request.higher,
        bona_fide=int((~spoof).sum()),
        spoof=int(spoof.sum()),
        groups=len(set(groups)),
        prior=request.prior,
        seed=request.seed,
        commit=commit(),
        command=request.command,
    )
    return Stored(method=name, calibrator=calibrator, origin=origin, held_out=judged)


def applied(stored: Stored, read: ScoreFile, *, alpha: float) -> dict[str, list[str]]:
    """Return the file's columns with `llr` (empty where nothing was to be said), or p-values and `answer`."""
    scores = _columns(read, stored.origin.scores, stored.origin.higher)
    if isinstance(stored.calibrator, Conformal):
        bona_fide, spoof = stored.calibrator.p_values(scores)
        answers = stored.calibrator.answers(scores, alpha=alpha)
        added = {
            "p_bona_fide": _texts(bona_fide),
            "p_spoof": _texts(spoof),
            "answer": [Answer(answer).name.lower().replace("_", " ") for answer in answers.tolist()],
        }
    else:
        added = {"llr": _texts(stored.calibrator.llr(scores))}
    return {**read.columns, **added}


def _columns(read: ScoreFile, names: tuple[str, ...], higher: str) -> F64:
    sign = -1.0 if higher == "bona-fide" else 1.0
    return np.column_stack([read.scores(name) * sign for name in names])


def _texts(values: F64) -> list[str]:
    return ["" if np.isnan(value) else repr(value) for value in values.tolist()]
