"""`assay demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import QuietOption, SeedOption


def demo(
    *,
    media: Annotated[
        Path | None, typer.Option("--media", help="Folder of consenting people's media (manifest.csv: path, person).")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for everything that is made.")] = Path("assay-demo"),
    seed: SeedOption = 7,
    quiet: QuietOption = False,
) -> None:
    """Show it all on one page: make, publish, verify, strip, recover, tamper, scan and measure.

    Without --media only what installed packages ship is used. With it, you say that everybody in the
    folder has consented to this demonstration; their consent is written down for one day.
    """
    from ..demo import play
    from .progress import steps

    with steps(total=None, quiet=quiet) as tell:
        page = play(media, out, seed=seed, progress=tell)
    typer.echo(str(page))
