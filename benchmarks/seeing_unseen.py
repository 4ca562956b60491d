"""What `visual-residual` says of people it never met: scores for the tables of `benchmarks/seeing_tables.py`.

The shipped heads trained on the very reals of the collection. Here each item is scored by the heads of a fold that met
neither its group nor, if it is a fake, any fake by others (the training takes none), and its ratio comes from a
calibration on the items of the other folds alone, less those by its own maker. `look` keeps the features of every
face that a scan would score in each version that `benchmarks/seeing.py` wrote into `--cache`; it stops after
`--seconds` and goes on where it stopped. `score` teaches the folds, calibrates, and writes what the tables read.

Run: `.venv/bin/python -P benchmarks/seeing_unseen.py look --media ../shared/media --cache FOLDER --features FOLDER`,
then `score` with the same and `--taught FOLDER` (features of the training, kept) and `--out FILE`.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
from assay.datasets import splits
from assay.datasets.corpus import Item, read
from assay.detect.train import visual
from assay.detect.train.calibration import Calibration, calibrate
from assay.detect.train.fit import Protocol, fit, made, trainable
from assay.detect.visual.features import MARGIN, SIZE, features
from assay.detect.visual.residual import LEAST_FACE, MOST_SIGHTINGS, face_crop
from assay.media.errors import AssayError
from assay.media.view import Crop, Sampling, View
from numpy.typing import NDArray

F64 = NDArray[np.float64]
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


def places(items: Sequence[Item], cache: Path, features_in: Path) -> Iterator[tuple[Item, str, Path, Path]]:
    """Yield item, version, the version's file and that of its features, the clean first."""
    for number in range(4):
        for item in items:
            if number == 0 or seeing.washable(item):
                version = seeing.versions(item)[number]
                where = features_in / f"{seeing.key(item)}-{version}.npz"
                yield item, version, seeing.place_of(item, version, cache), where


def look(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the features of the faces that a scan would score, and which person each is; none where none is seen."""
    view = View.open(path, sampling=Sampling(frames=seeing.FRAMES))
    try:
        pairs = [(c, m) for c, m in zip(view.crops(SIZE, margin=MARGIN), view.meshes, strict=True) if m is not None]
    except AssayError:
        pairs = []
    pairs = [(crop, mesh) for crop, mesh in pairs if _side(crop) >= LEAST_FACE]
    people = [number if crop.track is None else crop.track for number, (crop, _) in enumerate(pairs)]
    values = [features(face_crop(crop, mesh)) for crop, mesh in pairs]
    return np.array(values, np.float32).reshape(len(pairs), -1), np.array(people, np.int64)


def _side(crop: Crop) -> float:
    return min(crop.face.region.width, crop.face.region.height)


def looked(given: argparse.Namespace, items: Sequence[Item]) -> None:
    """Keep the features of every version whose file is there."""
    begun = time.monotonic()
    given.features.mkdir(parents=True, exist_ok=True)
    for _, _, path, where in places(items, given.cache, given.features):
        if where.exists() or not path.exists():
            continue
        if time.monotonic() - begun > given.seconds:
            return
        values, people = look(path)
        with where.with_suffix(".part").open("wb") as file:
            np.savez(file, values=values, people=people)
        where.with_suffix(".part").replace(where)


def scored(given: argparse.Namespace, items: Sequence[Item]) -> tuple[Keyed, Keyed]:
    """Return the score and the ratio of each item in each version, by heads and calibrations that never met it."""
    settings = visual.Settings(cache=given.taught)
    table = visual.examples(items, settings, lambda _what, _done: None)
    known = {item.maker for item in table.items if made(item)}
    protocol = Protocol(strength=settings.strength, folds=settings.folds, seed=settings.seed, others=False)
    folds = list(splits.unseen(table.items, folds=settings.folds, seed=settings.seed, known=known))
    kept = {
        (item.id, version): _held(where)
        for item, version, _, where in places(items, given.cache, given.features)
        if where.exists()
    }
    raw: dict[tuple[str, str], list[float]] = {}
    for train, test in folds:
        heads = fit(table, table.rows(train) & trainable(table, protocol), strength=settings.strength)
        held = {table.items[position].id for position in test}
        raw |= {k: _people(heads.scores(v), p) for k, (v, p) in kept.items() if k[0] in held and len(v)}
    ratios: Keyed = {}
    by_id = {item.id: item for item in items}
    for train, test in folds:
        held = {table.items[position].id for position in test}
        line = calibrated(raw, [table.items[position] for position in train if table.items[position].id in by_id])
        ratios |= {key: _joined(line.llr(np.array(people))) for key, people in raw.items() if key[0] in held}
    return {key: float(np.max(raw[key])) if key in raw else math.nan for key in kept}, ratios


def calibrated(raw: Mapping[tuple[str, str], Sequence[float]], others: Sequence[Item]) -> Calibration:
    """Return the calibration on the clean versions of `others`, each by its most suspect face."""
    have = [item for item in others if (item.id, "none") in raw]
    scores = np.array([max(raw[item.id, "none"]) for item in have])
    return calibrate(scores, np.array([item.spoof for item in have]), [item.group for item in have], seed=1)


def _held(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    with np.load(path) as file:
        return file["values"], file["people"]


def _people(scores: F64, people: NDArray[np.int64]) -> list[float]:
    """Return each person's median over at most as many sightings as a scan takes."""
    out = []
    for one in dict.fromkeys(people.tolist()):
        own = scores[people == one]
        chosen = np.linspace(0, len(own) - 1, min(len(own), MOST_SIGHTINGS)).round().astype(int)
        out.append(float(np.median(own[chosen])))
    return out


def _joined(ratios: F64) -> float:
    """Return the ratio for "one of them is a fake", as a scan does."""
    return float(np.log10(np.mean(10.0**ratios)))


def main() -> None:
    """Look, or score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["look", "score"])
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--taught", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=float, default=math.inf)
    given = parser.parse_args()
    items = [item for item in read(given.media) if item.kind != "audio"]
    if given.stage == "look":
        looked(given, items)
        return
    scores, ratios = scored(given, items)
    with given.out.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["item", "laundering", "score", "llr"])
        for item, version in sorted(scores):
            score, ratio = scores[item, version], ratios.get((item, version))
            out.writerow([item, version, f"{score:.6g}", "" if ratio is None else f"{ratio:.6g}"])


if __name__ == "__main__":
    main()
