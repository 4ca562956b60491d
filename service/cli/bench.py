"""`assay bench`."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import bench_marks, bench_results
from .options import QuietOption, SeedOption
from .verbs import DefaultVerb

if TYPE_CHECKING:
    from ...eval.plugins import Card

app = typer.Typer(
    cls=DefaultVerb,
    help="Measure on material made now: detectors on fresh fakes (run, also without its name), and more.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("rows")(bench_results.rows)
app.command("marks")(bench_marks.marks)
app.command("leaderboard")(bench_results.leaderboard)
FORENSIC = "audio-whisper,visual-residual"
MAKERS = "hibari-world,world-copy,griffin-lim,landmark-swap"
DETECTORS = (
    "Ours by name, separated by commas, or one made by others: py:MODULE:FUNCTION, cmd:PROGRAM {path}, "
    "http://127.0.0.1:PORT/..., or a card.toml; may be given several times."
)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@app.command("run")
def bench(
    reals: Annotated[
        Path,
        typer.Option("--reals", help="Folder of real media, with manifest.csv (path, person) or a folder a person."),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for rows, tables and page; a cut-off run is taken up.")],
    makers: Annotated[
        str, typer.Option("--generators", "--makers", help="Makers of fakes, separated by commas, or all.")
    ] = MAKERS,
    detectors: Annotated[list[str] | None, typer.Option("--detectors", help=DETECTORS)] = None,
    launder: Annotated[str, typer.Option("--launder", help="Chains beside clean, such as mp3-64k,jpeg-50.")] = "",
    seed: SeedOption = 0,
    most: Annotated[
        int | None, typer.Option("--most", help="At most so many reals of each kind, drawn by the seed.", min=1)
    ] = None,
    marked: Annotated[bool, typer.Option("--marked", help="Put our own mark into reals and fakes alike.")] = False,
    judges: Annotated[bool, typer.Option("--judges", help="Judge the fakes' quality by the extra judge too.")] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", help="Another machine that media may be sent to.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes; 0 = one a core.", min=0)] = 0,
    ray: Annotated[
        str | None, typer.Option("--ray", help="Work on a Ray cluster: local, auto or HOST:PORT (extra cluster).")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Make fresh fakes of consenting people's media and measure every detector on them.

    Everybody in the material must have consented to the purpose "benchmark" with these very files
    (assay consent grant). Reals and fakes go through the same chain. The fakes stay in memory; a detector made by
    others gets a copy under a name that says nothing, for as long as it looks.
    """
    from ...eval.bench import Plan, chains_by_kind
    from ...eval.conduct import Run, conduct, size
    from ...eval.makers import MAKERS as EVERY
    from ...eval.makers import Leave, maker
    from ...eval.reals import drawn, read_reals
    from ...generate.consent import ConsentBook
    from ..scanning import executor
    from .progress import steps

    ours, others = _detectors(detectors or [FORENSIC], allow_host or [])
    plan = Plan(
        makers=tuple(maker(name).name for name in (EVERY if makers == "all" else _names(makers))),
        detectors=ours,
        plugins=others,
        chains=chains_by_kind(_names(launder)),
        seed=seed,
        marked=marked,
        judges=judges,
    )
    material, left_out = read_reals(reals)
    run = Run(
        reals=tuple(drawn(material, most, seed=seed) if most else material),
        left_out=tuple(left_out),
        plan=plan,
        leave=Leave(book=ConsentBook(), now=datetime.now(UTC)),
        command=shlex.join(["assay", *sys.argv[1:]]),
        material=reals.name,
    )
    with steps(total=size(run.reals, plan), quiet=quiet) as tell:
        result = conduct(run, out, executor=executor(jobs=jobs, ray=ray), progress=tell.next)
    for line in bench_results.overall(result):
        typer.echo(line)
    typer.echo(str(out / "index.html"))


def _detectors(given: list[str], hosts: list[str]) -> tuple[tuple[str, ...], tuple[Card, ...]]:
    """Return our detectors' names and others' cards; a value that begins with a way of asking is one detector."""
    from ...detect import names
    from ...eval.plugins import WAYS, read_card

    specs: list[str] = []
    for value in given:
        specs += [value] if value.partition(":")[0] in WAYS else _names(value)
    foreign = [spec for spec in specs if spec.partition(":")[0] in WAYS or Path(spec).suffix in (".toml", ".json")]
    return names(spec for spec in specs if spec not in foreign), tuple(read_card(spec, hosts=hosts) for spec in foreign)
