"""Where a model looked in a face: by how much each place moves its answer. It does not tell what was manipulated.

Two ways. A network whose answer is a line through the mean of its last maps knows what each place adds: the class
activation map of Zhou et al., "Learning deep features for discriminative localization", CVPR 2016. Any other model is
asked again with one place after another covered: occlusion after Zeiler & Fergus, "Visualizing and understanding
convolutional networks", ECCV 2014. Grey squares or smoothing would be traces themselves, which models of traces answer
to wherever they lie (tried); so a place is covered with the fine texture of other places of the same picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...media.extent import Region
from ...media.view import View
from ..model import Model
from .faces import flat

Pixels = NDArray[np.uint8]
F64 = NDArray[np.float64]

OCCLUSION: Final = "occlusion: each place given the fine texture of others in turn"
ACTIVATION: Final = "class activation map"
MOST_SHOWN = 2
"""Faces of a picture of which it is shown where the model looked."""
CELLS = 6
"""Places along each side that are covered in turn: with two textures each 72 answers a face."""
_FINE = 3.0
"""Deviation, in pixels of a crop 256 wide, of a smoothing: what it takes away is the fine texture."""
_AWAY = ((0.5, 0.0), (0.0, 0.5))
"""From how far the textures come, down and across, in sides of the crop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What a model saw of one face, and where it looked.

    `crop` is the upright face, uint8 `[s, s, 3]`; `heat` `[h, w]` is what each place adds to the log10 ratio before it
    is bounded, to the model's own score where nothing calibrates it (`score`), by `method`. `boundary` `[h, w]` in
    0..1, if the model has one, is what it was trained to draw, which `boundary_of` names. `region` is the face in its
    picture or frame, with the frame's time.
    """

    region: Region
    score: float
    crop: Pixels
    heat: F64
    method: str
    boundary: F64 | None = None
    boundary_of: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` unless the maps are finite planes and a boundary says what it was trained to draw."""
        maps = [self.heat] if self.boundary is None else [self.heat, self.boundary]
        if any(one.ndim != 2 or not one.size or not np.isfinite(one).all() for one in maps):
            msg = f"expected finite maps [h, w], got {[one.shape for one in maps]}"
            raise ValueError(msg)
        if self.boundary is not None and not self.boundary_of:
            msg = "a boundary map needs to say what it was trained to draw, got nothing"
            raise ValueError(msg)

    @property
    def most(self) -> float:
        """By how much, at most, one place moves the score either way."""
        return float(np.abs(self.heat).max())


@runtime_checkable
class Looks(Protocol):
    """A detector that can tell where it looked."""

    def where(self, view: View) -> tuple[Where, ...]:
        """Return where it looked in `view`, most suspect face first; nothing if it did not answer about `view`."""
        ...


def occlusion(crop: Pixels, scores_of: Callable[[list[Pixels]], F64], *, textures: int = len(_AWAY)) -> F64:
    """Return by how much the score falls when each place of `crop` has another's texture, `[CELLS, CELLS]`.

    The mean over `textures` other places: 2, or 1 for a model that is slow.
    """
    import cv2

    side = crop.shape[0]
    sharp = crop.astype(np.float32)
    fine = sharp - cv2.GaussianBlur(sharp, (0, 0), _FINE * side / 256)
    changes = [
        np.roll(fine, (round(down * side), round(across * side)), axis=(0, 1)) - fine
        for down, across in _AWAY[:textures]
    ]
    bumps = [_bump(side, place) for place in range(CELLS)]
    covered = [
        np.asarray(np.clip(np.round(sharp + (down[:, None] * across)[..., None] * change), 0, 255), np.uint8)
        for down in bumps
        for across in bumps
        for change in changes
    ]
    scores = scores_of([crop, *covered])
    return np.asarray((scores[0] - scores[1:]).reshape(CELLS, CELLS, -1).mean(axis=2), np.float64)


def occluded(model: Model, crop: Pixels, region: Region, score: float) -> Where:
    """Return where `model` looked in a `crop` that it gave the raw `score`, by covering places: for a slow model."""

    def scores_of(shown: list[Pixels]) -> F64:
        return model.slope * np.concatenate([model.scores(flat([one])) for one in shown])

    heat = occlusion(crop, scores_of, textures=1)
    return Where(region=region, score=model.scaled(score), crop=crop, heat=heat, method=OCCLUSION)


def _bump(side: int, place: int) -> NDArray[np.float32]:
    """Return 1 over one of `CELLS` places along a side, with edges as soft as half a place."""
    width = side / CELLS
    distance = np.abs(np.arange(side) + 0.5 - (place + 0.5) * width) / width
    return np.asarray(np.clip(1.5 - 2 * (distance - 0.25), 0, 1), np.float32)


def picture(where: Where, *, side: int = 300) -> bytes:
    """Return a PNG: the face as the model saw it, where it looked in it, and its boundary map if there is one.

    What adds to the score is warm, what takes from it cool, each the stronger the more.
    """
    import io

    from matplotlib import colormaps
    from PIL import Image

    shown = np.asarray(Image.fromarray(where.crop).resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255
    grey = np.repeat((shown @ np.array([0.299, 0.587, 0.114], np.float32))[..., None], 3, axis=2)
    heat = _grown(where.heat, side) / max(where.most, 1e-9)
    share = 0.8 * np.clip(np.abs(heat), 0, 1)[..., None]
    tint = np.where(heat[..., None] > 0, colormaps["YlOrRd"](0.35 + 0.5 * heat)[..., :3], (0.15, 0.42, 0.85))
    panels = [shown, (1 - share) * (0.1 + 0.75 * grey) + share * tint]
    if where.boundary is not None:
        panels.append(np.repeat(np.clip(_grown(where.boundary, side), 0, 1)[..., None], 3, axis=2))
    gap = np.ones((side, 6, 3), np.float32)
    joined = np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1)
    buffer = io.BytesIO()
    Image.fromarray((255 * joined.clip(0, 1)).astype(np.uint8)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _grown(values: F64, side: int) -> NDArray[np.float32]:
    from PIL import Image

    small = Image.fromarray(values.astype(np.float32))
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), np.float32)
