"""The command line: one file a verb group, every heavy import inside the verb that needs it."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from ...media.errors import AssayError
from . import (
    bench,
    certs,
    consent,
    data,
    demo,
    doctor,
    generate,
    label,
    ledger,
    mark,
    models,
    scan,
    serve,
    sign,
    train,
    verify,
)
from . import eval as evaluate

__all__ = ["app", "main"]

app = typer.Typer(
    name="assay",
    help="Tell whether a picture, a voice or a film can be believed, and why.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit: 0 examined, nothing found; 1 found; 2 wrong usage; 3 could not be (fully) examined.",
)
app.command("scan")(scan.scan)
app.command("verify")(verify.verify)
app.command("sign")(sign.sign)
app.command("mark")(mark.mark)
app.command("label")(label.label)
app.add_typer(generate.app, name="generate")
app.add_typer(consent.app, name="consent")
app.add_typer(bench.app, name="bench")
app.add_typer(evaluate.app, name="eval")
app.add_typer(train.app, name="train")
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.add_typer(certs.app, name="certs")
app.add_typer(ledger.app, name="ledger")
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - called by Typer
    if asked:
        from ... import __version__

        typer.echo(f"assay {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    del version


def main() -> None:
    """Run the command line; every error of ours becomes one line on stderr and its exit code."""
    try:
        app()
    except AssayError as error:
        typer.echo(f"assay: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - a crash must not end with 1, which says "found"
        if isinstance(error, BrokenPipeError):
            # The reader of our output has gone (assay scan ... | head): that is no failure of ours.
            sys.stderr.close()
            sys.exit(0)
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        typer.echo(f"assay: a fault of ours, please report it: {type(error).__name__} at {where}: {error}", err=True)
        sys.exit(3)
