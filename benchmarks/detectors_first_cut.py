"""Measure the two learned detectors on collected clips: unseen makers and sources, confounds, controls, speed.

Run: `.venv/bin/python -P benchmarks/detectors_first_cut.py --media ../shared/media --cache out/features --out out`
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets import splits
from assay.datasets.corpus import Item, read
from assay.detect.audio.features import features as audio_features
from assay.detect.audio.gate import active_frames, windows
from assay.detect.model import shipped
from assay.detect.train import audio, visual
from assay.detect.train.fit import Protocol, by_item, made, unseen_scores
from assay.detect.train.portraits import features_of, portraits
from assay.detect.train.table import Table
from assay.eval.metrics import auc, eer
from assay.eval.statistics import group_bootstrap
from assay.media.asset import Asset
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio
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


def audio_tables(items: Sequence[Item], cache: Path) -> dict[str, Any]:
    """Measure the audio detector and its rivals on clips of unseen makers and sources."""
    table = audio.examples(items, audio.Settings(cache=cache), lambda _what, _done: None)
    protocol = Protocol(strength=audio.Settings().strength, folds=FOLDS, seed=SEED)
    scores = unseen_scores(table, protocol, lambda _what, _done: None)
    clean = np.array([chain == "none" for chain in table.chain])
    out: dict[str, Any] = {}
    theirs, means = chosen(table, scores, clean)
    out["pooled"] = [line("clean", theirs, means), line("laundered", *chosen(table, scores, ~clean))]
    for chain in sorted(set(table.chain) - {"none"}):
        rows = np.array([one == chain for one in table.chain])
        out["pooled"].append(line(chain, *chosen(table, scores, rows)))
    out["by sort"] = _subsets(theirs, means, lambda item: item.process, least=10)
    out["by maker"] = _subsets(theirs, means, lambda item: item.maker, least=5)
    out["own copies"] = _own(table, scores, clean)
    out["rivals"] = _rivals(table, clean)
    return out


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


def _own(table: Table, scores: NDArray[np.float64], clean: Labels) -> list[dict[str, Any]]:
    """Return how training's own copies are told: maker known and source not, then the maker unknown too."""
    positions, means = by_item(table, scores, clean)
    items = [table.items[i] for i in positions]
    rows = []
    for key in sorted({item.maker for item in items if made(item)}):
        keep = [i for i, item in enumerate(items) if not item.spoof or item.maker == key]
        rows.append(line(key.removesuffix(" made in training"), [items[i] for i in keep], means[keep]))
        others = replace_items(table, [replace(i, maker="unseen") if i.maker == key else i for i in table.items])
        protocol = Protocol(strength=audio.Settings().strength, folds=FOLDS, seed=SEED)
        blind = by_item(others, unseen_scores(others, protocol, lambda _w, _d: None), clean)[1]
        rows.append(
            line(f"{key.removesuffix(' made in training')}, never heard", [items[i] for i in keep], blind[keep])
        )
    return rows


def replace_items(table: Table, items: Sequence[Item]) -> Table:
    """Return the same rows with other items."""
    return replace(table, items=tuple(items))


def _rivals(table: Table, clean: Labels) -> list[dict[str, Any]]:
    """Return other classifiers on the same features and folds, one line instead of heads, and shuffled labels."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    def scored(model: Callable[[], Any], labels: Labels) -> NDArray[np.float64]:
        out = np.full(len(table.item), np.nan)
        known = {item.maker for item in table.items if made(item)}
        for train, test in splits.unseen(table.items, folds=FOLDS, seed=SEED, known=known):
            taught, held = table.rows(train), table.rows(test)
            pipe = make_pipeline(StandardScaler(), model())
            pipe.fit(table.values[taught], labels[taught])
            decide = getattr(pipe, "decision_function", None)
            out[held] = decide(table.values[held]) if decide else pipe.predict_proba(table.values[held])[:, 1]
        return out

    inputs = table.values.shape[1]
    shuffled = np.random.default_rng(SEED).permutation([item.spoof for item in table.items])[table.item]
    models: dict[str, tuple[Callable[[], Any], Labels]] = {
        "one line (logistic regression)": (
            lambda: LogisticRegression(C=0.001, max_iter=400, class_weight="balanced"),
            table.spoof,
        ),
        "support vector machine, RBF": (lambda: SVC(C=1.0, gamma=0.3 / inputs, class_weight="balanced"), table.spoof),
        "gradient boosting": (
            lambda: HistGradientBoostingClassifier(
                max_iter=100, max_leaf_nodes=12, max_features=0.2, class_weight="balanced", random_state=SEED
            ),
            table.spoof,
        ),
        "control: shuffled labels": (
            lambda: LogisticRegression(C=0.001, max_iter=400, class_weight="balanced"),
            shuffled,
        ),
    }
    return [line(name, *chosen(table, scored(*how), clean)) for name, how in models.items()]


def trivial(audio_clip: Audio) -> list[float]:
    """Return what has nothing to do with synthesis: length, rate, level, peak, silences, bandwidth, noise floor."""
    mono = audio_clip.mono()
    power = np.abs(np.fft.rfft(mono)) ** 2
    reach = np.searchsorted(np.cumsum(power), 0.999 * power.sum()) / max(1, power.size) * audio_clip.rate / 2
    active = active_frames(resample(mono, audio_clip.rate, 16_000))
    lead, trail = (int(np.argmax(a)) / 100 if a.any() else 0.0 for a in (active, active[::-1]))
    level = float(np.sqrt(np.mean(mono**2)) + 1e-9)
    floor = float(np.percentile(np.abs(mono), 10) + 1e-9)
    peak = float(np.abs(mono).max())
    return [audio_clip.seconds, audio_clip.rate, np.log(level), peak, lead, trail, reach, np.log(floor / level)]


def confounds(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return the classifier of trivial features, on the files as they are and on the windows as used."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    raw, used, kept = [], [], []
    for item in items:
        clip = decode_audio(Asset.open(item.path))
        found = windows(clip)
        if found.starts:
            kept.append(item)
            raw.append(trivial(clip))
            used.append(trivial(Audio(samples=found.samples[:1], rate=16_000)))
    rows = []
    for name, values in (("trivial features, files as they are", raw), ("trivial features, windows as used", used)):
        table = np.asarray(values)
        spoof = np.array([item.spoof for item in kept])
        scores = np.full(len(kept), np.nan)
        for train, test in splits.unseen(kept, folds=FOLDS, seed=SEED):
            model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=6, random_state=SEED)
            scores[test] = model.fit(table[train], spoof[train]).predict_proba(table[test])[:, 1]
        rows.append(line(name, kept, scores))
    return rows


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
    """Return milliseconds on one core: for 10 s of sound, for a face that is already found."""
    clip = decode_audio(Asset.open(next(iter(sorted((media / "demo").glob("voice-*.flac"))))))
    ten = Audio(samples=np.resize(clip.samples[:1], (1, 10 * clip.rate)), rate=clip.rate)
    face = portraits(next(iter(sorted((media / "demo").glob("portrait-*.jpg")))), "image", None)[0]
    hear, see = shipped("audio-lfcc"), shipped("visual-residual")

    def listen() -> None:
        hear.scores(np.stack([audio_features(window) for window in windows(ten).samples]))

    return {
        "audio-lfcc, ms for 10 s": _best(listen),
        "visual-residual, ms a face": _best(lambda: see.scores(features_of(face)[None])),
    }


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
    parser.add_argument("--media", type=Path, required=True, help="folder with speech/, faces/ and demo/")
    parser.add_argument("--cache", type=Path, required=True, help="folder for features, made on the first run")
    parser.add_argument("--out", type=Path, required=True, help="folder for detectors_first_cut.json")
    given = parser.parse_args()
    speech, faces = read(given.media / "speech"), read(given.media / "faces")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    found: dict[str, Any] = {
        "commit": commit.stdout.strip(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}",
        "seed": SEED,
        "audio": audio_tables(speech, given.cache / "audio"),
        "confounds": confounds(speech),
        "visual": visual_tables(faces, given.cache / "visual"),
        "speed": speed(given.media),
    }
    for what in ("audio", "visual"):
        for title, rows in found[what].items():
            show(f"{what}: {title}", rows)
    show("audio: confounds", found["confounds"])
    print(json.dumps(found["speed"]))
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "detectors_first_cut.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
