"""What the shipped ear's decisions are worth on sources it never met: false alarms, costs, calibration, abstention.

    .venv/bin/python -P benchmarks/hearing_decisions.py --media ../shared/media \
        --scores out/hearing_scores.npz --out out --work out/train

Reads what `benchmarks/hearing.py` wrote. Every clip's ratio comes from a calibration on clips of other sources.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets import splits
from assay.datasets.audit.facts import silence_only
from assay.datasets.corpus import Item, read
from assay.detect.audio.frontends.interface import RATE
from assay.detect.model import shipped
from assay.detect.train import audio
from assay.detect.train.calibration import calibrate
from assay.eval.metrics import auc, cllr, ece, min_cllr, posterior
from assay.eval.statistics import group_bootstrap
from assay.media.audio import Audio
from numpy.typing import NDArray

SEED, FOLDS = 1, 8
LIMITS = (0.3, 1.0)
"""Log10 ratios from which a file is told as inconclusive and as likely synthetic (docs/verdict.md)."""
F64 = NDArray[np.float64]


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("media", "scores", "out"):
        options.add_argument(f"--{name}", type=Path, required=True)
    options.add_argument("--work", type=Path, help="windows of the training, for the control that hears pauses alone")
    given = options.parse_args()
    items = read(given.media / "speech")
    with np.load(given.scores, allow_pickle=False) as stored:
        if [item.id for item in items] != stored["ids"].tolist():
            msg = "the scores are of other clips: run benchmarks/hearing.py again"
            raise SystemExit(msg)
        scores = {name: stored[name] for name in stored.files if name != "ids"}
    told = decisions(items, scores)
    if given.work is not None:
        told["control: silence only"] = silence(items, given.work)
    print(json.dumps(told, indent=1))
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "hearing_decisions.json").write_text(json.dumps(told, indent=1) + "\n")


def decisions(items: Sequence[Item], scores: dict[str, F64]) -> dict[str, Any]:
    """Return false alarms by language and source, costs, abstention; each clip calibrated on other sources' clips."""
    fold = np.array(splits.group_folds(items, folds=FOLDS, seed=SEED))
    spoof = np.array([item.spoof for item in items])
    groups = [item.group for item in items]
    model = shipped(audio.NAME)
    told: dict[str, Any] = {"bounds": [model.lowest, model.highest]}
    for condition, value in scores.items():
        llr = np.full(len(items), np.nan)
        for number in range(FOLDS):
            taught = np.flatnonzero((fold != number) & np.isfinite(value))
            found = calibrate(value[taught], spoof[taught], [groups[i] for i in taught], seed=SEED)
            here = np.flatnonzero((fold == number) & np.isfinite(value))
            llr[here] = found.llr(value[here])
        ok = np.isfinite(llr)
        row: dict[str, Any] = {
            "cllr": round(cllr(llr[ok], spoof[ok]), 3),
            "min cllr": round(min_cllr(llr[ok], spoof[ok]), 3),
            "ece": round(ece(posterior(llr[ok]), spoof[ok]), 3),
            "no answer": int((~ok).sum()),
        }
        for limit in LIMITS:
            flagged = llr >= limit
            row[f"at {limit}"] = {
                "false alarms": f"{int((flagged & ok & ~spoof).sum())} of {int((ok & ~spoof).sum())}",
                "caught": f"{int((flagged & ok & spoof).sum())} of {int((ok & spoof).sum())}",
            }
        row["abstains"] = round(float(np.mean(np.abs(llr[ok]) < 0.3)), 3)
        if condition == "as it is":
            row["by language"] = _alarms([item.language for item in items], llr, spoof)
            row["by source"] = _alarms(groups, llr, spoof, least=10)
        told[condition] = row
    return told


def silence(items: Sequence[Item], work: Path) -> list[float]:
    """Return the AUC, with its interval, of boosted trees that hear of each clip as it is used its pauses alone."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    crops = audio.windows_of(items, audio.Settings(cache=work), work, lambda _what, _done: None)
    values, kept = [], []
    seen: set[int] = set()
    for row, (position, chain) in enumerate(zip(crops.table.item, crops.table.chain, strict=True)):
        if chain != "none" or position >= len(items) or int(position) in seen:
            continue
        seen.add(int(position))
        pause = silence_only(Audio(samples=crops.window(row)[None], rate=RATE))
        if pause.size >= RATE // 10:
            power, bands = np.abs(np.fft.rfft(np.resize(pause, RATE))) ** 2, np.linspace(40, 7500, 41).astype(int)
            values.append([*np.log(np.add.reduceat(power, bands)[:-1] + 1e-9), pause.size])
            kept.append(items[int(position)])
    spoof = np.array([item.spoof for item in kept])
    scores, table = np.full(len(kept), np.nan), np.array(values)
    for train, test in splits.unseen(kept, folds=FOLDS, seed=SEED):
        model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=6, random_state=SEED)
        scores[test] = model.fit(table[train], spoof[train]).predict_proba(table[test])[:, 1]
    found = group_bootstrap(auc, scores, spoof, [item.group for item in kept], draws=300, seed=SEED)
    return [len(kept), round(found.value, 3), round(found.low, 3), round(found.high, 3)]


def _alarms(keys: Sequence[str], llr: F64, spoof: NDArray[np.bool_], *, least: int = 1) -> dict[str, str]:
    out = {}
    for key in sorted(set(keys)):
        here = np.array([one == key for one in keys]) & ~spoof & np.isfinite(llr)
        if here.sum() >= least:
            out[key] = f"{int((llr[here] >= 0.3).sum())} and {int((llr[here] >= 1).sum())} of {int(here.sum())}"
    return out


if __name__ == "__main__":
    main()
