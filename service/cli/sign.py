"""`assay sign`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from ...provenance.sign import Ingredient
    from ...provenance.vocabulary import Relationship


def sign(
    source: Annotated[Path, typer.Argument(help="The file to sign; it is left as it is.")],
    destination: Annotated[Path, typer.Argument(help="Where the signed copy is written.")],
    *,
    source_type: Annotated[
        str | None,
        typer.Option("--source-type", help="How it came to be: digitalCapture, trainedAlgorithmicMedia, ..."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title in the manifest; else the file's name.")] = None,
    ingredient: Annotated[
        list[str] | None,
        typer.Option("--ingredient", help="RELATIONSHIP=FILE (parentOf, componentOf, inputTo); repeatable."),
    ] = None,
    training: Annotated[
        str | None, typer.Option("--training", help="May AI be trained on it: allowed, notAllowed or constrained.")
    ] = None,
    certs: Annotated[Path | None, typer.Option("--certs", help="Folder of key and certificates.")] = None,
    timestamp: Annotated[str | None, typer.Option("--timestamp", help="Address of an RFC 3161 time stamper.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite the destination if it is there.")] = False,
) -> None:
    """Sign a copy of a file with a C2PA manifest.

    With --source-type the manifest says c2pa.created with that type; without, it says c2pa.opened
    and names the source as its parent. A manifest that the source has is kept as an ingredient.
    Formats that cannot hold a manifest get a sidecar (.c2pa) beside them.
    """
    from ... import __version__
    from ...provenance.certs import load_credentials
    from ...provenance.sign import Action, Manifest, sign_file

    actions = (Action(name="c2pa.created", source_type=source_type),) if source_type else ()
    uses = {f"cawg.{use}": training for use in ("ai_training", "ai_generative_training")} if training else {}
    manifest = Manifest(
        version=__version__,
        title=title or source.name,
        actions=actions,
        ingredients=tuple(_ingredient(text) for text in ingredient or ()),
        training_mining=uses,
    )
    signed = sign_file(
        source, destination, manifest, load_credentials(certs), timestamp_url=timestamp, replace_existing=replace
    )
    typer.echo(str(signed.path))
    if signed.sidecar is not None:
        typer.echo(str(signed.sidecar))


def _ingredient(text: str) -> Ingredient:
    from ...media.errors import InputError
    from ...provenance.sign import Ingredient

    relationship, equals, path = text.partition("=")
    if not equals:
        msg = f"expected an ingredient as RELATIONSHIP=FILE, such as componentOf=face.jpg, got {text!r}"
        raise InputError(msg)
    return Ingredient(path=Path(path), relationship=cast("Relationship", relationship))
