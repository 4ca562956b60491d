"""`assay scan`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AnchorOption, JsonOption, QuietOption, VerboseOption, trust_with
from .recovery import InsideOption, MarkKeyOption, Places, ResolverOption, StoreOption, mark_keys

if TYPE_CHECKING:
    from ...detect.audio.voices import Voice
    from ...detect.report import Report, Unexamined
    from ...eval.executor import Executor
    from ..scanning import Wanted

# Of several answers the one that matters most decides: found, then not examined, then wrong usage, then nothing.
_GRAVITY = {1: 3, 3: 2, 2: 1, 0: 0}


def scan(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders whose files are all scanned.")],
    *,
    as_json: JsonOption = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write one self-contained page here too.")] = None,
    detectors: Annotated[
        str | None, typer.Option("--detectors", help="Only these detectors, separated by commas; some run only so.")
    ] = None,
    enrolled: Annotated[
        list[Path] | None,
        typer.Option("--enrolled", help="Compare the voice with this genuine recording of it (repeatable)."),
    ] = None,
    store: StoreOption = None,
    resolver: ResolverOption = None,
    inside: InsideOption = None,
    mark_key: MarkKeyOption = None,
    foreign: Annotated[
        bool, typer.Option("--foreign-marks", help="Read the marks of others' tools too (slower; extra foreign).")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out marks and, of films, visual-drawn; look at 8 frames, not 32.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", help="Files at once, answers as they come; 0 = one a core.", min=0)
    ] = 1,
    ray: Annotated[
        str | None, typer.Option("--ray", help="Scan on a Ray cluster: local, auto or HOST:PORT (extra cluster).")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", help="Keep answers as Parquet in this folder or URL; a cut-off scan is taken up."),
    ] = None,
    anchor: AnchorOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = 0,
) -> None:
    """Scan media: what it declares, what it carries and what it shows, in one verdict.

    Nothing found does not mean real; no manifest does not mean fake.
    """
    from ...media.asset import expect

    expect(paths[0])  # its process starts while ours imports
    from ...detect import names
    from ...detect.scan import Examination, files_below, scan_each
    from ...media.errors import InputError
    from .progress import steps
    from .render import terminal

    if html:
        from ...detect.page import check_page_place

        check_page_place(html)
    chosen = names(part.strip() for part in detectors.split(",")) if detectors else None
    keys = mark_keys(tuple(mark_key or ()))
    files = files_below(paths)
    voices: tuple[Voice, ...] = ()
    if enrolled:
        from ...detect.audio.voices import enrol

        voices = enrol(enrolled)
    if ray is not None or out is not None or jobs != 1:
        from ..scanning import Wanted, executor

        if html:
            msg = "expected --html without --jobs, --ray and --out: a page holds the files of one process"
            raise InputError(msg)
        wanted = Wanted(
            trust=trust_with(anchor),
            detectors=chosen,
            foreign=foreign,
            store=store,
            resolvers=tuple(resolver or ()),
            inside=tuple(inside or ()),
            mark_keys=tuple(str(path.absolute()) for path in mark_key or ()),
            enrolled=tuple(str(path.absolute()) for path in enrolled or ()),
            quick=quick,
        )
        raise typer.Exit(_many(files, wanted, executor(jobs=jobs, ray=ray), out=out, as_json=as_json, quiet=quiet))
    recovery, _ = Places.of(store, resolver, inside, mark_key).recovery()
    examination = Examination(
        trust=trust_with(anchor),
        recovery=recovery,
        detectors=chosen,
        previews=html is not None,
        foreign_marks=foreign,
        mark_keys=keys,
        enrolled=voices,
        quick=quick,
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


def _many(files: list[Path], wanted: Wanted, workers: Executor, *, out: str | None, as_json: bool, quiet: bool) -> int:
    """Scan `files` by `workers`, print a line each as it comes, keep all in `out`; return the exit code."""
    from ... import __version__
    from ..answers import Answers, plain, stamp_of
    from ..scanning import scan_many
    from .progress import steps
    from .render import one_line

    kept = Answers(out, {"assay": __version__, **wanted.to_json()}) if out else None
    known = kept.answered() if kept else {}
    named = [(path, plain(str(path.absolute()))) for path in files]
    done = {name for path, name in named if name in known and known[name][0] == stamp_of(str(path))}
    left = [path for path, name in named if name not in done]
    if len(left) < len(files):
        typer.echo(f"{len(files) - len(left)} of {len(files)} files are answered in {out} already", err=True)
    codes = [known[name][1] for name in done]
    try:
        with steps(total=len(left), quiet=quiet) as tell:
            for answer, code in scan_many(left, wanted, workers):
                tell.next(Path(answer["path"]).name)
                typer.echo(json.dumps(answer) if as_json else one_line(answer))
                codes.append(code)
                if kept:
                    kept.add(answer, code)
    finally:
        if kept:
            kept.flush()
    return max(codes, key=_GRAVITY.__getitem__, default=3)


def _counted(files: list[Path], step: Callable[[str], None]) -> Iterator[Path]:
    """Yield each file after telling the progress that it begins."""
    for path in files:
        step(path.name)
        yield path
