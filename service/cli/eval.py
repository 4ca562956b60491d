"""`assay eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import SeedOption, escaped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ...eval.metrics import Costs
    from ...eval.scorefile import ScoreFile

app = typer.Typer(
    help="Measure, calibrate and fuse scores that lie in files.", no_args_is_help=True, rich_markup_mode=None
)

FileArgument = Annotated[
    Path, typer.Argument(help="Score file: .csv, .tsv, .parquet, .jsonl, or ASVspoof's text (any other suffix).")
]
KeyOption = Annotated[Path | None, typer.Option("--key", help="Protocol file that tells the labels of a text file.")]
LabelOption = Annotated[str, typer.Option("--label", help="Column of labels.")]
SpoofIsOption = Annotated[str, typer.Option("--spoof-is", help="Labels that mean spoof, separated by commas.")]
GroupOption = Annotated[
    str, typer.Option("--group", help="Column of groups (person, source); without it, trials count as independent.")
]
HigherOption = Annotated[str, typer.Option("--higher", help="What a higher score means: spoof or bona-fide.")]
PriorOption = Annotated[float, typer.Option("--prior", help="Prior of spoof that the fit is weighted by.")]
ScoreColumns = Annotated[str, typer.Option("--score", help="Column of scores; several by commas to fuse.")]


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _sign(higher: str) -> float:
    from ...media.errors import InputError

    if higher not in ("spoof", "bona-fide"):
        msg = f"a higher score means spoof or bona-fide, got {higher!r}"
        raise InputError(msg)
    return 1.0 if higher == "spoof" else -1.0


@app.command()
def scores(
    file: FileArgument,
    *,
    key: KeyOption = None,
    score: Annotated[str, typer.Option("--score", help="Column of scores.")] = "score",
    label: LabelOption = "label",
    spoof_is: SpoofIsOption = "",
    group: GroupOption = "",
    higher: HigherOption = "spoof",
    llr: Annotated[str, typer.Option("--llr", help="What scores are: log10 or ln likelihood ratios, or no.")] = "no",
    asv: Annotated[str, typer.Option("--asv", help="Column of a speaker verifier's scores: adds t-DCF, t-EER.")] = "",
    nontarget_is: Annotated[str, typer.Option("--nontarget-is", help="Labels of bona fide non-targets.")] = "nontarget",
    costs: Annotated[
        str, typer.Option("--costs", help="Prior of spoof, cost of a false alarm, of a miss.")
    ] = "0.05,1,10",
    draws: Annotated[int, typer.Option("--draws", help="Bootstrap draws for the intervals; 0 for none.")] = 500,
    seed: SeedOption = 0,
    json_lines: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write ROC, DET, reliability to .png or .html.")] = None,
) -> None:
    """Print every figure of a score file with its interval: AUC, EER, DCF, Cllr, ECE ...

    Empty and NaN scores are counted, never scored. Conventions: docs/metrics.md.
    """
    import json

    from ...eval.scorefile import read_scores
    from ...eval.scoretable import draw, table
    from ...media.errors import InputError

    if llr not in ("no", "log10", "ln"):
        msg = f"scores are likelihood ratios log10 or ln, or no, got {llr!r}"
        raise InputError(msg)
    read = read_scores(file, key=key)
    unit = {"no": 1.0, "log10": 1.0, "ln": 0.4342944819032518}[llr]
    values = read.scores(score) * (_sign(higher) * unit)
    spoof = read.spoof(label, spoof_is=_names(spoof_is))
    groups = read.column(group) if group else None
    told = table(values, spoof, groups, llr=llr != "no", costs=_costs(costs), draws=draws, seed=seed)
    tandem = _tandem(read, values, spoof, (asv, label, nontarget_is)) if asv else {}
    if plot is not None:
        draw(values, spoof, plot, llr=llr != "no", told=told)
    if json_lines:
        typer.echo(
            json.dumps({"file": read.name, "sha256": read.digest, "seed": seed, **told.to_json(), "tandem": tandem})
        )
        return
    unit_of = "trials taken as independent" if told.independent else "groups"
    typer.echo(
        f"{escaped(read.name)}: {told.bona_fide} bona fide, {told.spoof} spoof, {told.unscored} not scored, "
        f"{told.groups} {unit_of}"
    )
    for name, figure in told.figures.items():
        interval = "" if figure.low is None else f"  95 % {figure.low:.6f} to {figure.high:.6f}"
        typer.echo(f"  {name:24s} {figure.value:.6f}{interval}")
    for name, value in tandem.items():
        typer.echo(f"  {name:24s} {value:.6f}")


def _costs(text: str) -> Costs:
    from ...eval.metrics import Costs
    from ...media.errors import InputError

    try:
        prior, alarm, miss = (float(part) for part in text.split(","))
    except ValueError as error:
        msg = f"expected three numbers such as 0.05,1,10 for --costs, got {text!r}"
        raise InputError(msg) from error
    return Costs(p_spoof=prior, false_alarm=alarm, missed_spoof=miss)


def _tandem(
    read: ScoreFile, values: NDArray[np.float64], spoof: NDArray[np.bool_], columns: tuple[str, str, str]
) -> dict[str, float]:
    import numpy as np

    from ...eval import metrics

    asv, label, nontarget_is = columns
    words = set(_names(nontarget_is))
    nontarget = np.array([word in words for word in read.column(label)]) & ~spoof
    verifier_scores = read.scores(asv)
    kept = ~np.isnan(values) & ~np.isnan(verifier_scores)
    verifier = metrics.Asv.of(
        target=verifier_scores[kept & ~spoof & ~nontarget],
        nontarget=verifier_scores[kept & nontarget],
        spoof=verifier_scores[kept & spoof],
    )
    trials, rates = metrics.Ranked.of(values[kept], spoof[kept]), verifier.rates()
    return {
        "min t-DCF, 2019": metrics.min_tdcf(trials, asv=rates, legacy=True),
        "min t-DCF, revised": metrics.min_tdcf(trials, asv=rates),
        "t-EER, concurrent": metrics.t_eer(trials, asv=verifier).value,
    }


@app.command()
def calibrate(
    file: FileArgument,
    *,
    out: Annotated[Path, typer.Option("--out", help="Card to write, .json; the numbers go beside it.")],
    method: Annotated[str, typer.Option("--method", help="affine, temperature, isotonic or conformal.")] = "affine",
    key: KeyOption = None,
    score: Annotated[str, typer.Option("--score", help="Column of scores.")] = "score",
    label: LabelOption = "label",
    spoof_is: SpoofIsOption = "",
    group: GroupOption = "",
    higher: HigherOption = "spoof",
    prior: PriorOption = 0.5,
    seed: SeedOption = 0,
) -> None:
    """Fit a map from one detector's scores to log10 likelihood ratios, and judge it on held-out groups."""
    _fit(_read(file, key), method, out, (score, label, spoof_is, group), (higher, prior, seed))


@app.command()
def fuse(
    file: FileArgument,
    *,
    score: ScoreColumns,
    out: Annotated[Path, typer.Option("--out", help="Card to write, .json; the numbers go beside it.")],
    key: KeyOption = None,
    label: LabelOption = "label",
    spoof_is: SpoofIsOption = "",
    group: GroupOption = "",
    higher: HigherOption = "spoof",
    prior: PriorOption = 0.5,
    seed: SeedOption = 0,
) -> None:
    """Fit one likelihood ratio from several detectors' scores; an empty score is a detector that was skipped."""
    _fit(_read(file, key), "fusion", out, (score, label, spoof_is, group), (higher, prior, seed))


def _read(file: Path, key: Path | None) -> ScoreFile:
    from ...eval.scorefile import read_scores

    return read_scores(file, key=key)


def _fit(
    read: ScoreFile, method: str, out: Path, columns: tuple[str, str, str, str], how: tuple[str, float, int]
) -> None:
    import shlex
    import sys

    from ...eval.calibration.fitting import Request, fitted
    from ...eval.calibration.store import save

    score, label, spoof_is, group = columns
    higher, prior, seed = how
    _sign(higher)
    request = Request(
        scores=tuple(_names(score)),
        label=label,
        spoof_is=tuple(_names(spoof_is)),
        group=group,
        higher=higher,
        prior=prior,
        seed=seed,
        command=shlex.join(["assay", *sys.argv[1:]]),
    )
    stored = fitted(read, method, request)
    origin = stored.origin
    typer.echo(f"{method}: {origin.bona_fide} bona fide, {origin.spoof} spoof, {origin.groups} groups")
    for name in ("cllr", "min_cllr", "ece"):
        figure = (stored.held_out or {}).get(name)
        if figure:
            typer.echo(f"  held-out {name:9s} {figure['value']:.4f}  95 % {figure['low']:.4f} to {figure['high']:.4f}")
    for path in save(stored, out):
        typer.echo(str(path))


@app.command()
def apply(
    card: Annotated[Path, typer.Argument(help="The calibrator's card, .json.")],
    file: FileArgument,
    *,
    out: Annotated[Path, typer.Option("--out", help="CSV to write: the file's columns and llr (or p-values, answer).")],
    key: KeyOption = None,
    alpha: Annotated[float, typer.Option("--alpha", help="Conformal: the error rate allowed in each class.")] = 0.05,
) -> None:
    """Add calibrated log10 likelihood ratios to a score file, with a calibrator whose digest is right."""
    from ...eval.calibration.fitting import applied
    from ...eval.calibration.store import load
    from ...eval.scorefile import write_csv

    stored = load(card)
    table = applied(stored, _read(file, key), alpha=alpha)
    write_csv(table, out)
    typer.echo(
        f"{len(next(iter(table.values())))} trials, {stored.method} of {escaped(stored.origin.calibration_set)}: {out}"
    )
