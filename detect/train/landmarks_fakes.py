"""Fakes made of real landmarks, each a way in which the motion of a faked face may differ from a living one's.

All take a stretch of aligned landmarks `[n, 68, 2]` (`detect/visual/landmarks.py`) and give one of the same shape. What
is drawn is measured in the stretch's own tremble, so that how well a film was seen is not what tells a fake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..visual.landmarks import MIRROR

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
_JAW, _UPPER, _INNER = slice(0, 17), slice(17, 48), slice(17, 68)
_OF_NOISE = 2.88
"""Median length of the second difference of noise of deviation 1 in x and y: sqrt(6) times that of Rayleigh's."""


def noise(points: F32) -> float:
    """Return the deviation of independent noise that would make landmarks tremble as these do."""
    bend = points[2:] - 2.0 * points[1:-1] + points[:-2]
    return float(np.median(np.linalg.norm(bend, axis=2))) / _OF_NOISE + 1e-5


def drawn_noise(points: F32, rng: np.random.Generator, *, reach: float, memory: float) -> F64:
    """Return noise of deviation 1 like `points`: alike over about `reach` of the face, lasting by `memory` (0..1)."""
    shape = points.mean(axis=0).astype(np.float64)
    apart = np.linalg.norm(shape[:, None] - shape[None], axis=2)
    ties = np.exp(-0.5 * (apart / max(reach, 1e-3)) ** 2) + 1e-6 * np.eye(len(shape))
    raw = np.linalg.cholesky(ties) @ rng.standard_normal((len(shape), 2 * len(points)))
    return lasting(raw.reshape(len(shape), len(points), 2).transpose(1, 0, 2), memory)


def lasting(raw: F64, memory: float) -> F64:
    """Return independent noise `[n, ...]` of deviation 1 made to last from frame to frame by `memory` (0..1)."""
    from scipy.signal import lfilter

    first = raw.copy()
    first[1:] *= np.sqrt(1.0 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], first, axis=0))


def trembling(points: F32, _donor: F32, rng: np.random.Generator) -> F32:
    """Return landmarks that tremble, as a face does that is drawn frame by frame."""
    size = noise(points) * np.exp(rng.uniform(np.log(0.8), np.log(4.0)))
    reach, memory = rng.choice([0.02, 0.1, 0.3, 0.6]), rng.uniform(0.0, 0.5)
    return _like(points + size * drawn_noise(points, rng, reach=reach, memory=memory))


def loose(points: F32, _donor: F32, rng: np.random.Generator) -> F32:
    """Return landmarks whose inner face slips on the head, as one that is laid in frame by frame."""
    size = noise(points) * np.exp(rng.uniform(np.log(0.6), np.log(3.0)))
    slips = size * lasting(rng.standard_normal((len(points), 4)), rng.uniform(0.0, 0.7))
    out = points.astype(np.float64)
    inner = out[:, _INNER]
    middle = inner.mean(axis=1, keepdims=True)
    around = inner - middle
    turned = np.stack([-around[..., 1], around[..., 0]], axis=2)
    out[:, _INNER] = inner + slips[:, None, :2] + slips[:, 2, None, None] * around + slips[:, 3, None, None] * turned
    return _like(out)


def smooth(points: F32, _donor: F32, rng: np.random.Generator) -> F32:
    """Return landmarks whose motion is drawn smooth, as networks draw it, seen with some noise."""
    from scipy.ndimage import gaussian_filter1d

    calm = gaussian_filter1d(points.astype(np.float64), rng.uniform(1.0, 4.0), axis=0, mode="nearest")
    seen = noise(points) * rng.uniform(0.0, 0.7)
    return _like(calm + seen * drawn_noise(points, rng, reach=0.1, memory=0.0))


def driven(points: F32, donor: F32, rng: np.random.Generator) -> F32:
    """Return this head with an inner face that moves as another's does, as one that is driven."""
    out = points.mean(axis=0) + rng.uniform(0.8, 1.2) * (donor[: len(points)] - donor[: len(points)].mean(axis=0))
    out[:, _JAW] = points[:, _JAW]
    return _like(out)


def stiff(points: F32, _donor: F32, rng: np.random.Generator) -> F32:
    """Return landmarks whose upper face hardly moves while the mouth does, as a portrait that is made to talk."""
    out = points.astype(np.float64)
    upper = out[:, _UPPER]
    mean = upper.mean(axis=0)
    out[:, _UPPER] = mean + rng.uniform(0.0, 0.35) * (upper - mean)
    seen = noise(points) * rng.uniform(0.3, 1.0)
    out[:, _UPPER] += seen * drawn_noise(points, rng, reach=0.1, memory=0.2)[:, _UPPER]
    return _like(out)


def late(points: F32, _donor: F32, rng: np.random.Generator) -> F32:
    """Return landmarks whose inner face follows the head some frames too late, or runs ahead of it."""
    step = int(rng.integers(2, 7)) * int(rng.choice([-1, 1]))
    when = np.clip(np.arange(len(points)) - step, 0, len(points) - 1)
    out = points.copy()
    out[:, _INNER] = points[when][:, _INNER]
    return out


FAKES: Mapping[str, Callable[[F32, F32, np.random.Generator], F32]] = MappingProxyType(
    {
        "trembling": trembling,
        "loose": loose,
        "smooth": smooth,
        "driven": driven,
        "stiff": stiff,
        "late": late,
    }
)
"""Sort of fake -> what makes it of a real stretch, another stretch as long, and chance."""


def disturbed(points: F32, rng: np.random.Generator) -> F32:
    """Return a stretch mirrored, sized and turned a little, seen worse, with frames missing: whatever its class."""
    out = points.astype(np.float64)
    if rng.random() < 0.5:
        out = out[:, list(MIRROR)] * np.array([-1.0, 1.0])
    if rng.random() < 0.5:
        reach = rng.choice([0.02, 0.1, 0.3])
        out = out + noise(points) * rng.uniform(0.0, 0.4) * drawn_noise(points, rng, reach=reach, memory=0.0)
    if rng.random() < 0.2:
        missing = rng.random(len(out)) < rng.uniform(0.02, 0.2)
        missing[0] = False
        out = out[np.maximum.accumulate(np.where(missing, 0, np.arange(len(out))))]
    return _like(out * rng.normal(1.0, 0.03, 2))


def paced(points: F32, frames: int, speed: float) -> F32:
    """Return `frames` frames of a stretch seen at `speed` frames of it for each, between frames by a line."""
    when = np.minimum(np.arange(frames) * speed, len(points) - 1.0)
    before = np.minimum(when.astype(int), len(points) - 2)
    share = (when - before)[:, None, None]
    return _like((1.0 - share) * points[before] + share * points[before + 1])


def _like(points: NDArray[np.floating]) -> F32:
    return np.asarray(points, np.float32)
