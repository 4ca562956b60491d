"""What networks that look can learn from: engines left out in turn, and controls on the training set as used.

`make` fakes consenting people's photographs by every engine and keeps, for each fake and its photograph, the features
of lite0 as ImageNet taught it (mean and spread of each stage's maps); it stops after `--seconds` and goes on where it
stopped. `left-out` teaches a line on all engines but one and asks it about that one, other people each time. `controls`
asks whether what should not matter tells the classes of the training set apart: what the codec did, how large the face
is, what surrounds it. Nothing of a fake is kept but its features.

Run: `.venv/bin/python -P benchmarks/learning_to_see.py make --reals FOLDER --cache out/engines`, then `left-out` with
the same; `controls --corpus FOLDER --cache out/faces --out out`. `--reals` holds pictures of people who agreed to a
benchmark, a folder each; the consents are written into a book beside the features.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets.corpus import read
from assay.datasets.launder import launder
from assay.detect.train.visual_crops import CHAINS, Crops, Cutting, crops_of
from assay.detect.visual.faces import MARGIN, SIDE, flat, shown
from assay.eval.makers import MAKERS, PURPOSE, Leave, Real, maker
from assay.eval.metrics import auc
from assay.eval.reals import read_reals
from assay.eval.statistics import group_bootstrap
from assay.generate.consent import ConsentBook, Terms, file_sha256
from assay.generate.interface import Scope
from assay.media.errors import AssayError
from assay.media.faces import align, finder
from assay.media.image import Still
from numpy.typing import NDArray

SEED, SEEN = 1, 160
PICTURES = ("self-blend", "landmark-swap", "morph", "inpainted", "reenact", "upscaled", "regenerated")
WASHES = ("none", "jpeg-70", "half", "screenshot")
F64 = NDArray[np.float64]


def main() -> None:
    """Do one part."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("part", choices=("make", "left-out", "controls"))
    options.add_argument("--reals", type=Path)
    options.add_argument("--corpus", type=Path)
    options.add_argument("--cache", type=Path, required=True)
    options.add_argument("--out", type=Path)
    options.add_argument("--most", type=int, default=45)
    options.add_argument("--seconds", type=float, default=500.0)
    chosen = options.parse_args()
    if chosen.part == "make":
        make(chosen.reals, chosen.cache, most=chosen.most, seconds=chosen.seconds)
    elif chosen.part == "left-out":
        show(left_out(chosen.cache), chosen.out, "left_out")
    else:
        items = [item for item in read(chosen.corpus) if item.kind != "audio"]
        show(controls(crops_of(items, Cutting(), folder=chosen.cache)), chosen.out, "controls")


def make(folder: Path, cache: Path, *, most: int, seconds: float) -> None:
    """Keep the features of photographs and of every engine's fakes of them, a file a photograph and engine."""
    end = time.monotonic() + seconds
    cache.mkdir(parents=True, exist_ok=True)
    reals = [real for real in read_reals(folder)[0] if real.kind == "image"][:most]
    leave, embed = consented(reals, cache / "book"), embedder()
    for number, real in enumerate(reals):
        for name in ("", *PICTURES):
            place = cache / f"{number:03d}-{name or 'real'}.npy"
            if place.exists() or time.monotonic() > end:
                continue
            try:
                media = maker(name).make(real, reals, leave=leave, seed=number) if name else real.media
                rows = embed([face for face in _washed(media, number) if face is not None])
            except AssayError as error:
                print(f"{real.id} {name}: {error}")
                rows = np.zeros((0, 1), np.float32)
            np.save(place.with_suffix(".part.npy"), rows)
            place.with_suffix(".part.npy").replace(place)


def consented(reals: Sequence[Real], folder: Path) -> Leave:
    """Return a book in which everybody in `reals` agrees to the benchmark with these very files."""
    now, book = datetime.now(UTC), ConsentBook(folder)
    for real in reals:
        terms = Terms(
            subject=real.subject,
            scopes=(Scope.FACE_SWAP, Scope.REENACT),
            purpose=PURPOSE,
            references=(file_sha256(real.path),),
            expires=now + timedelta(days=1),
            statement="I agree to the benchmark.",
        )
        book.grant(terms, now=now)
    return Leave(book=book, now=now)


def _washed(media: Any, seed: int) -> list[NDArray[np.uint8] | None]:  # noqa: ANN401
    """Return the face of a picture after each wash, as a network sees it; `None` where none is found."""
    out: list[NDArray[np.uint8] | None] = []
    for chain in WASHES:
        after: Any = launder(Still(pixels=media.pixels), chain, np.random.default_rng(seed))
        faces = finder().find(after.pixels)
        out.append(shown(align(after.pixels, faces[0], SIDE, margin=MARGIN)[0], SEEN, 0.15) if faces else None)
    return out


def embedder() -> Any:  # noqa: ANN401
    """Return what turns faces into rows of lite0's features, as ImageNet taught it."""
    import torch
    from assay.detect.train.eyes.backbones import EfficientNetLite0

    torch.set_num_threads(1)
    eye: Any = EfficientNetLite0().eval()

    def embed(faces: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        crops = torch.from_numpy(flat(faces)).reshape(-1, 3, SEEN, SEEN)
        with torch.inference_mode():
            maps = eye.body.bn1(eye.body.conv_stem((crops - eye.mean) / eye.spread))
            found = []
            for block in eye.body.blocks:
                maps = block(maps)
                found += [maps.mean(dim=(2, 3)), maps.std(dim=(2, 3))]
        return np.asarray(torch.cat(found, dim=1).numpy(), np.float32)

    return embed


def left_out(cache: Path) -> list[dict[str, Any]]:
    """Return for each engine what a line is worth that was taught on the others, and on all, other people each time."""
    rows: dict[str, dict[int, NDArray[np.float32]]] = {}
    for path in sorted(cache.glob("???-*.npy")):
        values = np.load(path)
        if len(values):
            rows.setdefault(path.stem[4:], {})[int(path.stem[:3])] = values
    people = sorted(rows["real"])
    out = []
    for name in (one for one in PICTURES if one in rows):
        line: dict[str, Any] = {"engine": name, "fakes": len(rows[name])}
        for what, taught in (
            ("left out", [one for one in PICTURES if one in rows and one != name]),
            ("taught on it too", [one for one in PICTURES if one in rows]),
            ("taught on it alone", [name]),
            ("taught on self-blends alone", ["self-blend"]),
        ):
            scores, labels, groups = _scored(rows, people, taught, name)
            found = group_bootstrap(auc, scores, labels, groups, draws=300, seed=SEED)
            line[what] = [None if v is None else round(float(v), 3) for v in (found.value, found.low, found.high)]
        out.append(line)
    return out


def _scored(
    rows: dict[str, dict[int, NDArray[np.float32]]], people: Sequence[int], taught: Sequence[str], asked: str
) -> tuple[F64, NDArray[np.bool_], list[str]]:
    """Return scores, labels and people of photographs and of the fakes by `asked`, five folds by person."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scores, labels, groups = [], [], []
    for fold in range(5):
        train = [one for k, one in enumerate(people) if k % 5 != fold]
        test = [one for k, one in enumerate(people) if k % 5 == fold]
        real = np.concatenate([rows["real"][one] for one in train])
        fake = np.concatenate([rows[name][one] for name in taught for one in train if one in rows[name]])
        line = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, class_weight="balanced", max_iter=500))
        line.fit(np.concatenate([real, fake]), np.repeat([0, 1], [len(real), len(fake)]))
        for one in test:
            for name, label in (("real", False), (asked, True)):
                if one in rows[name]:
                    scores.append(float(line.decision_function(rows[name][one]).mean()))
                    labels.append(label)
                    groups.append(str(one))
    return np.array(scores), np.array(labels, bool), groups


def controls(crops: Crops) -> list[dict[str, Any]]:
    """Return what a classifier makes of facts that should not matter, for each sort of fake, other people each time."""
    table = crops.table
    looks = [facts(crops.crop(number), table.chain[number]) for number in range(len(table.item))]
    out = []
    for sort in sorted({item.process for item in table.items if item.spoof and "made in training" in item.maker}):
        wanted = np.array([not item.spoof or item.process == sort for item in table.items])[table.item]
        chosen = np.flatnonzero(wanted)
        labels = table.spoof[chosen]
        groups = [table.items[i].group for i in table.item[chosen]]
        for what in looks[0]:
            values = np.stack([looks[number][what] for number in chosen])
            scores = _by_group(values, labels, groups)
            found = group_bootstrap(auc, scores, labels, groups, draws=200, seed=SEED)
            out.append(
                {
                    "sort": sort,
                    "sees": what,
                    "auc": [None if v is None else round(v, 3) for v in (found.value, found.low, found.high)],
                }
            )
    return out


def facts(crop: NDArray[np.uint8], chain: str) -> dict[str, F64]:
    """Return what stands beside a face: its way through codecs, the crop's own resolution, its surroundings."""
    import cv2

    light = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float64)
    small = cv2.resize(crop, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float64)
    ring = np.ones((16, 16), bool)
    ring[2:-2, 2:-2] = False
    band = np.r_[light[:20].ravel(), light[-20:].ravel()]
    edge = np.abs(np.diff(light[:20], axis=1))
    return {
        "codec": np.array([float(chain == one) for one in CHAINS] + [float("h264" in chain)]),
        "resolution": np.array([np.log(_reach(light[:24])), np.log(_reach(light[-24:]))]),
        "background": np.r_[small[ring].ravel(), band.mean(), band.std(), edge.mean(), edge.std()],
    }


def _reach(strip: F64) -> float:
    """Return how fine a strip of the surroundings is: its mean frequency, weighed by magnitude."""
    power = np.abs(np.fft.rfft(strip - strip.mean(axis=1, keepdims=True), axis=1)).mean(axis=0) + 1e-6
    return float((power * np.arange(power.size)).sum() / power.sum() + 1e-3)


def _by_group(values: F64, labels: NDArray[np.bool_], groups: Sequence[str]) -> F64:
    """Return the scores of boosted trees that did not see the person, five folds."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    names = sorted(set(groups))
    fold = np.array([names.index(group) % 5 for group in groups])
    scores = np.zeros(len(labels))
    for number in range(5):
        trees = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, random_state=SEED)
        trees.fit(values[fold != number], labels[fold != number])
        scores[fold == number] = trees.decision_function(values[fold == number])
    return scores


def show(rows: list[dict[str, Any]], out: Path | None, name: str) -> None:
    """Print the rows and write them."""
    for row in rows:
        print(json.dumps(row))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"learning_to_see_{name}.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    assert set(PICTURES) < set(MAKERS)  # noqa: S101
    main()
