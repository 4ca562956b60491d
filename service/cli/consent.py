"""`assay consent`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Grant, revoke and show consent to use a face or a voice.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def grant(
    subject: Annotated[str, typer.Argument(help="Whose face or voice: a name or a pseudonym.")],
    references: Annotated[list[Path], typer.Argument(help="The files of that face or voice which may be used.")],
    *,
    scope: Annotated[list[str], typer.Option("--scope", help="voice-clone, face-swap, reenact or avatar; repeatable.")],
    purpose: Annotated[str, typer.Option("--purpose", help="What for; a publication for another purpose is refused.")],
    days: Annotated[float, typer.Option("--days", help="Days until the consent expires.")] = 30.0,
) -> None:
    """Write a signed receipt of a person's consent."""
    from ...generate.consent import ConsentBook
    from ...generate.interface import Scope
    from ...media.errors import InputError

    try:
        scopes = tuple(Scope(name) for name in scope)
    except ValueError as error:
        msg = f"no scope is named so: choose from {', '.join(Scope)} ({error})"
        raise InputError(msg) from error
    now = datetime.now(UTC)
    receipt = ConsentBook().grant(
        subject,
        scopes=scopes,
        purpose=purpose,
        references=tuple(references),
        now=now,
        expires=now + timedelta(days=days),
    )
    typer.echo(receipt.id)


@app.command()
def revoke(
    consent: Annotated[str, typer.Argument(help="The receipt's id.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
) -> None:
    """Revoke a consent, for good."""
    from ...generate.consent import ConsentBook

    ConsentBook().revoke(consent, reason=reason, now=datetime.now(UTC))


@app.command()
def show(
    consent: Annotated[str | None, typer.Argument(help="The receipt's id; all receipts if not given.")] = None,
) -> None:
    """Show one receipt, or a line for each."""
    from ...generate.consent import ConsentBook

    book = ConsentBook()
    for receipt in [book.show(consent)] if consent else book.all():
        typer.echo(json.dumps(receipt.to_json(), indent=2 if consent else None))
