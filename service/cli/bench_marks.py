"""`assay bench marks`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import QuietOption, SeedOption

NOT_FINISHED = 3


def marks(
    corpora: Annotated[list[Path], typer.Argument(help="Folders of real media, in any layout of `assay data list`.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for rows, summary.json and index.html; resumed if there.")],
    parts: Annotated[
        str, typer.Option("--parts", help="Which of survival, peers, alarms, uniform, keys, speed, leak, by commas.")
    ] = "survival,peers,alarms,uniform,keys,speed,leak",
    kinds: Annotated[str, typer.Option("--kinds", help="Which of image, audio, film, by commas.")] = "image,audio,film",
    images: Annotated[int, typer.Option("--images", min=1, help="Pictures that meet every attack.")] = 110,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.1, help="Minutes of speech that meet every attack.")
    ] = 61.0,
    films: Annotated[int, typer.Option("--films", min=1, help="Films that meet every attack.")] = 22,
    peers: Annotated[int, typer.Option("--peers", min=0, help="Files that meet the schemes of others.")] = 100,
    alarms: Annotated[int, typer.Option("--alarms", min=0, help="Unmarked cuts, most of them of sounds.")] = 20_400,
    leaks: Annotated[int, typer.Option("--leaks", min=0, help="Files shown to detectors, marked and unmarked.")] = 150,
    strangers: Annotated[int, typer.Option("--strangers", min=0, help="Files read with other keys.")] = 60,
    stop_after: Annotated[
        float, typer.Option("--stop-after", help="Seconds after which no new piece of work begins.")
    ] = float("inf"),
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Measure what our marks and those of others survive, mistake, give away and cost.

    Rows are kept as they come: the same command goes on where it was stopped, and ends with 3 while something is left
    to do. Several runs may share a folder if they take different parts or kinds.
    """
    from ...eval.marks import Settings, page, run
    from ...eval.result import commit
    from .progress import steps

    settings = Settings(
        corpora=tuple(corpora),
        out=out,
        parts=tuple(part for part in parts.split(",") if part),
        kinds=tuple(kind for kind in kinds.split(",") if kind),
        images=images,
        minutes=minutes,
        films=films,
        peers=peers,
        alarms=alarms,
        leaks=leaks,
        strangers=strangers,
        stop_after=stop_after,
        seed=seed,
        commit=commit(),
        command=shlex.join(["assay", *sys.argv[1:]]),
    )
    with steps(total=None, quiet=quiet) as tell:
        finished = run(settings, progress=tell.next)
    typer.echo(str(page.write(out)))
    if not finished:
        typer.echo("not finished: run the same command again", err=True)
        raise typer.Exit(NOT_FINISHED)
