"""A benchmark's result: tables with all that is needed to make them again, as JSON and as a page."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from .. import __version__
from ..detect.page import save
from .bench import Plan
from .checkout import commit as commit
from .protocols import Protocols, judge
from .rows import Facts, NotMade, Row, write_rows
from .seen import met_by
from .summary import ALL, UNSEEN, Leak, Line, leaks, summarise

SCHEMA = "assay-leaderboard/1"
_LIBRARIES = ("numpy", "onnxruntime", "av", "opencv-contrib-python", "pillow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run gave, with all that is needed to make it again."""

    rows: tuple[Row, ...]
    facts: tuple[Facts, ...]
    lines: tuple[Line, ...]
    leaks: tuple[Leak, ...]
    protocols: Protocols
    not_made: tuple[NotMade, ...]
    left_out: tuple[str, ...]
    provenance: dict[str, str]


def collect(
    answers: Sequence[Row | Facts | NotMade],
    left_out: Sequence[str],
    plan: Plan,
    *,
    command: str,
    material: str,
    about: Mapping[str, str] | None = None,
) -> Result:
    """Return the result of a run, with its tables; `about` adds to what it was made from."""
    rows = tuple(answer for answer in answers if isinstance(answer, Row))
    facts = tuple(answer for answer in answers if isinstance(answer, Facts))
    return Result(
        rows=rows,
        facts=facts,
        lines=tuple(summarise(rows, seed=plan.seed, seen=met_by(plan))),
        leaks=tuple(leaks(facts, seed=plan.seed)),
        protocols=judge(rows, seed=plan.seed),
        not_made=tuple(answer for answer in answers if isinstance(answer, NotMade)),
        left_out=tuple(left_out),
        provenance={
            "assay": __version__,
            "commit": commit(),
            "command": command,
            "material": material,
            **(about or {}),
            "seed": str(plan.seed),
            "makers": ", ".join(plan.makers),
            "detectors": ", ".join(plan.detector_names),
            "launderings": "; ".join(f"{kind}: {', '.join(chains)}" for kind, chains in plan.chains.items()),
            "marks": "our own mark in reals and fakes alike" if plan.marked else "none in either class",
            "machine": f"{platform.machine()}, Python {platform.python_version()}",
            "libraries": ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES),
        },
    )


def write(result: Result, folder: Path) -> Path:
    """Write rows.jsonl, summary.json, leaderboard.json and index.html into `folder`; return the page's path."""
    from .page import render

    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "rows.jsonl").is_file():
        write_rows(result.rows, folder / "rows.jsonl")
    save(json.dumps(summary(result), indent=1), folder / "summary.json")
    save(json.dumps(leaderboard(result, folder), indent=1), folder / "leaderboard.json")
    page = folder / "index.html"
    save(render(result), page)
    return page


def summary(result: Result) -> dict[str, Any]:
    """Return every table as plain JSON values."""
    return {
        "made from": result.provenance,
        "lines": [line.to_json() for line in result.lines],
        "leaks": [asdict(leak) for leak in result.leaks],
        "protocols": asdict(result.protocols),
        "not made": [asdict(miss) for miss in result.not_made],
        "left out": list(result.left_out),
    }


def leaderboard(result: Result, folder: Path) -> dict[str, Any]:
    """Return the leaderboard: a stable schema, one entry a detector and kind, and where its rows are.

    An entry is over all makers and launderings; `clean` holds the same without laundering, `unseen` names the makers
    that the detector is known not to have met, and `never met` is over those where others were met.
    """
    rows = folder / "rows.jsonl"
    return {
        "schema": SCHEMA,
        "made from": result.provenance,
        "rows": {"file": rows.name, "sha256": hashlib.sha256(rows.read_bytes()).hexdigest()},
        "entries": [_entry(line, result) for line in result.lines if _overall(line, result)],
    }


def _overall(line: Line, result: Result) -> bool:
    """Whether this is the one line of its detector and kind that is over everything."""
    mine = {one.laundering for one in result.lines if (one.detector, one.kind) == (line.detector, line.kind)}
    return line.maker == ALL and line.laundering == (ALL if ALL in mine else "clean")


def _entry(line: Line, result: Result) -> dict[str, Any]:
    mine = [one for one in result.lines if (one.detector, one.kind) == (line.detector, line.kind)]
    clean = next((one for one in mine if one.maker == ALL and one.laundering == "clean"), None)
    versions = {row.version for row in result.rows if row.detector == line.detector and row.version}
    scales = {row.scale for row in result.rows if row.detector == line.detector and row.score is not None}
    makers = [one.maker for one in mine if one.maker not in (ALL, UNSEEN) and one.laundering == line.laundering]
    never = next((one for one in mine if one.maker == UNSEEN and one.laundering == line.laundering), None)
    return {
        "detector": line.detector,
        "version": ", ".join(sorted(versions)),
        "scale": "llr" if scales == {"llr"} else "score",
        "kind": line.kind,
        "makers": makers,
        "unseen": [one.maker for one in mine if one.seen is False and one.laundering == line.laundering],
        **{name: value for name, value in line.to_json().items() if name not in ("detector", "kind", "maker", "seen")},
        "clean": clean.to_json() if clean else None,
        "never met": never.to_json() if never else None,
    }
