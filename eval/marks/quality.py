"""How far a marked piece is from the unmarked one: PSNR and SSIM of pictures, SNR and PESQ of sound."""

from __future__ import annotations

import math
import warnings
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...datasets.launder import Media
from ...media.audio import Audio, resample
from ...media.errors import MissingExtra
from ...media.image import Still
from ...media.video import Frame

SSIM_FRAMES = 5
"""Frames of a film whose SSIM is taken: the mark changes slowly."""
_PESQ_RATE = 16_000


def measured(before: Media, after: Media) -> dict[str, float]:
    """Return the figures of one piece; of a film the mean PSNR over frames, and the least (`psnr_least`)."""
    if isinstance(before, Audio):
        sound = cast("Audio", after)
        n = min(before.samples.shape[1], sound.samples.shape[1])
        x, y = before.mono()[:n], sound.mono()[:n]
        found = {"snr": _decibels(float(np.mean(np.square(x, dtype=np.float64))), x, y)}
        heard = pesq_wb(x, y, before.rate)
        return _rounded(found if heard is None else {**found, "pesq": heard})
    if isinstance(before, Still):
        pixels = cast("Still", after).pixels
        return _rounded({"psnr": psnr(before.pixels, pixels), "ssim": ssim(before.pixels, pixels)})
    frames = [(a.image, b.image) for a, b in zip(before, cast("tuple[Frame, ...]", after), strict=True)]
    each = [psnr(a, b) for a, b in frames]
    some = frames[:: max(1, len(frames) // SSIM_FRAMES)]
    alike = float(np.mean([ssim(a, b) for a, b in some]))
    return _rounded({"psnr": float(np.mean(each)), "psnr_least": min(each), "ssim": alike})


def psnr(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio in dB, at most 99."""
    return _decibels(255.0**2, before, after)


def ssim(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Return the structural similarity over the three colours (Wang et al. 2004, uniform window of 7)."""
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        raise MissingExtra("the structural similarity", "generate") from error
    return float(structural_similarity(before, after, channel_axis=2))  # type: ignore[no-untyped-call]


def pesq_wb(before: NDArray[np.float32], after: NDArray[np.float32], rate: int) -> float | None:
    """Return PESQ in wide band (ITU-T P.862.2) at 16 kHz, `None` where it finds no speech."""
    try:
        from pesq import PesqError, pesq
    except ImportError as error:
        raise MissingExtra("PESQ", "judge") from error
    x, y = (resample(one, rate, _PESQ_RATE) for one in (before, after))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = float(pesq(_PESQ_RATE, x, y, "wb"))
    except PesqError:
        return None
    return value if math.isfinite(value) else None


def _decibels(power: float, before: NDArray[Any], after: NDArray[Any]) -> float:
    loss = float(np.mean(np.square(after.astype(np.float64) - before)))
    return 99.0 if loss <= 0 else min(99.0, 10 * math.log10(max(power, 1e-20) / loss))


def _rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in found.items()}
