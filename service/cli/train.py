"""`assay train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .options import QuietOption, SeedOption

app = typer.Typer(help="Train the detectors on a corpus.", no_args_is_help=True, rich_markup_mode=None)
HEADS = "lfcc-heads"
CorpusOption = Annotated[Path, typer.Option("--corpus", help="Folder or index of labelled media.")]
CacheOption = Annotated[Path | None, typer.Option("--cache", help="Folder that keeps features for the next run.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for the ONNX model and its card.")]


@app.command()
def audio(
    *,
    corpus: CorpusOption,
    out: OutOption,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            help="lfcc-heads (the shipped detector's linear heads), or a network: lfcc-gmm, lcnn, rawnet2, aasist, "
            "aasist-l, se-resnet, ecapa, ssl.",
        ),
    ] = HEADS,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Epochs of a network.")] = 20,
    batch: Annotated[int, typer.Option("--batch", min=2, help="Windows in a batch of a network.")] = 32,
    device: Annotated[str, typer.Option("--device", help="auto (a GPU where there is one), cpu or gpu.")] = "auto",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that read for a network.")] = 0,
    folds: Annotated[
        int | None, typer.Option("--folds", min=2, help="Folds to test on unseen makers and sources: 8, networks 4.")
    ] = None,
    laundered: Annotated[
        int | None, typer.Option("--laundered", min=1, help="Laundered versions of a clip: 2, networks 4.")
    ] = None,
    copies: Annotated[
        float, typer.Option("--copies", min=0, max=1, help="Share of real clips copied by vocoders.")
    ] = 0.5,
    spoken: Annotated[int, typer.Option("--spoken", min=0, help="Utterances made by text to speech.")] = 48,
    encoder: Annotated[
        Path | None, typer.Option("--encoder", help="Folder of a wav2vec 2.0, HuBERT or WavLM encoder, for ssl.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a network's training that was broken off.")
    ] = False,
    cache: CacheOption = None,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Train a voice detector, calibrated on speakers and makers held out, and write ONNX with its card."""
    from dataclasses import replace

    from ...datasets.corpus import read
    from .progress import steps

    _known(model, device)
    chosen: dict[str, Any] = {"copies": copies, "spoken": spoken}
    chosen |= {key: value for key, value in (("folds", folds), ("laundered", laundered)) if value is not None}
    items = read(corpus)
    with steps(total=None, quiet=quiet) as tell:

        def progress(what: str, _done: float) -> None:
            tell.stage(what)

        if model == HEADS:
            from ...detect.train.audio import Settings, train

            settings = replace(Settings(seed=seed, cache=cache), **chosen)
            card = train(items, out=out, settings=settings, progress=progress)
        else:
            from ...detect.train.audio_networks import Plan, train_network
            from ...detect.train.loop import Pace

            pace = Pace(epochs=epochs, batch=batch, device=device, workers=workers, seed=seed)
            plan = replace(Plan(model=model, pace=pace, encoder=encoder, resume=resume), **chosen)
            card = train_network(items, plan, out=out, work=cache, progress=progress)
    typer.echo(str(card))


def _known(model: str, device: str) -> None:
    """Raise `InputError` for a model or device that there is not."""
    from ...detect.train.networks import NETWORKS
    from ...media.errors import InputError

    for value, known in ((model, (HEADS, *NETWORKS)), (device, ("auto", "cpu", "gpu"))):
        if value not in known:
            msg = f"expected one of {', '.join(known)}, got {value!r}"
            raise InputError(msg)


@app.command()
def visual(
    *, corpus: CorpusOption, out: OutOption, cache: CacheOption = None, seed: SeedOption = 1, quiet: QuietOption = False
) -> None:
    """Train the face detector on real faces and blends made of them, calibrated on people held out."""
    from ...datasets.corpus import read
    from ...detect.train.visual import Settings, train
    from .progress import steps

    items = read(corpus)
    with steps(total=None, quiet=quiet) as tell:
        card = train(
            items, out=out, settings=Settings(seed=seed, cache=cache), progress=lambda what, _done: tell.stage(what)
        )
    typer.echo(str(card))
