"""What a published AASIST's embedding is worth on makers and sources that the head on it never met.

    .venv/bin/python -P benchmarks/ear_base.py --media ../shared/media --weights ../shared/weights \
        --embeddings out/embeddings --cache out/features --out out

Compares the published score, a linear head on the embedding, the shipped detector's features, and both together, on the
same clips and folds; leaves embeddings and features where they are for the next run. Writes `ear_base.json`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets.corpus import Item, read
from assay.detect.audio import gate
from assay.detect.train import audio
from assay.detect.train.fit import Protocol, by_item, made, unseen_scores
from assay.detect.train.table import Table
from assay.eval.metrics import auc, eer
from assay.eval.statistics import group_bootstrap
from assay.media.asset import Asset
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio
from numpy.typing import NDArray

SEED, FOLDS, DRAWS = 1, 8, 300
F64 = NDArray[np.float64]


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("media", "weights", "embeddings", "cache", "out"):
        options.add_argument(f"--{name}", type=Path, required=True)
    chosen = options.parse_args()
    items = read(chosen.media / "speech")
    embed(items, chosen.weights, chosen.embeddings)
    kept, features = lfcc_features(items, chosen.cache)
    rows = [np.load(chosen.embeddings / f"{item.sha256}.npz") for item in kept]
    raw = np.array([row["logit"][0, 0] - row["logit"][0, 1] for row in rows], np.float64)
    gated = np.array([(row["logit"][1:, 0] - row["logit"][1:, 1]).mean() for row in rows], np.float64)
    heard = np.stack([row["emb"][1:].mean(axis=0) for row in rows])
    shuffled = np.random.default_rng(SEED).permutation(len(kept))
    scores = {
        "published score, file as it is": raw,
        "published score, through the gate": gated,
        "heads on its embedding": unseen(kept, heard),
        "heads on the shipped features": unseen(kept, features),
        "heads on both": unseen(kept, np.concatenate([heard, features], axis=1)),
        "control: heads on both, of other clips": unseen(kept, np.concatenate([heard, features], axis=1)[shuffled]),
    }
    report(kept, scores, chosen.out)


def embed(items: Sequence[Item], weights: Path, folder: Path) -> None:
    """Write the embedding and logits of each clip into `folder` unless they lie there.

    Row 0 is the first 4.04 s of the file as it is, the next rows the first and the last 4.04 s of what is active in it,
    of the gate's band and level.
    """
    import torch
    from assay.detect.train.networks import aasist

    folder.mkdir(parents=True, exist_ok=True)
    network = aasist.load_published(weights / "aasist_asvspoof5" / "best.pth")
    torch.set_num_threads(1)
    for item in items:
        place = folder / f"{item.sha256}.npz"
        if place.exists():
            continue
        audio_ = decode_audio(Asset.open(item.path))
        raw = resample(audio_.mono(), audio_.rate, gate.RATE)
        active = _active(audio_)
        starts = [0] if active.size <= aasist.SAMPLES else sorted({0, active.size - aasist.SAMPLES})
        pieces = [aasist.repeated(raw), *(aasist.repeated(active[at : at + aasist.SAMPLES]) for at in starts)]
        with torch.inference_mode():
            embedding = network.embedding(torch.from_numpy(np.stack(pieces)))
            logits = network.out_layer(embedding)
        np.savez(place, emb=embedding.numpy(), logit=logits.numpy())


def _active(sound: Audio) -> NDArray[np.float32]:
    """Return what is active in a sound, from its first to its last active frame, all of it if nothing is."""
    mono = resample(sound.mono(), sound.rate, gate.RATE)
    mono = gate._band_limited(mono - mono.mean())  # the gate's own band, without its choice of windows
    active = gate.active_frames(mono)
    level = gate._level(mono, active)
    if not active.any() or not level:
        return mono
    first, last = int(np.argmax(active)), active.size - int(np.argmax(active[::-1]))
    return mono[first * gate.STEP : last * gate.STEP + gate.FRAME] * np.float32(gate.LEVEL / level)


def lfcc_features(items: Sequence[Item], cache: Path) -> tuple[list[Item], NDArray[np.float32]]:
    """Return the clips that give windows, and the mean of each's features over its windows as they are."""
    settings = audio.Settings(cache=cache, copies=0.0, spoken=0)
    table = audio.examples(items, settings, lambda _what, _done: None)
    clean = np.array([chain == "none" for chain in table.chain])
    positions = sorted(set(table.item[clean].tolist()))
    values = np.stack([table.values[clean & (table.item == position)].mean(axis=0) for position in positions])
    return [table.items[position] for position in positions], values


def unseen(items: Sequence[Item], values: NDArray[np.float32]) -> F64:
    """Return the score of each clip by heads that met neither its source nor its maker."""
    table = Table(
        items=tuple(items),
        values=values.astype(np.float32),
        item=np.arange(len(items)),
        chain=("none",) * len(items),
    )
    protocol = Protocol(strength=audio.Settings().strength, folds=FOLDS, seed=SEED)
    scores = unseen_scores(table, protocol, lambda _what, _done: None)
    return by_item(table, scores, np.ones(len(items), bool))[1]


def report(items: Sequence[Item], scores: dict[str, F64], out: Path) -> None:
    """Print the tables in Markdown and write them as JSON."""
    spoof = np.array([item.spoof for item in items])
    everything: dict[str, Any] = {"commit": _commit(), "seed": SEED, "folds": FOLDS, "draws": DRAWS}
    everything["pooled"] = {name: _line(items, one, spoof) for name, one in scores.items()}
    for what, key in (("by sort", "process"), ("by maker", "maker")):
        everything[what] = {}
        for value in sorted({getattr(item, key) for item in items if item.spoof}):
            rows = ~spoof | np.array([getattr(item, key) == value and not made(item) for item in items])
            if (spoof & rows).sum() >= 5:
                few = [item for item, kept in zip(items, rows, strict=True) if kept]
                everything[what][value] = {name: _line(few, one[rows], spoof[rows]) for name, one in scores.items()}
    for what in ("pooled", "by sort", "by maker"):
        print(f"\n### {what}\n")
        lines = {"all": everything[what]} if what == "pooled" else everything[what]
        for value, found in lines.items():
            for name, line in found.items():
                print(f"| {value} | {name} | {line['spoof']} | {_told(line['auc'])} | {_told(line['eer'])} |")
    out.mkdir(parents=True, exist_ok=True)
    (out / "ear_base.json").write_text(json.dumps(everything, indent=1) + "\n")


def _line(items: Sequence[Item], scores: F64, spoof: NDArray[np.bool_]) -> dict[str, Any]:
    found: dict[str, Any] = {"bona_fide": int((~spoof).sum()), "spoof": int(spoof.sum())}
    for name, metric in (("auc", auc), ("eer", eer)):
        estimate = group_bootstrap(metric, scores, spoof, [i.group for i in items], draws=DRAWS, seed=SEED)
        found[name] = [round(value, 3) for value in (estimate.value, estimate.low, estimate.high)]
    return found


def _told(found: Sequence[float]) -> str:
    return f"{found[0]:.3f} ({found[1]:.3f} to {found[2]:.3f})"


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
