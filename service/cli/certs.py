"""`assay certs`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from .options import read_file

app = typer.Typer(help="Make signing keys and say whom you trust.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def make(
    *,
    organisation: Annotated[str, typer.Option("--organisation", help="The name that readers see.")] = "Assay test",
    folder: Annotated[Path | None, typer.Option("--folder", help="Where; the user's own folder if not given.")] = None,
    algorithm: Annotated[str, typer.Option("--algorithm", help="es256, es384, es512, ps256 or ed25519.")] = "es256",
) -> None:
    """Make a test authority and a claim-signing certificate below it, and trust that authority.

    Keys are readable by you alone, and never overwritten. For publications get a certificate from an
    authority on the C2PA trust list: strangers do not trust yours.
    """
    from ...provenance.certs import certs_folder, make_authority, make_leaf

    now = datetime.now(UTC)
    make_authority(folder, organisation=organisation, now=now, algorithm=algorithm)
    make_leaf(folder, organisation=organisation, now=now, algorithm=algorithm)
    typer.echo(str(folder or certs_folder()))


@app.command()
def trust(anchor: Annotated[Path, typer.Argument(help="A PEM file of root or intermediate certificates.")]) -> None:
    """Trust whoever these certificates vouch for, from now on."""
    from ...provenance.trust import save_anchor

    for path in save_anchor(read_file(anchor, what="a PEM certificate"), today=datetime.now(UTC).date()):
        typer.echo(str(path))


@app.command()
def show() -> None:
    """Show whom you trust, with fingerprints, and how old the list is."""
    from ...provenance.trust import Trust

    typer.echo(json.dumps(Trust.load().describe(), indent=2))
