"""Sound as numbers, and the few honest things done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import NothingToExamine


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """Sound: `samples` float32 `[channels, n]`, full scale +-1, at `rate` hertz; finite and not empty."""

    samples: NDArray[np.float32]
    rate: int

    def __post_init__(self) -> None:
        """Raise `NothingToExamine` without samples, `ValueError` if shape, type, rate or values are wrong."""
        if self.samples.ndim != 2 or self.samples.dtype != np.float32 or self.rate <= 0:
            msg = (
                "audio needs float32 samples [channels, n] and a positive rate in hertz, "
                f"got {self.samples.dtype} {self.samples.shape} at {self.rate}"
            )
            raise ValueError(msg)
        if self.samples.size == 0:
            msg = "the sound has no samples"
            raise NothingToExamine(msg)
        if not np.isfinite(self.samples).all():
            msg = "audio samples must be finite, got NaN or infinity"
            raise ValueError(msg)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / self.rate)

    def mono(self) -> NDArray[np.float32]:
        """Return the mean of the channels, float32 `[n]`."""
        mean: NDArray[np.float32] = self.samples.mean(axis=0, dtype=np.float32)
        return mean


def resample(samples: NDArray[Any], rate: int, to: int) -> NDArray[np.float32]:
    """Return `samples` (`[n]` or `[channels, n]`) at `rate` hertz converted to `to` hertz (libsoxr, high quality)."""
    import soxr

    if rate == to:
        return np.ascontiguousarray(samples, dtype=np.float32)
    turned = np.ascontiguousarray(samples.T, dtype=np.float32)
    out: NDArray[np.float32] = soxr.resample(turned, rate, to, quality="HQ").T
    return np.ascontiguousarray(out)
