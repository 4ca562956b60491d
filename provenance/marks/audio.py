"""The mark for sound: loudness of tiles of time and pitch on a lattice, found again at any tempo and pitch near 1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample
from ...media.extent import Span
from . import audio_reader, audio_search, audio_writer, codes, stave
from .interface import Mark, MarkError

LEAST_SECONDS = 2.0
"""Seconds: a shorter sound cannot hold enough symbols."""
LEAST_RATE = 8_000
PIECE = 18 * stave.PERIOD
"""Samples that are looked at together: a minute."""


class StaveMark:
    """The sound mark under the catalogue name `name`; stateless, the patterns of a key are cached."""

    name = "assay.stave.2"

    def embed(self, audio: Audio, payload: int, key: bytes) -> Audio:
        """Return `audio` with `payload` in it; silent channels and silence stay as they are.

        Raises `MarkError` if the sound is shorter than 2 s, slower than 8 kHz or silent, or if the key is wrong.
        """
        symbols = codes.encode(payload, key, self.name)
        check_sound(audio)
        mono = resample(audio.mono(), audio.rate, stave.RATE)
        change = resample(difference(mono, symbols, key, self.name), stave.RATE, audio.rate)
        length = audio.samples.shape[1]
        change = np.pad(change, (0, max(0, length - len(change))))[:length]
        change = change * _sounding(audio.samples, audio.rate)
        heard = (np.abs(audio.samples).max(axis=1, keepdims=True) > stave.HUSH).astype(np.float32)
        peak = max(1.0, float(np.abs(audio.samples).max()))
        return Audio(samples=np.clip(audio.samples + heard * change, -peak, peak), rate=audio.rate)

    def detect(self, audio: Audio, key: bytes) -> Mark | None:
        """Return the mark of `audio` under `key` with the seconds that carry it, or `None`."""
        mono = resample(audio.mono(), audio.rate, stave.RATE)
        return self.heard([Audio(samples=mono[None], rate=stave.RATE)], key)

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


def check_sound(audio: Audio) -> None:
    """Raise `MarkError` if `audio` is too short, of too low a rate or silent."""
    if audio.seconds < LEAST_SECONDS:
        msg = f"a sound of at least {LEAST_SECONDS} s can be marked, got {audio.seconds:.2f} s"
        raise MarkError(msg)
    if audio.rate < LEAST_RATE:
        msg = f"a sound of at least {LEAST_RATE} Hz can be marked, got {audio.rate} Hz"
        raise MarkError(msg)
    if float(np.abs(audio.samples).max()) <= stave.HUSH:
        msg = "the sound is silent: there is nothing that could hide a mark"
        raise MarkError(msg)


def _sounding(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return 1 where any channel sounds within 8 ms, 0 in digital silence."""
    from scipy.ndimage import maximum_filter1d

    loudest = np.abs(samples).max(axis=0)
    return np.asarray(maximum_filter1d(loudest, max(3, rate // 64)) > stave.HUSH, dtype=np.float32)


def difference(mono: NDArray[np.float32], symbols: NDArray[np.float32], key: bytes, scheme: str) -> NDArray[np.float32]:
    """Return what must be added to `mono` (16 kHz) so that it carries `symbols`; as long as `mono`.

    Long sound is worked on in pieces of whole periods, with some blocks before and after that are thrown away.
    """
    where = stave.layout(key, scheme)
    out = np.zeros_like(mono)
    for start in range(0, len(mono), PIECE):
        before = stave.PERIOD if start else 0
        piece = mono[start - before : start + PIECE + stave.PERIOD]
        if len(piece) - before > stave.BLOCK and float(np.abs(piece).max()) > stave.HUSH:
            change = audio_writer.difference(piece, symbols, where)[before : before + PIECE]
            out[start : start + len(change)] = change
    return out


def quality(before: NDArray[Any], after: NDArray[Any]) -> float:
    """Return the signal-to-noise ratio of `after` against `before` in decibels; infinite if they are equal."""
    noise = float(np.square(np.asarray(after, dtype=np.float64) - before).sum())
    signal = float(np.square(np.asarray(before, dtype=np.float64)).sum())
    return float("inf") if noise == 0.0 else 10.0 * float(np.log10(max(signal, 1e-30) / noise))
