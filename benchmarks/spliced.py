"""How well synthetic stretches in real recordings are found, by speakers, pages and makers that no training heard.

    .venv/bin/python -P benchmarks/spliced.py make --media ../shared/media --work out/spliced --part 0 1
    .venv/bin/python -P benchmarks/spliced.py measure --media ../shared/media --work out/spliced --out out
    .venv/bin/python -P benchmarks/spliced.py ship --media ../shared/media --work out/spliced --out detect/weights

`make` splices every real recording of `speech/` (real stretches of the same and of other speakers, vocoder copies, made
voices, fakes of the same and of other speakers) and keeps them; run it with other parts side by side. `measure` trains
on two folds and tests on the third, three times, and tells segment EER at 160 ms and how spans overlap, beside
baselines. `ship` trains on everything and calibrates on what `measure` kept. Writes `spliced.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets.corpus import read as corpus
from assay.detect.audio import localise
from assay.detect.audio.localise import RESOLUTION, course, segment_labels
from assay.detect.audio.moments import FILTERS, GROUP
from assay.detect.train import localise as training
from assay.detect.train.calibration import calibrate
from assay.detect.train.moments_material import Example, examples, read
from assay.eval.checkout import commit
from assay.eval.metrics import eer as ranked_eer
from assay.eval.metrics.spans import Track, ap_at_iou, ar_at, segment_eer
from numpy.typing import NDArray

SEED, DRAWS = 1, 200
F64 = NDArray[np.float64]
PART = ("copy", "voice", "fake-same", "fake-other")
REAL = ("none", "real-same", "real-other")


def main() -> None:
    """Make, measure or ship."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", choices=("make", "measure", "ship"))
    for name in ("media", "work", "out"):
        options.add_argument(f"--{name}", type=Path)
    options.add_argument("--part", type=int, nargs=2, default=(0, 1))
    chosen = options.parse_args()
    if chosen.what == "make":
        items = corpus(chosen.media / "speech")
        examples(items, seed=SEED, cache=chosen.work, part=tuple(chosen.part), done=lambda share: say(f"{share:.3f}"))
        return
    found = [one for place in sorted(chosen.work.glob(f"*-{SEED}.npz")) for one in read(place)]
    unseen = kept_scores(found, chosen.work)
    told = measured(found, unseen)
    if chosen.what == "ship":
        facts = {"metrics": told, "training": {"commit": commit(), "seed": SEED, "strength": training.STRENGTH}}
        items = corpus(chosen.media / "speech")
        say(str(training.train(found, items, out=chosen.out, unseen=unseen, facts=facts)))
        return
    chosen.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"commit": commit(), "seed": SEED} | told, indent=1)
    (chosen.out / "spliced.json").write_text(text + "\n")
    sys.stdout.write(text + "\n")


def kept_scores(found: Sequence[Example], work: Path) -> tuple[list[int], list[F64]]:
    """Return the scores by lines that know neither speaker, page nor maker; kept in `work` for the next run."""
    place = work / f"unseen-{len(found)}.npz"
    if not place.exists():
        positions, values = training.unseen_scores(found, lambda what, share: say(f"{what} {share:.2f}"))
        np.savez(place, positions=positions, sizes=[len(v) for v in values], values=np.concatenate(values))
    with np.load(place) as kept:
        parts = np.split(kept["values"], np.cumsum(kept["sizes"])[:-1])
        return kept["positions"].tolist(), parts


def measured(found: Sequence[Example], unseen: tuple[list[int], list[F64]]) -> dict[str, Any]:
    """Return every figure."""
    tested = [found[i] for i in unseen[0]]
    labels = [segment_labels(one.spans, count=len(one.moments)) for one in tested]
    llrs = calibrated(tested, unseen[1], labels)
    told: dict[str, Any] = {
        "recordings": len(found),
        "tested": {kind: count(tested, kind) for kind in sorted({one.kind for one in tested})},
        "speakers' pages": len({one.group for one in tested}),
    }
    told["segment EER"] = segments(tested, unseen[1], labels)
    told["spans"] = spans(tested, llrs)
    told["false spans"] = false_spans(tested, llrs)
    told["a part is synthetic, recordings"] = whole(tested, llrs)
    return told


def count(tested: Sequence[Example], kind: str) -> list[int]:
    """Return how many of that kind are tested, clean and laundered."""
    chains = [one.chain == "none" for one in tested if one.kind == kind]
    return [sum(chains), len(chains) - sum(chains)]


def calibrated(tested: Sequence[Example], scores: Sequence[F64], labels: Sequence[NDArray[np.bool_]]) -> list[F64]:
    """Return log10 ratios; those of a fold by a line learned from the other folds."""
    out: list[F64] = [np.zeros(0)] * len(tested)
    for fold in range(3):
        others = [i for i, one in enumerate(tested) if one.fold != fold and one.kind != "whole"]
        values, made = np.concatenate([scores[i] for i in others]), np.concatenate([labels[i] for i in others])
        groups = np.concatenate([[tested[i].group] * len(scores[i]) for i in others])
        chosen = np.random.default_rng(SEED).choice(values.size, min(values.size, 20_000), replace=False)
        line = calibrate(values[chosen], made[chosen], groups[chosen].tolist(), seed=SEED)
        for i, one in enumerate(tested):
            if one.fold == fold:
                out[i] = line.slope * scores[i] + line.intercept
    return out


def segments(
    tested: Sequence[Example], scores: Sequence[F64], labels: Sequence[NDArray[np.bool_]]
) -> dict[str, dict[str, Any]]:
    """Return the segment EER at 160 ms of sets of recordings, for the line and for what needs none."""
    rng = np.random.default_rng(SEED)
    rivals = {
        "line": scores,
        "energy": [one.moments[:, :FILTERS].mean(axis=1)[::GROUP].astype(np.float64) for one in tested],
        "no change: one score a recording": [np.full(len(v), v.mean()) for v in scores],
        "shuffled": [rng.permutation(v) for v in scores],
    }
    sets: dict[str, Callable[[Example], bool]] = {
        "spliced with synthetic stretches": lambda one: one.kind in PART,
        "those and untouched and real splices": lambda one: one.kind in (*PART, *REAL),
        "the same speaker's fakes": lambda one: one.kind == "fake-same",
        "other speakers' fakes": lambda one: one.kind == "fake-other",
        "vocoder copies of the same words": lambda one: one.kind == "copy",
        "made voice": lambda one: one.kind == "voice",
    }
    told: dict[str, dict[str, Any]] = {}
    for name, fits in sets.items():
        for chain in ("clean", "laundered"):
            rows = [i for i, one in enumerate(tested) if fits(one) and (one.chain == "none") == (chain == "clean")]
            if not any(labels[i].any() for i in rows):
                continue
            figures: dict[str, Any] = {"recordings": len(rows)}
            for rival, values in rivals.items():

                def figure(chosen: Sequence[int], values: Sequence[F64] = values, rows: list[int] = rows) -> float:
                    kept = [rows[k] for k in chosen]
                    return segment_eer([values[k] for k in kept], [labels[k] for k in kept])

                groups = [tested[i].group for i in rows]
                figures[rival] = interval(groups, figure) if rival == "line" else round(figure(range(len(rows))), 3)
            told[f"{name}, {chain}"] = figures
    return told


def interval(groups: Sequence[str], figure: Callable[[Sequence[int]], float]) -> list[float]:
    """Return a figure with its 95 % interval, pages drawn with replacement."""
    rng = np.random.default_rng(SEED)
    names = sorted(set(groups))
    members = {name: [i for i, group in enumerate(groups) if group == name] for name in names}
    drawn = []
    for _ in range(DRAWS if len(names) > 2 else 0):
        chosen = [i for name in rng.choice(names, len(names)) for i in members[str(name)]]
        try:
            drawn.append(figure(chosen))
        except ValueError:  # a draw without a synthetic stretch
            continue
    low, high = np.percentile(drawn, (2.5, 97.5)) if drawn else (np.nan, np.nan)
    return [round(float(value), 3) for value in (figure(range(len(groups))), low, high)]


METHODS: dict[str, Callable[[F64], tuple[list[tuple[float, float]], list[float]]]] = {
    "two states, as shipped": lambda llrs: by_states(llrs, localise.PRICE, localise.PRIOR),
    "two states, even odds, price 0.5": lambda llrs: by_states(llrs, 0.5, 0.0),
    "two states, even odds, price 1": lambda llrs: by_states(llrs, 1.0, 0.0),
    "threshold, even odds": lambda llrs: by_states(llrs, 0.0, 0.0),
    "PELT (ruptures), pieces above 0": lambda llrs: by_pelt(llrs, 1.0),
    "whole recording": lambda llrs: ([(0.0, len(llrs) * RESOLUTION)], [float(llrs.mean())]),
}


def by_states(llrs: F64, price: float, prior: float) -> tuple[list[tuple[float, float]], list[float]]:
    """Return spans and strengths by the likeliest course."""
    found = course(llrs, price=price, prior=prior)
    return [(span.start, span.end) for span in found.spans], list(found.strengths)


def by_pelt(llrs: F64, penalty: float) -> tuple[list[tuple[float, float]], list[float]]:
    """Return the pieces of PELT with a mean above 0 (Killick, Fearnhead & Eckley, JASA 107, 2012)."""
    import ruptures

    if len(llrs) < 4:
        return [], []
    ends = ruptures.Pelt(model="l2", min_size=2, jump=1).fit(llrs[:, None]).predict(pen=penalty)
    pieces = [(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True) if llrs[a:b].mean() > 0]
    strengths = [float(llrs[a:b].sum()) for a, b in pieces]
    return [(a * RESOLUTION, b * RESOLUTION) for a, b in pieces], strengths


def spans(tested: Sequence[Example], llrs: Sequence[F64]) -> dict[str, dict[str, Any]]:
    """Return average precision and recall of spans on the recordings with a synthetic stretch, clean and laundered."""
    told = {}
    for chain in ("clean", "laundered"):
        rows = chosen_rows(tested, PART, chain)
        for name, method in METHODS.items():
            tracks = []
            for i in rows:
                proposed, strengths = method(llrs[i])
                tracks.append(Track.of(true=tested[i].spans, proposed=proposed, scores=strengths))
            told[f"{name}, {chain}"] = {f"AP@{iou}": round(ap_at_iou(tracks, iou=iou), 3) for iou in (0.3, 0.5, 0.75)}
            told[f"{name}, {chain}"] |= {
                "AR@5": round(ar_at(tracks, proposals=5), 3),
                "mean IoU": round(float(np.mean([overlap(track) for track in tracks])), 3),
            }
    return told


def overlap(track: Track) -> float:
    """Return the overlap of all proposed with all true seconds of a recording, over their union."""
    ticks = np.arange(0, max(track.true.max(), track.proposed.max(initial=0.0)), 0.01)
    inside = [
        np.any([(ticks >= a) & (ticks < b) for a, b in part], axis=0) if len(part) else np.zeros(ticks.size, bool)
        for part in (track.true, track.proposed)
    ]
    return float((inside[0] & inside[1]).sum() / max(1, (inside[0] | inside[1]).sum()))


def false_spans(tested: Sequence[Example], llrs: Sequence[F64]) -> dict[str, Any]:
    """Return spans a minute in what holds nothing synthetic, and how often a real splice is called synthetic."""
    told: dict[str, Any] = {}
    for kind in REAL:
        for chain in ("clean", "laundered"):
            rows = [
                i for i, one in enumerate(tested) if one.kind == kind and (one.chain == "none") == (chain == "clean")
            ]
            found = [course(llrs[i]) for i in rows]
            minutes = sum(tested[i].seconds for i in rows) / 60
            struck = [
                any(s.start < end and s.end > start for s in one.spans for start, end in tested[i].edited)
                for i, one in zip(rows, found, strict=True)
            ]
            told[f"{kind}, {chain}"] = {
                "recordings": len(rows),
                "spans a minute": round(sum(len(one.spans) for one in found) / max(minutes, 1e-9), 2),
                "share with a span": round(float(np.mean([bool(one.spans) for one in found])), 3),
                "share with one on the splice": round(float(np.mean(struck)), 3) if kind != "none" else None,
            }
    for kind in PART:
        rows = [i for i, one in enumerate(tested) if one.kind == kind and one.chain == "none"]
        told[f"{kind}, clean: share with a span"] = round(
            float(np.mean([bool(course(llrs[i]).spans) for i in rows])), 3
        )
    return told


def whole(tested: Sequence[Example], llrs: Sequence[F64]) -> dict[str, Any]:
    """Return how well the strongest span tells recordings with a synthetic stretch from those without."""
    told = {}
    for chain in ("clean", "laundered"):
        for what, against in (("untouched", ("none",)), ("untouched and real splices", REAL)):
            rows = chosen_rows(tested, (*PART, *against), chain)
            values = np.array([strongest(llrs[i]) for i in rows])
            made = np.array([tested[i].kind in PART for i in rows])
            told[f"EER against {what}, {chain}"] = interval(
                [tested[i].group for i in rows],
                lambda k, values=values, made=made: float(ranked_eer(values[list(k)], made[list(k)])),
            )
    return told


def strongest(llrs: F64) -> float:
    """Return the strength of the strongest span, or how near the best moment comes to one."""
    return max(course(llrs, price=1.0).strengths, default=float(llrs.max()) - 3.0)


def chosen_rows(tested: Sequence[Example], kinds: Sequence[str], chain: str) -> list[int]:
    """Return the positions of recordings of `kinds`, clean or laundered."""
    return [i for i, one in enumerate(tested) if one.kind in kinds and (one.chain == "none") == (chain == "clean")]


def say(text: str) -> None:
    """Tell progress."""
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
