"""What `hearing.py` lets detectors hear: the conditions, the clips drawn for them, windows kept in files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from assay.datasets.corpus import Item
from assay.datasets.launder import launder
from assay.detect.audio import gate
from assay.detect.train.audio_material import randomness, sound, spread
from assay.detect.train.networks.interface import WINDOW
from assay.media.audio import Audio
from assay.media.errors import AssayError
from numpy.typing import NDArray

SEED, FOLDS, WINDOWS = 1, 8, 6
CONDITIONS = ("as it is", "no silence", "mp3-64k", "opus-24k", "telephone", "noise-15")
LONG, SHORT = WINDOW, 32_000
"""Samples of the windows of published networks, and of all that is taught here."""
F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
Scores = dict[str, F64]
"""Condition -> score of each clip, NaN where there is none."""


def quiet(_what: str, _done: float) -> None:
    """Say nothing of progress."""


def sounds(item: Item, condition: str) -> Audio:
    """Return a clip under a condition."""
    rng = randomness(item, SEED + 1)
    clip = sound(item, rng)
    if condition == "no silence":
        mono = clip.mono()
        size = clip.rate // 50
        pieces = mono[: mono.size // size * size].reshape(-1, size)
        power = np.mean(pieces.astype(np.float64) ** 2, axis=1)
        return Audio(samples=pieces[power > np.percentile(power, 95) * 1e-3].reshape(1, -1), rate=clip.rate)
    if condition == "as it is":
        return clip
    washed = launder(clip, condition, rng)
    return cast("Audio", washed)


def kept(path: Path, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Return what lies at `path`, made first where nothing does."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp.npy")
        np.save(temporary, make(), allow_pickle=False)
        temporary.replace(path)
    return np.asarray(np.load(path, allow_pickle=False))


def windows_under(item: Item, condition: str, size: int, cache: Path) -> F32:
    """Return windows of a clip under a condition: the middle one of `LONG`, up to `WINDOWS` of `SHORT` samples.

    None where it is too short or too quiet. Both sizes are cut at once and kept, but for those of clips as they are.
    """
    place = cache / "windows" / condition
    if condition == "as it is":
        return _cut(sounds(item, condition), size)
    if not (place / f"{item.sha256}-{size}.npy").exists():
        try:
            clip = sounds(item, condition)
        except AssayError:
            clip = Audio(samples=np.zeros((1, SHORT), np.float32), rate=16_000)
        for each in (LONG, SHORT):
            kept(place / f"{item.sha256}-{each}.npy", lambda clip=clip, each=each: _cut(clip, each))  # type: ignore[misc]
    return np.asarray(np.load(place / f"{item.sha256}-{size}.npy", allow_pickle=False), np.float32)


def _cut(clip: Audio, size: int) -> F32:
    try:
        found = gate.windows(clip, size=size).samples
    except AssayError:
        return np.zeros((0, size), np.float32)
    if size == LONG:
        some = found[spread(len(found), 3)]
        return some[len(some) // 2 :][:1]
    return found[spread(len(found), WINDOWS)]


def drawn(items: Sequence[Item], few: int) -> list[int]:
    """Return the positions of the `few` clips that are laundered, drawn by seed."""
    return sorted(np.random.default_rng(SEED).choice(len(items), min(few, len(items)), replace=False).tolist())


def heard_under(items: Sequence[Item], condition: str, few: int) -> list[int]:
    """Return the positions of the clips that are heard under a condition: all as they are, else those drawn."""
    return list(range(len(items))) if condition == "as it is" else drawn(items, few)
