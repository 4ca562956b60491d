"""Tables of what every visual detector says of collected pictures and films, from the rows of `benchmarks/seeing.py`.

AUC, EER and true positives at 1 % and 5 % of false ones with 95 % bootstraps over groups, clean and laundered, pictures
and films apart, each method against all bona fide items; how many were answered; false positives where a verdict says
likely (ratio 10) and open (ratio 2).

Scores of models that trained on these very people must be out-of-fold: `--scores NAME=FILE`, CSV with the columns
item, laundering, score and, for the false positives and the fusion, llr. NAME `visual-residual=FILE` replaces its rows.

Run: `.venv/bin/python -P benchmarks/seeing_tables.py --media ../shared/media --rows FILE FILE --out FILE`
"""

from __future__ import annotations

import argparse
import csv
import functools
import json
import platform
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets.corpus import Item, read
from assay.detect.finding import Evidence, Finding
from assay.detect.fuse import LLR_LIKELY, LLR_OPEN, fuse
from assay.eval.metrics import auc, eer, tpr_at_fpr
from assay.eval.statistics import group_bootstrap
from assay.media.image import Still
from assay.media.view import View

SEED, DRAWS = 1, 500
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
    "visual-noise": ("octaves", "inside", "outside"),
    "visual-spectrum": ("slope", "excess", "peak", "cosines"),
    "visual-compression": ("ghost", "earlier"),
    "visual-edits": ("rhythm", "gaps"),
    "visual-eyes": ("overlap", "irises", "pupil"),
}
"""Figures of a detector that are measured one by one; beside them its score."""
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
        if row.get("score"):
            told.score[key] = float(row["score"])
        if row.get("llr"):
            told.llr[key] = float(row["llr"])
    return told


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
        for name, metric in METRICS.items():
            found = group_bootstrap(metric, scores, spoof, [i.group for i in have], draws=DRAWS, seed=SEED)
            ends = (found.low, found.high) if min(row["real"], row["fake"]) >= LEAST else (None, None)
            row[name] = [found.value, *ends]
    for name, least in (("likely", LLR_LIKELY), ("open", LLR_OPEN)):
        ratios = [told.llr[i.id, version] for i in have if not i.spoof and (i.id, version) in told.llr]
        if ratios:
            row[f"fpr {name}"] = float(np.mean(np.array(ratios) >= least))
    return row


def cell(found: Sequence[float | None] | None) -> str:
    """Return a value with its interval, for a table."""
    if found is None:
        return ""
    value, low, high = found
    return f"{value:.3f}" if low is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def show(title: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Print a table in Markdown."""
    print(f"\n{title}\n\n| | answered | real | fake | AUC (95 %) | EER (95 %) | TPR at 1 % | TPR at 5 % | FPR |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, row in rows:
        rates = [f"{row[part]:.3f}" for part in ("fpr likely", "fpr open") if part in row]
        counts = f"{row['real'] + row['fake']} of {row['asked']} | {row['real']} | {row['fake']}"
        print(f"| {name} | {counts} | {' | '.join(cell(row.get(m)) for m in METRICS)} | {', '.join(rates)} |")


def side_by_side(title: str, rows: Sequence[dict[str, Any]], versions: Sequence[str]) -> None:
    """Print the AUC of every name in each version, in Markdown."""
    print(f"\n{title}: AUC (95 %), real and fake answered\n\n| | {' | '.join(versions)} |")
    print("|---" * (len(versions) + 1) + "|")
    for name in dict.fromkeys(row["name"] for row in rows):
        by = {row["laundering"]: row for row in rows if row["name"] == name and "maker" not in row}
        cells = [
            f"{cell(by[v]['auc'])}, {by[v]['real']} and {by[v]['fake']}" if v in by and "auc" in by[v] else ""
            for v in versions
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    """Print the tables, and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--scores", nargs="*", default=[], help="NAME=FILE")
    parser.add_argument(
        "--methods-of", default="visual-residual", help="detectors shown by method, separated by commas"
    )
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    items = [item for item in read(given.media) if item.kind != "audio"]
    told, seconds = gathered(given.rows)
    for text in given.scores:
        name, _, path = text.partition("=")
        told[name] = from_file(Path(path))
    weighing = [part for part in told.values() if part.llr]
    told["fusion"] = fused(weighing)
    results: list[dict[str, Any]] = []
    for kind, versions in (
        ("video", ("none", "h264-crf35", "half", "social-feed")),
        ("image", ("none", "jpeg-50", "half", "social-feed")),
    ):
        chosen = [item for item in items if item.kind == kind]
        for version in versions:
            rows = [(name, line(chosen, part, version)) for name, part in sorted(told.items())]
            rows = [(name, row) for name, row in rows if row["real"] + row["fake"]]
            show(f"**{kind}, {version}**", rows)
            results += [{"kind": kind, "laundering": version, "name": name, **row} for name, row in rows]
        side_by_side(kind, [row for row in results if row["kind"] == kind], versions)
        for name in [name for name in given.methods_of.split(",") if name in told]:
            reals = [item for item in chosen if not item.spoof]
            makers = sorted({item.maker for item in chosen if item.spoof})
            by = [(m, line([*reals, *(i for i in chosen if i.maker == m)], told[name], "none")) for m in makers]
            show(f"**{name} by method, {kind}, clean**", by)
            results += [{"kind": kind, "laundering": "none", "name": name, "maker": m, **row} for m, row in by]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    about = {"seed": SEED, "draws": DRAWS, "commit": commit.strip(), "machine": platform.platform(), "seconds": seconds}
    if given.out:
        given.out.write_text(json.dumps(about | {"rows": results}, indent=1))


if __name__ == "__main__":
    main()
