"""`assay bench`."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from .options import QuietOption, SeedOption
from .verbs import DefaultVerb

app = typer.Typer(
    cls=DefaultVerb,
    help="Measure on material made now: detectors on fresh fakes (run, also without its name), and more.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FORENSIC = "audio-lfcc,visual-residual"
MAKERS = "hibari-world,world-copy,griffin-lim,landmark-swap"


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@app.command("run")
def bench(
    reals: Annotated[
        Path,
        typer.Option("--reals", help="Folder of real media, with manifest.csv (path, person) or a folder a person."),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for rows.jsonl, summary.json and index.html.")],
    makers: Annotated[str, typer.Option("--generators", help="Makers of fakes, separated by commas.")] = MAKERS,
    detectors: Annotated[str, typer.Option("--detectors", help="Detectors, separated by commas.")] = FORENSIC,
    launder: Annotated[str, typer.Option("--launder", help="Chains beside clean, such as mp3-64k,jpeg-50.")] = "",
    seed: SeedOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Make fresh fakes of consenting people's media and measure every detector on them.

    Everybody in the material must have consented to the purpose "benchmark" with these very files
    (assay consent grant). The fakes stay in memory; reals and fakes go through the same chain.
    """
    from ...detect import names
    from ...eval.bench import Plan, chains_by_kind, run
    from ...eval.makers import Leave, maker
    from ...eval.page import collect, write
    from ...eval.reals import read_reals
    from ...generate.consent import ConsentBook
    from .progress import steps

    plan = Plan(
        makers=tuple(maker(name).name for name in _names(makers)),
        detectors=names(_names(detectors)),
        chains=chains_by_kind(_names(launder)),
        seed=seed,
    )
    material, left_out = read_reals(reals)
    leave = Leave(book=ConsentBook(), now=datetime.now(UTC))
    with steps(total=None, quiet=quiet) as tell:
        answers = list(run(material, plan, leave, progress=tell.next))
    result = collect(answers, left_out, plan, command=shlex.join(["assay", *sys.argv[1:]]), material=reals.name)
    for line in result.lines:
        if line.maker == "all" and line.auc is not None and line.eer is not None:
            counts = f"{line.bona_fide} bona fide, {line.spoof} spoof"
            typer.echo(
                f"{line.detector}\t{line.laundering}\tAUC {line.auc.value:.3f}\tEER {line.eer.value:.3f}\t{counts}"
            )
    typer.echo(str(write(result, out)))
