"""Sound as numbers, and the few honest things done to it."""

from __future__ import annotations

from collections.abc import Iterator
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


def mono_blocks(audio: Audio, rate: int, *, seconds: float) -> Iterator[Audio]:
    """Yield the mean of the channels at `rate` hertz, of about `seconds` of `audio` at a time."""
    stream = MonoStream(audio.rate, rate)
    size = max(1, round(seconds * audio.rate))
    for start in range(0, audio.samples.shape[1], size):
        part = stream.feed(audio.samples[:, start : start + size])
        if part.size:
            yield Audio(samples=part[None], rate=rate)
    rest = stream.end()
    if rest.size:
        yield Audio(samples=rest[None], rate=rate)


class MonoStream:
    """The mean of the channels at another rate, of sound that comes in blocks: as `resample` of the whole."""

    def __init__(self, rate: int, to: int) -> None:
        """Begin a sound that comes at `rate` hertz and is wanted at `to`."""
        import soxr

        self._same = rate == to
        self._stream = soxr.ResampleStream(rate, to, 1, dtype="float32", quality="HQ")

    def feed(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what `block` `[channels, n]` completes, `[k]`; k may be 0."""
        mean: NDArray[np.float32] = block[0] if len(block) == 1 else block.mean(axis=0, dtype=np.float32)
        return self._turned(mean, last=False)

    def end(self) -> NDArray[np.float32]:
        """Return what waited for what would follow, `[k]`. The sound is over."""
        return self._turned(np.zeros(0, np.float32), last=True)

    def _turned(self, samples: NDArray[np.float32], *, last: bool) -> NDArray[np.float32]:
        if self._same:
            return np.ascontiguousarray(samples, np.float32)
        return np.asarray(self._stream.resample_chunk(np.ascontiguousarray(samples), last=last), np.float32)
