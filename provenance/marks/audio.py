"""The mark for sound: a lattice that carries the id every 1.5 seconds, and a pilot that finds it at any speed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample
from ...media.extent import Span
from . import audio_reader, codes, stave, tones
from .interface import Mark, MarkError
from .mdct import inverse

LEAST_SECONDS = 2.0
"""Seconds: a shorter sound cannot hold all symbols with room for an unknown start."""
LEAST_RATE = 8_000
PULL = 0.72
"""How far a sum is moved to its lattice point; less than all leaves a wider step at the same loss (Costa 1983)."""
GATE = 0.15
"""Level of a frame over that of loud segments below which the pilot fades with it."""
STEEP = 4.0
"""Power of a segment's level by which it is pulled less: in pauses a change is heard most and carries least."""
MOST_PULL = 1.15
"""The same, as a share, in the loudest segments."""
ROUNDS = 3
BLOCK = 40 * stave.PERIOD
"""Samples that are looked at together: a minute."""


class StaveMark:
    """The sound mark under the catalogue name `name`; stateless, the patterns of a key are cached."""

    name = "assay.stave.1"

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
        found: dict[int, list[tuple[codes.Decoded, list[Span]]]] = {}
        trials = 0
        for start in range(0, max(1, len(mono) - stave.PERIOD), BLOCK):
            piece = mono[start : start + BLOCK + stave.PERIOD]
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
        spans = audio_reader.joined([span for _, part in found[payload] for span in part], audio.seconds)
        p = codes.p_false_alarm(strength, trials)
        return Mark(scheme=self.name, payload=payload, p_false_alarm=p, spans=tuple(spans))


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
    """Return what must be added to `mono` (16 kHz) so that it carries `symbols` and the pilot; as long as `mono`."""
    where = stave.layout(key, scheme)
    host = stave.bands_of(stave.whole(mono, 0))
    quiet = stave.segment_levels(host)
    loud = float(np.percentile(quiet, stave.LOUD)) + stave.HUSH
    pull = np.minimum((quiet / np.float32(loud)) ** np.float32(STEEP), MOST_PULL)[:, None] * np.float32(PULL)
    gate = np.minimum(np.sqrt(np.square(host).mean(axis=1, keepdims=True)) / np.float32(GATE * loud), 1.0)
    periods = -(-len(host) // (stave.SEGMENTS * stave.SEGMENT))
    pilot = np.tile(tones.pattern(key, scheme), (periods, 1))[: len(host)] * np.float32(tones.LEVEL)
    bands: NDArray[np.float32] = host + pilot * gate * stave.levels_of(host)
    for turn in range(ROUNDS):
        level = stave.levels_of(bands)
        wanted = stave.errors_to_lattice(stave.sums_of(bands / level, where), symbols, where)
        share = pull if turn == 0 else 0.5 * pull
        bands = bands + level * stave.spread(wanted * share, len(bands), where)
    change = np.zeros((len(bands), stave.HOP), dtype=np.float32)
    change[:, stave.LOW : stave.LOW + stave.BANDS] = bands - host
    return inverse(change, stave.HOP)[: len(mono)]


def quality(before: NDArray[Any], after: NDArray[Any]) -> float:
    """Return the signal-to-noise ratio of `after` against `before` in decibels; infinite if they are equal."""
    noise = float(np.square(np.asarray(after, dtype=np.float64) - before).sum())
    signal = float(np.square(np.asarray(before, dtype=np.float64)).sum())
    return float("inf") if noise == 0.0 else 10.0 * float(np.log10(max(signal, 1e-30) / noise))
