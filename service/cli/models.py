"""`assay models`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="List, fetch and check model weights.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def show() -> None:
    """List every model: where it comes from, under which licence, and whether it is here."""
    from ...media.weights import check

    for state in check():
        typer.echo(f"{state.card.name}\t{state.state}\t{state.card.licence}\t{state.card.source}")


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="The model's name, as assay models list shows it.")],
    *,
    sha256: Annotated[
        str | None, typer.Option("--sha256", help="What you expect, where the model's card knows no SHA-256.")
    ] = None,
) -> None:
    """Download one model from its source and keep it if its SHA-256 is right."""
    from ...media.weights import pull as fetch

    typer.echo(str(fetch(name, sha256=sha256)))


@app.command()
def check() -> None:
    """Check the SHA-256 of every model that is here; exit 3 if one is not what its card says."""
    from ...media.weights import check as states

    wrong = [state for state in states() if state.state == "wrong"]
    for state in wrong:
        typer.echo(f"{state.card.name}\twrong\t{state.detail}")
    raise typer.Exit(3 if wrong else 0)
