"""Where the model listened: how its answer about a window changes when a patch of the spectrogram is silenced.

Occlusion after Zeiler & Fergus, ECCV 2014. It tells what the answer hangs on, and not what is fake: a model may listen
in one place because of what is missing in another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .frontends.interface import F32, RATE
from .frontends.lfcc import BAND
from .hearing import Heard
from .scoring import SIZE, ear, window_scores

SLOTS, BANDS = 8, 6
"""Patches across the window and up to 7.5 kHz: with 48 of them the answer comes in less than a second."""
_FFT, _STEP = 512, 128
_LEFT = 0.03  # of a silenced patch's magnitude: 30 dB down
_SOFT = 2.0  # bins or frames over which a patch's edge is softened


@dataclass(frozen=True, slots=True, kw_only=True)
class Listened:
    """Of the window from `start` for `seconds`, by how much silencing each patch lowers the log10 ratio.

    `drop` is `[BANDS, SLOTS]`, lowest band first, up to `top_hz`; negative where silence raises the ratio. `samples`
    are the window's, `[n]` at 16 kHz.
    """

    start: float
    seconds: float
    top_hz: float
    drop: NDArray[np.float64]
    samples: F32


def explain(heard: Heard) -> Listened:
    """Return where the shipped model listened in the window that it found most suspect. Raises `ModelError`."""
    window = heard.strongest
    scores = window_scores(np.stack([window, *occlusions(window)]))
    drop = ear().slope * (scores[0] - scores[1:]).reshape(BANDS, SLOTS)
    return Listened(start=heard.strongest_start, seconds=SIZE / RATE, top_hz=BAND, drop=drop, samples=window)


def occlusions(window: F32) -> F32:
    """Return `window` `[n]` with one patch silenced in each, `[BANDS * SLOTS, n]`, lowest band and first slot first."""
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    transform = ShortTimeFFT(hann(_FFT, sym=False), hop=_STEP, fs=RATE)
    spectrum = transform.stft(window.astype(np.float64))
    bins, count = spectrum.shape
    top = BAND / (RATE / 2) * (bins - 1)
    rows = [_soft(bins, band * top / BANDS, (band + 1) * top / BANDS) for band in range(BANDS)]
    columns = [_soft(count, slot * count / SLOTS, (slot + 1) * count / SLOTS) for slot in range(SLOTS)]
    whole = transform.istft(spectrum, k1=window.size)
    out = np.empty((BANDS * SLOTS, window.size), np.float32)
    for place, (row, column) in enumerate((row, column) for row in rows for column in columns):
        taken = spectrum * ((1.0 - _LEFT) * row[:, None] * column)
        out[place] = whole - transform.istft(taken, k1=window.size)
    return out


def _soft(count: int, first: float, last: float) -> NDArray[np.float64]:
    """Return a bump over `count` places, 1 between `first` and `last`, with soft edges."""
    places = np.arange(count)
    rise = np.clip((places - first) / _SOFT + 0.5, 0, 1)
    return np.asarray(rise * np.clip((last - places) / _SOFT + 0.5, 0, 1), np.float64)


def picture(listened: Listened, *, width: int = 900, height: int = 240) -> bytes:
    """Return the window's spectrogram in grey as a PNG, 0 Hz at the bottom; what silencing lowers the ratio glows."""
    import io

    from matplotlib import colormaps
    from PIL import Image

    starts = np.arange(0, max(1, listened.samples.size - _FFT), _STEP)
    pieces = listened.samples[np.minimum(starts[:, None] + np.arange(_FFT), listened.samples.size - 1)]
    power = np.abs(np.fft.rfft(pieces * np.hanning(_FFT), axis=1))[:, : int(listened.top_hz / RATE * _FFT)]
    level = 20 * np.log10(np.maximum(power / max(float(power.max()), 1e-9), 1e-4))
    grey = np.asarray(Image.fromarray(np.float32(1 + level / 80).clip(0, 1).T[::-1]).resize((width, height)))
    heat = np.maximum(listened.drop, 0.0) / max(float(listened.drop.max()), 1e-9)
    small = Image.fromarray(heat[::-1].astype(np.float32))
    glow = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).clip(0, 1)
    share = 0.75 * glow[..., None]
    shade = (1 - share) * (0.08 + 0.72 * grey[..., None]) + share * colormaps["autumn"](grey)[..., :3]
    buffer = io.BytesIO()
    Image.fromarray((255 * shade.clip(0, 1)).astype(np.uint8)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
