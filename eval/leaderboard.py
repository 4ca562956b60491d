"""Leaderboards of several runs as one, with a paired test where two detectors have judged the very same items."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import metrics
from .comparison import holm, permutation_test
from .result import SCHEMA
from .rows import BenchError, Row, read_rows

DRAWS = 2000
_Scores = dict[tuple[str, str], Row]


def merge(paths: Sequence[Path], *, seed: int = 0) -> dict[str, Any]:
    """Return the entries of every leaderboard, the best of a kind first, and a test of each pair of detectors.

    A pair is tested on the items (the same samples or pixels, by their digest) that both have scored: the difference of
    the AUCs, and the probability of one as large if the two detectors were alike, by exchanging their answers on whole
    people; `p of all` is that after Holm's correction for all pairs. Runs whose rows are gone are
    listed, not tested. Raises `BenchError` for a file that is no leaderboard of this schema.
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
    pairs = list(_pairs(scores, seed))
    adjusted = holm([pair["p"] for pair in pairs])
    return {
        "schema": SCHEMA,
        "runs": [{"file": str(path), "made from": board["made from"]} for path, board in boards],
        "entries": sorted(entries, key=lambda entry: (entry["kind"], -(entry["auc"] or {"value": 0.0})["value"])),
        "pairs": [{**pair, "p of all": float(p)} for pair, p in zip(pairs, adjusted, strict=True)],
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
                f"p {pair['p']:.4f}, {pair['p of all']:.4f} among all pairs",
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
        told = permutation_test(metrics.auc, (a, b), spoof, groups, draws=DRAWS, seed=seed)
        yield {
            "kind": one[0],
            "a": _name(one, other),
            "b": _name(other, one),
            "items": len(keys),
            "groups": len(set(groups)),
            "difference": told.difference,
            "p": told.p,
        }


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
