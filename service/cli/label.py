"""`assay label`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from .options import AnchorOption, JsonOption, escaped, read_file, trust_with


def label(
    source: Annotated[Path, typer.Argument(help="The file to look at, or to label.")],
    destination: Annotated[Path | None, typer.Argument(help="Where the labelled copy is written.")] = None,
    *,
    lint: Annotated[
        bool, typer.Option("--lint", help="Measure the file against the rules; exit 1 if one fails.")
    ] = False,
    rules: Annotated[str, typer.Option("--rules", help="iptc, gb45438, eu, sb942; separated by commas.")] = "",
    source_type: Annotated[
        str, typer.Option("--source-type", help="IPTC digital source type that the label states.")
    ] = "trainedAlgorithmicMedia",
    producer: Annotated[
        str, typer.Option("--producer", help="Content producer (GB 45438) and provider (SB 942).")
    ] = "",
    content_id: Annotated[str, typer.Option("--id", help="The content's id at the producer.")] = "",
    anchor: AnchorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the AI labels of a file, measure them against the law, or write them.

    With a destination, the labels that programs read (IPTC, GB 45438, SB 942) are written into a copy;
    the content is not touched.
    """
    from ...media.errors import InputError

    if destination is not None:
        if lint or not (producer and content_id):
            msg = "writing labels needs --producer and --id, and cannot go with --lint"
            raise InputError(msg)
        _write(source, destination, source_type=source_type, producer=producer, content_id=content_id)
    elif lint:
        raise typer.Exit(_lint(source, rules, anchor, as_json=as_json))
    else:
        _read(source, as_json=as_json)


def _read(source: Path, *, as_json: bool) -> None:
    from dataclasses import asdict

    from ...provenance.labels import read_labels

    found = read_labels(source)
    for one in found:
        if as_json:
            typer.echo(json.dumps({"path": str(source), **asdict(one)}))
        else:
            fields = ", ".join(f"{key}={value}" for key, value in one.fields.items())
            typer.echo(f"{one.rule} ({one.form}): {one.says}  {escaped(fields)}")
    if not found and not as_json:
        typer.echo("no label; that is no evidence", err=True)


def _lint(source: Path, rules: str, anchor: list[Path] | None, *, as_json: bool) -> int:
    from dataclasses import asdict

    from ...media.view import View
    from ...provenance.labels import RULES
    from ...provenance.labels import lint as measure
    from ...provenance.marks import read_marks
    from ...provenance.verify import verify

    chosen = tuple(part.strip() for part in rules.split(",") if part.strip()) or tuple(RULES)
    verification = verify(source, trust=trust_with(anchor))
    marks = read_marks(View.open(source)) if "eu" in chosen else None
    measured = measure(source, chosen, verification=verification, marks=marks)
    for one in measured:
        if as_json:
            typer.echo(json.dumps({"path": str(source), **asdict(one)}))
        else:
            tick = {True: "+", False: "x", None: "-"}[one.ok]
            typer.echo(f"{tick} {one.rule:8s} {one.element}: {escaped(one.found)} (wanted: {one.wanted})")
    return 1 if any(one.ok is False for one in measured) else 0


def _write(source: Path, destination: Path, *, source_type: str, producer: str, content_id: str) -> None:
    from ... import __version__
    from ...media.asset import sniff
    from ...media.errors import InputError
    from ...provenance.atomic import settle, temporary
    from ...provenance.labels import IPTC_BASE, Aigc, Disclosure, write_metadata

    if destination.exists():
        msg = f"{destination} exists already: choose another place"
        raise InputError(msg)
    fields = Disclosure(
        source_type=source_type if ":" in source_type else IPTC_BASE + source_type,
        aigc=Aigc(label="1", content_producer=producer, produce_id=content_id),
        provider=producer,
        system="Assay",
        system_version=__version__,
        made=datetime.now(UTC),
        content_id=content_id,
    )
    data = write_metadata(read_file(source, what="a media file"), sniff(source).name, fields=fields)
    with temporary(destination) as file:
        file.write(data)
        settle(file, destination)
    typer.echo(str(destination))
