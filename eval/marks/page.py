"""The result of the marks bench as files: tables in JSON, and a page that needs nothing beside it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from ...detect.page import environment, save
from .summary import summarise


def write(out: Path) -> Path:
    """Write summary.json and index.html from the rows below `out`, and return the page's path."""
    summary = summarise(out)
    save(json.dumps(summary, indent=1, ensure_ascii=False), out / "summary.json")
    page = out / "index.html"
    save(render(summary), page)
    return page


def render(summary: dict[str, Any]) -> str:
    """Return the page about `summary`."""
    pages = environment(Path(__file__).resolve().parents[1] / "templates")
    charts = {
        kind: uniform_svg(found["alarms"]["p"], kind)
        for kind, found in summary["kinds"].items()
        if found.get("alarms", {}).get("p", {}).get("n")
    }
    return pages.get_template("bench_marks.html.j2").render(summary=summary, charts=charts, hue=hue)


def hue(value: float | None) -> int:
    """Return the colour of a share: red at a half and below, green at one."""
    return 0 if value is None else round(120 * min(1.0, max(0.0, (value - 0.5) * 2)))


def uniform_svg(p_values: dict[str, Any], kind: str) -> str:
    """Return the quantiles of p-values against those of a uniform draw, with 95 % bounds, as an SVG element."""
    import matplotlib as mpl
    import numpy as np
    from matplotlib.figure import Figure
    from scipy.stats import beta

    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": kind, "font.family": "sans-serif"}):
        figure = Figure(figsize=(7.0, 3.4), layout="constrained")
        whole, tail = figure.subplots(1, 2)
        at = np.linspace(0, 1, len(p_values["quantiles"]))
        whole.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle=":")
        whole.plot(at, p_values["quantiles"], linewidth=1.8)
        whole.set(xlabel="uniform", ylabel="p-value", title="all", xlim=(0, 1), ylim=(0, 1))
        rank = np.arange(1, len(p_values["lowest"]) + 1)
        n = p_values["n"]
        low, high = (beta.ppf(q, rank, n + 1 - rank) for q in (0.025, 0.975))
        expected = rank / (n + 1)
        tail.fill_between(expected, low, high, color="0.85", label="95 % of uniform draws")
        tail.plot(expected, expected, color="0.6", linewidth=1, linestyle=":")
        tail.plot(expected, np.maximum(p_values["lowest"], 1e-12), marker=".", linewidth=0.8, label="lowest p-values")
        tail.set(xscale="log", yscale="log", xlabel="expected", title="the lowest")
        tail.legend(fontsize=8, frameon=False)
        figure.patch.set_facecolor("white")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
