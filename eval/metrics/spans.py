"""Metrics of where in time something is fake: by equal segments, and by proposed spans against true ones.

Spans are half-open, in seconds. A file is one `Track`; figures count over all files together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checked import MetricError, numbers
from .ranked import Ranked
from .ranking import EerConvention, eer

F64 = NDArray[np.float64]
IOUS = tuple(np.round(np.arange(0.5, 1.0, 0.05), 2).tolist())
"""The overlaps over which average recall is averaged: 0.50, 0.55 ... 0.95."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """One file: `true` spans `[m, 2]` that are spoof, `proposed` spans `[n, 2]` with `scores` `[n]`, higher = spoof."""

    true: F64
    proposed: F64
    scores: F64

    @classmethod
    def of(cls, *, true: ArrayLike, proposed: ArrayLike, scores: ArrayLike) -> Track:
        """Return a checked track, proposals best first. Raises `MetricError` for spans that end before they start."""
        values = numbers(scores)
        found = [_spans(spans) for spans in (true, proposed)]
        if len(found[1]) != values.size:
            msg = f"every proposed span needs a score, got {len(found[1])} spans and {values.size} scores"
            raise MetricError(msg)
        order = np.argsort(-values, kind="stable")
        return cls(true=found[0], proposed=found[1][order], scores=values[order])

    def ious(self) -> F64:
        """Return intersection over union of each proposal with each true span, `[n, m]`."""
        begin = np.maximum(self.proposed[:, None, 0], self.true[None, :, 0])
        end = np.minimum(self.proposed[:, None, 1], self.true[None, :, 1])
        shared = np.maximum(end - begin, 0.0)
        union = np.diff(self.proposed) + np.diff(self.true).T - shared
        return np.asarray(shared / union)


def _spans(spans: ArrayLike) -> F64:
    found = np.asarray(spans, dtype=np.float64).reshape(-1, 2) if np.size(spans) else np.empty((0, 2))
    if not (np.isfinite(found).all() and (found[:, 0] < found[:, 1]).all()):
        msg = "a span is a finite start and a later end, in seconds"
        raise MetricError(msg)
    return found


def segment_labels(spans: ArrayLike, *, seconds: float, resolution: float) -> NDArray[np.bool_]:
    """Return for each segment of `resolution` seconds, the last one perhaps shorter, whether any of it is spoof."""
    if not (seconds > 0.0 and resolution > 0.0):
        msg = f"length and resolution are above 0 seconds, got {seconds} and {resolution}"
        raise MetricError(msg)
    count = int(np.ceil(round(seconds / resolution, 6)))
    labels = np.zeros(count + 1, dtype=np.int64)
    found = _spans(spans)
    # A boundary a rounding error away from a segment's edge is that edge.
    first = np.clip(np.floor(np.round(found[:, 0] / resolution, 6)), 0, count).astype(np.intp)
    stop = np.clip(np.ceil(np.round(found[:, 1] / resolution, 6)), 0, count).astype(np.intp)
    np.add.at(labels, first, 1)
    np.add.at(labels, stop, -1)
    return np.cumsum(labels)[:count] > 0


def segment_scores(frames: ArrayLike, *, hop: float, resolution: float) -> F64:
    """Return the highest score within each segment, from one score every `hop` seconds; `resolution` = whole hops.

    PartialSpoof's rule (Zhang et al., IEEE/ACM TASLP 2023): a segment is as suspect as its most suspect part.
    """
    values = numbers(frames)
    each = round(resolution / hop)
    if each < 1 or abs(each * hop - resolution) > 1e-6 * resolution or not values.size:
        msg = f"a resolution is a whole number of hops, got {resolution} s and hops of {hop} s"
        raise MetricError(msg)
    return np.asarray(np.maximum.reduceat(values, np.arange(0, values.size, each)))


def segment_eer(
    scores: Sequence[ArrayLike],
    labels: Sequence[ArrayLike],
    *,
    convention: EerConvention = "interpolated",
) -> float:
    """Return the EER over the segments of all files together; a file's scores and labels must be equally many."""
    wrong = [place for place, (a, b) in enumerate(zip(scores, labels, strict=True)) if np.shape(a) != np.shape(b)]
    if wrong or not scores:
        msg = f"each segment needs a score and a label, file {wrong[0]} differs" if wrong else "no file was given"
        raise MetricError(msg)
    trials = Ranked.of(np.concatenate([numbers(a) for a in scores]), np.concatenate([np.asarray(b) for b in labels]))
    return eer(trials, convention=convention)


def ap_at_iou(tracks: Sequence[Track], *, iou: float) -> float:
    """Return the average precision of proposed spans, all files pooled, best score first.

    As ActivityNet's and LAV-DF's: a proposal is right if the true span it overlaps most, among those not yet taken,
    overlaps it by at least `iou`; precision is made to fall with recall, then summed over recall. Raises
    `MetricError` without true spans.
    """
    _counted(tracks)
    right = np.concatenate([_matched(track, iou) for track in tracks])
    order = np.argsort(-np.concatenate([track.scores for track in tracks]), kind="stable")
    hits = np.cumsum(right[order])
    precision = hits / np.arange(1, hits.size + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return float((falling * np.diff(hits, prepend=0)).sum() / _counted(tracks))


def ar_at(tracks: Sequence[Track], *, proposals: int, ious: Sequence[float] = IOUS) -> float:
    """Return the average recall: share of true spans that one of a file's best `proposals` overlaps by `iou` or more.

    Averaged over `ious`, as in LAV-DF and AV-Deepfake1M (AR@N). Raises `MetricError` without true spans.
    """
    if proposals < 1:
        msg = f"at least one proposal a file is needed, got {proposals}"
        raise MetricError(msg)
    best = [track.ious()[:proposals].max(axis=0, initial=0.0) for track in tracks]
    found = np.concatenate([*best, np.empty(0)])[:, None] >= np.asarray(ious) - 1e-9
    return float(found.mean(axis=1).sum() / _counted(tracks))


def span_precision_recall(tracks: Sequence[Track], *, iou: float, threshold: float = 0.0) -> tuple[float, float]:
    """Return precision and recall of the proposals scored >= `threshold`, matched as by `ap_at_iou`.

    Precision is 1 where nothing was proposed. Raises `MetricError` without true spans.
    """
    kept = [
        Track(true=track.true, proposed=track.proposed[chosen], scores=track.scores[chosen])
        for track in tracks
        for chosen in (track.scores >= threshold,)
    ]
    right = sum(int(_matched(track, iou).sum()) for track in kept)
    proposed = sum(track.scores.size for track in kept)
    return (right / proposed if proposed else 1.0), right / _counted(tracks)


def point_precision_recall(scores: ArrayLike, spoof: ArrayLike, *, threshold: float = 0.0) -> tuple[float, float]:
    """Return precision and recall of frames or samples called spoof (score >= threshold); precision 1 if none is."""
    trials = Ranked.of(scores, spoof)
    hits, alarms = (v.size - int(np.searchsorted(v, threshold)) for v in (trials.spoof, trials.bona_fide))
    return (hits / (hits + alarms) if hits + alarms else 1.0), hits / trials.spoof.size


def _counted(tracks: Sequence[Track]) -> int:
    count = sum(len(track.true) for track in tracks)
    if not count:
        msg = "a recall needs true spans, got none"
        raise MetricError(msg)
    return count


def _matched(track: Track, iou: float) -> NDArray[np.bool_]:
    """Return whether each proposal, best first, is right; a true span is taken once."""
    overlaps, right = track.ious(), np.zeros(len(track.proposed), dtype=np.bool_)
    if not len(track.true):
        return right
    for place in np.flatnonzero((overlaps >= iou - 1e-9).any(axis=1)):
        span = int(np.argmax(overlaps[place]))
        if overlaps[place, span] >= iou - 1e-9:
            right[place] = True
            overlaps[:, span] = -1.0
    return right
