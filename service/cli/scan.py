"""`assay scan`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AnchorOption, JsonOption, QuietOption, VerboseOption, trust_with
from .recovery import InsideOption, Places, ResolverOption, StoreOption

if TYPE_CHECKING:
    from ...detect.report import Report, Unexamined

# Of several answers the one that matters most decides: found, then not examined, then wrong usage, then nothing.
_GRAVITY = {1: 3, 3: 2, 2: 1, 0: 0}


def scan(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders whose files are all scanned.")],
    *,
    as_json: JsonOption = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write one self-contained page here too.")] = None,
    detectors: Annotated[
        str | None, typer.Option("--detectors", help="Only these detectors, by name, separated by commas.")
    ] = None,
    store: StoreOption = None,
    resolver: ResolverOption = None,
    inside: InsideOption = None,
    foreign: Annotated[
        bool, typer.Option("--foreign-marks", help="Read the marks of others' tools too (slower; extra foreign).")
    ] = False,
    anchor: AnchorOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = 0,
) -> None:
    """Scan media: what it declares, what it carries and what it shows, in one verdict.

    Nothing found does not mean real; no manifest does not mean fake.
    """
    from ...detect import names
    from ...detect.page import check_page_place
    from ...detect.scan import Examination, files_below, scan_each
    from .progress import steps
    from .render import terminal

    if html:
        check_page_place(html)
    chosen = names(part.strip() for part in detectors.split(",")) if detectors else None
    files = files_below(paths)
    recovery, _ = Places.of(store, resolver, inside, None).recovery()
    examination = Examination(
        trust=trust_with(anchor),
        recovery=recovery,
        detectors=chosen,
        previews=html is not None,
        foreign_marks=foreign,
    )
    kept: list[Report | Unexamined] = []
    worst = 0
    with steps(total=len(files), quiet=quiet) as tell:
        for answer in scan_each(_counted(files, tell.next), examination, progress=tell.stage):
            typer.echo(json.dumps(answer.to_json()) if as_json else terminal(answer, verbose=verbose))
            sys.stdout.flush()
            worst = max(worst, answer.exit_code, key=_GRAVITY.__getitem__)
            if html:
                kept.append(answer)
    if html:
        from ...detect.page import write_page

        write_page(kept, html)
        typer.echo(f"report: {html}", err=True)
    raise typer.Exit(worst if files else 3)


def _counted(files: list[Path], step: Callable[[str], None]) -> Iterator[Path]:
    """Yield each file after telling the progress that it begins."""
    for path in files:
        step(path.name)
        yield path
