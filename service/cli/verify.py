"""`assay verify`."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AnchorOption, JsonOption, VerboseOption, escaped, read_file, trust_with
from .recovery import InsideOption, MarkKeyOption, Places, ResolverOption, StoreOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...provenance.batch import Answer, Batch
    from ...provenance.trust import Trust
    from ..spool import Spool
    from .verify_check import Check

# Of several answers the one that matters most decides: found, then not examined, then wrong usage, then nothing.
_GRAVITY = {1: 3, 3: 2, 2: 1, 0: 0}


def verify(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders whose files are all verified.")],
    *,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", help="Files at a time; as many as there are processors if not given.")
    ] = None,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV on stdout, one line a file.")] = False,
    sarif: Annotated[
        Path | None, typer.Option("--sarif", help="Write the failed checks here too, as SARIF 2.1.0.")
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write one self-contained page here too.")] = None,
    tree: Annotated[
        bool, typer.Option("--tree", help="Show what each file was made from, by whom and with what; in --html drawn.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", help="JSON Lines of an earlier run: files unchanged since are not done again."),
    ] = None,
    sidecar: Annotated[
        Path | None, typer.Option("--sidecar", help="The detached manifest (.c2pa) of the one file.")
    ] = None,
    second: Annotated[
        bool, typer.Option("--second-opinion", help="Ask our own reader too, and tell where the two differ.")
    ] = False,
    remote: Annotated[
        list[str] | None,
        typer.Option("--remote-host", help="Fetch manifests from this host, where a file names it; repeatable."),
    ] = None,
    ocsp: Annotated[
        list[str] | None,
        typer.Option("--ocsp-host", help="Ask this host whether certificates were withdrawn (OCSP); repeatable."),
    ] = None,
    recover: Annotated[
        bool,
        typer.Option("--recover/--no-recover", help="Look for a stripped file's manifest through the mark in it."),
    ] = True,
    store: StoreOption = None,
    resolver: ResolverOption = None,
    inside: InsideOption = None,
    mark_key: MarkKeyOption = None,
    anchor: AnchorOption = None,
    verbose: VerboseOption = 0,
) -> None:
    """Verify C2PA manifests: absent, invalid, untrusted, trusted or recovered, with every step.

    Absent says nothing about a file; untrusted means signed by somebody that your trust store does
    not know, not changed; trusted means as it was signed, not true. One file is told step by step,
    several a line each (--verbose: every step), in the order given whatever --jobs is. A sound file
    that was made from a broken one keeps its state, is told as such, and ends with 1.

    A file without manifest is decoded and its mark read, if the store keeps any manifest or a
    --resolver is named: the manifest that the mark leads to is verified, and the content must
    resemble what was signed, else the credential was borrowed from another asset (invalid).
    """
    from ...media.limits import DEFAULT_LIMITS
    from ...provenance.reader import warm_up

    warm_up(DEFAULT_LIMITS)  # it loads c2pa-rs while this process loads the rest
    from ...provenance.batch import files_below, verify_each
    from .verify_check import Hosts, check_with

    _refuse(paths, sidecar, as_json=as_json, as_csv=as_csv)
    trust = trust_with(anchor)
    several = len(paths) > 1 or paths[0].is_dir()
    show = _printer(as_json=as_json, as_csv=as_csv, tree=tree, steps=verbose > 0 or not several, alone=not several)
    places = Places.of(store, resolver, inside, mark_key) if recover else None
    check = check_with(trust, sidecar, places, second=second, hosts=Hosts(remote=remote, ocsp=ocsp))
    batch = _batch(check, sidecar, resume, jobs if several else 1)
    begun, worst, broken, borrowed = time.monotonic(), 0, 0, 0
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        spool = _spool(stack) if sarif or html else None
        for answer in stack.enter_context(closing(verify_each(files_below(paths), batch))):
            show(answer)
            counts[answer.state] += 1
            broken += bool(answer.broken)
            borrowed += answer.borrowed
            worst = max(worst, answer.exit_code, key=_GRAVITY.__getitem__)
            if spool is not None:
                spool.add(answer, _pictures(answer, sidecar) if html and (tree or not several) else None)
        if spool is not None:
            _write(spool, sarif, html, trust)
    if several:
        typer.echo(_summary(counts, broken, borrowed, time.monotonic() - begun), err=True)
    raise typer.Exit(worst if counts else 3)


def _refuse(paths: list[Path], sidecar: Path | None, *, as_json: bool, as_csv: bool) -> None:
    from ...media.errors import InputError

    if sidecar is not None and (len(paths) != 1 or paths[0].is_dir()):
        got = f"{len(paths)} paths" if len(paths) > 1 else "a folder"
        msg = f"--sidecar belongs to one file, got {got}"
        raise InputError(msg)
    if as_json and as_csv:
        msg = "--json and --csv both print on stdout: choose one"
        raise InputError(msg)


def _batch(check: Check, sidecar: Path | None, resume: Path | None, jobs: int | None) -> Batch:
    from ...provenance.batch import Batch, judged_under, usable_cores
    from ...provenance.resume import Earlier

    detached = None if sidecar is None else read_file(sidecar, what="a detached manifest")
    return Batch(
        check=check.check,
        under=judged_under(check.trust, detached, *check.under),
        jobs=usable_cores() if jobs is None else jobs,
        earlier=None if resume is None else Earlier.open(resume),
    )


def _printer(*, as_json: bool, as_csv: bool, tree: bool, steps: bool, alone: bool) -> Callable[[Answer], None]:
    """Return what prints an answer on stdout, at once."""
    if as_csv:
        from ..table import header_line

        typer.echo(header_line())

    def show(answer: Answer) -> None:
        if as_json:
            typer.echo(json.dumps(answer.to_json()))
        elif as_csv:
            from ..spool import shown
            from ..table import csv_line

            typer.echo(csv_line(shown(answer)).encode("utf-8", "backslashreplace"))
        elif answer.error is not None and alone:
            typer.echo(f"assay: {answer.error}", err=True)
        else:
            typer.echo("\n".join(_lines(answer, tree=tree, steps=steps)))
        sys.stdout.flush()

    return show


def _lines(answer: Answer, *, tree: bool, steps: bool) -> Iterator[str]:
    from .render import verification_lines

    found = answer.verification
    if found is None:
        yield f"{answer.state:11s}  {escaped(answer.path)}  {escaped(answer.error)}"
        return
    yield from verification_lines(answer.path, found) if steps else [_line(answer)]
    if steps:
        yield from _asides(answer)
    if tree and found.facts.get("manifest"):
        from ...provenance.tree import tree_of
        from .tree import tree_lines

        yield from tree_lines(tree_of(found, name=answer.path.name))


def _asides(answer: Answer) -> Iterator[str]:
    """Yield what kind of asset is declared, and what a second opinion says."""
    from ..spool import shown

    one = shown(answer)
    if one.asset_class is not None and one.asset_class.name != "unknown":
        yield f"  asset class {one.asset_class.name}: {escaped(one.asset_class.sentence)}"
    opinion = one.facts.get("second_opinion")
    if opinion is not None:
        yield f"  second opinion: {opinion['state'] or 'none, ' + escaped(opinion.get('error', 'not its format'))}"
        yield from (f"    {escaped(sentence)}" for sentence in one.disagreements)


def _line(answer: Answer) -> str:
    """Return an answer as one line: state, path, who signed, and what a reader must not overlook."""
    from ..spool import shown

    one = shown(answer)
    aside = ["CREDENTIAL BORROWED from another asset"] if answer.borrowed else []
    aside += [f"signed by {escaped(one.signer)}"] if one.signer else []
    aside += [f"declares {one.declares}"] if one.declares else []
    aside += [f"BROKEN INGREDIENTS: {len(one.broken)}"] if one.broken else []
    aside += [f"second opinion differs: {len(one.disagreements)}"] if one.disagreements else []
    aside += ["not done again"] if answer.seen_before else []
    return "  ".join((f"{answer.state:11s}", escaped(answer.path), "; ".join(aside))).rstrip()


def _spool(stack: ExitStack) -> Spool:
    from ..spool import Spool

    return stack.enter_context(Spool())


def _pictures(answer: Answer, sidecar: Path | None) -> dict[tuple[str, int], bytes]:
    """Return the pictures of a file's tree: the file itself as it is now, its parts as their signers show them."""
    from ...media.errors import AssayError
    from ...provenance.thumbnails import picture_of, thumbnails
    from ...provenance.tree import OWN

    label = answer.verification.facts.get("manifest") if answer.verification else None
    if not label:
        return {}
    try:
        found = thumbnails(answer.path, sidecar=sidecar)
    except AssayError:
        found = {}
    own = picture_of(answer.path)
    return found | ({(label, OWN): own} if own else {})


def _write(spool: Spool, sarif: Path | None, html: Path | None, trust: Trust) -> None:
    if sarif is not None:
        from ..sarif import write_sarif

        write_sarif(spool, sarif, complete=not spool.counts["not checked"])
        typer.echo(f"SARIF: {sarif}", err=True)
    if html is not None:
        from ..verify_page import write_verify_page

        write_verify_page(spool, html, trust=trust, now=datetime.now(UTC))
        typer.echo(f"report: {html}", err=True)


def _summary(counts: Counter[str], broken: int, borrowed: int, seconds: float) -> str:
    from ...provenance.batch import OUTCOMES

    total = counts.total()
    told = ", ".join(f"{counts[state]} {state}" for state in OUTCOMES)
    parts = f"; {broken} made from broken ingredients, whatever the state" if broken else ""
    parts += f"; {borrowed} with a credential borrowed from another asset" if borrowed else ""
    return f"{total} file{'' if total == 1 else 's'} in {seconds:.1f} s: {told}{parts}"
