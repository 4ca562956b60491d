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
    subject: Annotated[str, typer.Argument(help="Whose face or voice: better a pseudonym than a name.")],
    references: Annotated[list[Path], typer.Argument(help="The files of that face or voice which may be used.")],
    *,
    scope: Annotated[list[str], typer.Option("--scope", help="voice-clone, face-swap, reenact or avatar; repeatable.")],
    purpose: Annotated[str, typer.Option("--purpose", help="What for; any other purpose is refused.")],
    statement: Annotated[str, typer.Option("--statement", help="What the person said or signed, in their words.")],
    days: Annotated[float, typer.Option("--days", min=0.01, max=3650, help="Days until the consent ends.")] = 30.0,
) -> None:
    """Keep a signed receipt of a person's consent, and print its id.

    The receipt covers these very files, these uses, this purpose and this time, nothing else.
    """
    from ...generate.consent import ConsentBook, Terms, file_sha256
    from ...generate.interface import Scope
    from ...media.errors import InputError

    unknown = sorted(set(scope) - set(Scope))
    if unknown:
        msg = f"expected scopes of {', '.join(Scope)}, got {', '.join(unknown)}"
        raise InputError(msg)
    now = datetime.now(UTC)
    terms = Terms(
        subject=subject,
        scopes=tuple(sorted({Scope(name) for name in scope})),
        purpose=purpose,
        references=tuple(sorted({file_sha256(path) for path in references})),
        expires=now + timedelta(days=days),
        statement=statement,
    )
    typer.echo(ConsentBook().grant(terms, now=now).id)


@app.command()
def revoke(
    consent: Annotated[str, typer.Argument(help="The receipt's id.")],
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record; nobody owes one.")] = "",
) -> None:
    """Revoke a consent, for good."""
    from ...generate.consent import ConsentBook

    ConsentBook().revoke(consent, reason, now=datetime.now(UTC))
    typer.echo(f"revoked {consent}", err=True)


@app.command()
def show(
    consent: Annotated[str | None, typer.Argument(help="The receipt's id; a line for each if not given.")] = None,
) -> None:
    """Show one receipt, or a line for each with its standing."""
    from ...generate.consent import ConsentBook

    book = ConsentBook()
    if consent:
        typer.echo(json.dumps(book.show(consent).to_json(), indent=2))
        return
    now = datetime.now(UTC)
    for receipt in book.all():
        standing = book.standing(receipt, now=now) or "valid"
        typer.echo(f"{receipt.id}\t{standing}\t{receipt.subject}\t{','.join(receipt.scopes)}\t{receipt.purpose}")
