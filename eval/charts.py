"""Charts as SVG elements whose colours are the page's own, so that they read in dark and light and on a phone."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import metrics
from .rows import Row
from .summary import arrays

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Drawn in these, then replaced by the page's variables: a chart knows no dark and light.
_INK, _SOFT, _LINE = "#010203", "#040506", "#070809"
_PAGE = {_INK: "var(--ink)", _SOFT: "var(--soft)", _LINE: "var(--line)"}
# Okabe & Ito 2008, told apart by the colour-blind; those that vanish on white or black are left out.
COLOURS = ("#0f7fc4", "#d97a00", "#0a9d73", "#c66a9d", "#cf4b1f", "#8a78d6", "#8b8b1a", "#7b8794", "#39a9c9")
_STYLES = ("-", "--", ":", "-.")
_POINTS_MOST = 240
_DET_TICKS = (0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


def roc(rows: Sequence[Row], title: str) -> str:
    """Return the ROC curves of one detector's rows, one a laundering."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1)
        for number, (name, scores, spoof) in enumerate(_by_chain(rows)):
            false_positive, true_positive, _ = metrics.roc(scores, spoof)
            label = f"{name}  {metrics.auc(scores, spoof):.2f}"
            _curve(axes, false_positive, true_positive, number, label)
        axes.set(xlabel="false alarms", ylabel="fakes found", xlim=(0, 1), ylim=(0, 1.01))

    return _svg(draw, f"roc {title}")


def det(rows: Sequence[Row], title: str) -> str:
    """Return the DET curves of one detector's rows: misses against false alarms on normal deviates (Martin 1997)."""
    from scipy.special import ndtri

    def draw(axes: Axes) -> None:
        low = 0.005
        for number, (name, scores, spoof) in enumerate(_by_chain(rows)):
            alarms, misses, _ = metrics.det(scores, spoof)
            x, y = (np.clip(rate, low, 1 - low) for rate in (alarms, misses))
            _curve(axes, ndtri(x), ndtri(y), number, f"{name}  {metrics.eer(scores, spoof):.2f}")
        ticks = ndtri(np.array(_DET_TICKS))
        words = [f"{tick:.0%}" for tick in _DET_TICKS]
        axes.set_xticks(ticks, words)
        axes.set_yticks(ticks, words)
        bounds = (ndtri(low), ndtri(0.9))
        axes.plot(bounds, bounds, color=_LINE, linewidth=1)
        axes.set(xlabel="false alarms", ylabel="misses", xlim=bounds, ylim=bounds)

    return _svg(draw, f"det {title}")


def reliability(rows: Sequence[Row], calibrated: Sequence[Row], title: str) -> str:
    """Return the reliability of ratios: how often it was a fake against how often it was said to be.

    The prior is the share of fakes in the rows, so that the diagonal is what a right ratio gives; at most ten bins of
    equal count. `rows` as the detector says them (left out unless ratios), `calibrated` by others' calibration.
    """

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=_LINE, linewidth=1)
        said = [row for row in rows if row.scale == "llr"]
        for number, (name, kept) in enumerate((("as it says", said), ("calibrated on others", calibrated))):
            scores, spoof, _ = arrays(kept)
            if spoof.any() and not spoof.all():
                said_so = metrics.posterior(scores, p_spoof=float(spoof.mean()))
                told = metrics.reliability(said_so, spoof, bins=10, adaptive=True)
                axes.plot(
                    told.forecast, told.observed, "o-", color=COLOURS[number], linewidth=1.6, markersize=4, label=name
                )
        axes.set(xlabel="said: probability of a fake", ylabel="was a fake", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))

    return _svg(draw, f"reliability {title}")


def scatter(points: Sequence[tuple[str, float, float]], measure: str, title: str) -> str:
    """Return makers as points: quality on the right axis below, how well they are found on the left.

    `points` are (maker, mean quality, AUC); each item of a group is drawn as one labelled dot.
    """

    def draw(axes: Axes) -> None:
        axes.axhline(0.5, color=_LINE, linewidth=1)
        for number, (name, x, y) in enumerate(points):
            axes.plot([x], [y], "o", color=COLOURS[number % len(COLOURS)], markersize=7, label=name)
        axes.set(xlabel=measure, ylabel="AUC: how well found", ylim=(min([0.3, *(p[2] for p in points)]) - 0.03, 1.03))
        axes.margins(x=0.12)

    return _svg(draw, f"scatter {title}")


def _by_chain(rows: Sequence[Row]) -> list[tuple[str, NDArray[np.float64], NDArray[np.bool_]]]:
    found = []
    for name in sorted({row.laundering for row in rows}, key=lambda name: (name != "clean", name)):
        scores, spoof, _ = arrays([row for row in rows if row.laundering == name])
        if spoof.any() and not spoof.all():
            found.append((name, scores, spoof))
    return found


def _curve(axes: Axes, x: NDArray[Any], y: NDArray[Any], number: int, label: str) -> None:
    if len(x) > _POINTS_MOST:
        places = np.unique(np.linspace(0, len(x) - 1, _POINTS_MOST).astype(int))
        x, y = x[places], y[places]
    style = _STYLES[number // len(COLOURS) % len(_STYLES)]
    axes.plot(x, y, color=COLOURS[number % len(COLOURS)], linestyle=style, linewidth=1.7, label=label)


def _svg(draw: Callable[[Axes], None], title: str) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    looks: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": title,
        "font.family": "sans-serif",
        "font.size": 10,
        "text.color": _INK,
        "axes.labelcolor": _SOFT,
        "axes.edgecolor": _LINE,
        "xtick.color": _SOFT,
        "ytick.color": _SOFT,
        "grid.color": _LINE,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(looks):
        figure = Figure(figsize=(4.4, 4.2))
        axes = figure.add_subplot()
        axes.patch.set_alpha(0.0)
        figure.patch.set_alpha(0.0)
        axes.grid(visible=True, alpha=0.6)
        draw(axes)
        if axes.get_legend_handles_labels()[0]:
            many = len(axes.get_legend_handles_labels()[0]) > 5
            place: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.45, -0.13), "ncols": 2 if many else 1}
            axes.legend(fontsize=8.5, frameon=False, **place)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None}, bbox_inches="tight")
    return _for_the_page(buffer.getvalue(), title)


def _for_the_page(text: str, title: str) -> str:
    """Return the SVG element alone, scaling with its place, with a name for those who do not see it."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(
        r'(<svg[^>]*?) width="[^"]*"', r'\1 role="img" aria-label="' + title.replace('"', "") + '"', text, count=1
    )
    for drawn, shown in _PAGE.items():
        text = text.replace(drawn, shown)
    return text
