"""A benchmark's result as files: rows, a summary that says what it was made from, and a page."""

from __future__ import annotations

import io
import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..detect.page import environment, save
from . import metrics
from .bench import NotMade, Plan
from .rows import Row, write_rows
from .summary import Line, summarise


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run gave, with all that is needed to make it again."""

    rows: tuple[Row, ...]
    lines: tuple[Line, ...]
    not_made: tuple[NotMade, ...]
    left_out: tuple[str, ...]
    provenance: dict[str, str]


def collect(
    answers: Sequence[Row | NotMade], left_out: Sequence[str], plan: Plan, *, command: str, material: str
) -> Result:
    """Return the result of a run, with its tables."""
    rows = tuple(answer for answer in answers if isinstance(answer, Row))
    return Result(
        rows=rows,
        lines=tuple(summarise(rows, seed=plan.seed)),
        not_made=tuple(answer for answer in answers if isinstance(answer, NotMade)),
        left_out=tuple(left_out),
        provenance={
            "assay": __version__,
            "commit": _commit(),
            "command": command,
            "material": material,
            "seed": str(plan.seed),
            "makers": ", ".join(plan.makers),
            "launderings": "; ".join(f"{kind}: {', '.join(chains)}" for kind, chains in plan.chains.items()),
            "machine": f"{platform.machine()}, Python {platform.python_version()}",
        },
    )


def write(result: Result, folder: Path) -> Path:
    """Write rows.jsonl, summary.json and index.html into `folder`; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(result.rows, folder / "rows.jsonl")
    summary = {
        "made from": result.provenance,
        "lines": [line.to_json() for line in result.lines],
        "not made": [{"item": miss.item, "maker": miss.maker, "why": miss.why} for miss in result.not_made],
        "left out": list(result.left_out),
    }
    save(json.dumps(summary, indent=1), folder / "summary.json")
    page = folder / "index.html"
    save(render(result), page)
    return page


def render(result: Result) -> str:
    """Return the page about `result`."""
    pages = environment(Path(__file__).parent / "templates")
    return pages.get_template("bench.html.j2").render(**page_values(result))


def page_values(result: Result) -> dict[str, Any]:
    """Return what the page's template, or a page that includes it, needs."""
    scored = [line for line in result.lines if line.auc is not None]
    return {
        "result": result,
        "kinds": {row.detector: row.kind for row in result.rows if row.score is not None},
        "tables": {name: [line for line in result.lines if line.detector == name] for name in _detectors(result)},
        "curves": [(name, roc_svg(result.rows, name)) for name in dict.fromkeys(line.detector for line in scored)],
        "groups": len({row.group for row in result.rows}),
    }


def _detectors(result: Result) -> list[str]:
    return list(dict.fromkeys(row.detector for row in result.rows))


def roc_svg(rows: Sequence[Row], detector: str) -> str:
    """Return the ROC curves of one detector, one for each laundering, as an SVG element."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": detector, "font.family": "sans-serif"}):
        figure = Figure(figsize=(4.2, 3.6), layout="constrained")
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color="0.75", linewidth=1, linestyle=":")
        for laundering in dict.fromkeys(row.laundering for row in rows):
            chosen = [row for row in rows if row.detector == detector and row.laundering == laundering]
            llr = [row.score for row in chosen if row.score is not None]
            spoof = [row.spoof for row in chosen if row.score is not None]
            if any(spoof) and not all(spoof):
                false_positive, true_positive, _ = metrics.roc(llr, spoof)
                area = metrics.auc(np.asarray(llr), np.asarray(spoof))
                axes.plot(false_positive, true_positive, linewidth=1.8, label=f"{laundering}  (AUC {area:.2f})")
        axes.set(xlabel="false alarms", ylabel="fakes found", xlim=(0, 1), ylim=(0, 1.01))
        axes.legend(loc="lower right", fontsize=8, frameon=False)
        axes.grid(alpha=0.25)
        figure.patch.set_facecolor("white")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _commit() -> str:
    """Return the commit that the code was at, or `unknown` where it does not lie in a checkout."""
    root = Path(__file__).resolve().parents[1]
    git = ("git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12")
    try:
        done = subprocess.run(git, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
