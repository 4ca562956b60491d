"""`assay train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import QuietOption, SeedOption

app = typer.Typer(help="Train the detectors on a corpus.", no_args_is_help=True, rich_markup_mode=None)
CorpusOption = Annotated[Path, typer.Option("--corpus", help="Folder or index of labelled media.")]
CacheOption = Annotated[Path | None, typer.Option("--cache", help="Folder that keeps features for the next run.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for the ONNX model and its card.")]


@app.command()
def audio(
    *, corpus: CorpusOption, out: OutOption, cache: CacheOption = None, seed: SeedOption = 1, quiet: QuietOption = False
) -> None:
    """Train the voice detector: LFCC statistics, calibrated on speakers and makers held out."""
    from ...datasets.corpus import read
    from ...detect.train.audio import Settings, train
    from .progress import steps

    items = read(corpus)
    with steps(total=None, quiet=quiet) as tell:
        card = train(
            items, out=out, settings=Settings(seed=seed, cache=cache), progress=lambda what, _done: tell.stage(what)
        )
    typer.echo(str(card))


@app.command()
def visual(
    *, corpus: CorpusOption, out: OutOption, cache: CacheOption = None, seed: SeedOption = 1, quiet: QuietOption = False
) -> None:
    """Train the face detector on real faces and blends made of them, calibrated on people held out."""
    from ...datasets.corpus import read
    from ...detect.train.visual import Settings, train
    from .progress import steps

    items = read(corpus)
    with steps(total=None, quiet=quiet) as tell:
        card = train(
            items, out=out, settings=Settings(seed=seed, cache=cache), progress=lambda what, _done: tell.stage(what)
        )
    typer.echo(str(card))
