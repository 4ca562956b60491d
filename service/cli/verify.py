"""`assay verify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AnchorOption, JsonOption, trust_with

if TYPE_CHECKING:
    from ...provenance.verification import Verification

# Exit codes: an invalid manifest, or one that declares AI, is something found; an untrusted or absent one is not.


def verify(
    paths: Annotated[list[Path], typer.Argument(help="Files whose provenance is checked.")],
    *,
    as_json: JsonOption = False,
    sidecar: Annotated[
        Path | None, typer.Option("--sidecar", help="The detached manifest (.c2pa) of the one file.")
    ] = None,
    anchor: AnchorOption = None,
) -> None:
    """Verify C2PA manifests: absent, invalid, untrusted, trusted or recovered, with every step.

    Absent says nothing about a file; untrusted means signed by somebody that your trust store does
    not know, not changed; trusted means as it was signed, not true.
    """
    from ...media.errors import AssayError, InputError
    from ...provenance.verify import verify as verify_file

    if sidecar is not None and len(paths) != 1:
        msg = f"--sidecar belongs to one file, got {len(paths)} files"
        raise InputError(msg)
    trust = trust_with(anchor)
    worst = 0
    for path in paths:
        try:
            found = verify_file(path, trust=trust, sidecar=sidecar)
        except AssayError as error:
            worst = max(worst, error.exit_code, key=(0, 2, 3, 1).index)
            _tell_error(path, error, as_json=as_json)
            continue
        worst = max(worst, _tell(path, found, as_json=as_json), key=(0, 2, 3, 1).index)
    raise typer.Exit(worst)


def _tell_error(path: Path, error: Exception, *, as_json: bool) -> None:
    if as_json:
        answer = {"path": str(path), "state": "not checked", "checks": []}
        typer.echo(json.dumps({**answer, "error": {"type": type(error).__name__, "message": str(error)}}))
    else:
        typer.echo(f"assay: {error}", err=True)


def _tell(path: Path, found: Verification, *, as_json: bool) -> int:
    """Print one verification and return its exit code."""
    from ...provenance.verification import State
    from ...provenance.verify import declares_synthetic
    from .render import verification_lines

    if as_json:
        typer.echo(json.dumps({"path": str(path), **found.to_json()}))
    else:
        typer.echo("\n".join(verification_lines(path, found)))
    return 1 if found.state is State.INVALID or declares_synthetic(found) else 0
