"""`assay sign`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sign(
    source: Annotated[Path, typer.Argument(help="The file to sign; it is left as it is.")],
    destination: Annotated[Path, typer.Argument(help="Where the signed copy is written.")],
    *,
    source_type: Annotated[
        str | None,
        typer.Option("--source-type", help="digitalSourceType, such as digitalCapture or trainedAlgorithmicMedia."),
    ] = None,
    title: Annotated[
        str | None, typer.Option("--title", help="Title in the manifest; the file's name if not given.")
    ] = None,
    certs: Annotated[
        Path | None, typer.Option("--certs", help="Folder of key and certificates (assay certs make).")
    ] = None,
    timestamp: Annotated[
        str | None, typer.Option("--timestamp", help="Address of an RFC 3161 time-stamp service.")
    ] = None,
) -> None:
    """Sign a copy of a file with a C2PA manifest.

    With --source-type the manifest says c2pa.created with that type; without, it says c2pa.opened
    and keeps the source as its parent. A manifest that the source has is kept as an ingredient.
    """
    from ...provenance.certs import load_credentials
    from ...provenance.sign import manifest_for, sign_file

    signed = sign_file(
        source,
        destination,
        manifest=manifest_for(source, source_type=source_type, title=title),
        credentials=load_credentials(certs),
        timestamp_url=timestamp,
    )
    typer.echo(str(signed.path))
    if signed.sidecar is not None:
        typer.echo(str(signed.sidecar))
