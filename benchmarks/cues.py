"""Measure each physical and forensic cue alone on films: AUC with group intervals, and how often it answers.

Run: `.venv/bin/python -P benchmarks/cues.py follow --media ../shared/media --cache FOLDER` (long; goes on where it
stopped), then the same with `measure` and `--out FILE`. MesoNet is measured too if its files are in `ASSAY_WEIGHTS`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets.corpus import Item, read
from assay.detect import detector
from assay.detect.cue import Untold
from assay.detect.visual.cues.cue import Seen
from assay.detect.visual.mesonet import NETWORKS, session
from assay.eval.metrics import auc
from assay.eval.statistics import group_bootstrap
from assay.media.asset import Asset
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio, stream_frames
from assay.media.errors import AssayError
from assay.media.faces import Followed, Mesh, align, face_of, finder, follow, mesher
from assay.media.video import Frame
from assay.media.view import FOLLOWED_SIDE

RATE = 16_000
"""Hertz of the sound that is kept."""
KEPT = ("times", "points", "crops", "skin", "surround")
CUES = ("visual-pulse", "visual-sync", "visual-blink", "visual-steadiness")
SEED = 1
EVERY = 24
"""Frames between those whose face is kept at full size."""


def kept(folder: Path, item: Item) -> Path:
    """Return where what was followed in `item` is kept."""
    return folder / f"{hashlib.sha256(item.id.encode()).hexdigest()[:16]}.npz"


def frames_of(item: Item, large: dict[float, Frame]) -> Iterator[Frame]:
    """Yield the frames of the item's part of its film; every `EVERY`-th is also kept in `large`."""
    left, top, right, bottom = item.region or (0.0, 0.0, 1.0, 1.0)
    for frame in stream_frames(Asset.open(item.path), max_side=FOLLOWED_SIDE, on_note=lambda _note: None):
        height, width = frame.image.shape[:2]
        part = frame.image[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
        part = np.ascontiguousarray(part)
        shown = Frame(index=frame.index, time=frame.time, image=part)
        if frame.index % EVERY == 0:
            large[frame.time] = shown
        yield shown


def follow_one(item: Item, folder: Path) -> str:
    """Follow the face in one film, keep what was seen, and return a line about it."""
    begun = time.perf_counter()
    large: dict[float, Frame] = {}
    try:
        seen = follow(frames_of(item, large), finder=finder(), mesher=mesher())
    except AssayError as error:
        return f"{item.id}: {error}"
    if seen is None:
        return f"{item.id}: no face"
    sound = np.zeros(0, np.float32)
    with suppress(AssayError):
        audio = decode_audio(Asset.open(item.path))
        sound = resample(audio.mono(), audio.rate, RATE)[: 60 * RATE]
    places = {float(t): n for n, t in enumerate(seen.times)}
    parts: dict[str, np.ndarray] = {}
    for number, when in enumerate([t for t in large if t in places]):
        points = seen.points[places[when], :, :2]
        low, high = points.min(axis=0), points.max(axis=0)
        reach = 0.5 * (high - low).max()
        bounds = np.array(large[when].image.shape[1::-1])
        corner = np.clip(low - reach, 0, bounds).astype(int)
        end = np.clip(high + reach, 0, bounds).astype(int)
        parts[f"image{number}"] = large[when].image[corner[1] : end[1], corner[0] : end[0]]
        parts[f"marks{number}"] = points - corner
    folder.mkdir(parents=True, exist_ok=True)
    named = {name: getattr(seen, name) for name in KEPT}
    np.savez(kept(folder, item), sound=sound, **named, **parts)
    took = time.perf_counter() - begun
    return f"{item.id}: {len(seen.times)} frames, {seen.seconds:.1f} s, side {seen.side:.0f}, took {took:.1f} s"


def load(path: Path) -> Seen:
    """Return what was kept of one film."""
    with np.load(path) as held:
        face = Followed(**{name: held[name] for name in KEPT})
        sound = held["sound"]
    return Seen(followed=face, audio=Audio(samples=sound[None], rate=RATE) if sound.size else None)


def published(path: Path) -> dict[str, float | str]:
    """Return each published MesoNet's median logit over the frames kept at full size; without its files nothing."""
    crops = []
    with np.load(path) as held:
        for name in [name for name in held if name.startswith("image")]:
            face = face_of(Mesh(points=held[name.replace("image", "marks")]))
            crops.append(align(held[name], face, 256)[0].transpose(2, 0, 1))
    if not crops:
        return {}
    faces = np.stack(crops).astype(np.float32) / 255.0
    with suppress(AssayError):
        return {
            f"mesonet {name}": float(np.median(session(name).run(["score"], {"faces": faces})[0])) for name in NETWORKS
        }
    return {}


def answers(item: Item, folder: Path) -> dict[str, float | str]:
    """Return every figure of every cue on one film, the reasons where there is none, and the controls."""
    path = kept(folder, item)
    if not path.exists():
        return {}
    seen = load(path)
    face = seen.followed
    out: dict[str, float | str] = {"control side": face.side, "control rate": face.rate}
    out |= published(path)
    for name in CUES:
        answer = detector(name).ask(seen)
        if isinstance(answer, Untold):
            out[f"{name} untold"] = answer.why
        else:
            out |= {f"{name} {figure}": value for figure, value in answer.figures.items()}
    return out


def tables(items: Sequence[Item], told: Sequence[dict[str, float | str]]) -> list[dict[str, Any]]:
    """Return a row for each figure: answered films, AUC of "higher is a fake" with its interval over groups."""
    rows = []
    for name in sorted({key for one in told for key, value in one.items() if not isinstance(value, str)}):
        have = [n for n, one in enumerate(told) if name in one]
        spoof = np.array([items[n].spoof for n in have])
        row: dict[str, Any] = {"figure": name, "real": int((~spoof).sum()), "fake": int(spoof.sum())}
        if 0 < spoof.sum() < len(spoof):
            scores = np.array([float(told[n][name]) for n in have])
            found = group_bootstrap(auc, scores, spoof, [items[n].group for n in have], draws=1000, seed=SEED)
            row["auc"] = [round(value, 3) for value in (found.value, found.low, found.high)]
            row["medians"] = [round(float(np.median(scores[which])), 3) for which in (~spoof, spoof)]
        rows.append(row)
    return rows


def paired(items: Sequence[Item], told: Sequence[dict[str, float | str]], figure: str) -> dict[str, Any]:
    """Return how `figure` changes from a real half of a film to its swapped half: mean, interval, Cohen's d."""
    halves: dict[str, dict[bool, float]] = {}
    for item, one in zip(items, told, strict=True):
        if figure in one and item.region is not None:
            halves.setdefault(item.sha256, {})[item.spoof] = float(one[figure])
    changes = np.array([both[True] - both[False] for both in halves.values() if len(both) == 2])
    if len(changes) < 2:
        return {"figure": figure, "pairs": len(changes)}
    draws = np.random.default_rng(SEED).choice(changes, (2000, len(changes))).mean(axis=1)
    low, high = np.percentile(draws, (2.5, 97.5))
    effect = changes.mean() / (changes.std(ddof=1) + 1e-12)
    out = {"mean": changes.mean(), "low": low, "high": high, "d": effect}
    return {"figure": figure, "pairs": len(changes)} | {name: round(float(value), 3) for name, value in out.items()}


def main() -> None:
    """Follow or measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["follow", "measure"])
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    items = [item for item in read(given.media) if item.kind == "video"]
    if given.stage == "follow":
        for item in items:
            if not kept(given.cache, item).exists():
                print(follow_one(item, given.cache), flush=True)
        return
    told = [answers(item, given.cache) for item in items]
    rows = tables(items, told)
    pairs = [paired(items, told, name) for name in ("visual-pulse snr", "visual-pulse ties", "visual-pulse patches")]
    result = {"rows": rows, "pairs": pairs, "seed": SEED, "machine": platform.platform(), "films": len(items)}
    result["each"] = [{"id": item.id, "spoof": item.spoof} | one for item, one in zip(items, told, strict=True)]
    for row in [*rows, *pairs]:
        print(json.dumps(row))
    if given.out:
        given.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
