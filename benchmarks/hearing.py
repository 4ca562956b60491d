"""How well voice detectors tell makers and sources that they never met: the table of docs/detectors.md.

    .venv/bin/python -P benchmarks/hearing.py --media ../shared/media --weights ../shared/weights \
        --work out/train --cache out/hearing --out out [--parts ear,gmm,facts,aasist,aasist-la] [--few 220]

`--work` is the `--cache` that `assay train audio` was given (made where it is not there). Every row of every part
lies in `--cache` for the next run, so a run that was broken off goes on. Published networks take half a second a
window: they hear one window a clip. Only `--few` clips, drawn by seed, are laundered. Writes `hearing.json` and
prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from assay.datasets import splits
from assay.datasets.audit import facts_of
from assay.datasets.corpus import Item, read
from assay.datasets.launder import launder
from assay.detect.audio import gate
from assay.detect.audio.features import features
from assay.detect.audio.frontends import front_end
from assay.detect.train import audio
from assay.detect.train.audio_material import randomness, sound, spread
from assay.detect.train.ear import encoder
from assay.detect.train.table import Table
from assay.detect.train.within import clip_means, fit_within
from assay.eval.metrics import auc, eer
from assay.eval.statistics import group_bootstrap
from assay.media.audio import Audio
from assay.media.errors import AssayError
from numpy.typing import NDArray

SEED, FOLDS, DRAWS, WINDOWS = 1, 8, 300, 6
CONDITIONS = ("as it is", "no silence", "mp3-64k", "opus-24k", "telephone", "noise-15")
EAR, SHUFFLED = "shipped ear", "control: shuffled labels"
F64 = NDArray[np.float64]
Scores = dict[str, F64]
"""Condition -> score of each clip, NaN where there is none."""


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("media", "weights", "work", "cache", "out"):
        options.add_argument(f"--{name}", type=Path, required=True)
    options.add_argument("--parts", default="ear,gmm,facts,aasist,aasist-la")
    options.add_argument("--few", type=int, default=220)
    given = options.parse_args()
    items = read(given.media / "speech")
    parts: dict[str, Callable[[], dict[str, Scores]]] = {
        "ear": lambda: ear(items, given.work, given.cache, given.few),
        "gmm": lambda: {"LFCC-GMM": gmm(items, given.work, given.cache)},
        "facts": lambda: {"file facts alone": facts(items, given.cache)},
        "aasist": lambda: {
            "AASIST, ASVspoof 5": published(items, given.weights / "aasist_asvspoof5/best.pth", given.cache, given.few)
        },
        "aasist-la": lambda: {
            "AASIST, LA 2019": published(items, given.weights / "aasist/AASIST.pth", given.cache, given.few)
        },
    }
    found: dict[str, Scores] = {}
    for part in given.parts.split(","):
        found |= parts[part]()
    report(items, found, given.out)


def sounds(item: Item, condition: str) -> Audio:
    """Return a clip under a condition."""
    rng = randomness(item, SEED + 1)
    clip = sound(item, rng)
    if condition == "no silence":
        mono = clip.mono()
        size = clip.rate // 50
        pieces = mono[: mono.size // size * size].reshape(-1, size)
        power = np.mean(pieces.astype(np.float64) ** 2, axis=1)
        return Audio(samples=pieces[power > np.percentile(power, 95) * 1e-3].reshape(1, -1), rate=clip.rate)
    if condition == "as it is":
        return clip
    washed = launder(clip, condition, rng)
    return cast("Audio", washed)


def kept(path: Path, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Return what lies at `path`, made first where nothing does."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp.npy")
        np.save(temporary, make(), allow_pickle=False)
        temporary.replace(path)
    return np.asarray(np.load(path, allow_pickle=False))


def windows_under(item: Item, condition: str, size: int, most: int) -> NDArray[np.float32]:
    """Return windows of a clip under a condition; none where it is too short or too quiet."""
    try:
        found = gate.windows(sounds(item, condition), size=size)
    except AssayError:
        return np.zeros((0, size), np.float32)
    return found.samples[spread(len(found.starts), most)]


def drawn(items: Sequence[Item], few: int) -> set[int]:
    """Return the positions of the `few` clips that are laundered, drawn by seed."""
    return set(np.random.default_rng(SEED).choice(len(items), min(few, len(items)), replace=False).tolist())


def heard(items: Sequence[Item], cache: Path, few: int) -> dict[str, NDArray[np.float64]]:
    """Return what the line is applied to, the mean over the windows of each clip, NaN for none."""
    encode = encoder()
    width = len(features(np.zeros(32_000, np.float32))) + encode(np.zeros((1, 32_000), np.float32)).shape[1]
    out = {}
    some = drawn(items, few)
    for condition in CONDITIONS[1:]:
        rows = np.full((len(items), width), np.nan)
        for number, item in enumerate(items):
            if number not in some:
                continue

            def mean(item: Item = item, condition: str = condition) -> NDArray[np.float32]:
                found = windows_under(item, condition, 32_000, WINDOWS)
                if not len(found):
                    return np.zeros(0, np.float32)
                told = np.concatenate([encode(found), np.stack([features(one) for one in found])], axis=1)
                return np.asarray(told.mean(axis=0))

            value = kept(cache / "heard" / condition / f"{item.sha256}.npy", mean)
            if value.size:
                rows[number] = value
        out[condition] = rows
    return out


def ear(items: Sequence[Item], work: Path, cache: Path, few: int) -> dict[str, Scores]:
    """Return the shipped detector's scores and two controls, each by a line that met neither page nor maker."""
    settings = audio.Settings(cache=work)
    crops = audio.windows_of(items, settings, work, lambda _what, _done: None)
    table = audio.examples(crops, work, lambda _what, _done: None)
    everything = list(table.items)
    place = {item.id: number for number, item in enumerate(items)}
    told = heard(items, cache, few)
    told[CONDITIONS[0]] = as_they_are(table, place)
    penalties = {"strength": settings.strength, "lone": settings.lone}
    ways = {EAR: slice(None), "its Whisper part": slice(0, -408), "its LFCC part": slice(-408, None)}
    out: dict[str, Scores] = {name: {c: np.full(len(items), np.nan) for c in CONDITIONS} for name in (*ways, SHUFFLED)}
    for train, test in audio.folded(everything, folds=FOLDS, seed=SEED):
        held = np.array([place[everything[i].id] for i in test if everything[i].id in place])
        for name, columns in ways.items():
            line = fit_within(_columns(table, columns), table.rows(train), **penalties)
            for condition in CONDITIONS:
                out[name][condition][held] = told[condition][held][:, columns] @ line.weights + line.offset
        mixed = fit_within(_shuffled(table), table.rows(train), **penalties)
        for condition in CONDITIONS:
            out[SHUFFLED][condition][held] = told[condition][held] @ mixed.weights + mixed.offset
    return out


def as_they_are(table: Table, place: dict[str, int]) -> NDArray[np.float64]:
    """Return the mean over the windows of each clip as it is, which training has already heard."""
    rows = np.full((len(place), table.values.shape[1]), np.nan)
    clean = clip_means(table, np.array([chain == "none" for chain in table.chain]))
    for row, position in enumerate(clean.item):
        if (at := place.get(table.items[position].id)) is not None:
            rows[at] = clean.values[row]
    return rows


def _columns(table: Table, columns: slice) -> Table:
    return replace(table, values=table.values[:, columns])


def _shuffled(table: Table) -> Table:
    """Return the table with labels dealt anew among clips."""
    order = np.random.default_rng(SEED).permutation(len(table.items))
    mixed = tuple(
        replace(one, label=table.items[i].label, maker=table.items[i].maker)
        for one, i in zip(table.items, order, strict=True)
    )
    return replace(table, items=mixed)


def gmm(items: Sequence[Item], work: Path, cache: Path) -> Scores:
    """Return the scores of 64 mixtures on LFCC of clips as they are, fitted without what training makes."""
    from sklearn.mixture import GaussianMixture

    front = front_end("lfcc")
    crops = audio.windows_of(items, audio.Settings(cache=work), work, lambda _what, _done: None)
    table = crops.table
    rng = np.random.default_rng(SEED)
    clean = np.array([chain == "none" for chain in table.chain])
    scores = np.full(len(items), np.nan)

    def fitted(rows: NDArray[np.int64]) -> GaussianMixture:
        chosen = rng.choice(rows, min(len(rows), 1200), replace=False)
        frames = np.concatenate([front.features(crops.window(int(i)))[::6] for i in chosen])
        return GaussianMixture(64, covariance_type="diag", random_state=SEED, reg_covar=1e-4, max_iter=20).fit(frames)

    for number, (train, test) in enumerate(splits.unseen(items, folds=FOLDS, seed=SEED)):

        def scored(train: list[int] = train, test: list[int] = test) -> NDArray[np.float64]:
            taught = table.rows(train)
            spoof, real = (fitted(np.flatnonzero(taught & (table.spoof == label))) for label in (True, False))
            rows = [np.flatnonzero(clean & (table.item == i)) for i in test]
            frames = [[front.features(crops.window(int(n))) for n in some] for some in rows]
            return np.array([np.mean([spoof.score(f) - real.score(f) for f in fs]) if fs else np.nan for fs in frames])

        scores[test] = kept(cache / "gmm" / f"{number}.npy", scored)
    return {CONDITIONS[0]: scores}


def facts(items: Sequence[Item], cache: Path) -> Scores:
    """Return what boosted trees make of header and trivial facts of the files, never of what is said."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    keep = cache / "facts.json"
    if not keep.exists():
        keep.parent.mkdir(parents=True, exist_ok=True)
        keep.write_text(json.dumps([dict(facts_of(str(item.path)).values) for item in items]))
    told = json.loads(keep.read_text())
    names = sorted({name for row in told for name, value in row.items() if isinstance(value, int | float)})
    values = np.array([[float(row.get(name, np.nan)) for name in names] for row in told])
    spoof = np.array([item.spoof for item in items])
    scores = np.full(len(items), np.nan)
    for train, test in splits.unseen(items, folds=FOLDS, seed=SEED):
        model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=6, random_state=SEED)
        scores[test] = model.fit(values[train], spoof[train]).decision_function(values[test])
    return {"as it is": scores}


def published(items: Sequence[Item], checkpoint: Path, cache: Path, few: int) -> Scores:
    """Return the scores of a published AASIST on the middle window of 4.04 s of each clip, spoof less bona fide."""
    import torch
    from assay.detect.train.networks import aasist

    network = aasist.load_published(checkpoint).eval()
    torch.set_num_threads(1)
    some = drawn(items, few)
    out: Scores = {}
    for condition in CONDITIONS:
        scores = np.full(len(items), np.nan)
        for number, item in enumerate(items):
            place = cache / checkpoint.parent.name / condition / f"{item.sha256}.npy"
            if number not in some and not place.exists():
                continue

            def logit(item: Item = item, condition: str = condition) -> NDArray[np.float64]:
                found = windows_under(item, condition, aasist.SAMPLES, 3)
                if not len(found):
                    return np.array(np.nan)
                with torch.inference_mode():
                    logits = network(torch.from_numpy(found[len(found) // 2][None]))[0]
                return np.array(float(logits[0] - logits[1]))

            scores[number] = kept(place, logit)
        out[condition] = scores
    return out


def report(items: Sequence[Item], found: dict[str, Scores], out: Path) -> None:
    """Print the tables in Markdown and write them as JSON."""
    spoof = np.array([item.spoof for item in items])
    told: dict[str, Any] = {
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip(),
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


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()


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
