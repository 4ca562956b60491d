"""The frame grid that an earlier MP3 or AAC compression leaves in decoded samples.

A decoder builds each frame from quantised coefficients, many of them zero. Whoever cuts the samples at the same places
and turns them into the same coefficients finds the zeros again; a shift by one sample hides them. After Yang, Qu,
Huang, "Detecting digital audio forgeries by checking frame offsets" (ACM MM&Sec 2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from .cue import F64, framed

GRANULE = 576
"""Samples from one MP3 granule to the next, at every rate (ISO 11172-3 and 13818-3)."""
AAC_FRAME = 1024
"""Samples from one AAC-LC frame to the next (ISO 14496-3)."""
FRAMES = 14
"""Frames that are turned at each place, the loudest ones."""
_TAPS = 512  # of the MP3 filter bank
_TURNS = np.array([-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037])  # ISO 11172-3, table B.9
_NEAR = 21  # offsets around one that are compared with it
_PIECE = 6.0  # seconds that the FRAMES loudest frames are looked for in


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How far the best offset stands out of its neighbours: `height` in their robust standard deviations."""

    codec: str
    offset: int
    height: float


def grids(samples: F64, rate: int) -> tuple[Grid, ...]:
    """Return the best grid of each codec in `samples` `[n]`: of the loudest seconds, none if there are too few."""
    piece = _loudest(samples, round(_PIECE * rate))
    if piece.size < 8 * AAC_FRAME or not piece.any():
        return ()
    piece = piece / np.abs(piece).max()
    found = [_grid("MP3", mp3_sparsity(piece))]
    aac = [_grid("AAC", aac_sparsity(piece, window)) for window in (_kaiser_bessel(), _sine(AAC_FRAME))]
    return (*found, max(aac, key=lambda grid: grid.height))


def mp3_sparsity(samples: F64) -> F64:
    """Return how empty the hybrid filter bank's coefficients are at each of 576 offsets (-log10 of their size)."""
    places = _loud_places(samples, GRANULE)
    out = np.zeros(GRANULE)
    for phase in range(32):
        views = framed(samples[phase:], _TAPS, 32)
        kept = places[places // 32 + 54 <= len(views)]
        bands = views[kept[:, None] // 32 + np.arange(54)][:, :, ::-1] @ _polyphase()
        for slot in range(GRANULE // 32):
            out[slot * 32 + phase] = _emptiness(_hybrid(bands[:, slot : slot + 36]))
    return out


def aac_sparsity(samples: F64, window: F64) -> F64:
    """Return how empty the coefficients of a long AAC block are at each of 1024 offsets, under `window` `[2048]`."""
    places = _loud_places(samples, AAC_FRAME)
    views = np.lib.stride_tricks.sliding_window_view(samples, 2 * AAC_FRAME)
    return np.array([_emptiness(_mdct(views[places + shift] * window)) for shift in range(AAC_FRAME)])


def _grid(codec: str, sparsity: F64) -> Grid:
    """Return where `sparsity` `[offsets]` stands out of its neighbours, circularly."""
    around = np.concatenate([sparsity[-_NEAR:], sparsity, sparsity[:_NEAR]])
    windows = np.lib.stride_tricks.sliding_window_view(around, 2 * _NEAR + 1)
    above = sparsity - np.median(windows, axis=1)
    spread = 1.4826 * float(np.median(np.abs(above - np.median(above)))) + 1e-9
    best = int(above.argmax())
    return Grid(codec=codec, offset=best, height=float(above[best] / spread))


def _loudest(samples: F64, size: int) -> F64:
    """Return the `size` samples in a row with the most power, in steps of half of it."""
    if samples.size <= size:
        return samples
    starts = range(0, samples.size - size + 1, max(1, size // 2))
    best = max(starts, key=lambda start: float(np.sum(samples[start : start + size] ** 2)))
    return samples[best : best + size]


def _loud_places(samples: F64, size: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return where the loudest frames begin on a grid of `size`, with room for every shift."""
    count = max(0, (samples.size - 4 * size) // size)
    power = np.array([np.sum(samples[(n + 1) * size : (n + 3) * size] ** 2) for n in range(count)])
    return np.asarray(np.sort(np.argsort(power)[::-1][:FRAMES]) * size)


def _emptiness(coefficients: F64) -> float:
    """Return -log10 of the size of coefficients `[frames, bands]`, mean over a middle band that every codec codes."""
    count = coefficients.shape[1]
    return float(-np.log10(np.abs(coefficients[:, count // 16 : count * 7 // 8]) + 1e-7).mean())


def _mdct(pieces: F64) -> F64:
    """Return the modified discrete cosine transform of windowed `pieces` `[n, 2 k]`, `[n, k]`."""
    from scipy.fft import dct

    half = pieces.shape[1] // 4
    first, second, third, fourth = (pieces[:, n * half : (n + 1) * half] for n in range(4))
    folded = np.concatenate([-third[:, ::-1] - fourth, first - second[:, ::-1]], axis=1)
    return np.asarray(dct(folded, type=4, axis=1))


def _hybrid(bands: F64) -> F64:
    """Return MP3's coefficients `[n, 576]` of subband samples `[n, 36, 32]`: long blocks, aliases turned back."""
    turned = bands.copy()
    turned[:, 1::2, 1::2] *= -1.0
    lines = np.einsum("nts,tk->nsk", turned * _sine(18)[None, :, None], _short_cosines(), optimize=True)
    low, high = lines[:, :-1, :9:-1].copy(), lines[:, 1:, :8].copy()
    cosine = 1.0 / np.sqrt(1.0 + _TURNS**2)
    sine = _TURNS * cosine
    lines[:, :-1, 10:] = (low * cosine + high * sine)[:, :, ::-1]
    lines[:, 1:, :8] = high * cosine - low * sine
    return np.asarray(lines.reshape(len(lines), -1))


@cache
def _polyphase() -> F64:
    """Return the 32 filters of the MP3 filter bank, `[512, 32]`.

    Their common low-pass is a Kaiser design whose edge makes neighbours' powers add up to one within 0.2 %: close
    enough to the standard's table for its zeros to be found.
    """
    from scipy.signal import firwin

    low_pass = firwin(_TAPS + 1, 1.13178 / 64, window=("kaiser", 9.0))[:_TAPS]
    places, numbers = np.arange(_TAPS), np.arange(32)
    turns = np.cos((2 * numbers[:, None] + 1) * (places[None] - 16) * np.pi / 64)
    return np.asarray((turns * low_pass).T)


@cache
def _short_cosines() -> F64:
    times, lines = np.arange(36), np.arange(18)
    return np.asarray(np.cos(np.pi / 72 * (2 * times[:, None] + 19) * (2 * lines[None] + 1)))


@cache
def _sine(size: int) -> F64:
    return np.asarray(np.sin(np.pi * (np.arange(2 * size) + 0.5) / (2 * size)))


@cache
def _kaiser_bessel() -> F64:
    """Return the Kaiser-Bessel derived window of AAC's long blocks, alpha 4, `[2048]`."""
    total = np.cumsum(np.kaiser(AAC_FRAME + 1, 4.0 * np.pi))
    half = np.sqrt(total[:-1] / total[-1])
    return np.concatenate([half, half[::-1]])
