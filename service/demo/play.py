"""The play."""

from pathlib import Path
from ..cli.progress import Steps


def play(media: Path | None, out: Path, *, seed: int, progress: Steps) -> Path: ...
