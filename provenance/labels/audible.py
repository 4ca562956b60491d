"""Labels that people hear: a notice in front of the sound, spoken or as the rhythm short-long-short-short.

GB 45438-2025, 5.3 names that rhythm: it is "AI" in Morse code (.- ..). Durations are Morse's with a unit of 0.12 s:
short 0.12 s, long 0.36 s, 0.12 s between the tones of a letter, 0.36 s between the letters; 1.32 s in all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample
from ...media.extent import Span
from .interface import LabelError

UNIT = 0.12
"""Seconds of a short tone."""
PITCH = 1000.0
"""Hertz of the tone: in the telephone band, where hearing is keen."""
_RHYTHM = ((1, 1), (3, 3), (1, 1), (1, 0))  # (tone, silence behind it) in units
_REST = 0.4  # seconds of silence between the notice and the programme
_RAMP = 0.01  # seconds in which a tone swells and fades, so that it does not click
_LOUDEST, _SOFTEST = -14.0, -30.0  # dBFS (RMS) between which the notice follows the programme
_LEAST_RATE = 4000

_FRAME, _HOP = 0.032, 0.008  # seconds of an analysis frame and of the step to the next
_BLOCK, _OVERLAP = 60.0, 6.0  # seconds analysed at a time; a notice of up to 6 s is whole in one of them
_PURE = 0.7  # part of a frame's power that a tone holds in five neighbouring lines
_FAINT = 0.01  # of a tone's highest power: what is weaker is its swelling and fading
_LONG = (2.0, 4.5)  # long / short that is taken for the rhythm
_EVEN = 1.5  # longest short / shortest short
_SHORT = (0.05, 0.45)  # seconds of a short tone
_BLIP = 0.03  # seconds: what is shorter is what a codec smears into a pause
_GAP = (0.3, 5.0)  # silence between tones, in shorts
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A rhythm that was found: when, at which `pitch` in hertz, and the tones' lengths in seconds."""

    span: Span
    pitch: float
    tones: tuple[float, float, float, float]


def audible_notice(audio: Audio, *, spoken: Audio | None = None) -> Audio:
    """Return `audio` with a notice and a rest in front of it: the rhythm, or `spoken` (a voice that says so).

    Raises as `audible_lead`.
    """
    lead = audible_lead(audio, spoken=spoken)
    return Audio(samples=np.concatenate([lead.samples, audio.samples], axis=1), rate=audio.rate)


def audible_lead(audio: Audio, *, spoken: Audio | None = None) -> Audio:
    """Return the notice and the rest that go in front of `audio`, in its rate and channels.

    The notice is as loud as the programme's louder half, within -30 to -14 dBFS. Raises `LabelError` below 4000 Hz,
    or if `spoken` is silent.
    """
    if audio.rate < _LEAST_RATE:
        msg = f"a notice needs a rate of at least {_LEAST_RATE} Hz, got {audio.rate}"
        raise LabelError(msg)
    notice = _tones(audio.rate) if spoken is None else resample(spoken.mono(), spoken.rate, audio.rate)
    level = _active_rms(notice, audio.rate)
    if level <= 0.0:
        msg = "the spoken notice is silent: record it again"
        raise LabelError(msg)
    programme = audio.samples[0] if len(audio.samples) == 1 else audio.mono()
    wanted = np.clip(_decibels(_active_rms(programme, audio.rate)), _SOFTEST, _LOUDEST)
    notice = notice * (10 ** (wanted / 20) / level)
    peak = float(np.abs(notice).max())
    notice = notice / max(peak, 1.0)
    rest = np.zeros(round(_REST * audio.rate), np.float32)
    lead = np.tile(np.concatenate([notice.astype(np.float32), rest]), (audio.samples.shape[0], 1))
    return Audio(samples=lead, rate=audio.rate)


def find_audible_notice(audio: Audio) -> Notice | None:
    """Return the first rhythm short-long-short-short of pure tones, `None` if there is none.

    One pitch of 200 to 3800 Hz, any tempo from 0.05 to 0.45 s a short is taken. A spoken notice cannot be told from
    other speech here.
    """
    mono = audio.mono()
    step = round((_BLOCK - _OVERLAP) * audio.rate)
    for start in range(0, max(1, mono.size - round(_OVERLAP * audio.rate)), step):
        block = mono[start : start + round(_BLOCK * audio.rate)]
        for runs in _quadruples(_runs(block, audio.rate)):
            notice = _as_notice(runs, start / audio.rate, audio.seconds)
            if notice is not None:
                return notice
    return None


def _tones(rate: int) -> NDArray[np.float32]:
    parts = []
    for tone, silence in _RHYTHM:
        time = np.arange(round(tone * UNIT * rate)) / rate
        ends = np.minimum(time, time[-1] - time) / _RAMP
        swell = 0.5 - 0.5 * np.cos(np.pi * np.clip(ends, 0.0, 1.0))
        parts += [swell * np.sin(2 * np.pi * PITCH * time), np.zeros(round(silence * UNIT * rate))]
    return np.concatenate(parts).astype(np.float32)


def _active_rms(samples: NDArray[np.float32], rate: int) -> float:
    """Return the RMS of the louder half of the 50 ms pieces, so that pauses do not count."""
    width = min(max(1, round(0.05 * rate)), samples.size)
    pieces = samples[: samples.size // width * width].reshape(-1, width)
    power = np.sort(np.einsum("ij,ij->i", pieces, pieces, dtype=np.float64) / width)  # no copy of a long sound
    return float(np.sqrt(power[power.size // 2 :].mean()))


def _decibels(value: float) -> float:
    return float(20 * np.log10(max(value, _FLOOR)))


@dataclass(frozen=True, slots=True)
class _Run:
    start: float
    end: float
    pitch: float
    power: float

    @property
    def length(self) -> float:
        return self.end - self.start


def _runs(samples: NDArray[np.float32], rate: int) -> list[_Run]:
    """Return the stretches in which one pure tone sounds, in seconds of the block."""
    width, hop = round(_FRAME * rate), round(_HOP * rate)
    if samples.size < width:
        return []
    frames = np.lib.stride_tricks.sliding_window_view(samples, width)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(width).astype(np.float32), axis=1)) ** 2
    low, high = max(3, int(200 * _FRAME)), int(min(3800, 0.45 * rate) * _FRAME)
    total = power.sum(axis=1) + _FLOOR
    peak = low + np.argmax(power[:, low:high], axis=1)
    rows = np.arange(len(power))
    held = sum(power[rows, peak + shift] for shift in (-2, -1, 0, 1, 2))
    pure = (held / total > _PURE) & (total > 1e-4 * total.max())
    edges = np.flatnonzero(np.diff(np.concatenate([[False], pure, [False]]).astype(np.int8)))
    runs = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        # Where a tone swells and fades, a mark or a codec may outweigh it: its pitch is that of its loud part.
        loud = start + np.flatnonzero(total[start:end] > _FAINT * total[start:end].max())
        first, last = loud[0], loud[-1] + 1
        if (last - first) * _HOP < _BLIP:
            continue
        line = float(np.median(peak[first:last]))
        if np.all(np.abs(peak[first:last] - line) <= 1.5):
            middle = _FRAME / 2  # a frame tells of its middle
            runs.append(
                _Run(
                    float(first * _HOP + middle - _HOP / 2),
                    float(last * _HOP + middle - _HOP / 2),
                    line / _FRAME,
                    float(np.median(total[first:last])),
                )
            )
    return runs


def _quadruples(runs: list[_Run]) -> Iterator[list[_Run]]:
    for index in range(len(runs) - 3):
        yield runs[index : index + 4]


def _as_notice(runs: list[_Run], offset: float, seconds: float) -> Notice | None:
    """Return the notice that four runs make, `None` if pitch, loudness, lengths or gaps are not the rhythm's."""
    first, long, third, fourth = (run.length for run in runs)
    shorts = (first, third, fourth)
    short = sum(shorts) / 3
    gaps = [after.start - before.end for before, after in pairwise(runs)]
    pitches = [run.pitch for run in runs]
    powers = [run.power for run in runs]
    fits = (
        _SHORT[0] <= short <= _SHORT[1]
        and max(shorts) <= _EVEN * min(shorts)
        and _LONG[0] <= long / short <= _LONG[1]
        and all(_GAP[0] * short <= gap <= _GAP[1] * short for gap in gaps)
        and max(pitches) - min(pitches) <= 1.5 / _FRAME
        and max(powers) <= 10 * min(powers)
    )
    if not fits:
        return None
    span = Span(start=offset + max(0.0, runs[0].start), end=min(seconds, offset + runs[3].end))
    return Notice(span=span, pitch=sum(pitches) / 4, tones=(first, long, third, fourth))
