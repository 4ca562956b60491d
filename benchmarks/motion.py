"""What texture over time and movement tell of films by people and makers never met: an experiment.

`read` keeps numbers of each followed face (`motion_numbers.py`) in every version that `benchmarks/seeing.py` wrote into
`--cache`; `own` those of still pictures set moving, made of the real films (`motion_stills.py`); `look` how films move
through CLIP, and what changes beside the face (`motion_steps.py`). Each stops after `--seconds` and goes on where it
stopped. `score` prints, for each set of numbers and each control, the AUC of one line in folds in which whatever is
tested, its people and its maker were left out (a control on nothing but chance: shuffled labels).

Run: `.venv/bin/python -P benchmarks/motion.py read --media ../shared/media --cache FOLDER --numbers OUT`, then `own`,
`look --encoder CLIP`, and `score --residual CSV`, the CSV of `benchmarks/seeing_unseen.py score`.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from assay.datasets.corpus import Item, read
from assay.media.asset import Asset
from assay.media.faces import Followed
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))  # -P keeps the folder of a program off the path

import motion_numbers
import motion_scores
import motion_steps
import motion_stills
import seeing

F64 = NDArray[np.float64]
LOOKED = ("none", "h264-crf35")
LEAST = 16
"""Frames that a face must be followed for."""


def main() -> None:
    """Do one stage."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("stage", choices=["read", "own", "look", "score"])
    options.add_argument("--media", type=Path, required=True)
    options.add_argument("--cache", type=Path, required=True)
    options.add_argument("--numbers", type=Path, required=True)
    options.add_argument("--encoder", type=Path)
    options.add_argument("--residual", type=Path)
    options.add_argument("--seconds", type=float, default=math.inf)
    given = options.parse_args()
    films = [item for item in read(given.media) if item.kind == "video"]
    given.numbers.mkdir(parents=True, exist_ok=True)
    if given.stage == "score":
        motion_scores.score(films, given)
        return
    end = time.monotonic() + given.seconds
    for path, made in {"read": reading, "own": owning, "look": looking}[given.stage](films, given):
        if time.monotonic() > end:
            return
        if not path.exists():
            np.savez(path.with_suffix(".part.npz"), **made())
            path.with_suffix(".part.npz").replace(path)


Work = Iterator[tuple[Path, Callable[[], Mapping[str, F64]]]]


def followed(item: Item, version: str, cache: Path) -> Followed | None:
    """Return the followed face that `benchmarks/seeing.py` keeps, if it was followed for long enough."""
    place = cache / "followed" / f"{seeing.key(item)}-{version}.npz"
    with np.load(place) as held:
        face = Followed(**{name: held[name] for name in seeing.KEPT}) if "times" in held else None
    return face if face is not None and len(face.times) >= LEAST else None


def reading(films: Sequence[Item], given: argparse.Namespace) -> Work:
    """Yield each file of numbers of a face, and what makes it."""
    for version in seeing.FILMS:
        for item in films:
            yield (
                given.numbers / f"{seeing.key(item)}-{version}-face.npz",
                lambda i=item, v=version: _read(i, v, given.cache),
            )


def _read(item: Item, version: str, cache: Path) -> Mapping[str, F64]:
    face = followed(item, version, cache)
    if face is None:
        return {}
    path = seeing.place_of(item, version, cache)
    video = Asset.open(path).video
    assert video is not None  # noqa: S101
    bits = path.stat().st_size * 8 / max(video.seconds or 1.0, 0.1)
    facts = {
        "size of the face": face.side,
        "frames a second": face.rate,
        "length": len(face.times),
        "area": video.width * video.height,
        "bits a second": bits,
        "bits a pixel": bits / (video.width * video.height * face.rate),
        "share of the picture": face.side / video.width,
    }
    out = motion_numbers.numbers(face.times, face.points, face.crops)
    return out | {f"control: {name}": np.log([value]) for name, value in facts.items()}


def owning(films: Sequence[Item], given: argparse.Namespace) -> Work:
    """Yield each file of numbers of a real film and the fakes of our own made of it, and what makes it."""
    for item in films:
        if not item.spoof:
            yield given.numbers / f"{seeing.key(item)}-own.npz", lambda i=item: _owned(i, given.cache)


def _owned(item: Item, cache: Path) -> Mapping[str, F64]:
    face = followed(item, "none", cache)
    if face is None or len(face.times) < motion_stills.FRAMES // 2:
        return {}
    rng = np.random.default_rng(int(seeing.key(item)[:8], 16))
    out = {}
    for kind, seen in motion_stills.versions(seeing.place_of(item, "none", cache), face, rng):
        if seen is not None and len(seen.times) >= 30:
            told = motion_numbers.numbers(seen.times, seen.points, seen.crops)
            out |= {f"{kind}/{name}": values for name, values in told.items()}
    return out


def looking(films: Sequence[Item], given: argparse.Namespace) -> Work:
    """Yield each file of what CLIP and the places beside the face tell, and what makes it."""
    tower = motion_steps.tower(given.encoder)
    for version in LOOKED:
        for item in films:
            where = given.numbers / f"{seeing.key(item)}-{version}-look.npz"
            yield where, lambda i=item, v=version: _look(i, v, given.cache, tower)


def _look(item: Item, version: str, cache: Path, tower: motion_steps.Tower) -> Mapping[str, F64]:
    face = followed(item, version, cache)
    path = seeing.place_of(item, version, cache)
    # Eight frames of one version take about two seconds of one core: the laundered ones are read beside the face alone.
    return {} if face is None else motion_steps.numbers(path, face, tower if version == "none" else None)
