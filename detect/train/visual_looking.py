"""Teaching a network to look, and asking it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..visual.faces import framing, placed, shown
from .eyes.interface import Eye
from .loop import Balanced, Run, learn
from .selfblend import Pixels
from .table import Tabled
from .visual_crops import Crops

F64 = NDArray[np.float64]


class Seen(Dataset[tuple[Tensor, Tensor]]):
    """Chosen crops as a network sees them, with 0 for spoof and 1 for bona fide.

    Beyond the crops' number, index `k * len + n` is crop `n` changed as `seed` and the index say.
    """

    def __init__(self, crops: Crops, chosen: NDArray[np.int64], kind: type[Eye], *, seed: int = 0) -> None:
        """See the crops numbered `chosen` as `kind` does."""
        self._crops, self._chosen, self._kind, self._seed = crops, chosen, kind, seed
        self._spoof = crops.table.spoof

    def __len__(self) -> int:
        """Return how many crops there are."""
        return len(self._chosen)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return a picture `[3, side, side]` in 0..1, and its class."""
        number = int(self._chosen[index % len(self._chosen)])
        crop, kind = self._crops.crop(number), self._kind
        if index < len(self._chosen):
            picture = shown(crop, kind.SIDE, kind.MARGIN)
        else:
            picture = changed(crop, kind, np.random.default_rng([self._seed, index]))
        pixels = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).float() / 255
        return pixels, torch.tensor(0 if self._spoof[number] else 1)


class Changed(Balanced):
    """Draws examples as `Balanced` does, as indices that `Seen` changes anew each time."""

    def __init__(self, weights: F64, *, count: int, seed: int) -> None:
        """Draw `count` examples an epoch."""
        super().__init__(weights, count=count, seed=seed)
        self._length = len(weights)

    def __iter__(self) -> Iterator[int]:
        """Yield indices beyond the number of examples."""
        for turn, position in enumerate(super().__iter__()):
            yield position + self._length * (1 + self._epoch * self._count + turn)


def changed(crop: Pixels, kind: type[Eye], rng: np.random.Generator) -> Pixels:
    """Return what `kind` sees of a crop mirrored, moved, coloured and coded a little, whatever its class."""
    import cv2

    scale, shift = float(np.exp(rng.uniform(-0.1, 0.1))), rng.uniform(-0.04, 0.04, 2)
    picture = placed(crop, framing(kind.SIDE, kind.MARGIN, scale=scale, shift=shift.tolist()), kind.SIDE)
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    values = picture.astype(np.float32) * rng.uniform(0.92, 1.08, 3) + rng.uniform(-8, 8, 3)
    if rng.random() < 0.5:
        values = (values - 128) * rng.uniform(0.75, 1.25) + 128 + rng.uniform(-15, 15)
    if rng.random() < 0.15:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), rng.uniform(0.3, 1.2)), np.float64)
    if rng.random() < 0.15:
        values = values + rng.normal(0, rng.uniform(1, 5), values.shape)
    picture = np.clip(np.round(values), 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        _, coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 96))])
        picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
    return np.ascontiguousarray(picture)


def balance(crops: Tabled, chosen: NDArray[np.int64]) -> F64:
    """Return the weight of each of the examples numbered `chosen`, `[len(chosen)]`.

    Half is bona fide; every sort of fake weighs the same; pictures and films halve each of these; every item in it
    weighs the same.
    """
    items = crops.table.item[chosen]
    kinds = np.array([f"{one.maker if one.spoof else ''}|{one.kind}" for one in crops.table.items])[items]
    names = sorted(set(kinds))
    sorts: dict[str, int] = {}
    for name in names:
        sorts[name.split("|")[0]] = sorts.get(name.split("|")[0], 0) + 1
    weights = 1.0 / np.bincount(items)[items]
    for name in names:
        sort = name.split("|")[0]
        share = (0.5 if not sort else 0.5 / max(1, len(sorts) - 1)) / sorts[sort]
        weights[kinds == name] *= share / weights[kinds == name].sum()
    return np.asarray(weights)


def teach(eye: Eye, crops: Crops, chosen: NDArray[np.int64], run: Run, *, draws: int | None = None) -> Eye:
    """Return `eye` taught on the crops numbered `chosen`, `draws` of them an epoch (as many as there are), ready."""
    pace = run.pace
    batch = min(pace.batch, len(chosen))
    count = max(1, (draws or len(chosen)) // batch) * batch
    sampler = Changed(balance(crops, chosen), count=count, seed=pace.seed)
    data = Seen(crops, chosen, type(eye), seed=pace.seed)
    learn(laid_out(eye, torch.channels_last), data, sampler, replace(run, pace=replace(pace, batch=batch)))
    return laid_out(eye, torch.contiguous_format)


def laid_out(eye: Eye, layout: torch.memory_format) -> Eye:
    """Return `eye` with its weights in another layout: the same numbers, with the channels last half as dear."""
    made: Any = eye
    made.to(memory_format=layout)  # torch's own signature does not know it
    return eye


def judge(eye: Eye, crops: Crops, chosen: NDArray[np.int64], *, batch: int = 16, device: str = "cpu") -> F64:
    """Return the scores of the crops numbered `chosen`: logit of spoof less that of bona fide, `[len(chosen)]`."""
    place = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
    loader = DataLoader(Seen(crops, chosen, type(eye)), batch_size=batch)
    eye = laid_out(eye.to(place).eval(), torch.channels_last)
    scores: list[F64] = []
    with torch.inference_mode():
        for pictures, _ in loader:
            logits = eye(pictures.to(place)).double().cpu().numpy()
            scores.append(logits[:, 0] - logits[:, 1])
    laid_out(eye.cpu(), torch.contiguous_format)
    return np.concatenate(scores) if scores else np.zeros(0)
