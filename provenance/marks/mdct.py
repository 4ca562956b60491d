"""The modified discrete cosine transform with a sine window: real coefficients, perfect reconstruction by overlap."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=4)
def _window(size: int) -> NDArray[np.float32]:
    return np.sin(np.pi * (np.arange(2 * size) + 0.5) / (2 * size)).astype(np.float32)


def mdct(samples: NDArray[Any], size: int) -> NDArray[np.float32]:
    """Return the coefficients `[frames, size]` of `samples`; frame f covers `size * f` to `size * (f + 2)`.

    The samples must be a whole number of at least two times `size`. The scale is orthonormal (Princen, Johnson and
    Bradley 1987), computed as a DCT-IV of the folded frame.
    """
    import scipy.fft

    blocks = np.asarray(samples, dtype=np.float32).reshape(-1, size)
    frames = np.concatenate([blocks[:-1], blocks[1:]], axis=1) * _window(size)
    half = size // 2
    a, b, c, d = (frames[:, part * half : (part + 1) * half] for part in range(4))
    folded = np.concatenate([-c[:, ::-1] - d, a - b[:, ::-1]], axis=1)
    out: NDArray[np.float32] = scipy.fft.dct(folded, type=4, axis=1, norm="ortho")
    return out


def inverse(coefficients: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the samples of `coefficients` `[frames, size]`, `size * (frames + 1)` of them."""
    import scipy.fft

    folded = scipy.fft.dct(coefficients, type=4, axis=1, norm="ortho")
    half = size // 2
    first, second = folded[:, :half], folded[:, half:]
    frames = np.concatenate([second, -second[:, ::-1], -first[:, ::-1], -first], axis=1) * _window(size)
    out = np.zeros((len(coefficients) + 1, size), dtype=np.float32)
    out[:-1] += frames[:, :size]
    out[1:] += frames[:, size:]
    return out.reshape(-1)
