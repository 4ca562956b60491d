"""Leaderboards of several runs as one, with a paired test where two detectors have judged the very same items."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import metrics
from .result import SCHEMA
from .rows import BenchError, Row, read_rows

DRAWS = 2000
_Scores = dict[tuple[str, str], Row]


def merge(paths: Sequence[Path], *, seed: int = 0) -> dict[str, Any]:
    """Return the entries of every leaderboard, the best of a kind first, and a test of each pair of detectors.

    A pair is tested on the items (the same samples or pixels, by their digest) that both have scored: the difference of
    the AUCs, and the probability of one as large if the two detectors were alike. Runs whose rows are gone are listed
    and not tested. Raises `BenchError` for a file that is no leaderboard of this schema.
    """
    boards = [(path, _read(path)) for path in paths]
    entries = [{**entry, "run": str(path)} for path, board in boards for entry in board["entries"]]
    scores: dict[tuple[str, str, str], _Scores] = {}
    notes = []
    for path, board in boards:
        try:
            for row in _rows(path, board):
                if row.score is not None and row.digest:
                    scores.setdefault((row.kind, str(path), row.detector), {})[row.digest, row.maker] = row
        except BenchError as error:
            notes.append(str(error))
    return {
        "schema": SCHEMA,
        "runs": [{"file": str(path), "made from": board["made from"]} for path, board in boards],
        "entries": sorted(entries, key=lambda entry: (entry["kind"], -(entry["auc"] or {"value": 0.0})["value"])),
        "pairs": list(_pairs(scores, seed)),
        "notes": notes,
    }


def tell(joined: dict[str, Any]) -> Iterator[str]:
    """Yield the joined leaderboard as lines of text: the entries, then the pairs."""
    for entry in joined["entries"]:
        auc = "-" if entry["auc"] is None else f"{entry['auc']['value']:.3f}"
        scored = f"{entry['bona_fide'] + entry['spoof']} items, coverage {entry['coverage']:.3f}"
        yield "\t".join((entry["kind"], entry["detector"], f"AUC {auc}", scored, entry["run"]))
    for pair in joined["pairs"]:
        yield "\t".join(
            (
                pair["kind"],
                f"{pair['a']} - {pair['b']}",
                f"AUC difference {pair['difference']:+.3f}",
                f"p {pair['p']:.4f}",
                f"{pair['items']} common items of {pair['groups']} people",
            )
        )
    yield from joined["notes"]


def _pairs(scores: dict[tuple[str, str, str], _Scores], seed: int) -> Iterator[dict[str, Any]]:
    for (one, mine), (other, yours) in itertools.combinations(sorted(scores.items()), 2):
        if one[0] != other[0]:
            continue
        keys = sorted(mine.keys() & yours.keys())
        spoof = np.array([mine[key].spoof for key in keys], dtype=np.bool_)
        if not spoof.any() or spoof.all():
            continue
        a = np.array([mine[key].score for key in keys], dtype=np.float64)
        b = np.array([yours[key].score for key in keys], dtype=np.float64)
        groups = [mine[key].group for key in keys]
        yield {
            "kind": one[0],
            "a": _name(one, other),
            "b": _name(other, one),
            "items": len(keys),
            "groups": len(set(groups)),
            "difference": metrics.auc(a, spoof) - metrics.auc(b, spoof),
            "p": _paired(np.stack([a, b]), spoof, groups, seed),
        }


def _paired(scores: NDArray[np.float64], spoof: NDArray[np.bool_], groups: Sequence[str], seed: int) -> float:
    """Return the two-sided p of a difference in AUC of two detectors, scores `[2, n]`, by exchanging them.

    Under the null the two answers on a person are exchangeable: in each draw those of about half the people change
    places, as ranks, since two detectors' scores are on scales of their own.
    """
    from scipy.stats import rankdata

    ranks = rankdata(scores, axis=1)
    _, where = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    seen = abs(metrics.auc(ranks[0], spoof) - metrics.auc(ranks[1], spoof))
    rng = np.random.default_rng(seed)
    as_large = 1
    for _ in range(DRAWS):
        swap = rng.integers(2, size=where.max() + 1)[where].astype(np.bool_)
        a, b = np.where(swap, ranks[::-1], ranks)
        as_large += abs(metrics.auc(a, spoof) - metrics.auc(b, spoof)) >= seen - 1e-12
    return as_large / (DRAWS + 1)


def _name(one: tuple[str, str, str], other: tuple[str, str, str]) -> str:
    """Return the detector's name, with its run where the other is of the same name."""
    return one[2] if one[2] != other[2] else f"{one[2]} in {one[1]}"


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"expected a leaderboard in JSON at {path}: {error}"
        raise BenchError(msg) from error
    if not isinstance(told, dict) or told.get("schema") != SCHEMA or not isinstance(told.get("entries"), list):
        found = told.get("schema") if isinstance(told, dict) else type(told).__name__
        msg = f"expected a leaderboard of schema {SCHEMA} at {path}, got {found}"
        raise BenchError(msg)
    return told


def _rows(path: Path, board: dict[str, Any]) -> list[Row]:
    """Return the rows beside a leaderboard. Raises `BenchError` if they are gone or no longer those it was made of."""
    place = path.parent / Path(str(board["rows"]["file"])).name
    if not place.is_file():
        msg = f"{place} is not there: its detectors are listed and not tested"
        raise BenchError(msg)
    digest = hashlib.sha256(place.read_bytes()).hexdigest()
    if digest != board["rows"]["sha256"]:
        msg = f"{place} has changed since {path.name} was made from it: its detectors are listed and not tested"
        raise BenchError(msg)
    return list(read_rows(place))
