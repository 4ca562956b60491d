"""`assay generate`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from .options import SeedOption

if TYPE_CHECKING:
    from ...generate import ConsentBook, Draft
    from ...generate.face import Who

app = typer.Typer(
    help="Make a consented, labelled, marked and signed fake.", no_args_is_help=True, rich_markup_mode=None
)
PurposeOption = Annotated[str, typer.Option("--purpose", help="What for, as the consent says it.")]
OutOption = Annotated[Path, typer.Option("--out", help="Where to publish; the suffix chooses the format.")]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Overwrite the file if it is there.")]


@app.command()
def voice(
    text: Annotated[str, typer.Argument(help="What is said (English).")],
    *,
    reference: Annotated[Path, typer.Option("--reference", help="5 to 30 s of the voice.")],
    subject: Annotated[str, typer.Option("--subject", help="Whose voice, as the consent names them.")],
    purpose: PurposeOption,
    out: OutOption,
    seed: SeedOption = 0,
    replace: ReplaceOption = False,
) -> None:
    """Say a text in a consenting person's voice, and publish it: labelled, marked and signed."""
    from ...generate import ConsentBook, clone_voice

    _check_places(out, [reference], replace=replace)
    book, now = ConsentBook(), datetime.now(UTC)
    draft = clone_voice(text, reference, subject=subject, book=book, purpose=purpose, now=now, seed=seed)
    _publish(draft, out, book, now, replace=replace)


@app.command()
def swap(
    target: Annotated[Path, typer.Argument(help="The picture or film that is changed.")],
    source: Annotated[Path, typer.Argument(help="A picture of the face that is put in.")],
    *,
    face_of: Annotated[str, typer.Option("--face-of", help="Whose face is put in, as the consent names them.")],
    footage_of: Annotated[
        list[str], typer.Option("--footage-of", help="Who can be recognised in the target; repeatable.")
    ],
    purpose: PurposeOption,
    out: OutOption,
    who: Annotated[
        str,
        typer.Option("--who", help="Whose face: largest, left, right, all, or 0, 1, ... from the left."),
    ] = "largest",
    replace: ReplaceOption = False,
) -> None:
    """Put a consenting person's face into a picture or film of consenting people, and publish it."""
    from ...generate import ConsentBook, swap_face

    _check_places(out, [target, source], replace=replace)
    book, now = ConsentBook(), datetime.now(UTC)
    draft = swap_face(
        target,
        source,
        face_of=face_of,
        footage_of=tuple(footage_of),
        book=book,
        purpose=purpose,
        now=now,
        who=_who(who),
    )
    _publish(draft, out, book, now, replace=replace)


def _check_places(out: Path, sources: list[Path], *, replace: bool) -> None:
    """Raise `InputError`, before any work is done, unless the file and its receipt can be published."""
    from ...generate.place import check_place
    from ...provenance.receipts import receipt_place

    for place in (out, receipt_place(out)):
        check_place(place, sources, replace=replace)


def _who(text: str) -> Who:
    from ...media.errors import InputError

    if text.isdecimal():
        return int(text)
    if text not in ("all", "largest", "left", "right"):
        msg = f"expected all, largest, left, right or a number from 0, got {text!r}"
        raise InputError(msg)
    return cast("Who", text)


def _publish(draft: Draft, out: Path, book: ConsentBook, now: datetime, *, replace: bool) -> None:
    import numpy as np

    from ...generate import publish
    from ...provenance.certs import ensure_credentials
    from ...provenance.durable import Store
    from ...provenance.ledger import ensure_ledger
    from ...provenance.receipts import receipt_place
    from ...provenance.trust import Trust

    credentials = ensure_credentials()
    published = publish(
        draft,
        out,
        book=book,
        credentials=credentials,
        trust=Trust.load().add(credentials.anchor_pem),
        store=Store(),
        ledger=ensure_ledger(),
        now=now,
        rng=np.random.default_rng(),
        replace=replace,
    )
    typer.echo(str(published.path))
    typer.echo(f"mark id {published.payload:016x}, manifest {published.verification.state.value}", err=True)
    typer.echo(f"the log's receipt: {receipt_place(published.path)}", err=True)
