"""The mark for sound: loudness of tiles of time and pitch on a lattice, found again at any tempo and pitch near 1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, mono_blocks, resample
from ...media.extent import Span
from . import audio_reader, audio_search, codes, stave
from .audio_stream import PIECE, Embedder
from .interface import Mark, MarkError


class StaveMark:
    """The sound mark under the catalogue name `name`; stateless, the patterns of a key are cached."""

    name = "assay.stave.2"

    def embed(self, audio: Audio, payload: int, key: bytes) -> Audio:
        """Return `audio` with `payload` in it; silent channels and silence stay as they are.

        Raises `MarkError` if the sound is shorter than 2 s, slower than 8 kHz or silent, or if the key is wrong.
        """
        out = np.empty_like(audio.samples)
        place = 0
        for block in self.embed_stream([audio], payload, key):
            out[:, place : place + block.samples.shape[1]] = block.samples
            place += block.samples.shape[1]
        return Audio(samples=out, rate=audio.rate)

    def embed_stream(self, blocks: Iterable[Audio], payload: int, key: bytes) -> Iterator[Audio]:
        """Yield the sound that comes in `blocks` with `payload` in it, as `embed` marks the whole.

        About a minute is held, whatever the length. A channel that is silent for a minute stays so. Raises as `embed`,
        that the sound is too short or silent only at its end: what was yielded before is then worth nothing.
        """
        symbols, where = codes.encode(payload, key, self.name), stave.layout(key, self.name)
        embedder = None
        for block in blocks:
            embedder = embedder or Embedder(block.rate, len(block.samples), symbols, where)
            yield from embedder.feed(block)
        if embedder is None:
            msg = "there is no sound that could hide a mark"
            raise MarkError(msg)
        yield from embedder.end()

    def detect(self, audio: Audio, key: bytes) -> Mark | None:
        """Return the mark of `audio` under `key` with the seconds that carry it, or `None`."""
        return self.heard(mono_blocks(audio, stave.RATE, seconds=30.0), key)

    def heard(self, blocks: Iterable[Audio], key: bytes) -> Mark | None:
        """Return the mark of a sound that comes in `blocks`, mono at `stave.RATE`: any length takes the same memory."""
        found: dict[int, list[tuple[codes.Decoded, list[Span]]]] = {}
        trials = heard = 0
        for start, piece in _pieces(block.samples[0] for block in blocks):
            heard = start + len(piece)
            decoded, spans, tried = audio_reader.read_block(piece, key, self.name)
            trials += tried
            if decoded is not None:
                offset = start / stave.RATE
                moved = [Span(start=span.start + offset, end=span.end + offset) for span in spans]
                found.setdefault(decoded.payload, []).append((decoded, moved))
        if not found:
            return None
        payload = max(found, key=lambda one: sum(s.end - s.start for _, part in found[one] for s in part))
        strength = max(decoded.strength for decoded, _ in found[payload])
        spans = audio_reader.together([span for _, part in found[payload] for span in part], heard / stave.RATE)
        p = codes.p_false_alarm(strength, trials)
        return Mark(scheme=self.name, payload=payload, p_false_alarm=p, spans=tuple(spans))

    def presence(self, audio: Audio, key: bytes) -> float:
        """Return the p-value of "`audio` is unmarked under `key`" from the pilot at tempo and pitch 1."""
        mono = resample(audio.mono(), audio.rate, stave.RATE)
        where = stave.layout(key, self.name)
        folded = np.zeros((audio_search.PERIOD_FRAMES, stave.CHANNELS), dtype=np.complex128)
        for start in range(0, len(mono), PIECE):
            piece = mono[start : start + PIECE + stave.PERIOD]
            if len(piece) < stave.BLOCK:
                break
            turned = audio_search.phasors(stave.powers(piece), 1.0, where)[: PIECE // stave.HOP]
            padded = np.pad(turned, ((0, -len(turned) % audio_search.PERIOD_FRAMES), (0, 0)))
            folded += padded.reshape(-1, *folded.shape).sum(axis=0)
        return audio_search.p_value(folded, where)


def _pieces(blocks: Iterable[NDArray[np.float32]]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield, with the sample at which each begins, pieces of `PIECE` samples and a period of what follows them."""
    held, start = np.zeros(0, dtype=np.float32), 0
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= PIECE + 2 * stave.PERIOD:
            yield start, held[: PIECE + stave.PERIOD]
            held, start = held[PIECE:], start + PIECE
    if len(held) > PIECE + stave.PERIOD:
        yield start, held[: PIECE + stave.PERIOD]
        held, start = held[PIECE:], start + PIECE
    if len(held) > stave.PERIOD or not start:
        yield start, held


def quality(before: NDArray[Any], after: NDArray[Any]) -> float:
    """Return the signal-to-noise ratio of `after` against `before` in decibels; infinite if they are equal."""
    noise = float(np.square(np.asarray(after, dtype=np.float64) - before).sum())
    signal = float(np.square(np.asarray(before, dtype=np.float64)).sum())
    return float("inf") if noise == 0.0 else 10.0 * float(np.log10(max(signal, 1e-30) / noise))
