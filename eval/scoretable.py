"""All figures of one detector's scores, each with its interval, and their curves."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..detect.page import environment
from ..media.errors import InputError
from . import metrics
from .metrics.decisions import Costs
from .statistics import Estimate, Metric, group_bootstrap

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]
_ENDLESS = (float("inf"), float("-inf"))
GROUPS_LEAST = 5
"""An interval over fewer groups than this would only look like one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Figures by name, counts, and what was not scored."""

    figures: dict[str, Estimate]
    bona_fide: int
    spoof: int
    unscored: int
    groups: int
    independent: bool
    costs: Costs

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain JSON values; what is infinite (a Cllr may be) is the word `Infinity`."""
        told = asdict(self)
        for figure in told["figures"].values():
            figure |= {
                name: str(value).replace("inf", "Infinity") for name, value in figure.items() if value in _ENDLESS
            }
        return told


def table(
    scores: F64, spoof: Bools, groups: Sequence[str] | None, *, llr: bool, costs: Costs, draws: int, seed: int
) -> Table:
    """Return the figures of scores (higher = spoof; log10 ratios if `llr`); NaN is counted and left out.

    Intervals are drawn over groups; without groups each trial is its own, and the table says so. Raises `MetricError`
    without both classes.
    """
    kept = ~np.isnan(scores)
    names = [str(place) for place in range(scores.size)] if groups is None else list(groups)
    told, labels = scores[kept], spoof[kept]
    names = [name for name, keep in zip(names, kept.tolist(), strict=True) if keep]
    count = len(set(names))

    def estimate(metric: Metric) -> Estimate:
        if draws and count >= GROUPS_LEAST:
            return group_bootstrap(metric, told, labels, names, draws=draws, seed=seed)
        return Estimate(value=metric(told, labels), low=None, high=None, groups=count)

    chosen = {**_order(costs), **(_meaning(costs) if llr else {})}
    return Table(
        figures={name: estimate(metric) for name, metric in chosen.items()},
        bona_fide=int((~labels).sum()),
        spoof=int(labels.sum()),
        unscored=int((~kept).sum()),
        groups=count,
        independent=groups is None,
        costs=costs,
    )


def _order(costs: Costs) -> dict[str, Metric]:
    return {
        "AUC": metrics.auc,
        "partial AUC, FPR <= 0.1": lambda s, y: metrics.partial_auc(s, y, max_fpr=0.1),
        "average precision": metrics.average_precision,
        "EER": metrics.eer,
        "EER, nearest point": lambda s, y: metrics.eer(s, y, convention="nearest"),
        "EER, convex hull": lambda s, y: metrics.eer(s, y, convention="hull"),
        "TPR at FPR 0.01": lambda s, y: metrics.tpr_at_fpr(s, y, fpr=0.01),
        "FPR at TPR 0.95": lambda s, y: metrics.fpr_at_tpr(s, y, tpr=0.95),
        "min DCF": lambda s, y: metrics.min_dcf(s, y, costs=costs),
        "min Cllr": metrics.min_cllr,
    }


def _meaning(costs: Costs) -> dict[str, Metric]:
    def probable(metric: Metric) -> Metric:
        return lambda s, y: metric(metrics.posterior(s), y)

    return {
        "act DCF": lambda s, y: metrics.act_dcf(s, y, costs=costs),
        "Cllr": metrics.cllr,
        "calibration loss": metrics.calibration_loss,
        "balanced accuracy at 0": metrics.balanced_accuracy,
        "Brier, prior 0.5": probable(metrics.brier),
        "ECE, 10 equal bins": probable(metrics.ece),
        "ECE, 10 equal counts": probable(lambda s, y: metrics.ece(s, y, adaptive=True)),
    }


def draw(scores: F64, spoof: Bools, path: Path, *, llr: bool, told: Table) -> None:
    """Write ROC and DET curves, and a reliability diagram if `llr`, to `path`: a .png, or an .html with the table.

    Raises `InputError` for another suffix, or if it cannot be written.
    """
    if path.suffix not in {".png", ".html"}:
        msg = f"expected a plot to end in .png or .html, got {path.name}"
        raise InputError(msg)
    kept = ~np.isnan(scores)
    figure = _figure(scores[kept], spoof[kept], llr=llr)
    if path.suffix == ".png":
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=120)
        data = buffer.getvalue()
    else:
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
        svg = text.getvalue()
        page = environment(Path(__file__).parent / "templates").get_template("scores.html.j2")
        data = page.render(table=told, svg=svg[svg.index("<svg") :]).encode()
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise InputError(msg) from error


def _figure(scores: F64, spoof: Bools, *, llr: bool) -> Any:  # noqa: ANN401 - matplotlib ships no types
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.5 if llr else 9.0, 4.2), layout="constrained")
    axes = figure.subplots(1, 3 if llr else 2)
    trials = metrics.Ranked.of(scores, spoof)
    alarm, miss, _ = metrics.det(trials)
    axes[0].plot([0, 1], [0, 1], color="0.75", linewidth=1, linestyle=":")
    axes[0].plot(alarm, 1.0 - miss, linewidth=1.8, color="#1f5fa8")
    axes[0].set(title=f"ROC, AUC {metrics.auc(trials):.4f}", xlabel="false alarms", ylabel="spoof found")
    axes[0].set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    _det_axes(axes[1], alarm, miss, trials)
    if llr:
        _reliability_axes(axes[2], metrics.posterior(scores), spoof)
    for each in axes:
        each.grid(alpha=0.25)
    return figure


_TICKS = (0.0001, 0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)


def _det_axes(axes: Any, alarm: F64, miss: F64, trials: metrics.Ranked) -> None:  # noqa: ANN401 - as above
    from scipy.special import ndtri

    # A rate of 0 of n lies at minus infinity: it is drawn at half a trial, the edge of what n trials can show.
    least = 0.5 / trials.bona_fide.size, 0.5 / trials.spoof.size
    points = [np.clip(rate, low, 1.0 - low) for rate, low in zip((alarm, miss), least, strict=True)]
    axes.plot(*map(ndtri, points), linewidth=1.8, color="#1f5fa8")
    level = metrics.eer(trials)
    shown = float(np.clip(level, max(least), 1.0 - max(least)))
    axes.plot(*[ndtri([shown])] * 2, "o", color="#c04f15", markersize=6)
    axes.axline((0.0, 0.0), slope=1.0, color="0.75", linewidth=1, linestyle=":")
    limits = [(float(ndtri(max(low, 5e-5) * 0.8)), float(ndtri(0.8))) for low in least]
    names = [f"{tick:.4g}" for tick in _TICKS]
    axes.set_xticks(ndtri(_TICKS), names, fontsize=8)
    axes.set_yticks(ndtri(_TICKS), names, fontsize=8)
    axes.set(title=f"DET, EER {level:.4f}", xlabel="false alarms", ylabel="spoof missed")
    axes.set(xlim=limits[0], ylim=limits[1])


def _reliability_axes(axes: Any, probability: F64, spoof: Bools) -> None:  # noqa: ANN401 - as above
    told = metrics.reliability(probability, spoof, adaptive=True)
    low, high = told.interval()
    axes.plot([0, 1], [0, 1], color="0.75", linewidth=1, linestyle=":")
    bars = np.abs(np.stack([told.observed - low, high - told.observed]))
    axes.errorbar(told.forecast, told.observed, yerr=bars, fmt="o-", color="#1f5fa8", capsize=3, linewidth=1.2)
    error = metrics.ece(probability, spoof, adaptive=True)
    axes.set(title=f"reliability, ECE {error:.4f} (equal counts)", xlabel="probability of spoof at prior 0.5")
    axes.set(ylabel="share that is spoof", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
