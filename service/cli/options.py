"""Options that several verbs share, and the small things they do alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ...provenance.trust import Trust

AnchorOption = Annotated[
    list[Path] | None,
    typer.Option("--anchor", help="Trust the certificates in this PEM file too; may be given several times."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON Lines on stdout, one report a file.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
VerboseOption = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; repeat for more still.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of everything random.")]


def trust_with(anchors: list[Path] | None) -> Trust:
    """Return the user's trust store with the certificates of `anchors` added for this run."""
    from ...provenance.trust import Trust

    trust = Trust.load()
    for path in anchors or ():
        trust = trust.add(read_file(path, what="a PEM certificate"))
    return trust


def read_file(path: Path, *, what: str) -> bytes:
    """Return the bytes of a small file of the user's own. Raises `InputError` if it cannot be read."""
    from ...media.errors import InputError

    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"expected {what} at {path}, but it cannot be read: {error.strerror or error}"
        raise InputError(msg) from error


def escaped(text: object) -> str:
    """Return a stranger's text with control characters made visible, so that it cannot steer the terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in str(text)
    )
