"""`assay ledger stamp`, `anchor` and their checks: a checkpoint vouched for outside of the log.

The one use of the network is what each verb is called for: the address is always given, none is built in.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from .notes import KEY_HELP, key_of, text_of
from .options import escaped, read_file

if TYPE_CHECKING:
    from ...provenance.notes import Checkpoint

STAMP = ".tsr"
ANCHOR = ".anchor.json"
NoteArgument = Annotated[
    Path, typer.Argument(metavar="CHECKPOINT", help="The file that assay ledger checkpoint --out wrote.")
]
KeyOption = Annotated[str | None, typer.Option("--key", help=KEY_HELP)]


def stamp(
    checkpoint: NoteArgument,
    *,
    tsa: Annotated[str, typer.Option("--tsa", help="Address of an RFC 3161 time stamp authority.")],
    out: Annotated[Path | None, typer.Option("--out", help="Else CHECKPOINT.tsr, beside it.")] = None,
) -> None:
    """Have an authority stamp a checkpoint with the time (RFC 3161), over the network.

    Only the SHA-256 of the checkpoint is sent. Needs the extra anchor.
    """
    from ...provenance.atomic import settle, temporary
    from ...provenance.timestamp import stamp as ask

    note, place = text_of(checkpoint, "a checkpoint"), _free(out or Path(f"{checkpoint}{STAMP}"))
    with temporary(place) as file:
        file.write(ask(note, tsa).reply)
        settle(file, place)
    typer.echo(escaped(place))


def verify_stamp(
    checkpoint: NoteArgument,
    *,
    root: Annotated[
        list[Path], typer.Option("--root", help="Certificate (PEM) of an authority you trust; repeatable.")
    ],
    stamp: Annotated[Path | None, typer.Option("--stamp", help="The time stamp; else CHECKPOINT.tsr.")] = None,
    key: KeyOption = None,
) -> None:
    """Check a time stamp of a checkpoint, without the network; exit 1 if it does not hold."""
    from ...provenance.merkle import LedgerError
    from ...provenance.timestamp import Stamp

    note = text_of(checkpoint, "a checkpoint")
    head = _signed(note, key)
    reply = read_file(stamp or Path(f"{checkpoint}{STAMP}"), what="a time stamp (--stamp)")
    roots = [read_file(path, what="a certificate") for path in root]
    try:
        when = Stamp(reply=reply).verify(note, roots=roots)
    except LedgerError as error:
        _fails(error)
    typer.echo(f"holds: {head.size} entries of {head.origin} were there by {when.isoformat()}")


def anchor(
    checkpoint: NoteArgument,
    *,
    chain: Annotated[
        str, typer.Option("--chain", help="Address (JSON-RPC) of a node of an Ethereum-compatible chain.")
    ],
    key: Annotated[Path, typer.Option("--key", help="File with the payer's private key, 64 hex digits; never sent.")],
    most_wei: Annotated[int, typer.Option("--most-wei", min=0, help="Refuse if it may cost more.")] = 10**16,
    out: Annotated[Path | None, typer.Option("--out", help="Else CHECKPOINT.anchor.json, beside it.")] = None,
) -> None:
    """Put the SHA-256 of a checkpoint into a chain, over the network; the payer pays for it.

    It cannot be taken back. Needs the extra anchor.
    """
    from ...provenance.anchor import Chain
    from ...provenance.atomic import settle, temporary

    note, place = text_of(checkpoint, "a checkpoint"), _free(out or Path(f"{checkpoint}{ANCHOR}"))
    payer = _payer(key)
    with temporary(place) as file:  # before anything is paid
        file.write(f"{Chain.at(chain).anchor(note, key=payer, most_wei=most_wei).to_json()}\n".encode())
        settle(file, place)
    typer.echo(escaped(place))


def verify_anchor(
    checkpoint: NoteArgument,
    *,
    chain: Annotated[str, typer.Option("--chain", help="Address of a node that you trust: it tells what is there.")],
    anchor: Annotated[Path | None, typer.Option("--anchor", help="Else CHECKPOINT.anchor.json.")] = None,
    confirmations: Annotated[int, typer.Option("--confirmations", min=1, help="Blocks that must vouch for it.")] = 1,
    key: KeyOption = None,
) -> None:
    """Look for a checkpoint's anchor in a chain, over the network; exit 1 if it does not hold."""
    from ...provenance.anchor import Anchor, Chain, NodeError
    from ...provenance.merkle import LedgerError

    note = text_of(checkpoint, "a checkpoint")
    head = _signed(note, key)
    text = text_of(anchor or Path(f"{checkpoint}{ANCHOR}"), "an anchor (--anchor)")
    node = Chain.at(chain)
    try:
        seen = node.verify(note, Anchor.parse(text), confirmations=confirmations)
    except NodeError:
        raise
    except LedgerError as error:
        _fails(error)
    told = f"block {seen.block}, {seen.confirmations} deep, paid by {escaped(seen.sender)}"
    typer.echo(f"holds: {head.size} entries of {head.origin} were there by {seen.time.isoformat()} ({told})")


def _signed(note: str, key: str | None) -> Checkpoint:
    """Return what the checkpoint says, if the log signed it; else end with 1."""
    from ...provenance.notes import Checkpoint

    head, known = Checkpoint.parse(note), key_of(key)
    if head.origin != known.name or known.signed_by(note) is None:
        _fails(f"the checkpoint is not signed by {known.name}")
    return head


def _fails(why: object) -> NoReturn:
    typer.echo(f"does not hold: {escaped(why)}")
    raise typer.Exit(1)


def _free(path: Path) -> Path:
    """Raise `InputError` if there is such a file: an older stamp or anchor proves more than a new one."""
    from ...media.errors import InputError

    if path.exists() or path.is_symlink():
        msg = f"{str(path)!r} exists, and an older one proves more: name another with --out"
        raise InputError(msg)
    return path


def _payer(path: Path) -> bytes:
    """Return the 32 bytes of a private key. Raises `InputError`, which does not quote it, for anything else."""
    from ...media.errors import InputError

    text = text_of(path, "a private key").strip().removeprefix("0x")
    if len(text) != 64 or set(text) - set("0123456789abcdefABCDEF"):
        msg = f"expected a private key of 64 hex digits in {str(path)!r}, got {len(text)} characters"
        raise InputError(msg)
    return bytes.fromhex(text)
