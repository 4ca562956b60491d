"""How well voice detectors tell makers and sources that they never met: the table of docs/detectors.md.

    .venv/bin/python -P benchmarks/hearing.py --media ../shared/media --weights ../shared/weights \
        --work out/train --cache out/hearing --out out [--parts ear,taught,gmm,facts,aasist,aasist-la] [--few 220]

`--work` is the `--cache` that `assay train audio` was given (made where it is not there). Every row of every part
lies in `--cache` for the next run, so a run that was broken off goes on; `--seconds` ends one early. Published networks
take a quarter of a second a window: they hear one window a clip. Only `--few` clips, drawn by seed, are laundered.
`taught` is an AASIST whose encoder is that of ASVspoof 5 and whose graph layers are taught here; with `ear` its fusion
with the shipped ear is told too. Writes `hearing.json` and prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))
import hearing_ear
import hearing_others
import hearing_taught
import numpy as np
from assay.datasets.corpus import Item, read
from assay.eval.checkout import commit
from assay.eval.metrics import auc, eer
from assay.eval.statistics import group_bootstrap
from numpy.typing import NDArray

SEED, FOLDS, DRAWS = 1, 8, 300
EAR = "shipped ear"
F64 = NDArray[np.float64]
Scores = dict[str, F64]
"""Condition -> score of each clip, NaN where there is none."""


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("media", "weights", "work", "cache", "out"):
        options.add_argument(f"--{name}", type=Path, required=True)
    options.add_argument("--parts", default="ear,taught,gmm,facts,aasist,aasist-la")
    options.add_argument("--few", type=int, default=220)
    options.add_argument("--kept", action="store_true", help="published networks: count only what earlier runs heard")
    options.add_argument("--seconds", type=int, default=0, help="end after so long; what was done is kept")
    given = options.parse_args()
    signal.alarm(given.seconds)
    items = read(given.media / "speech")
    la, five = given.weights / "aasist/AASIST.pth", given.weights / "aasist_asvspoof5/best.pth"
    found: dict[str, Scores] = {}
    parts: dict[str, Callable[[], dict[str, Scores]]] = {
        "ear": lambda: hearing_ear.ear(items, given.work, given.cache, given.few),
        "taught": lambda: hearing_taught.taught(items, five, given.work, given.cache, given.few, ear=found.get(EAR)),
        "gmm": lambda: {"LFCC-GMM": hearing_others.gmm(items, given.work, given.cache, given.few)},
        "facts": lambda: {"file facts alone (clean files only)": hearing_others.facts(items, given.cache)},
        "aasist": lambda: {
            "AASIST, ASVspoof 5": hearing_others.published(items, five, given.cache, given.few, only_kept=given.kept)
        },
        "aasist-la": lambda: {
            "AASIST, LA 2019": hearing_others.published(items, la, given.cache, given.few, only_kept=given.kept)
        },
    }
    if not given.kept and "aasist" in given.parts:
        wanted = {"aasist-la": la, "aasist": five}
        hearing_others.hear_published(
            items, [wanted[p] for p in given.parts.split(",") if p in wanted], given.cache, given.few
        )
    for part in given.parts.split(","):
        found |= parts[part]()
    report(items, found, given.out)


def report(items: Sequence[Item], found: dict[str, Scores], out: Path) -> None:
    """Print the tables in Markdown and write them as JSON."""
    spoof = np.array([item.spoof for item in items])
    told: dict[str, Any] = {
        "commit": commit(),
        "seed": SEED,
        "folds": FOLDS,
        "pooled": {name: {c: line(items, s) for c, s in scores.items()} for name, scores in found.items()},
    }
    makers = sorted({item.maker for item in items if item.spoof})
    few = {maker: ~spoof | np.array([item.maker == maker for item in items]) for maker in makers}
    told["by maker"] = {
        maker: {name: line(items, np.where(rows, scores["as it is"], np.nan)) for name, scores in found.items()}
        for maker, rows in few.items()
        if (spoof & rows).sum() >= 5
    }
    for title, table in (("pooled", told["pooled"]), ("by maker", told["by maker"])):
        print(f"\n### {title}\n")
        for name, row in table.items():
            print(f"| {name} | " + " | ".join(_cell(one) for one in row.values()) + " |")
    out.mkdir(parents=True, exist_ok=True)
    if EAR in found:
        np.savez(out / "hearing_scores.npz", ids=np.array([item.id for item in items]), **found[EAR])
    (out / "hearing.json").write_text(json.dumps(told, indent=1) + "\n")


def line(items: Sequence[Item], scores: F64) -> dict[str, Any]:
    """Return counts, AUC and EER of the clips that have a score, with intervals over sources."""
    rows = np.flatnonzero(np.isfinite(scores))
    spoof = np.array([items[i].spoof for i in rows], bool)
    told: dict[str, Any] = {"bona fide": int((~spoof).sum()), "spoof": int(spoof.sum())}
    for name, metric in (("auc", auc), ("eer", eer)):
        if spoof.all() or not spoof.any():
            return told | {"auc": [None] * 3, "eer": [None] * 3}
        one = group_bootstrap(metric, scores[rows], spoof, [items[i].group for i in rows], draws=DRAWS, seed=SEED)
        told[name] = [round(value, 3) for value in (one.value, one.low, one.high)]
    return told


def _cell(row: dict[str, Any]) -> str:
    value, low, high = row["eer"]
    return "-" if value is None else f"{value:.3f} ({low:.3f} to {high:.3f}), AUC {row['auc'][0]:.3f}"


if __name__ == "__main__":
    main()
