"""A beat in the samples themselves: what interpolation and the upsampling layers of vocoders leave.

Where every n-th sample is made in another way than its neighbours, the size of the second difference repeats every n
samples. Interpolation after Gallagher, "Detection of linear and cubic interpolation in JPEG compressed images" (CRV
2005), whose argument holds for one dimension; upsampling layers after Pons et al., "Upsampling artifacts in neural
audio synthesis" (ICASSP 2021). A resampler or a lossy codec takes it away.
"""

from __future__ import annotations

import numpy as np

from .cue import F64, decibels, framed

_SIZE = 4096
_NEAR = 20  # bins on either side that a line must stand out of
_LOWEST = 0.05  # cycles a sample: slower ones are the voice's own


def interpolation(samples: F64) -> tuple[float, float]:
    """Return the period of interpolation in cycles a sample (0 to 0.5), and by how many decibels it stands out.

    Linear and cubic interpolation make the size of the second difference beat; a sinc resampler does not.
    """
    above = lines(samples)
    above[: round(_LOWEST * _SIZE)] = 0.0
    best = int(above.argmax())
    return best / _SIZE, float(above[best])


def beat(samples: F64) -> tuple[int, float]:
    """Return the sixteenths of the sampling rate at which `samples` `[n]` beat most, 1 to 8, and decibels.

    Layers that double the rate, or blocks of 2 to 16 samples that are made at once, beat there.
    """
    heights = lines(samples)[_SIZE // 16 :: _SIZE // 16][:8]
    best = int(heights.argmax())
    return best + 1, float(heights[best])


def lines(samples: F64) -> F64:
    """Return how far each frequency of the second difference's log size stands out of those around, `[2049]`, dB."""
    bend = np.log(np.abs(samples[2:] - 2.0 * samples[1:-1] + samples[:-2]) + 1e-6)
    pieces = framed(bend, _SIZE, _SIZE // 2)
    if not len(pieces):
        return np.zeros(_SIZE // 2 + 1)
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    level = decibels((np.abs(np.fft.rfft(pieces * np.hanning(_SIZE), axis=1)) ** 2).mean(axis=0))
    near = np.lib.stride_tricks.sliding_window_view(np.pad(level, _NEAR, mode="edge"), 2 * _NEAR + 1)
    return np.asarray(level - np.median(near, axis=1))
