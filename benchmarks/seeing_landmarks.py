"""LRNet in the table of all that sees: the published networks, and ours on people and makers that they never met.

`keep` makes the landmarks over time of each film in each version, once, from the followed faces that
`benchmarks/seeing.py` kept in `--cache`, beside the conditions that a scan asks for. `published` writes rows as
`seeing.py ask` does. `score` teaches a network for each fold on the films as they are and writes, as
`seeing_unseen.py`, what it says of every version of the films that it never met: `--variant own` (fakes made in
training alone), `others` (the collection's too, without the makers that a fold is tested on), `shuffled` (others, with
labels dealt anew). `tell` prints tables of all CSV files in `--out`, and the controls: what size of face, frame rate or
length alone tell by lines in the same folds, and by how much calibration calms the landmarks.

Run: `.venv/bin/python -P benchmarks/seeing_landmarks.py keep --media ../shared/media --cache FOLDER --out FOLDER`, then
the others with the same. A broken run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from assay.datasets.corpus import Item, read
from assay.detect.cue import Untold
from assay.detect.visual.cues.cue import unmet
from assay.detect.visual.landmarks import aligned, calibrated, flat, series, tremble, upright, windows
from assay.detect.visual.lrnet import LRNetDetector
from assay.detect.visual.lrnet import told as said
from assay.eval.metrics import auc
from assay.media.faces import Followed

VERSIONS = ("none", "h264-crf35", "half", "social-feed")
NAME = "visual-lrnet"
Keyed = dict[tuple[str, str], float]


def beside(name: str) -> ModuleType:
    """Return the program `name` of this folder, which is not on Python's path."""
    found = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert found is not None  # noqa: S101
    assert found.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module


seeing = beside("seeing")


def kept(item: Item, version: str, given: argparse.Namespace) -> Path:
    """Return the file of a film's landmarks."""
    return Path(given.out / "series" / f"{seeing.key(item)}-{version}.npz")


def keep(items: Sequence[Item], given: argparse.Namespace) -> None:
    """Make landmarks over time of every followed face that is kept."""
    begun = time.monotonic()
    (given.out / "series").mkdir(parents=True, exist_ok=True)
    for version in VERSIONS:
        for item in items:
            place, source = kept(item, version, given), given.cache / "followed" / f"{seeing.key(item)}-{version}.npz"
            if place.exists() or not source.exists() or time.monotonic() - begun > given.seconds:
                continue
            followed = _read(source)
            held: dict[str, Any] = {"why": "no face could be followed"}
            if followed is not None and len(followed.times) > 2:
                points = upright(followed)
                calm = calibrated(points, followed.crops)
                held = {
                    "why": unmet(followed, LRNetDetector.needs) or "",
                    "landmarks": series(followed, calm=aligned(calm)),
                    "facts": [followed.side, followed.rate, followed.seconds],
                    "tremble": [tremble(aligned(points)), tremble(aligned(calm))],
                }
            with place.with_suffix(".part").open("wb") as file:
                np.savez(file, **held)
            place.with_suffix(".part").replace(place)


def _read(path: Path) -> Followed | None:
    with np.load(path) as held:
        return Followed(**{name: held[name] for name in seeing.KEPT}) if "times" in held else None


def published(items: Sequence[Item], given: argparse.Namespace) -> None:
    """Write the rows of the published networks."""
    rows = []
    for version in VERSIONS:
        for item in items:
            if not kept(item, version, given).exists():
                continue
            with np.load(kept(item, version, given)) as held:
                answer = Untold(why=str(held["why"])) if str(held["why"]) else said(held["landmarks"])
            about = {"item": item.id, "group": item.group, "maker": item.maker, "label": item.label, "kind": item.kind}
            row = about | {"laundering": version, "detector": NAME, "version": LRNetDetector.version, "seconds": 0.0}
            rows.append(row | ({"why": answer.why} if isinstance(answer, Untold) else {"figures": answer.figures}))
    given.rows.write_text("".join(json.dumps(row) + "\n" for row in rows))


def score(items: Sequence[Item], given: argparse.Namespace) -> None:
    """Write what networks say of films that they never met, as `seeing_unseen.py` does."""
    import torch
    from assay.datasets import splits
    from assay.detect.train import fit
    from assay.detect.train import landmarks as training
    from assay.detect.train.fit import made
    from assay.detect.train.landmarks_material import tracks_of
    from assay.detect.train.loop import Pace, Run
    from assay.detect.train.visual_networks import Plan

    begun = time.monotonic()
    dealt = shuffled(items, given.seed) if given.variant == "shuffled" else {item.id: item for item in items}
    items = [dealt[item.id] for item in items]
    tracks = tracks_of(items, lambda item: landmarks_of(item, "none", given), folder=None)
    pace = Pace(epochs=given.epochs, batch=given.batch, rate=given.rate, device="cpu", seed=given.seed)
    plan = Plan(model="lrnet", pace=pace, folds=given.folds, draws=given.draws, others=given.variant != "own")
    trainable = fit.trainable(tracks.table, plan)
    found: Keyed = {}
    rows: list[tuple[float, Item]] = []

    def told_of(network: Any, item: Item, version: str) -> float:  # noqa: ANN401 - LRNet, imported late
        place = kept(item, version, given)
        points = landmarks_of(item, version, given) if place.exists() else np.zeros((0, 68, 2), np.float32)
        cut = as_taught(points)
        return float(training.torch_scores(network, cut).mean()) if len(cut) else math.nan

    known = {item.maker for item in tracks.table.items if made(item)}
    for number, (train, test) in enumerate(splits.unseen(tracks.table.items, folds=plan.folds, seed=1, known=known)):
        chosen = np.flatnonzero(tracks.table.rows(train) & trainable)
        held = np.flatnonzero(tracks.table.rows(test))
        run = Run(pace=pace, folder=given.out / f"{given.variant}-{number}")
        network = training.made_network(plan)
        place = run.folder.with_suffix(".pt")
        if place.exists():
            network.load_state_dict(torch.load(place, weights_only=True))
        else:
            if time.monotonic() - begun > given.seconds:
                return
            network = training.taught(tracks, chosen, plan, run)
            torch.save(network.state_dict(), place)
        scores = training.judge(network, tracks, held)
        rows += [(float(s), tracks.table.items[int(tracks.table.item[k])]) for s, k in zip(scores, held, strict=True)]
        for position in test:
            item = tracks.table.items[position]
            if not made(item):
                found |= {(item.id, version): told_of(network, item, version) for version in VERSIONS}
        print(f"fold {number + 1}: {auc_of(rows)}", file=sys.stderr, flush=True)
    write(given.out / f"{given.variant}.csv", items, found)


def as_taught(points: np.ndarray) -> np.ndarray:
    """Return a film's windows as the network takes them, each aligned for itself as in training."""
    cut = windows(points)
    return flat(np.stack([aligned(window) for window in cut])) if len(cut) else np.zeros((0, 1), np.float32)


def auc_of(rows: Sequence[tuple[float, Item]]) -> str:
    """Return the AUC of windows of each sort of fake made in training, and of all fakes by others."""
    from assay.detect.train.fit import made

    real = [s for s, item in rows if not item.spoof]
    out = []
    for sort in sorted({item.process if made(item) else "others" for _, item in rows if item.spoof}):
        fake = [s for s, item in rows if item.spoof and (item.process if made(item) else "others") == sort]
        labels = np.r_[np.zeros(len(real), bool), np.ones(len(fake), bool)]
        out.append(f"{sort} {auc(np.r_[real, fake], labels):.2f} ({len(fake)})")
    return f"{len(real)} real windows; {', '.join(out)}"


def landmarks_of(item: Item, version: str, given: argparse.Namespace) -> np.ndarray:
    """Return the landmarks that are kept of a film; none if its conditions of use are not met."""
    with np.load(kept(item, version, given)) as held:
        met = "landmarks" in held and not str(held["why"])
        return np.asarray(held["landmarks"]) if met else np.zeros((0, 68, 2), np.float32)


def shuffled(items: Sequence[Item], seed: int) -> dict[str, Item]:
    """Return each item under another's label and maker, by id."""
    order = np.random.default_rng(seed).permutation(len(items))
    pairs = zip(items, order, strict=True)
    return {one.id: replace(one, label=items[k].label, maker=items[k].maker) for one, k in pairs}


def write(path: Path, items: Sequence[Item], found: Keyed) -> None:
    """Write scores; there are no ratios, since `visual-lrnet` weighs nothing."""
    by_id = {item.id: item for item in items}
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["item", "laundering", "kind", "label", "group", "score", "llr"])
        for (name, version), value in sorted(found.items()):
            item = by_id[name]
            shown = f"{value:.6g}" if math.isfinite(value) else ""
            out.writerow([name, version, item.kind, item.label, item.group, shown, ""])


def tell(items: Sequence[Item], given: argparse.Namespace) -> None:
    """Print the rows of every variant, of the published networks and of the controls, and what calibration does."""
    tables = beside("seeing_tables")
    rows = {name: one for name, one in tables.gathered([given.rows])[0].items() if name != NAME} if given.rows else {}
    rows |= {path.stem: tables.from_file(path) for path in sorted(given.out.glob("*.csv"))}
    facts = known_facts(items, given)
    for name in ("face", "rate", "length"):
        rows[f"{name} alone"] = tables.Told(score=by_line(items, facts[name], given.folds), llr={})
    rows |= {name: tables.Told(score=facts[name], llr={}) for name in ("trembling", "calibrated", "left of it")}
    dealt = list(shuffled(items, given.seed).values())
    for name, one in rows.items():
        for version in VERSIONS:
            row = tables.line(dealt if name == "shuffled" else items, one, version)
            if "auc" in row:
                cells = (f"{v:.3f} ({low:.3f} to {high:.3f})" for v, low, high in (row[m] for m in tables.METRICS))
                print(f"| {name} | {version} | {row['real']}, {row['fake']} | {' | '.join(cells)} |")
        for maker in sorted({item.maker for item in items if item.spoof}):
            row = tables.line([item for item in items if item.maker in ("", maker)], one, "none")
            if "auc" in row:
                print(f"| {name} | {maker} | {row['fake']} | {row['auc'][0]:.2f} |")
    for spoof in (False, True):
        clean = [
            facts[n].get((i.id, "none"), math.nan)
            for n in ("trembling", "calibrated")
            for i in items
            if i.spoof == spoof
        ]
        before, after = np.nanmedian(np.reshape(clean, (2, -1)), axis=1)
        print(f"{'fakes' if spoof else 'reals'}, clean: landmarks tremble by {before:.2f}, calibrated by {after:.2f}")


def known_facts(items: Sequence[Item], given: argparse.Namespace) -> dict[str, Keyed]:
    """Return size of face, frame rate, length, and how landmarks tremble, of each film that meets the conditions."""
    names = ("face", "rate", "length", "trembling", "calibrated")
    facts: dict[str, Keyed] = {name: {} for name in (*names, "left of it")}
    for item in items:
        for version in VERSIONS:
            with np.load(kept(item, version, given)) as held:
                if "facts" in held and not str(held["why"]):
                    values = [*held["facts"].tolist(), *held["tremble"].tolist()]
                    for name, value in zip(names, values, strict=True):
                        facts[name][item.id, version] = value
                    facts["left of it"][item.id, version] = values[4] / values[3]
    return facts


def by_line(items: Sequence[Item], fact: Keyed, folds: int) -> Keyed:
    """Return what a line on one number says of each film by the folds of `score`: neither person nor maker met."""
    from assay.datasets import splits
    from sklearn.linear_model import LogisticRegression

    found: Keyed = {}
    values = np.array([fact.get((item.id, "none"), math.nan) for item in items])
    for train, test in splits.unseen(items, folds=folds, seed=1):
        fit = [n for n in train if math.isfinite(values[n])]
        spread = float(values[fit].std()) or 1.0
        model = LogisticRegression(class_weight="balanced")
        model.fit(values[fit, None] / spread, [items[n].spoof for n in fit])
        held = [n for n in test if math.isfinite(values[n])]
        odds = model.decision_function(values[held, None] / spread) if held else []
        found |= {(items[n].id, "none"): float(value) for n, value in zip(held, odds, strict=True)}
    return found


def main() -> None:
    """Keep landmarks, or score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["keep", "published", "score", "tell"])
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--variant", choices=["own", "others", "shuffled"], default="own")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rate", type=float, default=5e-3)
    parser.add_argument("--draws", type=int, default=2048)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    items = [item for item in read(given.media) if item.kind == "video"]
    {"keep": keep, "published": published, "score": score, "tell": tell}[given.stage](items, given)


if __name__ == "__main__":
    main()
