"""Fakes for training without a seam: real faces drawn anew by small networks that were taught to copy faces.

Portraits that are generated whole leave the traces of a decoder: how it enlarges its maps, what it cannot draw. One
encoder and several decoders, each with another way of enlarging, learn to copy faces by likeness and against a judge of
patches (Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR 2017, section 3.2.2);
what they draw then trains a detector. Training on reconstructions follows Ricker et al., "AEROBLADE", CVPR 2024, and
Rajan et al., "Aligned datasets improve detection of latent diffusion-generated images", ICLR 2025.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Pixels = NDArray[np.uint8]
WAYS = ("nearest", "bilinear", "transposed", "shuffled")
"""How a decoder doubles the size of its maps."""
_PATCH, _BATCH, _EDGE = 64, 8, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """How the copiers learn: `steps` of batches of 8 patches, learning `rate`, `seed`, width of the maps."""

    steps: int = 3000
    rate: float = 1.5e-3
    seed: int = 1
    width: int = 16


class _Enlarge(nn.Module):
    """Doubles maps in one of the `WAYS` and narrows them."""

    def __init__(self, way: str, inside: int, outside: int) -> None:
        super().__init__()
        self.way = way
        self.shuffle = nn.Conv2d(inside, 4 * outside, 3, padding=1) if way == "shuffled" else None
        self.turn = nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1) if way == "transposed" else None
        self.plain = nn.Conv2d(inside, outside, 3, padding=1) if way in ("nearest", "bilinear") else None
        self.then = nn.Conv2d(outside, outside, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        if self.shuffle is not None:
            maps = functional.pixel_shuffle(self.shuffle(maps), 2)
        elif self.turn is not None:
            maps = self.turn(maps)
        elif self.plain is not None:
            maps = self.plain(functional.interpolate(maps, scale_factor=2, mode=self.way))
        maps = functional.leaky_relu(maps, 0.2)
        return maps + functional.leaky_relu(self.then(maps), 0.2)


class Copiers(nn.Module):
    """One encoder, `len(WAYS)` decoders from a quarter and as many from an eighth of the size."""

    def __init__(self, width: int = 16) -> None:
        """Make the networks with random weights; the widest maps have four times `width` channels."""
        super().__init__()
        one, two, four = width, 2 * width, 4 * width
        self.first = nn.Sequential(_down(3, one), _down(one, two))
        self.second = _down(two, four)
        self.narrow = nn.ModuleList([nn.Conv2d(two, 12, 1), nn.Conv2d(four, 24, 1)])
        self.decoders = nn.ModuleList([_decoder(way, 12, (two, one)) for way in WAYS])
        self.deeper = nn.ModuleList([_decoder(way, 24, (four, two, one)) for way in WAYS])

    def forward(self, pictures: Tensor, number: int) -> Tensor:
        """Return `pictures` `[n, 3, h, w]` in -1..1, sides divisible by 8, as decoder `number` draws them."""
        code = self.first(pictures)
        if number < len(WAYS):
            drawn: Tensor = self.decoders[number](self.narrow[0](code))
        else:
            drawn = self.deeper[number - len(WAYS)](self.narrow[1](self.second(code)))
        return drawn

    @property
    def count(self) -> int:
        """How many decoders there are."""
        return 2 * len(WAYS)


def _down(inside: int, outside: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(outside, outside, 3, padding=1),
        nn.LeakyReLU(0.2),
    )


def _decoder(way: str, code: int, widths: Sequence[int]) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(code, widths[0], 3, padding=1)]
    layers += [
        _Enlarge(way, inside, outside) for inside, outside in zip(widths, (*widths[1:], widths[-1]), strict=True)
    ]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 3, 3, padding=1), nn.Tanh())


def _judge() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 24, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(24, 48, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(48, 1, 4, padding=1),
    )


def taught(faces: Sequence[Pixels], lesson: Lesson, *, kept: Callable[[Copiers, int], None] | None = None) -> Copiers:
    """Return copiers taught on patches of `faces` (uint8 RGB, at least 64 pixels a side).

    `kept` is told after each quarter of the steps, so that earlier, coarser copiers can be kept too.
    """
    rng = np.random.default_rng(lesson.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lesson.seed)
        copiers, judge = Copiers(lesson.width), _judge()
    own = torch.optim.Adam(copiers.parameters(), lr=lesson.rate, betas=(0.5, 0.99))
    others = torch.optim.Adam(judge.parameters(), lr=lesson.rate, betas=(0.5, 0.99))
    for step in range(lesson.steps):
        real = _patches(faces, rng)
        drawn = copiers(real, int(rng.integers(copiers.count)))
        loss = _unlike(drawn, real)
        if step > lesson.steps // 4:  # the judge comes in when there is something to judge
            others.zero_grad()
            wrong = functional.relu(1 - judge(real)).mean() + functional.relu(1 + judge(drawn.detach())).mean()
            wrong.backward()  # type: ignore[no-untyped-call]
            others.step()
            loss = loss - 0.03 * judge(drawn).mean()
        own.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        own.step()
        if kept is not None and (step + 1) % max(1, lesson.steps // 4) == 0:
            kept(copiers, step + 1)
    return copiers.eval()


def _patches(faces: Sequence[Pixels], rng: np.random.Generator) -> Tensor:
    """Return a batch of drawn patches, -1..1, mirrored at random."""
    out = []
    for number in rng.integers(len(faces), size=_BATCH):
        face = faces[number]
        top, left = (int(rng.integers(side - _PATCH + 1)) for side in face.shape[:2])
        patch = face[top : top + _PATCH, left : left + _PATCH]
        out.append(patch[:, :: -1 if rng.random() < 0.5 else 1])
    return _tensor(np.stack(out))


def _tensor(pixels: Pixels) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).float() / 127.5 - 1


def _unlike(drawn: Tensor, real: Tensor) -> Tensor:
    """Return how far the drawing is from the picture: colours, and steps of colour at two scales."""
    gap = drawn - real
    total = gap.abs().mean()
    for _ in range(2):
        total = total + (gap[..., 1:] - gap[..., :-1]).abs().mean() + (gap[..., 1:, :] - gap[..., :-1, :]).abs().mean()
        gap = functional.avg_pool2d(gap, 2)
    return total


def redrawn(pixels: Pixels, copiers: Copiers, rng: np.random.Generator) -> Pixels:
    """Return `pixels` as a drawn decoder draws them, at a drawn scale, their size kept.

    What is coarser than a drawn width of 1 to 5 pixels is taken from `pixels`: small networks get colours wrong, which
    large ones do not, and a detector would learn nothing else.
    """
    import cv2

    height, width = pixels.shape[:2]
    scale = float(rng.uniform(0.6, 1.3))
    small = [max(32, round(side * scale / 8) * 8) for side in (height, width)]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    start = np.asarray(cv2.resize(pixels, (small[1], small[0]), interpolation=how), np.uint8)
    around = cv2.copyMakeBorder(start, _EDGE, _EDGE, _EDGE, _EDGE, cv2.BORDER_REFLECT_101)  # borders are drawn wrongly
    with torch.inference_mode():
        drawn = copiers(_tensor(np.asarray(around, np.uint8)[None]), int(rng.integers(copiers.count)))[0]
    drawn = drawn[:, _EDGE:-_EDGE, _EDGE:-_EDGE]
    fine = (drawn.permute(1, 2, 0).numpy() + 1) * 127.5
    coarse = cv2.GaussianBlur(start - fine, (0, 0), float(np.exp(rng.uniform(np.log(1.0), np.log(5.0)))))
    values = (fine + coarse).clip(0, 255).round().astype(np.uint8)
    return np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
