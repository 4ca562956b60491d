"""What the verbs of `assay ledger` share: keys, checkpoints and receipts, read from files and written to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .options import read_file

if TYPE_CHECKING:
    from ...provenance.notes import NoteKey

KEY_HELP = "The log's public key: a file, or name+id+key. Your own log's if not given."


def key_of(text: str | None) -> NoteKey:
    """Return a key given as a file or as text; the own log's if none is given."""
    from ...media.home import home
    from ...provenance.note_keys import PUBLIC
    from ...provenance.notes import NoteKey

    if text is None:
        return NoteKey.parse(text_of(home() / "ledger" / PUBLIC, "the log's public key (--key)"))
    return NoteKey.parse(text if "+" in text and not Path(text).is_file() else text_of(Path(text), "a public key"))


def text_of(path: Path, what: str) -> str:
    """Return the text of a small file; what is no UTF-8 is replaced, and found by whoever parses it."""
    return read_file(path, what=what).decode("utf-8", "replace")


def tell(text: str, out: Path | None) -> None:
    """Print `text`, or write it to `out`."""
    if out is None:
        typer.echo(text, nl=False)
    else:
        save(text, out)


def save(text: str, path: Path) -> None:
    """Write a file whole or not at all."""
    from ...provenance.atomic import settle, temporary

    with temporary(path) as file:
        file.write(text.encode())
        settle(file, path)
