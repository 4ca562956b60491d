"""`assay ledger`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import ledger_outside
from .notes import KEY_HELP, key_of, save, tell, text_of
from .options import escaped

if TYPE_CHECKING:
    from ...provenance.ledger import Ledger, Receipt

app = typer.Typer(
    help="Keep a public log that cannot be changed unnoticed, and check others'.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
FolderOption = Annotated[Path | None, typer.Option("--folder", help="Where it is kept; the user's own if not given.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Write here instead of stdout.")]


@app.command()
def append(
    files: Annotated[list[Path], typer.Argument(help="Files whose SHA-256 is entered; they are not copied.")],
    *,
    folder: FolderOption = None,
) -> None:
    """Enter files in the log, and write a receipt (.receipt, a C2SP tlog-proof) beside each.

    Only the SHA-256 and the size are entered. All are entered or none; on return they are on disk.
    """
    import rfc8785

    from ...provenance.receipts import receipt_place

    log = _log(folder)
    entries = [_entry(path) for path in files]
    numbers = log.append([rfc8785.dumps(entry) for entry in entries])
    for path, number in zip(files, numbers, strict=True):
        place = receipt_place(path)
        save(log.receipt(number).to_text(), place)
        typer.echo(f"{number}\t{escaped(place)}")


@app.command()
def prove(
    index: Annotated[int | None, typer.Argument(help="The entry's number.")] = None,
    *,
    since: Annotated[
        int | None, typer.Option("--since", help="Prove instead that the log only grew from this size: for a witness.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="Prove under this checkpoint of the log (one with witnesses).")
    ] = None,
    out: OutOption = None,
    folder: FolderOption = None,
) -> None:
    """Prove that an entry is in the log (C2SP tlog-proof), or that the log only grew."""
    from ...media.errors import InputError
    from ...provenance.ledger import Receipt
    from ...provenance.notes import Checkpoint

    if (index is None) == (since is None):
        msg = "expected the number of an entry, or --since a size: one of the two"
        raise InputError(msg)
    log = _log(folder)
    note = log.checkpoint() if checkpoint is None else text_of(checkpoint, "a checkpoint")
    size = Checkpoint.parse(note).size
    if since is not None:
        steps = [base64.b64encode(step).decode() for step in log.consistency(since, size)]
        tell("\n".join([f"old {since}", *steps, "", note]), out)
    elif index is not None:
        proof = log.inclusion(index, size)
        receipt = Receipt(index=index, entry=log.entry(index), proof=proof, checkpoint=note)
        receipt.verify(log.key)
        tell(receipt.to_text(), out)


@app.command()
def verify(
    file: Annotated[Path | None, typer.Argument(help="The file that was entered, if it is here.")] = None,
    *,
    receipt: Annotated[Path | None, typer.Option("--receipt", help="Its receipt; else that beside the file.")] = None,
    key: Annotated[str | None, typer.Option("--key", help=KEY_HELP)] = None,
    witness: Annotated[
        list[str] | None, typer.Option("--witness", help="Demand this witness's signature too; repeatable.")
    ] = None,
) -> None:
    """Check a receipt, without the log and without the network; exit 1 if it does not hold.

    Take the key from the log's owner, not from whoever gave you the receipt.
    """
    from ...media.errors import InputError
    from ...provenance.ledger import LedgerError, Receipt
    from ...provenance.receipts import receipt_found

    if receipt is None:
        if file is None:
            msg = "expected a file, or --receipt"
            raise InputError(msg)
        receipt = receipt_found(file)
    known = Receipt.parse(text_of(receipt, "a receipt"))
    try:
        head = known.verify(key_of(key), witnesses=[key_of(one) for one in witness or ()])
    except LedgerError as error:
        typer.echo(f"does not hold: {error}")
        raise typer.Exit(1) from error
    if file is not None and not _names(known, file):
        typer.echo(f"does not hold: the receipt is of another file than {escaped(file)}")
        raise typer.Exit(1)
    about = escaped(file) if file is not None else escaped(known.entry.decode("utf-8", "replace"))
    typer.echo(f"holds: {about} is number {known.index} of the {head.size} entries of {head.origin}")


@app.command()
def checkpoint(*, out: OutOption = None, folder: FolderOption = None) -> None:
    """Print the signed state of the log as it is now (C2SP checkpoint)."""
    tell(_log(folder).checkpoint(), out)


@app.command()
def audit(*, folder: FolderOption = None) -> None:
    """Compute every hash of the log anew; exit 1 and say where if anything was changed."""
    from ...provenance.ledger import LedgerError

    log = _log(folder)
    try:
        count = log.audit()
    except LedgerError as error:
        typer.echo(f"changed: {error}")
        raise typer.Exit(1) from error
    typer.echo(f"{count} entries, every hash and every checkpoint as signed")


@app.command()
def key(
    *,
    of_witness: Annotated[bool, typer.Option("--witness", help="Of your witness instead.")] = False,
    folder: FolderOption = None,
) -> None:
    """Print the public key of your log, to give away; others check receipts with it."""
    from ...provenance.witness import ensure_witness

    typer.echo(str(ensure_witness(folder).key if of_witness else _log(folder).key))


@app.command()
def witness(
    request: Annotated[
        Path | None, typer.Argument(help="What assay ledger prove --since SIZE printed; none to ask for SIZE.")
    ] = None,
    *,
    log: Annotated[str, typer.Option("--log", help="The log's public key: a file, or name+id+key.")],
    out: OutOption = None,
    folder: FolderOption = None,
) -> None:
    """Co-sign another's checkpoint if their log only grew since the last one; exit 1 if it did not.

    Without a request, print the size up to which you co-signed that log.
    """
    from ...provenance.merkle import LedgerError
    from ...provenance.witness import ensure_witness

    own, known = ensure_witness(folder), key_of(log)
    if request is None:
        typer.echo(str(own.size(known)))
        return
    proof, note = _request(text_of(request, "a request to a witness"), own.size(known))
    try:
        tell(own.cosign(note, proof, log=known, now=datetime.now(UTC)), out)
    except LedgerError as error:
        typer.echo(f"refused: {error}", err=True)
        raise typer.Exit(1) from error


for _verb in (
    ledger_outside.stamp,
    ledger_outside.verify_stamp,
    ledger_outside.anchor,
    ledger_outside.verify_anchor,
):
    app.command()(_verb)


def _log(folder: Path | None) -> Ledger:
    from ...provenance.ledger import ensure_ledger

    return ensure_ledger(folder)


def _entry(path: Path) -> dict[str, str | int]:
    from ...media.errors import InputError

    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return {"format": "assay-file/1", "sha256": digest, "size": file.tell()}
    except OSError as error:
        msg = f"expected a readable file at {path}, but: {error.strerror}"
        raise InputError(msg) from error


def _names(receipt: Receipt, path: Path) -> bool:
    """Tell whether the entry is about this very file."""
    try:
        told = json.loads(receipt.entry)
    except ValueError:
        return False
    return isinstance(told, dict) and told.get("sha256") == _entry(path)["sha256"]


def _request(text: str, size: int) -> tuple[list[bytes], str]:
    """Return the proof and the checkpoint of a request (C2SP tlog-witness, add-checkpoint). Raises `LedgerError`."""
    from ...provenance.merkle import LedgerError

    head, gap, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    if not gap or first != f"old {size}":
        msg = f"expected a request that begins with 'old {size}', the size co-signed last, got {first[:40]!r}"
        raise LedgerError(msg)
    try:
        return [base64.b64decode(line, validate=True) for line in lines], note
    except binascii.Error as error:
        msg = f"the request is damaged: {error}"
        raise LedgerError(msg) from error
