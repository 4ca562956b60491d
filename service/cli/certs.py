"""`assay certs`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from .options import escaped, read_file

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
def trust(
    anchor: Annotated[
        Path | None, typer.Argument(help="A PEM file of root or intermediate certificates, or a folder of such.")
    ] = None,
    *,
    fingerprint: Annotated[
        list[str] | None,
        typer.Option("--fingerprint", help="Trust the one signer whose certificate has this SHA-256; repeatable."),
    ] = None,
) -> None:
    """Trust whoever these certificates vouch for, or single signers, from now on.

    Names are anybody's to choose: compare the SHA-256 with one that you were given elsewhere.
    """
    from ...media.errors import InputError
    from ...provenance.pem import parse_certificates
    from ...provenance.profile import describe
    from ...provenance.trust import save_allowed, save_anchor

    if anchor is None and not fingerprint:
        msg = "expected a PEM file or folder, or --fingerprint"
        raise InputError(msg)
    today = datetime.now(UTC).date()
    lists = [(path, read_file(path, what="a PEM certificate")) for path in _pem_files(anchor)]
    told = [describe(one) for path, pem in lists for one in parse_certificates(pem, str(path))]
    for _, pem in lists:
        save_anchor(pem, today=today)
    for one in told:
        typer.echo(f"trusted: {one['sha256']}  {escaped(one['subject'])}")
    for text in fingerprint or ():
        save_allowed(text, today=today)
        typer.echo(f"trusted: {escaped(text)}  (this signer alone)")


@app.command()
def show(*, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show whom you trust, with fingerprints, and how old the list is."""
    from ...provenance.trust import Trust

    told = Trust.load().describe()
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    if not told["anchors"] and not told["allowed"]:
        typer.echo("nobody is trusted: every good signature is untrusted (assay certs trust FILE)")
        return
    typer.echo(f"trust list of {told['dated']}: {len(told['anchors'])} authorities, {len(told['allowed'])} signers")
    for one in told["anchors"]:
        typer.echo(f"\n{escaped(one['subject'])}")
        typer.echo(f"  SHA-256  {one['sha256']}")
        typer.echo(f"  issuer   {escaped(one['issuer'])}")
        typer.echo(f"  valid    {one['not_before'][:10]} to {one['not_after'][:10]}{_expired(one['not_after'])}")
    for sha256 in told["allowed"]:
        typer.echo(f"\nthis signer alone\n  SHA-256  {sha256}")


def _pem_files(place: Path | None) -> list[Path]:
    """Return the file, or those in the folder that are named as certificates are. Raises `InputError` for none."""
    from ...media.errors import InputError

    if place is None or not place.is_dir():
        return [] if place is None else [place]
    found = sorted(path for path in place.iterdir() if path.suffix.lower() in (".pem", ".crt", ".cer"))
    if not found:
        msg = f"expected certificates (.pem, .crt, .cer) in the folder {place}, found none"
        raise InputError(msg)
    return found


def _expired(not_after: str) -> str:
    return "  EXPIRED" if datetime.fromisoformat(not_after) < datetime.now(UTC) else ""
