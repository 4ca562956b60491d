"""False alarms: unmarked crops, cuts and clips at the shipped threshold, and the p-values that presence tests give."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np

from ...datasets.launder import Media, launder
from ...media.audio import Audio
from ...media.image import Still
from ...media.video import Frame
from ...provenance import marks
from .ledger import Record
from .material import Piece, draw, load

CHUNK: dict[str, int] = {"image": 21, "audio": 17, "film": 5}
"""Cuts in one unit of work, all of one file."""
CHAINS = {
    "image": ("none", "none", "jpeg-70", "scale-0.75", "webp-50", "gamma", "social-feed"),
    "audio": ("none", "none", "mp3-64k", "noise-20", "resample-8k", "equaliser", "gain"),
    "film": ("none", "h264-crf28"),
}
"""What happens to unmarked cuts, drawn for each: files in the wild are laundered too."""
LEAST_CROP = 160
CLIP_SECONDS = (2.0, 5.0)
CLIP_FRAMES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmarked:
    """A unit of work: the `chunk`-th lot of cuts of one unmarked file."""

    piece: Piece
    chunk: int
    seed: int

    @property
    def unit(self) -> str:
        """What this unit is called in the file of rows."""
        return f"alarms|{self.chunk}|{self.piece.item}"


def examined(work: Unmarked) -> Iterator[Record]:
    """Yield one row: how many cuts were read, how many of them as marked, and their p-values in order."""
    piece = work.piece
    media = _kept(piece)
    about = {"kind": piece.kind, "item": piece.item, "group": piece.group}
    if media is None:
        yield {**about, "row": "left out", "why": "cannot be read, too small, too short or silent"}
        return
    rng = np.random.default_rng(draw(work.seed, "alarms", str(work.chunk), piece.item))
    scheme = scheme_of(piece.kind)
    alarms, values = 0, []
    begun = time.process_time()
    tried = CHUNK[piece.kind]
    for _ in range(tried):
        part = launder(cut(media, rng), str(rng.choice(CHAINS[piece.kind])), rng)
        plain = part.pixels if isinstance(part, Still) else part
        alarms += scheme.detect(plain, marks.SHARED_KEY) is not None
        value = presence(scheme, plain, marks.SHARED_KEY)
        if value is not None:
            values.append(float(f"{value:.4g}"))
    seconds = round(time.process_time() - begun, 3)
    yield {**about, "row": "alarms", "tried": tried, "alarms": alarms, "p": values, "cpu": seconds}


def scheme_of(kind: str) -> Any:  # noqa: ANN401 (three protocols that differ in what they take)
    """Return our scheme for `kind`."""
    return {"image": marks.image_scheme, "audio": marks.audio_scheme, "film": marks.video_scheme}[kind]()


def presence(scheme: Any, plain: Any, key: bytes) -> float | None:  # noqa: ANN401
    """Return the p-value of the hypothesis that there is no mark, `None` where the scheme has no such test."""
    test = getattr(scheme, "presence", None)
    return None if test is None else float(test(plain, key))


def cut(media: Media, rng: np.random.Generator) -> Media:
    """Return a drawn part: a crop of 160 pixels a side or more, 2 to 5 s of sound, or 25 frames."""
    if isinstance(media, Audio):
        n = int(min(rng.uniform(*CLIP_SECONDS), media.seconds) * media.rate)
        at = int(rng.integers(media.samples.shape[1] - n + 1))
        return Audio(samples=np.ascontiguousarray(media.samples[:, at : at + n]), rate=media.rate)
    if isinstance(media, Still):
        height, width = (
            int(rng.integers(min(LEAST_CROP, side), min(side, 640) + 1)) for side in media.pixels.shape[:2]
        )
        top, left = (int(rng.integers(a - b + 1)) for a, b in zip(media.pixels.shape, (height, width), strict=False))
        return Still(pixels=np.ascontiguousarray(media.pixels[top : top + height, left : left + width]))
    at = int(rng.integers(max(1, len(media) - CLIP_FRAMES + 1)))
    some = media[at : at + CLIP_FRAMES]
    return tuple(Frame(index=k, time=one.time - some[0].time, image=one.image) for k, one in enumerate(some))


@lru_cache(maxsize=2)
def _kept(piece: Piece) -> Media | None:
    return load(piece)


def by_file(rows: Sequence[Record], *, draws: int = 2000) -> float:
    """Return the p-value of the Kolmogorov-Smirnov distance over all cuts if the cuts of one file go together.

    The files' parts in the distance get random normal weights (multiplier bootstrap, van der Vaart & Wellner 1996,
    section 2.9): cuts of one file overlap, so they are no independent draws.
    """
    files: dict[str, list[float]] = {}
    for row in rows:
        files.setdefault(row["item"], []).extend(row["p"])
    levels = np.linspace(0.0, 1.0, 401)[1:-1]
    counts = np.array([len(some) for some in files.values()])[:, None]
    over = np.array([np.searchsorted(np.sort(some), levels, side="right") for some in files.values()]) - counts * levels
    mean = over.sum(axis=0) / counts.sum()
    weights = np.random.default_rng(0).standard_normal((draws, len(files)))
    drawn = np.abs(weights @ (over - counts * mean)).max(axis=1) / counts.sum()
    return float((1 + (drawn >= np.abs(mean).max()).sum()) / (draws + 1))


def calibration(rows: Sequence[Record]) -> dict[str, Any]:
    """Return how uniform the p-values of `rows` are: Kolmogorov-Smirnov over all and over one cut a file."""
    from scipy.stats import kstest

    values = np.array([value for row in rows for value in row["p"]], np.float64)
    if not values.size:
        return {"n": 0}
    seen: set[str] = set()
    single = []
    for row in rows:
        if row["item"] not in seen and row["p"]:
            seen.add(cast("str", row["item"]))
            single.append(row["p"][0])
    everyone, alone = kstest(values, "uniform"), kstest(single, "uniform")
    levels = (0.1, 0.01, 0.001)
    return {
        "n": int(values.size),
        "ks": float(everyone.statistic),
        "ks_p": float(everyone.pvalue),
        "ks_p_by_file": by_file(rows),
        "files": len(single),
        "files_ks": float(alone.statistic),
        "files_ks_p": float(alone.pvalue),
        "below": {str(level): float(np.mean(values <= level)) for level in levels},
        "quantiles": [float(f"{q:.4g}") for q in np.quantile(values, np.linspace(0, 1, 101))],
        "lowest": [float(f"{q:.3g}") for q in np.sort(values)[:50]],
    }
