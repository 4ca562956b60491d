"""`assay data`: corpora as one index."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import data_audit
from .options import QuietOption, SeedOption, VerboseOption, escaped

if TYPE_CHECKING:
    from ...datasets.checking import Check
    from ...datasets.index import Index
    from ...datasets.indexing import Reader

app = typer.Typer(
    help="Corpora as one index: what can be read, what is wrong or gives itself away, how to split.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("audit")(data_audit.audit)
CorpusArgument = Annotated[Path, typer.Argument(help="Index (.parquet), or a corpus: its folder, or its CSV.")]
LayoutOption = Annotated[str, typer.Option("--layout", help="Name of the layout; found out if not given.")]
JobsOption = Annotated[int, typer.Option("--jobs", min=1, help="Files whose headers are read side by side.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


@app.command("list")
def list_(
    path: Annotated[Path | None, typer.Argument(help="Say of each layout how much of it is here.")] = None,
    *,
    as_json: JsonOption = False,
    verbose: VerboseOption = 0,
) -> None:
    """List the corpora that can be read; with a path, say which of them lies there."""
    from ...datasets.layouts import LAYOUTS, layout

    for name in LAYOUTS:
        adapter = layout(name)
        about = adapter.description
        state = ""
        if path is not None:
            seen = len(about.seen(path)) if path.is_dir() else 0
            state = "fits" if adapter.fits(path) else f"{seen} of {len(about.signs)} signs" if seen else "not here"
        if as_json:
            fields = {field: getattr(about, field) for field in ("title", "kinds", "homepage", "terms", "tree")}
            typer.echo(json.dumps({"name": name, **fields, "protocols": about.protocols, "state": state or None}))
            continue
        typer.echo("\t".join(filter(None, (name, about.title, ", ".join(about.kinds), state))))
        if verbose:
            for words in (about.homepage, f"terms: {about.terms}", *about.tree):
                typer.echo(f"    {words}" if words else "", nl=bool(words))


@app.command()
def index(
    path: Annotated[Path, typer.Argument(help="The corpus: its folder as published, or a CSV.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="Parquet file to write; one that is there is brought up to date.")],
    layout: LayoutOption = "",
    hashed: Annotated[
        bool, typer.Option("--hash", help="Keep the SHA-256 of every file too (reads all of it).")
    ] = False,
    jobs: JobsOption = 4,
    ray: Annotated[
        str | None, typer.Option("--ray", help="Read headers on a Ray cluster: local, auto or HOST:PORT.")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Index a corpus: labels, makers, groups and splits from its protocols, sizes and lengths from headers.

    Nothing is moved, copied or decoded. Files that have not changed since the last time are not read again, and a
    run that was cut off goes on where it was.
    """
    if ray is None:
        made = _built(path, out, layout=layout, hashed=hashed, jobs=jobs, quiet=quiet)
    else:
        from ..cluster import RayExecutor
        from ..scanning import header_reader

        workers = RayExecutor(ray)
        with workers.session():
            reader = header_reader(workers)
            made = _built(path, out, layout=layout, hashed=hashed, jobs=jobs, quiet=quiet, reader=reader)
    states = _states(made)
    if as_json:
        typer.echo(json.dumps({"index": str(out), "corpus": made.corpus, "rows": len(made), "states": states}))
        return
    typer.echo(f"{escaped(out)}: {made.about['title']}, {len(made):,} rows")
    for count in made.counts("label", "kind", "split"):
        label, kind, split = count.values
        typer.echo(f"  {label}\t{kind}\t{split or 'no split'}\t{count.rows:,}")
    for state, rows in states.items():
        if state != "ok":
            typer.echo(f"  {state}\t{rows:,}\t(assay data check {escaped(out)})")


@app.command()
def check(
    path: CorpusArgument,
    *,
    layout: LayoutOption = "",
    hashed: Annotated[bool, typer.Option("--hash", help="Find duplicates: reads files that are of one size.")] = False,
    examples: Annotated[
        int, typer.Option("--examples", min=0, help="List so many of each kind; all are counted.")
    ] = 10,
    jobs: JobsOption = 4,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what is wrong: missing, empty, unreadable, without sound, duplicated, in no protocol.

    Exit: 0 nothing found, 1 something found.
    """
    from ...datasets.checking import check as look

    with open_index(path, layout=layout, jobs=jobs, quiet=quiet) as opened:
        found = look(opened, hashed=hashed, examples=examples, jobs=jobs)
    typer.echo(json.dumps(found.to_json()) if as_json else "\n".join(_check_lines(found, examples, sought=hashed)))
    raise typer.Exit(0 if found.clean else 1)


@app.command()
def split(
    path: Annotated[Path, typer.Argument(help="The index (.parquet).")],
    *,
    out: Annotated[Path | None, typer.Option("--out", help="Write here instead of into the index itself.")] = None,
    shares: Annotated[
        str,
        typer.Option(
            "--shares",
            help="Splits with their shares of the components, not of the rows; they sum to 1. The last takes "
            "unseen makers.",
        ),
    ] = "train=0.7,calibration=0.15,test=0.15",
    unseen: Annotated[str, typer.Option("--unseen", help="Makers kept for the last split, separated by commas.")] = "",
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Divide groups that hang together; leave out what is on both sides.")
    ] = False,
    seed: SeedOption = 0,
) -> None:
    """Split by what must stay together: identities, speakers and sources that share an item are never divided.

    Whatever hangs together is one component, drawn by the seed. The shares are of components: where these differ
    in size the shares of rows differ too. Both are printed.
    """
    from ...datasets.index import Index
    from ...datasets.splitting import split_index

    done = split_index(
        Index(path),
        out or path,
        seed=seed,
        shares=_shares(shares),
        unseen_makers=[name.strip() for name in unseen.split(",") if name.strip()],
        leave_out=leave_out,
    )
    for count in done.index.counts("split", "label"):
        typer.echo(f"{count.values[0] or 'left out'}\t{count.values[1]}\t{count.rows:,}")
    rows = max(1, sum(done.rows.values()))
    for name in sorted({*done.rows, *done.parts}):
        parts, held = done.parts.get(name, 0), done.rows.get(name, 0)
        share = f"{parts:,} components ({parts / max(1, done.components):.1%}), " if name else ""
        typer.echo(f"{name or 'left out'}: {share}{held:,} rows ({held / rows:.1%})", err=True)
    typer.echo(f"{done.components:,} components; the largest holds {done.largest:.1%} of the rows", err=True)
    if done.largest > 0.5 and not leave_out:
        typer.echo("more than half hangs together and is on one side: --leave-out divides it", err=True)


@app.command()
def show(
    path: CorpusArgument,
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for index.html, show.json and the sheets.")],
    layout: LayoutOption = "",
    per: Annotated[int, typer.Option("--per", min=1, max=24, help="Samples of each label and maker.")] = 8,
    paths: Annotated[bool, typer.Option("--paths", help="Name the files on the page: not for publication.")] = False,
    seed: SeedOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Draw contact sheets and tables of a corpus: a seeded sample of each maker and label, spectrograms for sound."""
    from ...datasets.sheets import sheets
    from ...datasets.summary import summarise
    from ..data_page import write
    from .progress import steps

    with open_index(path, layout=layout, jobs=4, quiet=quiet) as opened, steps(total=None, quiet=quiet) as tell:
        drawn = list(sheets(opened, per=per, seed=seed, progress=tell.next))
        about = {"seed": seed, "per": per, "paths": paths}
        page, _ = write(out, opened, summarise(opened), drawn, about=about)
    typer.echo(str(page))


def _built(
    path: Path, out: Path, *, layout: str, hashed: bool, jobs: int, quiet: bool, reader: Reader | None = None
) -> Index:
    from ...datasets.indexing import Settings, build
    from .progress import steps

    with steps(total=None, quiet=quiet) as tell:
        return build(
            path,
            out,
            settings=Settings(layout=layout, hashed=hashed, jobs=jobs),
            progress=lambda rows: tell.stage(f"{rows:,} rows"),
            reader=reader,
        )


@contextmanager
def open_index(path: Path, *, layout: str, jobs: int, quiet: bool) -> Iterator[Index]:
    """Open an index, or index a corpus for this once."""
    from ...datasets.index import Index

    if path.suffix == ".parquet" and path.is_file():
        yield Index(path)
        return
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        yield _built(path, Path(folder) / "index.parquet", layout=layout, hashed=False, jobs=jobs, quiet=quiet)


def _states(opened: Index) -> dict[str, int]:
    from ...datasets.summary import states

    return states(opened)


def _check_lines(found: Check, examples: int, *, sought: bool) -> list[str]:
    lines = [f"{found.rows:,} rows, {found.usable:,} usable, {found.without_split:,} of them without a split"]
    for problem in found.problems:
        lines.append(f"{problem.state}: {problem.rows:,} ({problem.words})")
        lines += [f"  {escaped(name)}: {escaped(note)}" for name, note in problem.examples]
        if problem.rows > len(problem.examples):
            lines.append(f"  and {problem.rows - len(problem.examples):,} more")
    if found.duplicates:
        lines.append(f"duplicates: {len(found.duplicates):,} sets of files with the same bytes")
    for same in found.duplicates[:examples]:
        across = [word for word, values in (("labels", same.labels), ("splits", same.splits)) if len(values) > 1]
        note = f" (across {' and '.join(across)})" if across else ""
        lines.append(f"  {', '.join(map(escaped, same.ids[:4]))}{note}")
    if len(found.duplicates) > examples:
        lines.append(f"  and {len(found.duplicates) - examples:,} more")
    if found.unhashed:
        rest = "are of a size of their own" if sought else "have no digest: --hash reads those of one size"
        lines.append(f"duplicates: looked for among {found.hashed:,} files; {found.unhashed:,} {rest}")
    return lines


def _shares(text: str) -> dict[str, float]:
    """Return splits and shares. Raises `InputError` unless they are written `train=0.7,test=0.3`."""
    from ...media.errors import InputError

    try:
        pairs = [part.split("=") for part in text.split(",")]
        return {name.strip(): float(share) for name, share in pairs}
    except ValueError as error:
        msg = f"expected shares such as train=0.7,test=0.3, got {text!r}"
        raise InputError(msg) from error
