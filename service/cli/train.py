"""`assay train`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .options import QuietOption, SeedOption

app = typer.Typer(help="Train the detectors on a corpus.", no_args_is_help=True, rich_markup_mode=None)
SHIPPED, RESIDUAL, STAGES, DRAWN = "whisper", "residual-heads", "stage-heads", "drawn-heads"
SEAM, LRNET = "seam", "lrnet"
DEVICES = ("auto", "cpu", "gpu")
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
            help="whisper (the shipped detector: a line on Whisper's first layers), or a network: lfcc-gmm, lcnn, "
            "rawnet2, aasist, aasist-l, se-resnet, ecapa, ssl.",
        ),
    ] = SHIPPED,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Epochs of a network.")] = 20,
    batch: Annotated[int, typer.Option("--batch", min=2, help="Windows in a batch of a network.")] = 32,
    rate: Annotated[float, typer.Option("--rate", min=1e-7, help="Learning rate of a network.")] = 1e-3,
    init: Annotated[
        Path | None, typer.Option("--init", help="Weights a network begins with, such as a published checkpoint.")
    ] = None,
    keep_encoder: Annotated[
        bool,
        typer.Option("--keep-encoder", help="Teach only what lies above the encoder of --init: aasist, aasist-l."),
    ] = False,
    heard: Annotated[
        int,
        typer.Option("--heard", min=0, help="Windows of a clip, and of it laundered, for a kept encoder; 0: all."),
    ] = 0,
    window: Annotated[
        float, typer.Option("--window", min=0, help="Seconds heard at a time, for aasist and aasist-l; 0: 4.04.")
    ] = 0,
    device: Annotated[str, typer.Option("--device", help="auto (a GPU where there is one), cpu or gpu.")] = "auto",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that read for a network.")] = 0,
    folds: Annotated[
        int | None, typer.Option("--folds", min=2, help="Folds to test on unseen makers and sources: 8, networks 4.")
    ] = None,
    laundered: Annotated[
        int | None, typer.Option("--laundered", min=1, help="Laundered versions of a clip: 2, networks 4.")
    ] = None,
    copies: Annotated[
        float | None, typer.Option("--copies", min=0, help="Copies of each real clip by vocoders: 1.3, networks 0.5.")
    ] = None,
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
    from ...detect.train.networks import NETWORKS
    from ...eval.checkout import commit
    from .progress import steps

    _one_of(model, (SHIPPED, *NETWORKS))
    _one_of(device, DEVICES)
    chosen: dict[str, Any] = {"spoken": spoken}
    told = {"folds": folds, "laundered": laundered, "copies": copies}
    chosen |= {key: value for key, value in told.items() if value is not None}
    items = read(corpus)
    with steps(total=None, quiet=quiet) as tell:

        def progress(what: str, _done: float) -> None:
            tell.stage(what)

        if model == SHIPPED:
            from ...detect.train.audio import Settings, train

            settings = replace(Settings(seed=seed, cache=cache, commit=commit()), **chosen)
            card = train(items, out=out, settings=settings, progress=progress)
        else:
            from ...detect.train.audio_networks import Plan, train_network
            from ...detect.train.loop import Pace

            pace = Pace(epochs=epochs, batch=batch, rate=rate, device=device, workers=workers, seed=seed)
            chosen |= {"init": init, "keep_encoder": keep_encoder, "heard": heard, "window": window}
            plan = replace(Plan(model=model, pace=pace, encoder=encoder, resume=resume, commit=commit()), **chosen)
            card = train_network(items, plan, out=out, work=cache, progress=progress)
    typer.echo(str(card))


def _one_of(value: str, known: Sequence[str]) -> None:
    """Raise `InputError` for a value that is not known."""
    from ...media.errors import InputError

    if value not in known:
        msg = f"expected one of {', '.join(known)}, got {value!r}"
        raise InputError(msg)


@app.command()
def visual(
    *,
    corpus: CorpusOption,
    out: OutOption,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            help="residual-heads, stage-heads or drawn-heads (lines on residuals, on what CLIP's first blocks make of "
            "faces, or of pieces at their own size), seam (for seams, its own pace), lrnet (landmarks over time, of "
            "films), or a network: "
            "efficientnet-lite0, lite0-linear, efficientnet-b4, xception, inception-resnet, meso4, mesoinception, "
            "srm, f3, encoder-linear, encoder-lora.",
        ),
    ] = RESIDUAL,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Epochs of a network.")] = 8,
    batch: Annotated[int, typer.Option("--batch", min=2, help="Faces in a batch of a network.")] = 16,
    rate: Annotated[float, typer.Option("--rate", min=1e-7, help="Learning rate of a network.")] = 3e-4,
    draws: Annotated[
        int | None, typer.Option("--draws", min=1, help="Faces an epoch of a network: as many as there are.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto (a GPU where there is one), cpu or gpu.")] = "auto",
    devices: Annotated[int, typer.Option("--devices", min=1, help="How many GPUs.")] = 1,
    precision: Annotated[
        str, typer.Option("--precision", help="Numbers to compute with: 32-true, 16-mixed or bf16-mixed.")
    ] = "32-true",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that read for a network.")] = 0,
    folds: Annotated[
        int | None, typer.Option("--folds", min=2, help="Folds to test on unseen people and makers: 8, networks 2.")
    ] = None,
    versions: Annotated[int, typer.Option("--versions", min=1, help="Versions of each real face, for a network.")] = 5,
    copying: Annotated[
        int, typer.Option("--copying", min=0, help="Steps of the networks that draw faces anew; 0: no such fakes.")
    ] = 3000,
    others: Annotated[
        bool, typer.Option("--others/--own-fakes", help="Whether a network is taught the corpus' fakes too.")
    ] = True,
    whole: Annotated[
        bool, typer.Option("--whole/--mean-of-folds", help="Whether a last network is taught on all of it and kept.")
    ] = True,
    encoder: Annotated[
        Path | None,
        typer.Option("--encoder", help="Folder of CLIP or DINOv2, or safetensors of timm's weights for a backbone."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a network's training that was broken off.")
    ] = False,
    cache: CacheOption = None,
    seed: SeedOption = 1,
    quiet: QuietOption = False,
) -> None:
    """Train a face detector on real faces and fakes made of them, calibrated on people and makers held out."""
    from dataclasses import replace

    from ...datasets.corpus import read
    from ...detect.train.eyes import EYES
    from ...eval.checkout import commit
    from .progress import steps

    _one_of(model, (RESIDUAL, STAGES, DRAWN, SEAM, LRNET, *EYES))
    _one_of(device, DEVICES)
    _one_of(precision, ("32-true", "16-mixed", "bf16-mixed"))
    items = read(corpus)
    with steps(total=None, quiet=quiet) as tell:

        def progress(what: str, _done: float) -> None:
            tell.stage(what)

        if model == RESIDUAL:
            from ...detect.train.visual import Settings, train

            settings = Settings(seed=seed, cache=cache, commit=commit())
            settings = settings if folds is None else replace(settings, folds=folds)
            card = train(items, out=out, settings=settings, progress=progress)
        elif model == STAGES:
            from ...detect.train import visual_stages

            lines = visual_stages.Settings(seed=seed, cache=cache, encoder=encoder, commit=commit())
            lines = lines if folds is None else replace(lines, folds=folds)
            card = visual_stages.train(items, out=out, settings=lines, progress=progress)
        elif model == DRAWN:
            from ...detect.train import visual_drawn

            pieces = visual_drawn.Settings(seed=seed, cache=cache, encoder=encoder, copying=copying, commit=commit())
            pieces = pieces if folds is None else replace(pieces, folds=folds)
            card = visual_drawn.train(items, out=out, settings=pieces, progress=progress)
        elif model == SEAM:
            from ...detect.train import seam

            told = seam.Settings(seed=seed, device=device, commit=commit())
            card = seam.train(items, out=out, work=cache, settings=told, progress=progress)
        else:
            from ...detect.train.loop import Pace
            from ...detect.train.visual_crops import Cutting
            from ...detect.train.visual_networks import Plan, train_network

            if model == LRNET:
                from ...detect.train.landmarks import train_network

            pace = Pace(
                epochs=epochs,
                batch=batch,
                rate=rate,
                device=device,
                devices=devices,
                precision=precision,
                workers=workers,
                seed=seed,
            )
            plan = Plan(
                model=model,
                pace=pace,
                folds=folds or 2,
                draws=draws,
                cutting=Cutting(versions=versions, seed=seed),
                copying=copying,
                others=others,
                whole=whole,
                encoder=encoder,
                resume=resume,
                commit=commit(),
            )
            card = train_network(items, plan, out=out, work=cache, progress=progress)
    typer.echo(str(card))
