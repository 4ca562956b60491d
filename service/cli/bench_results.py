"""`assay bench rows` and `assay bench leaderboard`: what to do with results that are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import JsonOption, escaped

if TYPE_CHECKING:
    from ...eval.result import Result
    from ...eval.rows import Row

FilterOption = Annotated[str | None, typer.Option(help="Only rows with this value.")]


def overall(result: Result) -> Iterator[str]:
    """Yield a line for each detector, kind and laundering, over all makers."""
    for line in result.lines:
        if line.maker != "all":
            continue
        figures = "\tAUC -\tEER -"
        if line.auc is not None and line.eer is not None:
            figures = f"\tAUC {line.auc.value:.3f}\tEER {line.eer.value:.3f}"
        counts = f"{line.bona_fide} bona fide, {line.spoof} spoof, {line.skipped} skipped, {line.failed} failed"
        yield f"{escaped(line.detector)}\t{line.kind}\t{line.laundering}{figures}\t{counts}"


def rows(
    results: Annotated[Path, typer.Argument(help="Folder of a benchmark's results, or a rows.parquet.")],
    *,
    detector: FilterOption = None,
    kind: FilterOption = None,
    maker: FilterOption = None,
    laundering: FilterOption = None,
    outcome: FilterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the rows that a figure was computed from, as CSV; with --maker, those of the bona fide items too."""
    import csv
    import io
    import json

    from ...eval.store import stored_rows

    def wanted(row: Row) -> bool:
        pairs = ((detector, row.detector), (kind, row.kind), (laundering, row.laundering), (outcome, row.outcome))
        return all(asked in (None, is_) for asked, is_ in pairs) and (maker is None or row.maker in ("", maker))

    kept = [row.to_json() for row in stored_rows(results) if wanted(row)]
    if as_json:
        for row in kept:
            typer.echo(json.dumps(row))
        return
    out = io.StringIO()
    table = csv.DictWriter(out, fieldnames=list(kept[0]) if kept else ["item"])
    table.writeheader()
    table.writerows({name: "" if value is None else escaped(value) for name, value in row.items()} for row in kept)
    typer.echo(out.getvalue(), nl=False)


def leaderboard(
    boards: Annotated[list[Path], typer.Argument(help="leaderboard.json of one or more runs.")],
    *,
    out: Annotated[Path | None, typer.Option("--out", help="Write the joined leaderboard here, as JSON.")] = None,
) -> None:
    """Join the leaderboards of several runs, with paired tests where detectors judged the same items."""
    import json

    from ...detect.page import save
    from ...eval.leaderboard import merge, tell

    joined = merge(boards)
    if out is not None:
        save(json.dumps(joined, indent=1), out)
    for line in tell(joined):
        typer.echo(escaped(line) if "\t" not in line else "\t".join(escaped(part) for part in line.split("\t")))
