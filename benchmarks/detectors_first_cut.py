"""Measure the shipped detector of faces on collected pictures and films: unseen makers and people, controls, speed.

Run: `.venv/bin/python -P benchmarks/detectors_first_cut.py --media ../shared/media --cache out/features --out out`
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets.corpus import Item, read
from assay.detect.model import shipped
from assay.detect.train import visual
from assay.detect.train.fit import Protocol, by_item, made, unseen_scores
from assay.detect.train.portraits import features_of, portraits
from assay.detect.train.table import Table
from assay.eval.checkout import commit
from assay.eval.metrics import auc, eer
from assay.eval.statistics import group_bootstrap
from numpy.typing import NDArray

SEED = 1
FOLDS = 8
Labels = NDArray[np.bool_]


def line(name: str, items: Sequence[Item], scores: NDArray[np.float64]) -> dict[str, Any]:
    """Return one row of a table: AUC and EER with group-bootstrap intervals, and counts."""
    spoof = np.array([item.spoof for item in items])
    groups = [item.group for item in items]
    out: dict[str, Any] = {"name": name, "bona fide": int((~spoof).sum()), "spoof": int(spoof.sum())}
    for label, metric in (("auc", auc), ("eer", eer)):
        found = group_bootstrap(metric, scores, spoof, groups, draws=300, seed=SEED)
        out[label] = [round(v, 3) for v in (found.value, found.low, found.high)]
    return out


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print a table in Markdown."""
    print(f"\n### {title}\n\n| | bona fide | spoof | AUC (95 %) | EER (95 %) |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['name']} | {row['bona fide']} | {row['spoof']} | {_cell(row['auc'])} | {_cell(row['eer'])} |")


def _cell(found: Sequence[float]) -> str:
    """Return a figure with its interval, or alone where there is none."""
    value, low, high = found
    if np.isnan(value):
        return "-"
    return f"{value:.3f} ({low:.3f} to {high:.3f})" if low < value < high else f"{value:.3f}"


def chosen(table: Table, scores: NDArray[np.float64], rows: Labels) -> tuple[list[Item], NDArray[np.float64]]:
    """Return the items in `rows` that training did not make, and their mean scores."""
    positions, means = by_item(table, scores, rows)
    keep = [n for n, i in enumerate(positions) if not made(table.items[i])]
    return [table.items[positions[n]] for n in keep], means[keep]


def _subsets(
    items: Sequence[Item], scores: NDArray[np.float64], name: Callable[[Item], str], *, least: int
) -> list[dict[str, Any]]:
    """Return a row for each name that at least `least` spoofs bear, against all bona fide items."""
    rows = []
    for key in sorted({name(item) for item in items if item.spoof}):
        keep = [i for i, item in enumerate(items) if not item.spoof or name(item) == key]
        if sum(items[i].spoof for i in keep) >= least:
            rows.append(line(key, [items[i] for i in keep], scores[keep]))
    return sorted(rows, key=lambda row: -row["auc"][0])


def visual_tables(items: Sequence[Item], cache: Path) -> dict[str, Any]:
    """Measure the visual detector on fakes by others, people unseen, trained on real faces and self-blends alone."""
    settings = visual.Settings(cache=cache)
    table = visual.examples(items, settings, lambda _what, _done: None)
    protocol = Protocol(strength=settings.strength, folds=FOLDS, seed=SEED, others=False)
    scores = unseen_scores(table, protocol, lambda _what, _done: None)
    clean = np.array([chain == "none" for chain in table.chain])
    theirs, means = chosen(table, scores, clean)
    kinds = {kind: [i for i, item in enumerate(theirs) if item.kind == kind] for kind in ("image", "video")}
    pairs, blended = by_item(table, scores, ~clean)
    sizes = np.array([face_side(item) for item in theirs])
    return {
        "pooled": [
            line("fakes by others", theirs, means),
            line("control: small faces are fakes", theirs, -sizes),
            *size_matched(theirs, means, sizes),
            *(line(f"{kind}s", [theirs[i] for i in keep], means[keep]) for kind, keep in kinds.items()),
            line("laundered self-blends", [table.items[i] for i in pairs], blended),
        ],
        "by maker": _subsets(theirs, means, lambda item: item.maker, least=1),
    }


def face_side(item: Item) -> float:
    """Return the middle longer side of an item's faces in pixels, at most that to which training scales them down."""
    return float(np.median([np.ptp(face.mesh, axis=0).max() for face in portraits(item.path, item.kind, item.region)]))


def size_matched(
    items: Sequence[Item], scores: NDArray[np.float64], sizes: NDArray[np.float64]
) -> Iterator[dict[str, Any]]:
    """Yield, for pictures and films, the AUC of fakes against reals whose faces differ by at most 30 % in size."""
    spoof = np.array([item.spoof for item in items])
    for kind in ("image", "video"):
        here = np.array([item.kind == kind for item in items])
        won = []
        for fake in np.flatnonzero(spoof & here):
            like = ~spoof & here & (np.abs(np.log(sizes / sizes[fake])) < np.log(1.3))
            if like.sum() >= 3:
                won.append(float(np.mean(scores[fake] > scores[like])))
        value = round(float(np.mean(won)), 3)
        counts = {"bona fide": int((~spoof & here).sum()), "spoof": len(won)}
        yield {"name": f"{kind}s, reals of like face size", "auc": [value] * 3, "eer": [float("nan")] * 3} | counts


def speed(media: Path) -> dict[str, float]:
    """Return milliseconds on one core for a face that is already found."""
    face = portraits(next(iter(sorted((media / "demo").glob("portrait-*.jpg")))), "image", None)[0]
    see = shipped("visual-residual")
    return {"visual-residual, ms a face": _best(lambda: see.scores(features_of(face)[None]))}


def _best(action: Callable[[], object], repeats: int = 9) -> float:
    """Return the least of some timings, in milliseconds of processor time."""
    took = []
    for _ in range(repeats):
        begun = time.process_time()
        action()
        took.append(time.process_time() - begun)
    return round(min(took) * 1000, 1)


def main() -> None:
    """Measure, print tables in Markdown and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=Path, required=True, help="folder with faces/ and demo/")
    parser.add_argument("--cache", type=Path, required=True, help="folder for features, made on the first run")
    parser.add_argument("--out", type=Path, required=True, help="folder for detectors_first_cut.json")
    given = parser.parse_args()
    faces = read(given.media / "faces")
    found: dict[str, Any] = {
        "commit": commit(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}",
        "seed": SEED,
        "visual": visual_tables(faces, given.cache / "visual"),
        "speed": speed(given.media),
    }
    for title, rows in found["visual"].items():
        show(title, rows)
    print(json.dumps(found["speed"]))
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "detectors_first_cut.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
