"""Marking sound while it comes: a minute and its neighbours are held, however long the whole is.

The sound goes to 16 kHz and what is added comes back to its own rate through resamplers that keep their state, so that
where the blocks end makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, MonoStream
from . import audio_writer, stave
from .interface import MarkError

LEAST_SECONDS = 2.0
"""Seconds: a shorter sound cannot hold enough symbols."""
LEAST_RATE = 8_000
PIECE = 18 * stave.PERIOD
"""Samples that are looked at together: a minute."""
SLICE = 5.0
"""Seconds that are taken in and handed on at once at most."""
CRUMB = 0.1
"""Seconds that are gathered before they are looked at, where the blocks are shorter."""


class Embedder:
    """Marks one sound whose blocks come one after the other."""

    def __init__(self, rate: int, channels: int, symbols: NDArray[np.float32], where: stave.Layout) -> None:
        """Begin a sound of `channels` at `rate` hertz that will carry `symbols` under the layout `where`.

        Raises `MarkError` below 8 kHz.
        """
        if rate < LEAST_RATE:
            msg = f"a sound of at least {LEAST_RATE} Hz can be marked, got {rate} Hz"
            raise MarkError(msg)
        self._rate, self._channels, self._symbols, self._where = rate, channels, symbols, where
        self._down, self._up = MonoStream(rate, stave.RATE), MonoStream(stave.RATE, rate)
        self._sound, self._mono = _Tape(channels), _Tape(1)
        self._crumbs: list[NDArray[np.float32]] = []
        self._crumbled = 0
        self._piece = self._given = 0
        self._loudest = 0.0

    def feed(self, block: Audio) -> Iterator[Audio]:
        """Yield what `block` completes; it must not be changed before. Raises `MarkError` if it is unlike the first."""
        if (block.rate, len(block.samples)) != (self._rate, self._channels):
            msg = (
                f"the sound changes from {self._channels} channels at {self._rate} Hz "
                f"to {len(block.samples)} at {block.rate} Hz: mark the parts by themselves"
            )
            raise MarkError(msg)
        self._crumbs.append(block.samples)
        self._crumbled += block.samples.shape[1]
        if self._crumbled >= CRUMB * self._rate:
            yield from self._take()

    def end(self) -> Iterator[Audio]:
        """Yield the rest. Raises `MarkError` if the whole was shorter than 2 s or silent."""
        if self._crumbs:
            yield from self._take()
        if self._sound.end < LEAST_SECONDS * self._rate:
            seconds = self._sound.end / self._rate
            msg = f"a sound of at least {LEAST_SECONDS} s can be marked, got {seconds:.2f} s"
            raise MarkError(msg)
        if self._loudest <= stave.HUSH:
            msg = "the sound is silent: there is nothing that could hide a mark"
            raise MarkError(msg)
        self._mono.add(self._down.end()[None])
        rest = [np.zeros(0, np.float32)]
        while self._mono.end > self._piece:
            rest.append(self._up.feed(self._change()[None]))
        rest.append(self._up.end())
        change = np.concatenate(rest)[: self._sound.end - self._given]
        yield from self._laid(np.pad(change, (0, self._sound.end - self._given - len(change))))

    def _take(self) -> Iterator[Audio]:
        """Take what was gathered and yield what it completes."""
        samples = self._crumbs[0] if len(self._crumbs) == 1 else np.concatenate(self._crumbs, axis=1)
        self._crumbs, self._crumbled = [], 0
        size = round(SLICE * self._rate)
        for start in range(0, samples.shape[1], size):
            part = samples[:, start : start + size]
            self._loudest = max(self._loudest, float(np.abs(part).max()))
            self._sound.add(part)
            self._mono.add(self._down.feed(part)[None])
            while self._mono.end >= self._piece + PIECE + stave.PERIOD:
                yield from self._laid(self._up.feed(self._change()[None]))

    def _change(self) -> NDArray[np.float32]:
        """Return what the next minute at 16 kHz needs, told from it and a period before and after, and go on."""
        start = self._piece
        before = min(start, stave.PERIOD)
        mono = self._mono.between(start - before, start + PIECE + stave.PERIOD)[0]
        self._piece += PIECE
        self._mono.forget(self._piece - stave.PERIOD)
        if len(mono) - before <= stave.BLOCK or float(np.abs(mono).max()) <= stave.HUSH:
            return np.zeros(min(len(mono) - before, PIECE), np.float32)
        return audio_writer.difference(mono, self._symbols, self._where)[before : before + PIECE]

    def _laid(self, change: NDArray[np.float32]) -> Iterator[Audio]:
        """Yield the next samples with `change` added where a channel sounds, none louder than the loudest was."""
        first, last = self._given, self._given + len(change)
        size = round(SLICE * self._rate)
        peaks = np.zeros(self._channels, np.float32)
        for start in range(first, last, size):
            peaks = np.maximum(peaks, np.abs(self._sound.between(start, min(start + size, last))).max(axis=1))
        heard = (peaks > stave.HUSH).astype(np.float32)[:, None]
        heard *= self._channels / max(float(heard.sum()), 1.0)  # the mark is read from the mean of all channels
        peak = max(1.0, float(peaks.max(initial=0.0)))
        for start in range(first, last, size):
            end = min(start + size, last)
            share = heard * (change[start - first : end - first] * self._sounding(start, end))
            yield Audio(samples=np.clip(self._sound.between(start, end) + share, -peak, peak), rate=self._rate)
        self._given = last
        self._sound.forget(last - self._near())

    def _sounding(self, start: int, end: int) -> NDArray[np.float32]:
        """Return 1 where any channel sounds within 8 ms, 0 in digital silence."""
        from scipy.ndimage import maximum_filter1d

        near = self._near()
        first = max(0, start - near)
        loudest = np.abs(self._sound.between(first, end + near)).max(axis=0)
        sounds = np.asarray(maximum_filter1d(loudest, near) > stave.HUSH, dtype=np.float32)
        return sounds[start - first : end - first]

    def _near(self) -> int:
        return max(3, self._rate // 64)


class _Tape:
    """Samples `[channels, n]` that come in blocks; the oldest are forgotten."""

    def __init__(self, channels: int) -> None:
        self.end = 0
        self._channels = channels
        self._parts: list[tuple[int, NDArray[np.float32]]] = []

    def add(self, samples: NDArray[np.float32]) -> None:
        """Put `samples` behind what is there."""
        if samples.shape[1]:
            self._parts.append((self.end, samples))
            self.end += samples.shape[1]

    def between(self, start: int, end: int) -> NDArray[np.float32]:
        """Return the samples from `start` on, up to `end` or to the last."""
        taken = [
            part[:, max(start - at, 0) : end - at]
            for at, part in self._parts
            if at < end and at + part.shape[1] > start
        ]
        return np.concatenate(taken, axis=1) if taken else np.zeros((self._channels, 0), np.float32)

    def forget(self, before: int) -> None:
        """Let go of what lies wholly before the sample `before`."""
        self._parts = [(at, part) for at, part in self._parts if at + part.shape[1] > before]
