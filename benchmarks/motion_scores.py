"""The figures of `benchmarks/motion.py`: one line for each set of numbers, people and makers left out, and controls."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import seeing
from assay.datasets import splits
from assay.datasets.corpus import Item
from assay.detect.train.fit import auc, interval
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Key = tuple[str, int]
"""Version, and position of a film."""
Values = dict[Key, F64]
Scores = dict[Key, float]
FOLDS, DRAWS, PENALTY = 8, (0, 1, 2), 1e-3
"""Folds, seeds of their draws, and the inverse penalty of a line: fixed before anything was scored."""
VERSIONS = tuple(seeing.FILMS)
FAKES = ("still", "insides")
SHORT = 76
"""More frames than the films of sentences read in a studio have."""
TEXTURE = ("texture: shape over lags", "texture: zones and bands", "still picture: growth and zones")
HEAD, ALL = "movement: spectra of the head", "movement: all"
STRAIGHT = "CLIP: straighter than pixels"
WHOLE = ("aniportrait", "anitalker", "edtalk", "emo", "loopy", "vasa1")
"""Makers of talking heads, drawn whole."""


def score(films: Sequence[Item], given: argparse.Namespace) -> None:
    """Print a row of a table for each set and control, and for some of them for each maker."""
    sets = gathered(films, given.numbers)
    facts = {name: values for name, values in sets.items() if name.startswith("control: ") and _width(values) == 1}
    for name in facts:
        del sets[name]
    for name, values in sets.items():
        row(name, films, [unseen(films, values, seed) for seed in DRAWS])
    joined = {k: np.concatenate([values[k] for values in facts.values()]) for k in facts["control: length"]}
    for name, values in facts.items():
        bent = {key: np.array([value[0], value[0] ** 2]) for key, value in values.items()}
        row(name, films, [unseen(films, bent, seed, penalty=1.0) for seed in DRAWS])
    longer = {n for (_, n), told in facts["control: length"].items() if told[0] > np.log(SHORT - 0.5)}
    row(f"{HEAD}, taught on longer films alone", films, [unseen(films, sets[HEAD], s, among=longer) for s in DRAWS])
    row("control: all seven of these", films, [unseen(films, joined, seed, penalty=0.1) for seed in DRAWS])
    shuffled(films, sets[ALL])
    explained(films, [unseen(films, sets[HEAD], seed) for seed in DRAWS], sets | facts)
    owned(films, sets | facts, given.numbers)
    if given.residual is not None:
        row("all joined, nested", films, [nested(films, sets, _told(given.residual, films), seed) for seed in DRAWS])


def gathered(films: Sequence[Item], folder: Path) -> dict[str, Values]:
    """Return each set of numbers: those in the files, and all ratios of texture together."""
    sets: dict[str, Values] = {}
    for position, item in enumerate(films):
        for version in VERSIONS:
            for stage in ("face", "look"):
                for name, values in _held(folder / f"{seeing.key(item)}-{version}-{stage}.npz").items():
                    sets.setdefault(name, {})[version, position] = values
    sets["texture: all ratios"] = _beside(*(sets[name] for name in TEXTURE))
    sets["all ratios and movement"] = _beside(sets["texture: all ratios"], sets[ALL])
    return sets


def unseen(
    films: Sequence[Item],
    values: Values,
    seed: int,
    *,
    penalty: float = PENALTY,
    labels: NDArray[np.bool_] | None = None,
    among: Collection[int] | None = None,
) -> Scores:
    """Return each film's score by a line that met neither its people nor its maker; all versions are trained on.

    `among` are the films to use at all, `labels` those to believe in place of the films' own.
    """
    spoof = np.array([item.spoof for item in films]) if labels is None else labels
    chosen = sorted({n for _, n in values} if among is None else {n for _, n in values} & set(among))
    out: Scores = {}
    for train, test in splits.unseen([films[n] for n in chosen], folds=FOLDS, seed=seed):
        line = fitted(
            {key: value for key, value in values.items() if key[1] in {chosen[n] for n in train}}, spoof, penalty
        )
        asked = [key for key in values if key[1] in {chosen[n] for n in test}]
        if asked:
            out |= dict(zip(asked, line(np.stack([values[key] for key in asked])).tolist(), strict=True))
    return out


def fitted(values: Values, spoof: NDArray[np.bool_], penalty: float) -> Callable[[F64], F64]:
    """Return a line through standardised numbers; classes weigh the same, films of one class too."""
    keys = list(values)
    which = [n for _, n in keys]
    weights = 1.0 / np.bincount(which)[which]
    return line(np.stack([values[key] for key in keys]), spoof[which], weights, penalty)


def line(rows: F64, spoof: NDArray[np.bool_], weights: F64, penalty: float) -> Callable[[F64], F64]:
    """Return what scores rows of numbers by a line fitted to `rows`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(rows)
    model = LogisticRegression(C=penalty, max_iter=500, class_weight="balanced")
    model.fit(scaler.transform(rows), spoof, sample_weight=weights)
    return lambda more: np.asarray(model.decision_function(scaler.transform(more)), np.float64)


def row(name: str, films: Sequence[Item], draws: Sequence[Scores]) -> None:
    """Print AUC of the rank mean over `draws`, interval over groups and each draw's AUC, by version, then by maker."""
    cells = []
    for version in VERSIONS:
        ranks, which = ranked(draws, version)
        if len(which):
            items = [films[n] for n in which]
            spoof = np.array([item.spoof for item in items])
            low, high = interval(items, ranks, seed=1, draws=1000)
            each = " ".join(f"{auc(spoof, np.array([draw[version, n] for n in which])):.2f}" for draw in draws)
            cells.append(f"{auc(spoof, ranks):.3f} ({low:.2f} to {high:.2f}) [{each}] {sum(~spoof)}/{sum(spoof)}")
    print(f"| {name} | {' | '.join(cells)} |")
    ranks, which = ranked(draws, "none")
    spoof = np.array([films[n].spoof for n in which])
    told = {}
    for maker in sorted({films[n].maker for n in which if films[n].spoof}):
        own = np.array([films[n].maker == maker and films[n].spoof for n in which])
        told[maker] = f"{maker} {auc(own[own | ~spoof], ranks[own | ~spoof]):.2f}"
    print(f"    {', '.join(told.values())}", flush=True)


def ranked(draws: Sequence[Scores], version: str) -> tuple[F64, list[int]]:
    """Return the mean rank over draws of each film that was scored in `version`, and the films' positions."""
    from scipy.stats import rankdata

    which = sorted(n for kind, n in draws[0] if kind == version)
    ranks = [rankdata([draw[version, n] for n in which]) for draw in draws]
    return (np.mean(ranks, axis=0) if which else np.zeros(0)), which


def shuffled(films: Sequence[Item], values: Values) -> None:
    """Print the AUC where labels, shuffled, are all that is trained and tested on."""
    told = []
    for seed in (0, 1, 2, 3):
        labels = np.random.default_rng(seed).permutation([item.spoof for item in films])
        ranks, which = ranked([unseen(films, values, draw, labels=labels) for draw in DRAWS], "none")
        told.append(f"{auc(labels[which], ranks):.3f}")
    print(f"| control: shuffled labels, {ALL} | {', '.join(told)} |")


def explained(films: Sequence[Item], draws: Sequence[Scores], sets: Mapping[str, Values]) -> None:
    """Print what is left of `draws` where films are alike: in length, size and movement; and halves of one film."""
    facts = {name: sets[f"control: {name}"] for name in ("length", "size of the face", "how much the head moves")}
    short = np.log(SHORT - 0.5)
    row("  ... longer films", films, [{k: v for k, v in d.items() if facts["length"][k][0] > short} for d in draws])
    told, left = [], []
    for version in VERSIONS:
        ranks, which = ranked(draws, version)
        items = [films[n] for n in which]
        spoof = np.array([item.spoof for item in items])
        known = np.array([[1.0, *(v for values in facts.values() for v in values[version, n])] for n in which])
        near = [
            np.flatnonzero(~spoof & (np.abs(known[:, 2] - known[n, 2]) < np.log(1.3))) for n in np.flatnonzero(spoof)
        ]
        wins = [
            (ranks[n] > ranks[like]).mean() for n, like in zip(np.flatnonzero(spoof), near, strict=True) if len(like)
        ]
        told.append(f"{np.mean(wins):.3f}")
        rest = ranks - known @ np.linalg.lstsq(known[~spoof], ranks[~spoof], rcond=None)[0]
        low, high = interval(items, rest, seed=1, draws=1000)
        whole = np.array([item.maker in WHOLE for item in items])
        parts = (f"{auc(spoof[one | ~spoof], rest[one | ~spoof]):.2f}" for one in (whole, spoof & ~whole))
        left.append(f"{auc(spoof, rest):.3f} ({low:.2f} to {high:.2f}; drawn whole, swaps {', '.join(parts)})")
    print(f"|   ... against reals of like size | {' | '.join(told)} |")
    print(f"|   ... left after length, size, movement | {' | '.join(left)} |")
    place = dict(zip(*ranked(draws, "none")[::-1], strict=True))
    for n, item in enumerate(films):
        real = [m for m, other in enumerate(films) if other.path == item.path and not other.spoof]
        if item.spoof and real and n in place and real[0] in place:
            print(f"    {item.maker} {item.id[:8]}: rank {place[n]:.0f}, its real half {place[real[0]]:.0f}")


def owned(films: Sequence[Item], sets: Mapping[str, Values], folder: Path) -> None:
    """Print how lines taught on still pictures set moving alone tell others' fakes, and their own kind."""
    kept = {n: _held(folder / f"{seeing.key(item)}-own.npz") for n, item in enumerate(films)}
    kept = {n: held for n, held in kept.items() if held}
    for name in (*TEXTURE, "texture: all ratios", "still picture: what it leaves", ALL, HEAD):
        parts = TEXTURE if name == "texture: all ratios" else (name,)
        own = {
            (kind, n): np.concatenate([held[f"{kind}/{part}"] for part in parts])
            for n, held in kept.items()
            for kind in ("real", *FAKES)
            if f"{kind}/{name if len(parts) == 1 else parts[0]}" in held
        }
        draws = [_by_own(films, own, sets[name], seed) for seed in DRAWS]
        row(f"own fakes alone, {name}", films, [others for others, _ in draws])
        print(f"    own fakes, people unseen: {', '.join(f'{told:.3f}' for _, told in draws)}", flush=True)
        if name == HEAD:
            explained(films, [others for others, _ in draws], sets)


def _by_own(films: Sequence[Item], own: Values, others: Values, seed: int) -> tuple[Scores, float]:
    """Return the scores of the collection's films by lines taught on `own`, and the AUC on `own`, people left out."""
    groups = splits.group_folds(films, folds=FOLDS, seed=seed)
    out: Scores = {}
    kept: list[tuple[bool, float]] = []
    for fold in range(FOLDS):
        train = [key for key in own if groups[key[1]] != fold]
        spoof = np.array([kind != "real" for kind, _ in train])
        told = line(np.stack([own[key] for key in train]), spoof, np.ones(len(train)), PENALTY)
        held = [key for key in own if groups[key[1]] == fold]
        kept += [(key[0] != "real", float(told(own[key][None])[0])) for key in held]
        out |= {key: float(told(value[None])[0]) for key, value in others.items() if groups[key[1]] == fold}
    return out, auc(np.array([fake for fake, _ in kept]), np.array([value for _, value in kept]))


def nested(films: Sequence[Item], sets: Mapping[str, Values], residual: Scores, seed: int) -> Scores:
    """Return scores of a line over scores (texture, movement, CLIP, `visual-residual`), nothing met before.

    The inner scores of the films to train on come from folds among them alone. `residual` never met others' fakes.
    """
    names = ["texture: all ratios", ALL, *([STRAIGHT] if STRAIGHT in sets else [])]
    spoof = np.array([item.spoof for item in films])
    out: Scores = {}
    for train, test in splits.unseen(films, folds=FOLDS, seed=seed):
        inner = [unseen(films, sets[name], seed + 100, among=train) for name in names]
        lines = [fitted({k: v for k, v in sets[name].items() if k[1] in set(train)}, spoof, PENALTY) for name in names]
        asked = {key for key in residual if key[1] in set(test)}
        outer = [
            {key: float(told(sets[name][_near(key, sets[name])][None])[0]) for key in asked if _near(key, sets[name])}
            for told, name in zip(lines, names, strict=True)
        ]
        known = _columns([*inner, residual], inner[0])
        if not asked:
            continue
        weights = np.ones(len(known))
        top = line(np.stack(list(known.values())), spoof[[n for _, n in known]], weights, 0.1)
        out |= {key: float(top(value[None])[0]) for key, value in _columns([*outer, residual], outer[0]).items()}
    return out


def _near(key: Key, values: Mapping[Key, object]) -> Key | None:
    """Return the key of that version, else of the clean one, where only that was read."""
    return next((one for one in (key, ("none", key[1])) if one in values), None)


def _columns(parts: Sequence[Mapping[Key, float]], keys: Mapping[Key, float]) -> Values:
    found = {key: [_near(key, part) for part in parts] for key in keys}
    return {
        key: np.array([part[one] for part, one in zip(parts, near, strict=True) if one is not None])
        for key, near in found.items()
        if None not in near
    }


def _told(path: Path, films: Sequence[Item]) -> Scores:
    where = {item.id: n for n, item in enumerate(films)}
    with path.open() as file:
        rows = [one for one in csv.DictReader(file) if one["item"] in where and one["score"] not in ("", "nan")]
    return {(one["laundering"], where[one["item"]]): float(one["score"]) for one in rows}


def _held(path: Path) -> dict[str, F64]:
    if not path.exists():
        return {}
    with np.load(path) as file:
        return {name: np.asarray(file[name], np.float64) for name in file.files}


def _beside(*parts: Values) -> Values:
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _width(values: Values) -> int:
    return len(next(iter(values.values())))
