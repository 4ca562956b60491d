"""The tables of `audio_cues.py`: from rows to figures with intervals, and the calibration of a voice's ratio."""

from __future__ import annotations

import itertools
import json
import platform
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets import splits
from assay.datasets.corpus import Item
from assay.detect.audio.cues.codec import GRID_HEIGHT, PERIOD_HEIGHT
from assay.detect.audio.cues.phase import BEAT, MIRROR
from assay.detect.audio.cues.splice import CLICK, FLOOR_CHANGE
from assay.detect.train.calibration import calibrate
from assay.detect.train.logistic import logistic
from assay.eval.metrics import auc, cllr, eer
from assay.eval.metrics.checked import MetricError
from assay.eval.statistics import group_bootstrap

SEED = 1
DRAWS = 500
FOLDS = 8
VOICE_TRACES = (
    "periodicity",
    "periodicity_spread",
    "kurtosis",
    "skewness",
    "comb_low",
    "comb_high",
    "delay_low",
    "delay_high",
)
"""Figures of `audio-phase` that are measured at 16 kHz below 7 kHz, whatever the file's rate."""
CLONES = ("rtvc", "yourtts", "autovc", "freevc", "vqmivc", "hier-vc", "tortoise", "mobilespeech", "flash-main", "e1tts")
Row = dict[str, Any]


def measured(items: Sequence[Item], heard: Sequence[Row], planted: Sequence[Row], card: Path | None) -> dict[str, Any]:
    """Return every table, print it as JSON lines, and write the calibration of `audio-speaker` to `card`."""
    known = {item.id: item for item in items}
    rows = [row for row in heard if "error" not in row]
    told: dict[str, Any] = {"seed": SEED, "machine": platform.platform(), "errors": len(heard) - len(rows)}
    told["rows"] = dict(Counter(row["chain"] for row in rows))
    told["figures"] = [line for chain in ("none", "mp3-64k", "telephone") for line in figures(rows, known, chain)]
    told["traces together"] = [together(rows, known, chain) for chain in ("none", "mp3-64k", "telephone")]
    told["told on real and fake"] = events(rows, known)
    told["planted"] = planted_table(planted)
    told["voices"], calibration = voices(rows, known)
    told["change of voice"] = changes(rows, planted)
    if card is not None:
        calibration["change"] = told["change of voice"]["bound"]
        card.write_text(
            json.dumps({"format": 1, "name": "audio-speaker", "version": "1", "calibration": calibration}, indent=1)
            + "\n"
        )
    for name, table in told.items():
        for line in table if isinstance(table, list) else [table]:
            print(json.dumps({name: line}))
    return told


def estimate(scores: Sequence[float], spoof: Sequence[bool], groups: Sequence[str], metric: Any = auc) -> list[float]:  # noqa: ANN401
    """Return a figure with its interval over groups, rounded; nothing where a class is missing."""
    try:
        found = group_bootstrap(metric, scores, spoof, groups, draws=DRAWS, seed=SEED)
    except MetricError:
        return []
    return [round(float(value), 3) for value in (found.value, found.low, found.high)]


def within(scores: Sequence[float], spoof: Sequence[bool], groups: Sequence[str]) -> list[float]:
    """Return the AUC over pairs of one source page alone (same rate and codec, mostly), its interval, and the pages."""
    pages: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for score, fake, group in zip(scores, spoof, groups, strict=True):
        pages[group][int(fake)].append(score)
    wins = [
        (float(np.mean(np.sign(np.subtract.outer(fakes, reals)) / 2 + 0.5)), len(fakes) * len(reals))
        for reals, fakes in pages.values()
        if reals and fakes
    ]
    if len(wins) < 5:
        return []
    values, weights = np.array(wins).T
    weights = np.minimum(weights, 30.0)  # no page may lead by its size alone
    rng = np.random.default_rng(SEED)
    draws = [rng.integers(len(values), size=len(values)) for _ in range(DRAWS)]
    drawn = [np.average(values[one], weights=weights[one]) for one in draws]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return [round(float(value), 3) for value in (np.average(values, weights=weights), low, high, len(values))]


def figures(rows: Sequence[Row], known: dict[str, Item], chain: str) -> list[Row]:
    """Return a line for each figure after `chain`: counts, AUC of "higher is a fake" over all and within pages."""
    chosen = [row for row in rows if row["chain"] == chain]
    names = sorted({key for row in chosen for key, value in row.items() if isinstance(value, float) and " " in key})
    lines = []
    for name in names:
        have = [row for row in chosen if name in row]
        spoof = [known[row["id"]].spoof for row in have]
        groups = [known[row["id"]].group for row in have]
        scores = [float(row[name]) for row in have]
        split = [
            np.median([s for s, fake in zip(scores, spoof, strict=True) if fake == one] or [np.nan])
            for one in (False, True)
        ]
        line = {"chain": chain, "figure": name, "real": spoof.count(False), "fake": spoof.count(True)}
        line |= {"auc": estimate(scores, spoof, groups), "within": within(scores, spoof, groups)}
        lines.append(line | {"medians": [round(float(value), 3) for value in split]})
    return lines


def together(rows: Sequence[Row], known: dict[str, Item], chain: str) -> Row:
    """Return what a logistic regression on the voice's traces tells of unseen sources and makers."""
    names = [f"audio-phase {name}" for name in VOICE_TRACES]
    have = [row for row in rows if row["chain"] == chain and all(name in row for name in names)]
    items = [known[row["id"]] for row in have]
    columns = np.array([[row[name] for name in names] for row in have])
    if len(have) < 60:
        return {"chain": chain, "clips": len(have)}
    spoof = np.array([item.spoof for item in items])
    scores = np.full(len(have), np.nan)
    for train, test in splits.unseen(items, folds=FOLDS, seed=SEED):
        mean, spread = columns[train].mean(axis=0), columns[train].std(axis=0) + 1e-9
        turned = np.column_stack([(columns - mean) / spread, np.ones(len(columns))])
        penalty = np.r_[np.full(len(names), 3.0), 0.0]
        weights = logistic(turned[train], spoof[train], penalty=penalty, towards=np.zeros(len(penalty)))
        scores[test] = turned[test] @ weights
    groups = [item.group for item in items]
    return {
        "chain": chain,
        "real": int((~spoof).sum()),
        "fake": int(spoof.sum()),
        "auc": estimate(scores, spoof, groups),
        "eer": estimate(scores, spoof, groups, eer),
        "within": within(scores, spoof, groups),
    }


def events(rows: Sequence[Row], known: dict[str, Item]) -> list[Row]:
    """Return how often each thing is told of real and of fake clips, clean."""
    told = {
        "audio-splice jumps": 1.0,
        "audio-splice hum": 1.0,
        "audio-splice floor": FLOOR_CHANGE,
        "audio-splice click": CLICK,
        "audio-pauses zeros": 0.1,
        "audio-phase tones": 1.0,
        "audio-phase mirror": MIRROR,
        "audio-phase beat": BEAT,
        "audio-codec mp3_grid": GRID_HEIGHT,
        "audio-codec aac_grid": GRID_HEIGHT,
        "audio-codec interpolation": PERIOD_HEIGHT,
    }
    lines = []
    for name, bound in told.items():
        line: Row = {"told": f"{name} >= {bound:g}"}
        for label in (False, True):
            have = [
                row[name] for row in rows if row["chain"] == "none" and name in row and known[row["id"]].spoof == label
            ]
            line["fake" if label else "real"] = [sum(value >= bound for value in have), len(have)]
        lines.append(line)
    return lines


def planted_table(planted: Sequence[Row]) -> list[Row]:
    """Return, for each sort of planted trace, how often it was told and where."""
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in planted:
        if "error" not in row:
            kinds[row["kind"]].append(row)
    lines = []
    for kind, found in kinds.items():
        line: Row = {"planted": kind, "clips": len(found)}
        for codec in ("mp3", "aac"):
            heights = [row.get(f"audio-codec {codec}_grid") for row in found]
            known = [height for height in heights if height is not None]
            if known:
                line[f"{codec} grid"] = sum(height >= GRID_HEIGHT for height in known)
                line[f"{codec} height"] = [round(float(v), 1) for v in np.percentile(known, (5, 50, 95, 100))]
        if any("audio-codec interpolation" in row for row in found):
            line["interpolation"] = sum(row["audio-codec interpolation"] >= PERIOD_HEIGHT for row in found)
            line["edge"] = [
                round(float(v)) for v in np.percentile([row["audio-codec edge"] for row in found], (5, 50, 95))
            ]
        if "place" in found[0]:
            line |= _places(found)
        lines.append(line)
    return lines


def _places(found: Sequence[Row]) -> Row:
    """Return how often a span of `audio-splice` holds the place, how many others there are, and what was heard."""
    near = [any(a - 0.3 <= row["place"] <= b + 0.3 for a, b in row.get("audio-splice spans", ())) for row in found]
    away = [sum(not a - 0.3 <= row["place"] <= b + 0.3 for a, b in row.get("audio-splice spans", ())) for row in found]
    return {
        "place told": sum(near),
        "other places": sum(away),
        "hum heard": sum(row.get("audio-splice hum", 0.0) > 0 for row in found),
        "jump told": sum(row.get("audio-splice jumps", 0.0) > 0 for row in found),
        "background compared": sum("audio-splice floor" in row for row in found),
        "background told": sum(row.get("audio-splice floor", 0.0) >= FLOOR_CHANGE for row in found),
        "click told": sum(row.get("audio-splice click", 0.0) >= CLICK for row in found),
    }


def voices(rows: Sequence[Row], known: dict[str, Item]) -> tuple[list[Row], Row]:
    """Return how well the cosine tells same from different speakers, clones from genuine, and the calibration."""
    clean = {row["id"]: np.array(row["voice"]) for row in rows if row["chain"] == "none" and "voice" in row}
    after = {
        chain: {row["id"]: np.array(row["voice"]) for row in rows if row["chain"] == chain and "voice" in row}
        for chain in ("mp3-64k", "telephone")
    }
    real = [known[name] for name in clean if not known[name].spoof and known[name].speaker]
    pairs = _pairs(real)
    lines, kept = [], []
    for name, other in (("clean", clean), *after.items()):
        have = [(a, b, same) for a, b, same in pairs if b.id in other and a.id in clean]
        cosines = [float(clean[a.id] @ other[b.id]) for a, b, _ in have]
        labels, groups = [same for _, _, same in have], [a.speaker for a, _, _ in have]
        line: Row = {"pairs": f"clean against {name}", "same": sum(labels), "different": len(labels) - sum(labels)}
        line |= {"auc": estimate(cosines, labels, groups), "eer": estimate(cosines, labels, groups, eer)}
        lines.append(line | {"medians": _medians(cosines, labels)})
        if name != "telephone":  # the detector does not compare over so narrow a band
            kept += list(zip(cosines, labels, groups, strict=True))
    scores, same, groups = np.array([k[0] for k in kept]), np.array([k[1] for k in kept]), [k[2] for k in kept]
    found = calibrate(scores, same, groups)
    lines.append(_cross_validated(scores, same, groups))
    lines += clones(clean, known, found.llr)
    card = {name: round(getattr(found, name), 4) for name in ("slope", "intercept", "lowest", "highest")}
    numbers = f"{int(same.sum())} same and {int((~same).sum())} different pairs"
    card["set"] = f"{numbers} of {found.groups} real speakers, clean and after MP3 64k"
    return lines, card


def _pairs(real: Sequence[Item]) -> list[tuple[Item, Item, bool]]:
    """Return pairs of real clips: up to 6 of one speaker; as hard ones (same corpus) and easy ones of different."""
    rng = np.random.default_rng(SEED)
    by_speaker: dict[str, list[Item]] = defaultdict(list)
    for item in real:
        by_speaker[item.speaker].append(item)
    pairs = []
    for mine in by_speaker.values():
        own = [(a, b, True) for a, b in itertools.permutations(mine, 2) if a.sha256 != b.sha256]
        pairs += [own[n] for n in rng.permutation(len(own))[:6]]
        corpus = mine[0].speaker.split(":")[0]
        hard = [item for item in real if item.speaker != mine[0].speaker and item.speaker.split(":")[0] == corpus]
        easy = [item for item in real if item.speaker.split(":")[0] != corpus]
        for others in (hard, easy):
            for n in rng.permutation(len(others))[:4]:
                pairs.append((mine[int(rng.integers(len(mine)))], others[n], False))
    return pairs


def _medians(cosines: Sequence[float], labels: Sequence[bool]) -> list[float]:
    """Return the medians of different and of same pairs."""
    return [
        round(float(np.median([c for c, same in zip(cosines, labels, strict=True) if same == one])), 3)
        for one in (False, True)
    ]


def _cross_validated(scores: Any, same: Any, groups: Sequence[str]) -> Row:  # noqa: ANN401 - arrays
    """Return Cllr of ratios that were calibrated on other speakers, and how often they mislead."""
    names = sorted(set(groups))
    fold = {name: n % 5 for n, name in enumerate(np.random.default_rng(SEED).permutation(names))}
    where = np.array([fold[name] for name in groups])
    llr = np.zeros(len(scores))
    for n in range(5):
        train, test = where != n, where == n
        llr[test] = calibrate(scores[train], same[train], [groups[i] for i in np.flatnonzero(train)]).llr(scores[test])
    wrong = [float(np.mean(llr[~same] >= 0.5)), float(np.mean(llr[same] <= -0.5))]
    return {
        "calibrated on other speakers": len(names),
        "cllr": round(float(cllr(llr, same)), 3),
        "misleading": [round(v, 3) for v in wrong],
    }


def clones(clean: dict[str, Any], known: dict[str, Item], llr: Any) -> list[Row]:  # noqa: ANN401 - a function of arrays
    """Return, for each family of clones with a genuine clip of the speaker, how alike they are and what is said."""
    real: dict[str, list[str]] = defaultdict(list)
    for name in clean:
        if not known[name].spoof:
            real[known[name].speaker].append(name)
    families: dict[str, list[tuple[float, str, bool]]] = defaultdict(list)
    for name in clean:
        item = known[name]
        genuine = [clean[one] for one in real.get(item.speaker, ()) if one != name and known[one].sha256 != item.sha256]
        if not genuine or not item.speaker or item.speaker == "ljspeech:lj":
            continue
        mean = np.mean(genuine, axis=0)
        cosine = float(clean[name] @ mean / np.linalg.norm(mean))
        sort = "genuine" if not item.spoof else item.process
        families[sort].append((cosine, item.speaker, item.spoof))
        if item.spoof:
            families[item.maker].append((cosine, item.speaker, True))
    genuine_rows = families.pop("genuine", [])
    lines = []
    for name, found in sorted(families.items(), key=lambda one: -len(one[1])):
        if len(found) < 4:
            continue
        both = [*genuine_rows, *found]
        passed = np.array([llr(np.array([cosine]))[0] for cosine, _, _ in found])
        line: Row = {"clones": name, "clips": len(found), "genuine": len(genuine_rows)}
        line["auc genuine over clone"] = estimate(
            [-c for c, _, _ in both], [s for _, _, s in both], [g for _, g, _ in both]
        )
        line["median cosine"] = round(float(np.median([c for c, _, _ in found])), 3)
        lines.append(
            line
            | {
                "said the same": round(float(np.mean(passed >= 0.5)), 3),
                "said another": round(float(np.mean(passed <= -0.5)), 3),
            }
        )
    passed = np.array([llr(np.array([cosine]))[0] for cosine, _, _ in genuine_rows])
    own = {"clones": "none: genuine against other genuine clips", "clips": len(genuine_rows)}
    own["median cosine"] = round(float(np.median([c for c, _, _ in genuine_rows])), 3)
    return [
        own
        | {
            "said the same": round(float(np.mean(passed >= 0.5)), 3),
            "said another": round(float(np.mean(passed <= -0.5)), 3),
        },
        *lines,
    ]


def changes(rows: Sequence[Row], planted: Sequence[Row]) -> Row:
    """Return the bound below which a change is told, and what it finds.

    1 % of the single clips pass it and 5 % of two clips by one speaker, whichever is lower. It is set on the rows that
    it is told of: a little kind.
    """
    single = sorted(
        row["audio-speaker change"] for row in rows if row["chain"] == "none" and "audio-speaker change" in row
    )
    joins = [row["audio-speaker change"] for row in planted if row.get("kind") == "same voice" and "error" not in row]
    bound = min(float(np.percentile(values, 5 if values is joins else 1)) for values in (single, joins) if values)
    out: Row = {"bound": round(bound, 3), "single clips": len(single), "told of them": sum(v < bound for v in single)}
    for kind in ("same voice", "other voice"):
        have = [row for row in planted if row.get("kind") == kind and "audio-speaker change" in row]
        told = [row for row in have if row["audio-speaker change"] < bound]
        out[kind] = {"clips": len(have), "told": len(told)}
        off = [
            min(abs((a + b) / 2 - row["place"]) for a, b in row["audio-speaker spans"])
            for row in told
            if row["audio-speaker spans"]
        ]
        out[kind]["median seconds off"] = round(float(np.median(off)), 2) if off else None
    labels = [
        row["kind"] == "other voice"
        for row in planted
        if "voice" in row.get("kind", "") and "audio-speaker change" in row
    ]
    scores = [
        -row["audio-speaker change"]
        for row in planted
        if "voice" in row.get("kind", "") and "audio-speaker change" in row
    ]
    out["auc other over same"] = estimate(scores, labels, [str(n) for n in range(len(labels))])
    return out
