"""Figures of what every visual detector says of collected pictures and films, from the rows of `benchmarks/seeing.py`.

AUC, EER and true positives at 1 % and 5 % of false ones with 95 % bootstraps over groups, clean and laundered, pictures
and films apart, each method against all bona fide items; how many were answered; of those who give a ratio also false
positives where a verdict says likely (ratio 10) and open (ratio 2), Cllr, expected calibration error and reliability.

Scores of models that trained on these very people must be out-of-fold: `--scores NAME=FILE`, CSV with the columns
item, laundering, score and llr (`benchmarks/seeing_unseen.py`, `seeing_networks.py` and `seeing_seam.py` write them).
NAME `visual-residual=FILE` replaces its rows; any other name is a row of its own. What is named in `--fused` weighs:
where its file has no ratios they are calibrated here, each fold on the clean items of the others. All else explains,
and has no ratios.

Run: `.venv/bin/python -P benchmarks/seeing_tables.py --media ../shared/media --rows FILE FILE --scores NAME=FILE ...
--out FILE`, then `benchmarks/seeing_page.py FILE` prints the tables.
"""

from __future__ import annotations

import argparse
import csv
import functools
import json
import platform
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets import splits
from assay.datasets.corpus import Item, read
from assay.detect import CATALOGUE, ON_REQUEST
from assay.detect.finding import Evidence, Finding
from assay.detect.fuse import LLR_LIKELY, LLR_OPEN, fuse
from assay.detect.train.calibration import calibrate
from assay.eval.checkout import commit
from assay.eval.metrics import Ranked, auc, cllr, ece, eer, min_cllr, posterior, reliability, tpr_at_fpr
from assay.eval.statistics import group_bootstrap
from assay.media.image import Still
from assay.media.view import View
from numpy.typing import NDArray

F64 = NDArray[np.float64]
SEED, DRAWS, FOLDS = 1, 500, 8
LEAST = 5
"""Items of either class below which a row gives no interval."""
METRICS: dict[str, Callable[..., float]] = {
    "auc": auc,
    "eer": eer,
    "tpr1": functools.partial(tpr_at_fpr, fpr=0.01),
    "tpr5": functools.partial(tpr_at_fpr, fpr=0.05),
}
CHOSEN = {
    "visual-pulse": ("snr", "patches", "ties"),
    "visual-sync": ("correlation", "p"),
    "visual-blink": ("a_minute",),
    "visual-steadiness": ("jitter", "pose", "flicker", "drift", "identity", "teeth"),
    "visual-mesonet": ("meso4-df", "meso4-f2f", "mesoinception-df", "mesoinception-f2f"),
    "visual-lrnet": ("g1", "g2", "both"),
    "visual-noise": ("octaves", "inside", "outside"),
    "visual-spectrum": ("slope", "excess", "peak", "cosines"),
    "visual-compression": ("ghost", "earlier"),
    "visual-edits": ("rhythm", "gaps"),
    "visual-eyes": ("overlap", "irises", "pupil"),
}
"""Figures of a detector that are measured one by one; beside them its score."""
UNASKED = tuple(name for name in CATALOGUE if name.startswith("visual-") and name not in ON_REQUEST)
VERSIONS = {
    "video": ("none", "h264-crf35", "half", "social-feed"),
    "image": ("none", "jpeg-50", "half", "social-feed"),
}
Scores = dict[tuple[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one detector (or one figure of it) said: score and, if calibrated, ratio by item and laundering."""

    score: Scores
    llr: Scores


def gathered(paths: Iterable[Path]) -> tuple[dict[str, Told], dict[str, float]]:
    """Return the scores by detector and figure, and the median seconds of each detector."""
    newest: dict[tuple[str, str, str], dict[str, Any]] = {}
    for path in paths:
        for row in map(json.loads, path.read_text().splitlines()):
            newest[row["detector"], row["item"], row["laundering"]] = row
    told: dict[str, Told] = defaultdict(lambda: Told(score={}, llr={}))
    spent: dict[str, list[float]] = defaultdict(list)
    for (name, item, version), row in newest.items():
        spent[name].append(row["seconds"])
        if "llr" in row:
            told[name].score[item, version] = told[name].llr[item, version] = row["llr"]
        elif "score" in row:
            told[name].score[item, version] = row["score"]
        for figure in CHOSEN.get(name, ()):
            told[f"{name}: {figure}"].score[item, version] = row.get("figures", {}).get(figure, np.nan)
        told[name].score.setdefault((item, version), np.nan)
    return dict(told), {name: float(np.median(took)) for name, took in spent.items()}


def from_file(path: Path) -> Told:
    """Return the scores of a CSV."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys = [(row["item"], row.get("laundering") or "none") for row in rows]
    told = Told(score={}, llr={})
    for key, row in zip(keys, rows, strict=True):
        told.score[key] = float(row.get("score") or "nan")  # asked, but not answered
        if row.get("llr"):
            told.llr[key] = float(row["llr"])
    return told


def calibrated(told: Told, items: Sequence[Item]) -> Told:
    """Return `told` with ratios by calibrations that met neither an item's group nor its maker, clean items alone."""
    ratios: Scores = {}
    for train, test in splits.unseen(items, folds=FOLDS, seed=SEED):
        have = [items[n] for n in train if np.isfinite(told.score.get((items[n].id, "none"), np.nan))]
        scores = np.array([told.score[item.id, "none"] for item in have])
        line = calibrate(scores, np.array([item.spoof for item in have]), [item.group for item in have], seed=SEED)
        held = {items[n].id for n in test}
        keys = [key for key, score in told.score.items() if key[0] in held and np.isfinite(score)]
        values = line.llr(np.array([told.score[key] for key in keys]))
        ratios |= dict(zip(keys, values.tolist(), strict=True))
    return Told(score=told.score, llr=ratios)


def fused(parts: Sequence[Told]) -> Told:
    """Return the verdict's ratio over the calibrated detectors of the picture, by the rules of a scan."""
    nothing = Evidence(view=View.of(Still(pixels=np.zeros((2, 2, 3), np.uint8))), verification=None)
    out: Scores = {}
    for key in {key for part in parts for key in part.llr}:
        findings = tuple(
            Finding(detector=f"{n}", version="1", llr=part.llr[key], calibration="here", note="", modality="visual")
            for n, part in enumerate(parts)
            if key in part.llr
        )
        out[key] = fuse(findings, (), nothing).llr
    return Told(score=out, llr=out)


def line(items: Sequence[Item], told: Told, version: str) -> dict[str, Any]:
    """Return one row of the table: how many were answered, the metrics with intervals, false positives."""
    asked = [item for item in items if (item.id, version) in told.score]
    have = [item for item in asked if np.isfinite(told.score[item.id, version])]
    spoof = np.array([item.spoof for item in have], bool)
    row: dict[str, Any] = {"asked": len(asked), "real": int((~spoof).sum()), "fake": int(spoof.sum())}
    if min(row["real"], row["fake"]) >= 1:
        scores = np.array([told.score[item.id, version] for item in have])
        row |= measured(scores, spoof, [item.group for item in have])
    with_ratio = [item for item in have if (item.id, version) in told.llr]
    if with_ratio:
        ratios = np.array([told.llr[item.id, version] for item in with_ratio])
        row |= decisions(ratios, np.array([item.spoof for item in with_ratio], bool))
    return row


def measured(scores: F64, spoof: NDArray[np.bool_], groups: Sequence[str]) -> dict[str, list[float | None]]:
    """Return every metric with its interval, all from the same draws, each of which is sorted once."""
    drawn: list[list[float]] = []

    def every(values: F64, labels: NDArray[np.bool_]) -> float:
        ranked = Ranked.of(values, labels)
        drawn.append([metric(ranked) for metric in METRICS.values()])
        return drawn[-1][0]

    few = min(int(spoof.sum()), int((~spoof).sum())) < LEAST
    group_bootstrap(every, scores, spoof, groups, draws=1 if few else DRAWS, seed=SEED)
    low, high = np.quantile(np.array(drawn[1:]), (0.025, 0.975), axis=0)
    ends = [(None, None)] * len(METRICS) if few else zip(low.tolist(), high.tolist(), strict=True)
    return {name: [value, *end] for name, value, end in zip(METRICS, drawn[0], ends, strict=True)}


def decisions(ratios: F64, spoof: NDArray[np.bool_]) -> dict[str, Any]:
    """Return what ratios decide, and whether they mean what they say."""
    row: dict[str, Any] = {}
    for name, least in (("likely", LLR_LIKELY), ("open", LLR_OPEN)):
        for whom, among in (("fpr", ~spoof), ("tpr", spoof)):
            if among.any():
                row[f"{whom} {name}"] = float(np.mean(ratios[among] >= least))
    if spoof.any() and not spoof.all():
        row |= {"cllr": cllr(ratios, spoof), "min cllr": min_cllr(ratios, spoof)}
        row["near even"] = float(np.mean(np.abs(ratios) < LLR_OPEN))
        # With as many of either class as the prior says, so that a forecast can come true.
        twin = np.concatenate(
            [np.flatnonzero(spoof).repeat((~spoof).sum()), np.flatnonzero(~spoof).repeat(spoof.sum())]
        )
        forecast = posterior(ratios[twin])
        row["ece"] = ece(forecast, spoof[twin], adaptive=True)
        bins = reliability(forecast, spoof[twin], bins=5, adaptive=True)
        row["reliability"] = [[float(f), float(o)] for f, o in zip(bins.forecast, bins.observed, strict=True)]
        row["range"] = [float(ratios.min()), float(ratios.max())]
    return row


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return where a row stands: films first, the clean version first, all makers together first, by name."""
    kinds, versions = list(VERSIONS), VERSIONS[row["kind"]]
    maker = row.get("maker")
    return kinds.index(row["kind"]), versions.index(row["laundering"]), maker is not None, row["name"], maker or ""


def main() -> None:
    """Write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--scores", nargs="*", default=[], help="NAME=FILE")
    parser.add_argument("--methods-of", default=",".join(UNASKED), help="detectors shown by method, with commas")
    parser.add_argument("--fused", default=",".join(UNASKED), help="detectors of the row `fusion`, with commas")
    parser.add_argument("--only", default="", help="measure these names alone, with commas")
    parser.add_argument("--kept", type=Path, help="results of an earlier run, for the rows of all other names")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    items = [item for item in read(given.media) if item.kind != "audio"]
    told, seconds = gathered(given.rows)
    told |= {name: from_file(Path(path)) for name, _, path in (text.partition("=") for text in given.scores)}
    weighing = [name for name in given.fused.split(",") if name in told]
    told |= {name: calibrated(told[name], items) for name in weighing if not told[name].llr}
    told |= {name: Told(score=part.score, llr={}) for name, part in told.items() if name not in weighing}
    told["fusion"] = fused([told[name] for name in weighing])
    only = set(given.only.split(",")) if given.only else set(told)
    earlier = json.loads(given.kept.read_text())["rows"] if given.kept else []
    results: list[dict[str, Any]] = [row for row in earlier if row["name"] not in only]
    told = {name: part for name, part in told.items() if name in only}
    for kind, versions in VERSIONS.items():
        there = [item for item in items if item.kind == kind]
        for version in versions:
            about = {"kind": kind, "laundering": version}
            for name, part in sorted(told.items()):
                row = line(there, part, version)
                if row["real"] + row["fake"]:
                    results.append({**about, "name": name, **row})
            for name in [name for name in given.methods_of.split(",") if name in told]:
                reals = [item for item in there if not item.spoof]
                for maker in sorted({item.maker for item in there if item.spoof}):
                    theirs = [*reals, *(item for item in there if item.maker == maker)]
                    results.append({**about, "name": name, "maker": maker, **line(theirs, told[name], version)})
    results.sort(key=_place)
    about = {"seed": SEED, "draws": DRAWS, "commit": commit(), "machine": platform.platform(), "seconds": seconds}
    given.out.write_text(json.dumps(about | {"rows": results}, indent=1))


if __name__ == "__main__":
    main()
