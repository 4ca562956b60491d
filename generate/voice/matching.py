"""Learning how a speaker differs from a synthesiser, without the same words from both.

Each frame of the speaker is set beside the frames of the synthesiser where the same is being said, as in INCA (Erro,
Moreno, Bonafonte 2010): nearest neighbours in a description without the speaker's means and spreads, then again after a
first conversion. What is kept of each pair is the difference of their envelopes; a new frame gets the mean difference
of the pairs that resemble it on the synthesiser's side, where both are the same voice and resemblance can be trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .features import MelAxis, Scale, describe, levelled
from .world import Grid, Voiceprint

_STRETCHES = np.arange(0.80, 1.121, 0.04)  # vocal tracts from a tall man's to a small woman's, against hibari's
_PARTNERS = 3  # frames of the synthesiser for each frame of the speaker
_ROUNDS = 2
_THIN = 3  # only each third frame of the synthesiser is searched: neighbours in time say the same
_ROWS = 1_000  # at a time, to bound memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothing:
    """How a difference is averaged: over how many pairs, how evenly, over how many frames (standard deviation)."""

    pairs: int = 24
    evenness: float = 0.3
    frames: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Recordings of one voice end to end: `voice`, and the frames that each has in `lengths`."""

    voice: Voiceprint
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What was learnt: `stretch` of the vocal tract, then `gains` `[m, 64]` (logarithmic) by `sounds` `[m, 61]`."""

    axis: MelAxis
    stretch: float
    scale: Scale
    sounds: NDArray[np.float32]
    gains: NDArray[np.float32]

    def gain(self, speech: Voiceprint, smoothing: Smoothing) -> Grid:
        """Return what to add to the stretched envelope of `speech`, `[n, 513]`."""
        from scipy.ndimage import gaussian_filter1d

        bands = self.axis.reduce(speech.envelope)
        sounds = describe(bands, speech.pitch, self.scale, (len(bands),))
        mean = _mean_of_similar(sounds, self.sounds, self.gains, smoothing)
        return self.axis.widen(gaussian_filter1d(mean, smoothing.frames, axis=0))


def learn_difference(book: Book, speaker: Voiceprint, axis: MelAxis) -> Difference:
    """Return how `speaker` differs from the voice of `book` below the top of `axis`."""
    wanted = axis.reduce(speaker.envelope)
    sought = describe(wanted, speaker.pitch, Scale.of(wanted, speaker.active), (len(wanted),))[speaker.active]
    factor = _best_stretch(book, sought, axis)
    own = axis.reduce(book.voice.envelope, stretched=factor)
    plain = axis.reduce(book.voice.envelope)
    scale = Scale.of(plain, book.voice.active)
    sounds = describe(plain, book.voice.pitch, scale, book.lengths)
    near, target = own, levelled(wanted)[speaker.active]
    for turn in range(_ROUNDS):
        partners = _partners(book, near, sought)[1]
        gains = (target[:, None] - levelled(own)[partners]).reshape(-1, own.shape[1]).astype(np.float32)
        if turn < _ROUNDS - 1:
            near = own + _coarse_gain(sounds, sounds[partners.ravel()], gains)
    return Difference(axis=axis, stretch=factor, scale=scale, sounds=sounds[partners.ravel()], gains=gains)


def _best_stretch(book: Book, sought: NDArray[np.float32], axis: MelAxis) -> float:
    """Return the stretch of the book's vocal tract that brings its frames nearest to those `sought`."""
    costs = []
    some = sought[::2]
    for factor in _STRETCHES:
        distances, _ = _partners(book, axis.reduce(book.voice.envelope, stretched=float(factor)), some)
        costs.append(float(np.sqrt(distances[:, 0]).mean()))
    best = int(np.argmin(costs))
    if not 0 < best < len(costs) - 1:
        return float(_STRETCHES[best])
    before, here, after = costs[best - 1 : best + 2]
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float(_STRETCHES[best] + np.clip(shift, -0.5, 0.5) * (_STRETCHES[1] - _STRETCHES[0]))


def _partners(book: Book, bands: Grid, sought: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return squared distances and frame numbers of the book's frames nearest to each `sought`, nearest first."""
    sounds = describe(bands, book.voice.pitch, Scale.of(bands, book.voice.active), book.lengths)
    searched = np.flatnonzero(book.voice.active)[::_THIN]
    distances, found = nearest(sought, sounds[searched], _PARTNERS)
    return distances, searched[found]


def _coarse_gain(sounds: NDArray[np.float32], known: NDArray[np.float32], gains: NDArray[np.float32]) -> Grid:
    """Return a first difference for all frames of the book, measured at each third of them."""
    from scipy.ndimage import gaussian_filter1d

    places = np.arange(0, len(sounds), _THIN)
    coarse = _mean_of_similar(sounds[places], known[::2], gains[::2], Smoothing())
    every = np.minimum(np.arange(len(sounds)) // _THIN, len(places) - 1)
    return np.asarray(gaussian_filter1d(coarse[every], 3, axis=0))


def _mean_of_similar(
    sounds: NDArray[np.float32], known: NDArray[np.float32], gains: NDArray[np.float32], smoothing: Smoothing
) -> Grid:
    """Return for each of `sounds` the mean gain of the `known` that resemble it, the nearer the weightier."""
    distances, found = nearest(sounds, known, min(smoothing.pairs, len(known)))
    excess = (distances - distances[:, :1]) / (smoothing.evenness * distances.mean() + 1e-9)
    weights = np.exp(-excess)
    weights /= weights.sum(axis=1, keepdims=True)
    mean = np.empty((len(sounds), gains.shape[1]))
    for start in range(0, len(sounds), _ROWS):
        rows = slice(start, start + _ROWS)
        mean[rows] = np.einsum("nk,nkb->nb", weights[rows], gains[found[rows]])
    return mean


def nearest(
    wanted: NDArray[np.float32], known: NDArray[np.float32], count: int
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return squared distances and places of the `count` rows of `known` nearest to each of `wanted`, nearest first."""
    lengths = np.square(known).sum(axis=1)
    distances = np.empty((len(wanted), count), np.float32)
    places = np.empty((len(wanted), count), np.intp)
    for start in range(0, len(wanted), _ROWS):
        some = wanted[start : start + _ROWS]
        squared = lengths - 2 * some @ known.T
        found = np.argpartition(squared, count - 1, axis=1)[:, :count]
        got = np.take_along_axis(squared, found, axis=1)
        order = np.argsort(got, axis=1, kind="stable")
        rows = slice(start, start + len(some))
        places[rows] = np.take_along_axis(found, order, axis=1)
        distances[rows] = np.take_along_axis(got, order, axis=1) + np.square(some).sum(axis=1)[:, None]
    return np.maximum(distances, 0), places
