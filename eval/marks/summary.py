"""From rows to tables: shares with Wilson's intervals, quality, speed, and what was asked of the marks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets.launder import CHAINS
from . import alarms, leak, uniform
from .attacks import GOALS, MEANT, attacks_on
from .conduct import KINDS, PARTS
from .ledger import Record, Rows

WORST_SHOWN = 12
"""Lost pieces that a kind's gallery shows, of as many attacks as there are."""


def summarise(out: Path) -> dict[str, Any]:
    """Return every table that the rows below `out` give, as plain JSON values; the same rows give the same tables."""
    rows = {(part, kind): Rows(out / "rows" / f"{part}-{kind}.jsonl").kept for part in PARTS for kind in KINDS}
    made = json.loads((out / "run.json").read_text(encoding="utf-8"))
    kinds = {kind: _kind(rows, kind, seed=made["seed"]) for kind in KINDS}
    speed = [row for kind in KINDS for row in rows["speed", kind] if row["row"] == "speed"]
    return {
        "made from": made,
        "kinds": {kind: found for kind, found in kinds.items() if found},
        "speed": [_paced(row) for row in speed],
    }


def _kind(rows: dict[tuple[str, str], list[Record]], kind: str, *, seed: int) -> dict[str, Any]:
    survival, peers = rows["survival", kind], rows["peers", kind]
    found: dict[str, Any] = {}
    if survival:
        found["material"] = _material(survival)
        found["quality"] = {name: _quality(survival, name) for name in _schemes(survival)}
        found["goal"] = GOALS[kind]
        found["attacks"] = _attacks(survival, kind)
        found["worst"] = _worst(survival)
    if peers:
        found["quality"] = found.get("quality", {}) | {name: _quality(peers, name) for name in _schemes(peers)}
        found["peers"] = _beside(survival, peers, kind)
    if unmarked := [row for row in rows["alarms", kind] if row["row"] == "alarms"]:
        tried, hits = sum(row["tried"] for row in unmarked), sum(row["alarms"] for row in unmarked)
        seconds = sum(row["cpu"] for row in unmarked)
        found["alarms"] = {
            **share(hits, tried),
            "files": len({row["item"] for row in unmarked}),
            "ms": round(1000 * seconds / tried, 1),
            "p": alarms.calibration(unmarked),
        }
    if drawn := [row for row in rows["uniform", kind] if row["row"] == "uniform"]:
        found["uniform"] = uniform.spread(drawn)
    if strangers := [row for row in rows["keys", kind] if row["row"] == "keys"]:
        found["strangers"] = {
            "other keys": share(sum(row["read"] for row in strangers), sum(row["tried"] for row in strangers)),
            "forged": share(sum(row["forged"] for row in strangers), len(strangers)),
        }
    if averaged := [row for row in rows["keys", kind] if row["row"] == "averaging"]:
        found["averaging"] = averaged[-1]
    if leaks := leak.leaked(rows["leak", kind], seed=seed):
        found["leak"] = leaks
    return found


def share(hits: int, tried: int) -> dict[str, Any]:
    """Return `hits` of `tried` with Wilson's 95 % interval."""
    from scipy.stats import binomtest

    if not tried:
        return {"hits": 0, "n": 0, "share": None, "low": None, "high": None}
    interval = binomtest(hits, tried).proportion_ci(method="wilson")
    low, high = round(float(interval.low), 6), round(float(interval.high), 6)
    return {"hits": hits, "n": tried, "share": hits / tried, "low": low, "high": high}


def _schemes(rows: Iterable[Record]) -> list[str]:
    return list(dict.fromkeys(row["scheme"] for row in rows))


def _material(rows: Sequence[Record]) -> dict[str, Any]:
    used = [row for row in rows if row["row"] == "quality"]
    left = [row for row in rows if row["row"] == "left out"]
    minutes = sum(row.get("seconds", 0.0) for row in used) / 60
    return {
        "n": len(used),
        "groups": len({row["group"] for row in used}),
        "made": sum(bool(row["made"]) for row in used),
        "minutes": round(minutes, 2),
        "minutes_real": round(sum(row.get("seconds", 0.0) for row in used if not row["made"]) / 60, 2),
        "left_out": len(left),
        "not_marked": sum(row["why"].startswith("not marked") for row in left),
    }


def _quality(rows: Sequence[Record], scheme: str) -> dict[str, Any]:
    used = [row for row in rows if row["row"] == "quality" and row["scheme"] == scheme]
    found: dict[str, Any] = {"n": len(used)}
    for name in ("psnr", "ssim", "snr", "pesq"):
        values = [row[name] for row in used if name in row]
        if values:
            found[name] = {
                "mean": float(np.mean(values)),
                "least": float(np.min(values)),
                "tenth": float(np.quantile(values, 0.1)),
                "n": len(values),
            }
    return found


def _attacks(rows: Sequence[Record], kind: str) -> list[dict[str, Any]]:
    out = []
    for attack in attacks_on(kind):
        cells = [row for row in rows if row["row"] == "cell" and row["attack"] == attack]
        if cells:
            right = share(sum(row["outcome"] == "right" for row in cells), len(cells))
            wrong = sum(row["outcome"] == "wrong" for row in cells)
            meant = attack in MEANT[kind]
            ms = 1000 * float(np.mean([row.get("cpu", 0.0) for row in cells]))
            line = {
                "attack": attack,
                "about": CHAINS[attack],
                "meant": meant,
                **right,
                "wrong": wrong,
                "ms": round(ms, 1),
            }
            out.append({**line, "met": right["share"] >= GOALS[kind]})
    return out


def _beside(ours: Sequence[Record], theirs: Sequence[Record], kind: str) -> list[dict[str, Any]]:
    """Return shares by attack and scheme; ours on those same pieces alone."""
    pieces = {row["item"] for row in theirs if row["row"] == "cell"}
    cells = [row for row in (*ours, *theirs) if row["row"] == "cell" and row["item"] in pieces]
    attacks = [
        attack for attack in attacks_on(kind) if any(r["attack"] == attack for r in theirs if r["row"] == "cell")
    ]
    out = []
    for attack in attacks:
        line: dict[str, Any] = {"attack": attack, "schemes": {}}
        for scheme in _schemes(cells):
            some = [row for row in cells if row["attack"] == attack and row["scheme"] == scheme]
            if some:
                bits = [row["share"] for row in some if "share" in row]
                right = share(sum(row["outcome"] == "right" for row in some), len(some))
                line["schemes"][scheme] = {**right, "bits": round(float(np.mean(bits)), 4) if bits else None}
        out.append(line)
    return out


def _worst(rows: Sequence[Record]) -> list[dict[str, Any]]:
    """Return pieces that were lost, one of each attack before a second of any, those that were meant first."""
    lost: dict[str, list[Record]] = {}
    for row in rows:
        if row["row"] == "cell" and row["outcome"] != "right" and "thumb" in row:
            lost.setdefault(row["attack"], []).append(row)
    order = [attack for kind in KINDS for attack in attacks_on(kind) if attack in lost]
    chosen: list[Record] = []
    depth = 0
    while len(chosen) < WORST_SHOWN and any(len(lost[attack]) > depth for attack in order):
        chosen += [lost[attack][depth] for attack in dict.fromkeys(order) if len(lost[attack]) > depth]
        depth += 1
    return [{name: row[name] for name in ("item", "attack", "outcome", "thumb")} for row in chosen[:WORST_SHOWN]]


def _paced(row: Record) -> dict[str, Any]:
    """Return a speed row with what it comes to: megapixels, seconds of sound or frames for each second."""
    amount = row.get("seconds") or row.get("frames") or row["megapixels"]
    unit = "x real time" if "seconds" in row else "frames/s" if "frames" in row else "MP/s"
    rates = {name: round(amount / row[name], 3) if row[name] else None for name in ("embed", "read", "unmarked")}
    both = round(amount / (row["embed"] + row["read"]), 3) if row["embed"] + row["read"] else None
    kept = {name: row[name] for name in ("scheme", "kind", "size", "megabytes", "right")}
    return {**kept, "unit": unit, **{f"{name}_rate": rate for name, rate in rates.items()}, "both_rate": both}
