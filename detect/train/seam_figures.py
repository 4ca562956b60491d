"""What `visual-seam` says of items that its networks did not see, and what that is worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...datasets.corpus import Item
from ...media.asset import Asset
from ...media.decode import decode_image, stream_frames
from ...media.errors import AssayError
from ...media.image import Still
from ...media.sampling import Sampling
from ...media.video import Film, Frame
from ...media.view import Crop, View
from ..visual.seam import LEAST_FACE, MARGIN, SIDE, pooled, thinned
from .eyes.seam import Seam
from .fit import F64, auc, figures, interval
from .seam_material import Sitter, drawn_pair

FRAMES = 16
"""Frames of a film that are looked at."""
ASKED = {"self-blend": (1.0, 0.0), "redrawn-face": (1.0, 1.0), "redrawn": (0.0, 1.0)}
"""Sort of fake -> whether it is blended, and whether drawn by a network, as pairs tell it."""
EDGE = 0.5
"""From here a place of the wanted map belongs to the boundary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An item and the score of its face: of the largest of a picture, of the longest track of a film."""

    item: Item
    score: float
    side: float
    """Pixels: the face's shorter side."""


def seen_of(item: Item, eyes: Sequence[Seam], fold: int) -> Seen | None:
    """Return the unseen score of an item: a real one's by the network of its `fold`, a fake's by all, their mean.

    `None` where no face large enough was found.
    """
    try:
        crops = [crop for crop in view_of(item).crops(SIDE, margin=MARGIN) if _side(crop) >= LEAST_FACE]
    except AssayError:
        return None
    tracks: dict[int, list[Crop]] = defaultdict(list)
    for number, crop in enumerate(crops):
        tracks[-1 - number if crop.track is None else crop.track].append(crop)
    if not tracks:
        return None
    chosen = max(tracks.values(), key=lambda seen: (len(seen), float(np.median([_side(crop) for crop in seen]))))
    chosen = thinned(chosen)
    asked = eyes if item.spoof else [eyes[fold]]
    scores = np.mean([scores_of(eye, np.stack([crop.image for crop in chosen])) for eye in asked], axis=0)
    return Seen(item=item, score=pooled(scores), side=float(np.median([_side(crop) for crop in chosen])))


def view_of(item: Item) -> View:
    """Return a view of an item's own part of its file. Raises as decoding does."""
    if item.region is None:
        return View.open(item.path, sampling=Sampling(frames=FRAMES))
    asset, region = Asset.open(item.path), item.region
    if item.kind == "image":
        return View.of(Still(pixels=_part(decode_image(asset).pixels, region)))
    rate = (asset.video.rate if asset.video else None) or Fraction(25)
    film = Film(
        frames=lambda: (
            Frame(index=frame.index, time=frame.time, image=_part(frame.image, region))
            for frame in stream_frames(asset)
        ),
        rate=Fraction(rate),
        audio=None,
    )
    return View.of(film, sampling=Sampling(frames=FRAMES))


def _part(image: NDArray[np.uint8], region: Sequence[float]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    left, top, right, bottom = region
    part = image[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
    return np.ascontiguousarray(part)


def scores_of(eye: Seam, crops: NDArray[np.uint8]) -> F64:
    """Return the score of each crop, uint8 `[n, SIDE, SIDE, 3]`."""
    with torch.inference_mode():
        pictures = torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2))).float() / 255
        return np.asarray(torch.logsumexp(eye(pictures)[0].double(), dim=1).numpy())


def figures_of(shown: Sequence[Seen], *, seed: int) -> dict[str, Any]:
    """Return what the unseen scores are worth: by kind and by maker, with controls."""
    out: dict[str, Any] = {"protocol": "fakes by others never trained on; real people by a network blind to them"}
    items, scores = [one.item for one in shown], np.array([one.score for one in shown])
    for name, kinds in (("all", ("image", "video")), ("image", ("image",)), ("video", ("video",))):
        rows = [k for k, item in enumerate(items) if item.kind in kinds]
        some = [items[k] for k in rows]
        out[name] = figures(some, scores[rows])
        if len({item.spoof for item in some}) == 2:
            out[name] |= {"auc_interval": interval(some, scores[rows], seed=seed)}
            sides = np.array([shown[k].side for k in rows])
            out[name]["control_small_faces"] = figures(some, -sides).get("auc")
            order = np.random.default_rng(seed).permutation(len(rows))
            mixed = [replace(one, label=some[k].label, maker=some[k].maker) for one, k in zip(some, order, strict=True)]
            out[name]["control_shuffled"] = figures(mixed, scores[rows]).get("auc")
    makers = sorted({(item.maker, item.kind) for item in items if item.spoof})
    out["by_maker"] = {}
    for maker, kind in makers:
        rows = [k for k, i in enumerate(items) if i.kind == kind and (not i.spoof or i.maker == maker)]
        out["by_maker"][f"{maker} ({kind})"] = figures([items[k] for k in rows], scores[rows])
    return out


def own_figures(
    eyes: Sequence[Seam], held: Sequence[Sequence[Sitter]], *, seed: int, pairs: int = 200
) -> dict[str, Any]:
    """Return what each network tells of fakes of its own kind made of the people `held` back from it, the mean of all.

    By sort of fake: AUC of the score against all real crops, and in how many of the pairs the fake scores higher; AUC
    of the boundary map over places of fakes that have one. Each network is shown `pairs`, drawn as in training.
    """
    told: dict[str, list[float]] = defaultdict(list)
    for number, (eye, sitters) in enumerate(zip(eyes, held, strict=True)):
        if not sitters:
            continue
        rngs = [np.random.default_rng([seed, number, turn]) for turn in range(pairs)]
        drawn = [drawn_pair(sitters[turn % len(sitters)], rng) for turn, rng in enumerate(rngs)]
        scores = np.stack([scores_of(eye, pair.crops) for pair in drawn])
        for name, asked in ASKED.items():
            chosen = np.array([tuple(pair.told[1]) == asked for pair in drawn])
            if chosen.any():
                both = np.concatenate([scores[:, 0], scores[chosen, 1]])
                told[name].append(auc(np.arange(len(both)) >= len(drawn), both))
                told[f"{name}, in pairs"].append(float(np.mean(scores[chosen, 1] > scores[chosen, 0])))
        blended = [pair for pair in drawn if pair.told[1, 0]]
        if blended:
            edges = np.concatenate([_boundary(eye, pair.crops[1:]).ravel() for pair in blended])
            wanted = np.concatenate([pair.seams[1].ravel() for pair in blended]) > EDGE
            told["boundary"].append(auc(wanted, edges))
    return {name: round(float(np.mean(values)), 4) for name, values in told.items()} | {"pairs": pairs * len(eyes)}


def _boundary(eye: Seam, crops: NDArray[np.uint8]) -> F64:
    with torch.inference_mode():
        pictures = torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2))).float() / 255
        return np.asarray(eye(pictures)[1].double().numpy())


def _side(crop: Crop) -> float:
    return min(crop.face.region.width, crop.face.region.height)
