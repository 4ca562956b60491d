"""`assay mark`."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Annotated

import typer

from .options import JsonOption


def mark(
    source: Annotated[Path, typer.Argument(help="The file to read a mark from, or to mark.")],
    destination: Annotated[Path | None, typer.Argument(help="Where the marked copy is written.")] = None,
    *,
    key: Annotated[
        Path | None, typer.Option("--key", help="File of your own key; it is needed to write a mark.")
    ] = None,
    payload: Annotated[
        str | None, typer.Option("--id", help="The id, 16 hexadecimal digits; random if not given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read the watermark of a file, or write one into a copy.

    Without --key the marks of generators are read, whose key is public. Writing takes a key of your
    own: a mark under the public key would call your file synthetic. The copy's suffix names its
    container; it is read back before it appears. Of a film the pictures are marked, not the sound.
    Exit 1 if a mark is read.
    """
    from ...media.asset import Asset
    from ...media.errors import InputError
    from ...media.view import View
    from ...provenance.marks import SHARED_KEY, load_key, read_marks, write_marked
    from ...provenance.verification import State
    from ...provenance.verify import verify

    if destination is None:
        found = read_marks(View.open(source), keys=(load_key(key) if key else SHARED_KEY,))
        if as_json and not found:
            typer.echo(json.dumps({"path": str(source), "scheme": None}))
        for one in found:
            shown = None if one.payload is None else f"{one.payload:016x}"
            line = {"path": str(source), "scheme": one.scheme, "payload": shown, "p_false_alarm": one.p_false_alarm}
            text = f"{one.scheme} {shown or 'present'} p(false alarm) {one.p_false_alarm:.1e}"
            typer.echo(json.dumps(line) if as_json else text)
        if not found and not as_json:
            typer.echo("no mark that this key reads; that is no evidence", err=True)
        raise typer.Exit(1 if found else 0)
    if key is None:
        msg = "writing a mark needs a key of your own: --key FILE"
        raise InputError(msg)
    if destination.exists():
        msg = f"{destination} exists already: choose another place"
        raise InputError(msg)
    if verify(source).state is not State.ABSENT:
        typer.echo("assay: the marked copy is a new file: it does not keep the manifest; sign it anew", err=True)
    number = _id(payload)
    write_marked(Asset.open(source), destination, number, load_key(key))
    typer.echo(f"{number:016x}")


def _id(text: str | None) -> int:
    from ...media.errors import InputError

    if text is None:
        return secrets.randbits(64)
    try:
        number = int(text, 16)
    except ValueError:
        number = -1
    if not 0 <= number < 2**64:
        msg = f"expected an id of up to 16 hexadecimal digits, got {text!r}"
        raise InputError(msg)
    return number
