"""`assay label`."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from .options import AnchorOption, JsonOption, escaped, trust_with

if TYPE_CHECKING:
    from ...media.asset import Asset
    from ...media.audio import Audio
    from ...provenance.labels import Disclosure, Measured, Wording
    from ...provenance.labels.words import Language


def label(
    source: Annotated[Path, typer.Argument(help="The file to look at, or to label.")],
    destination: Annotated[Path | None, typer.Argument(help="Where the labelled copy is written.")] = None,
    *,
    lint: Annotated[
        bool, typer.Option("--lint", help="Measure the file against the rules; exit 1 if one fails.")
    ] = False,
    rules: Annotated[
        str, typer.Option("--rules", help="iptc, gb45438, eu, sb942; separated by commas, all by default.")
    ] = "",
    source_type: Annotated[
        str, typer.Option("--source-type", help="IPTC digital source type that the label states.")
    ] = "trainedAlgorithmicMedia",
    producer: Annotated[
        str, typer.Option("--producer", help="Content producer (GB 45438) and provider (SB 942).")
    ] = "",
    content_id: Annotated[str, typer.Option("--id", help="The content's id at the producer.")] = "",
    system: Annotated[
        str, typer.Option("--system", help="NAME/VERSION of the AI system that made it; else Assay's own.")
    ] = "",
    language: Annotated[
        str, typer.Option("--language", help="Of the words on the picture: en, zh, both, or auto (as the rules ask).")
    ] = "auto",
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="How long a film shows the words, at least 2; else all of it.")
    ] = None,
    spoken: Annotated[
        Path | None, typer.Option("--spoken", help="A recorded notice to put before the sound; else four tones.")
    ] = None,
    metadata_only: Annotated[
        bool, typer.Option("--metadata-only", help="Write what programs read; leave the content bit for bit.")
    ] = False,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Label a signed file too; the copy's manifest no longer holds.")
    ] = False,
    anchor: AnchorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the AI labels of a file, measure them against the law, or write them.

    With a destination, a labelled copy is written: words on a picture or film, a notice before
    sound, and the metadata that programs read (IPTC, GB 45438, SB 942), as the rules ask.
    Write a mark before (assay mark) and sign afterwards (assay sign).
    """
    from ...media.asset import Asset
    from ...media.errors import InputError
    from ...provenance.labels import RULES, Wording, label_text

    chosen = tuple(part.strip() for part in rules.split(",") if part.strip()) or tuple(RULES)
    if destination is None:
        if lint:
            raise typer.Exit(_lint(source, chosen, anchor, as_json=as_json))
        _read(source, as_json=as_json)
        return
    if lint or not (producer and content_id) or not set(chosen) <= set(RULES):
        msg = f"writing labels needs --producer, --id and rules out of {', '.join(RULES)}, and cannot go with --lint"
        raise InputError(msg)
    if destination.exists():
        msg = f"{destination} exists already: choose another place"
        raise InputError(msg)
    asset = Asset.open(source)
    _check_unsigned(source, asset.container.mime, unsigned=unsigned)
    fields = _fields(chosen, source_type, (producer, content_id), system)
    text = None if metadata_only else label_text(chosen, fields.source_type, language=cast("Language", language))
    wording = None if text is None else Wording(text=text, seconds=seconds, spoken=_voice(spoken))
    _write(asset, destination, fields, wording, rules=chosen)


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


def _lint(source: Path, rules: tuple[str, ...], anchor: list[Path] | None, *, as_json: bool) -> int:
    from dataclasses import asdict

    from ...media.view import View
    from ...provenance.labels import lint as measure
    from ...provenance.marks import read_marks
    from ...provenance.verify import verify

    verification = verify(source, trust=trust_with(anchor))
    marks = read_marks(View.open(source)) if "eu" in rules else None
    measured = measure(source, rules, verification=verification, marks=marks)
    for one in measured:
        typer.echo(json.dumps({"path": str(source), **asdict(one)}) if as_json else _line(one))
    return 1 if any(one.ok is False for one in measured) else 0


def _line(one: Measured) -> str:
    tick = {True: "+", False: "x", None: "-"}[one.ok]
    return f"{tick} {one.rule:8s} {one.element}: {escaped(one.found)} (wanted: {one.wanted})"


def _check_unsigned(source: Path, mime: str, *, unsigned: bool) -> None:
    """Refuse to break a manifest that nobody said may break."""
    from ...media.errors import InputError
    from ...provenance.container import SIDECAR_ONLY
    from ...provenance.sources import holds_store, sidecar_path

    signed = holds_store(source) or (mime in SIDECAR_ONLY and sidecar_path(source).is_file())
    if signed and not unsigned:
        msg = (
            f"{source} is signed and a labelled copy would break its manifest: label before signing, or give "
            "--unsigned and sign the copy anew (assay sign --ingredient parentOf=...)"
        )
        raise InputError(msg)
    if signed:
        typer.echo(f"the copy does not keep the signature: assay sign it with --ingredient parentOf={source}", err=True)


def _fields(rules: tuple[str, ...], source_type: str, names: tuple[str, str], system: str) -> Disclosure:
    from ... import __version__
    from ...provenance.labels import IPTC_BASE, Aigc, Disclosure

    producer, content_id = names
    full = source_type if ":" in source_type else IPTC_BASE + source_type
    aigc = Aigc(label="1", content_producer=producer, produce_id=content_id) if "gb45438" in rules else None
    if "sb942" not in rules:
        return Disclosure(source_type=full, aigc=aigc)
    name, _, version = (system or f"Assay/{__version__}").partition("/")
    return Disclosure(
        source_type=full,
        aigc=aigc,
        provider=producer,
        system=name,
        system_version=version,
        made=datetime.now(UTC),
        content_id=content_id,
    )


def _voice(spoken: Path | None) -> Audio | None:
    from ...media.asset import Asset
    from ...media.decode import decode_audio

    return None if spoken is None else decode_audio(Asset.open(spoken))


def _write(
    asset: Asset, destination: Path, fields: Disclosure, wording: Wording | None, *, rules: tuple[str, ...]
) -> None:
    """Write the copy, unless what it was labelled with cannot be measured on it."""
    from ...provenance.atomic import settle, temporary
    from ...provenance.labels import LabelError, label_file
    from ...provenance.labels import lint as measure

    made = label_file(asset, fields, wording)
    with temporary(destination) as file:
        file.write(made.data)
        file.flush()
        left = [one for one in measure(Path(file.name), rules) if one.ok is not True]
        heard = wording is not None and wording.spoken is not None
        wrong = [one for one in left if one.ok is False and not (heard and one.element == "audible notice")]
        if wording is not None and wrong:
            msg = f"nothing was written, for the label does not measure as it must: {'; '.join(map(_line, wrong))}"
            raise LabelError(msg)
        shutil.copymode(asset.path, file.name)
        settle(file, destination)
    typer.echo(str(destination))
    for note in made.notes:
        typer.echo(f"note: {escaped(note)}", err=True)
    for one in left:
        typer.echo(f"left to do: {_line(one)}", err=True)
