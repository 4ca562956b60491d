"""How fast EER + minDCF + Cllr are, and all metrics, beside the literal scripts, scikit-learn and llreval.

Made scores: normal, spoof shifted by 2, labels mixed, float64. The ratio is to `parts/literal_metrics.py`, written in
the manner of the challenges' scripts (one stable argsort, one cumulative sum, a Python loop for the minimum of the
DCF), since the official package could not be had. Medians of runs in one process, turn by turn.
Run: python -P benchmarks/metrics.py --out out/bench [--scores asvspoof5_dev_scores.csv]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from assay.eval import metrics
from assay.eval.checkout import commit

LN10 = float(np.log(10.0))


def literal() -> ModuleType:
    """Return the literal definitions beside this file."""
    spec = importlib.util.spec_from_file_location("literal", Path(__file__).parent / "parts/literal_metrics.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` scores, log10, higher = spoof, and labels, mixed."""
    rng = np.random.default_rng(seed)
    spoof = rng.random(count) < 0.5
    return (rng.normal(size=count) + 2.0 * spoof - 1.0) * 2.0 / LN10, spoof


def ours(scores: np.ndarray, spoof: np.ndarray) -> list[float]:
    """Return EER, minDCF and Cllr."""
    trials = metrics.Ranked.of(scores, spoof)
    return [metrics.eer(trials, convention="nearest"), metrics.min_dcf(trials), metrics.cllr(trials)]


def every(scores: np.ndarray, spoof: np.ndarray) -> list[float]:
    """Return all that `assay eval scores` prints of the order and the cost of scores, from one sort."""
    trials = metrics.Ranked.of(scores, spoof)
    asked = (metrics.auc, metrics.average_precision, metrics.eer, metrics.min_dcf, metrics.act_dcf, metrics.cllr)
    return [*(metric(trials) for metric in asked), metrics.min_cllr(trials), metrics.eer(trials, convention="hull")]


def in_their_manner(lit: ModuleType, scores: np.ndarray, spoof: np.ndarray) -> list[float]:
    """Return the same three as the scripts do: one DET shared by EER and minDCF, a loop, base-2 logarithms."""
    bona_fide, spoofed = -scores[~spoof] * LN10, -scores[spoof] * LN10
    miss, accept, _ = lit.det_points(bona_fide, spoofed)
    place = int(np.argmin(np.abs(miss - accept)))
    least = float("inf")
    for k in range(len(miss)):
        cost = 1.0 * 0.95 * miss[k] + 10.0 * 0.05 * accept[k]
        if cost < least:
            least = cost
    return [(miss[place] + accept[place]) / 2, least / min(0.95, 0.5), lit.cllr(bona_fide, spoofed)]


def peers(scores: np.ndarray, spoof: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return what others offer for parts of it: scikit-learn's ROC, llreval's minCllr and Cllr."""
    from llreval.cllr import cllr, min_cllr
    from llreval.pav_rocch import PAV
    from sklearn.metrics import roc_curve

    natural = scores * LN10
    return {
        "scikit-learn roc_curve": lambda: roc_curve(spoof, scores),
        "assay roc": lambda: metrics.roc(scores, spoof),
        "llreval cllr": lambda: cllr(natural[spoof], natural[~spoof]),
        "assay cllr": lambda: metrics.cllr(scores, spoof),
        "llreval min_cllr": lambda: min_cllr(PAV(scores, spoof.astype(np.int64))),
        "assay min_cllr": lambda: metrics.min_cllr(scores, spoof),
    }


def seconds(tasks: dict[str, Callable[[], Any]], runs: int) -> dict[str, dict[str, float]]:
    """Return median, least and most wall seconds of each task, and its median CPU seconds, run in turn."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in tasks}
    for _ in range(runs):
        for name, task in tasks.items():
            begun = time.perf_counter(), time.process_time()
            task()
            took[name].append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    told = {}
    for name, pairs in took.items():
        wall, cpu = zip(*pairs, strict=True)
        told[name] = {"median": statistics.median(wall), "min": min(wall), "max": max(wall), "runs": len(pairs)}
        told[name] |= {"cpu median": statistics.median(cpu)}
    return told


def agreement(lit: ModuleType, path: Path) -> dict[str, dict[str, float]]:
    """Return each figure on a real score file (asv_score, cm_score, label 1 target, 2 non-target, 0 spoof) twice."""
    asv, cm, label = np.loadtxt(path, delimiter=",", skiprows=1).T
    spoof, target, nontarget = label == 0, label == 1, label == 2
    trials, natural = metrics.Ranked.of(-cm, spoof), metrics.Ranked.of(-cm / LN10, spoof)
    verifier = metrics.Asv.of(target=asv[target], nontarget=asv[nontarget], spoof=asv[spoof])
    bona, fake = cm[~spoof], cm[spoof]
    classes = (asv[target], asv[nontarget], asv[spoof])
    joint = [cm[kind] + 10 * asv[kind] for kind in (target, nontarget, spoof)]
    named = dict(zip(("target", "nontarget", "spoof"), joint, strict=True))
    rates = lit.asv_rates(*classes)
    pairs = {
        "EER": (metrics.eer(trials, convention="nearest"), lit.eer(bona, fake)[0]),
        "min DCF": (metrics.min_dcf(trials), lit.min_dcf(bona, fake)),
        "act DCF": (metrics.act_dcf(natural), lit.act_dcf(bona, fake)),
        "Cllr": (metrics.cllr(natural), lit.cllr(bona, fake)),
        "min Cllr": (metrics.min_cllr(trials), lit.min_cllr(bona, fake)),
        "min t-DCF (2019)": (
            metrics.min_tdcf(trials, asv=verifier.rates(), legacy=True),
            lit.min_tdcf(bona, fake, rates, legacy=True),
        ),
        "min t-DCF (revised)": (
            metrics.min_tdcf(trials, asv=verifier.rates()),
            lit.min_tdcf(bona, fake, rates, legacy=False),
        ),
        "min a-DCF (cm + 10 asv)": (metrics.min_adcf(**named), lit.min_adcf(*joint)),
        "t-EER": (metrics.t_eer(trials, asv=verifier).value, lit.t_eer(bona, fake, *classes)),
    }
    return {
        name: {"assay": float(a), "literal": float(b), "difference": abs(float(a - b))}
        for name, (a, b) in pairs.items()
    }


def main() -> None:
    """Measure and write out/bench/metrics.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--scores", type=Path)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--runs", type=int, default=7)
    given = options.parse_args()
    lit = literal()
    scores, spoof = made(1_000_000, given.seed)
    gap = np.abs(np.subtract(ours(scores, spoof), in_their_manner(lit, scores, spoof))).max()
    tasks = {"literal": lambda: in_their_manner(lit, scores, spoof), "assay": lambda: ours(scores, spoof)}
    million = seconds(tasks, given.runs)
    parts = seconds(peers(scores, spoof), given.runs)
    many, labels = made(10_000_000, given.seed)
    ten = seconds({"assay": lambda: ours(many, labels), "assay, eight metrics": lambda: every(many, labels)}, 5)
    result = {
        "what": "EER + minDCF + Cllr, wall seconds",
        "1 million": million | parts,
        "ratio on 1 million": {
            kind: million["literal"][kind] / million["assay"][kind] for kind in ("median", "min", "cpu median")
        },
        "largest difference on 1 million": float(gap),
        "10 million": ten,
        "agreement": agreement(lit, given.scores) if given.scores else None,
        "score file": given.scores.name if given.scores else None,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "seed": given.seed,
        "commit": commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"numpy {np.__version__}",
        "load": os.getloadavg(),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "metrics.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
