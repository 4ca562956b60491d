"""`assay certs`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from .options import read_file

app = typer.Typer(help="Make signing keys and say whom you trust.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def make(
    *,
    organisation: Annotated[
        str, typer.Option("--organisation", help="The name that readers are shown.")
    ] = "Assay test",
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where to keep them; the user's own folder if not given.")
    ] = None,
) -> None:
    """Make a test authority and a claim-signing certificate under it; keys are readable by you alone."""
    from ...provenance.certs import ensure_credentials

    made = ensure_credentials(folder, organisation=organisation, now=datetime.now(UTC))
    typer.echo(str(made))


@app.command()
def trust(anchor: Annotated[Path, typer.Argument(help="A PEM file of root or intermediate certificates.")]) -> None:
    """Trust whoever these certificates vouch for, from now on."""
    from ...provenance.trust import Trust

    Trust.load().add(read_file(anchor, what="a PEM certificate")).save()
