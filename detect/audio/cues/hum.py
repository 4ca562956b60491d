"""The mains' hum, and where its phase jumps.

After Grigoras, "Digital audio recording analysis: the electric network frequency criterion" (Speech, Language and
the Law 12, 2005) and Rodriguez, Apolinario, Biscainho, "Audio authenticity: detecting ENF discontinuity with high
precision phase analysis" (IEEE TIFS 5, 2010). Only cuts that do not fall on a whole period of the hum can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....media.audio import resample
from .cue import F64, decibels

RATE = 1000
"""Hertz at which the hum is looked at."""
MAINS = (50.0, 60.0)
HARMONICS = (1, 2, 3, 4)
PROMINENCE = 14.0
"""Decibels by which a harmonic must stand above what lies 1 to 6 Hz around it, if another harmonic agrees with it."""
ALONE = 22.0
"""Decibels by which a harmonic that is alone must stand out."""
LEAST = 4.0
"""Seconds that are needed to part a hum from a voice."""
JUMP = 0.6
"""Radians: a smaller jump of the phase is not told."""
JUMP_NOISE = 4.0
"""Times the scatter of the phase around the lines on either side (root mean square) that a jump must be."""
_REACH = 1.0  # seconds of phase on either side that are laid a line through
_STEP = 0.05
_WINDOW = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hum:
    """A hum of `hertz`, the strongest harmonic's `number` and how far it stands out in decibels, and its `jumps`."""

    hertz: float
    number: int
    prominence: float
    jumps: tuple[float, ...]
    """Seconds."""


def hum_of(samples: F64, rate: int) -> Hum | None:
    """Return the mains' hum in `samples` `[n]` at `rate`, or `None` if none is heard or less than `LEAST` seconds."""
    slow = resample(samples.astype(np.float32), rate, RATE).astype(np.float64)
    if len(slow) < LEAST * RATE:
        return None
    lines = [(mains, line) for mains in MAINS for number in HARMONICS if (line := _line(slow, mains, number))]
    found = [
        line
        for mains, line in lines
        if line[2] >= ALONE
        or any(other is not line and same == mains and abs(other[0] / line[0] - 1.0) < 0.001 for same, other in lines)
    ]
    if not found:
        return None
    hertz, number, prominence = max(found, key=lambda line: line[2])
    jumps = phase_jumps(slow, hertz * number)
    return Hum(hertz=hertz, number=number, prominence=prominence, jumps=jumps)


def _line(slow: F64, mains: float, number: int) -> tuple[float, int, float] | None:
    """Return frequency (of the mains), harmonic and prominence of a line within 0.2 % of a harmonic, or `None`.

    It must stand out in three quarters of the pieces of `LEAST` seconds: a voice may hold a note, not for so long.
    """
    size = round(LEAST * RATE)
    pieces = np.lib.stride_tricks.sliding_window_view(slow, size)[:: size // 2]
    power = np.abs(np.fft.rfft(pieces * np.hanning(size), 4 * size, axis=1)) ** 2
    hertz = np.fft.rfftfreq(4 * size, 1.0 / RATE)
    centre = mains * number
    near = np.abs(hertz - centre) <= max(0.2, 0.002 * centre)
    away = np.abs(hertz - centre)
    around = (away >= 1.0 + 0.004 * centre) & (away <= 6.0 + 0.004 * centre)
    heights = decibels(power[:, near].max(axis=1)) - decibels(np.percentile(power[:, around], 75, axis=1))
    prominence = float(np.percentile(heights, 25))
    if prominence < PROMINENCE:
        return None
    peak = float(hertz[near][power[:, near].sum(axis=0).argmax()])
    return peak / number, number, prominence


def phase_jumps(slow: F64, hertz: float) -> tuple[float, ...]:
    """Return when the phase of the line at `hertz` jumps in `slow` `[n]` at `RATE`, in seconds.

    A straight line is laid through the phase of the second before and of the second after; where they meet they must
    differ by `JUMP` and by `JUMP_NOISE` times the phase's scatter around them.
    """
    size, step, reach = round(_WINDOW * RATE), round(_STEP * RATE), round(_REACH / _STEP)
    turned = slow * np.exp(-2j * np.pi * hertz * np.arange(len(slow)) / RATE)
    window = np.hanning(size)
    track = np.lib.stride_tricks.sliding_window_view(turned, size)[::step] @ (window / window.sum())
    phase = np.unwrap(np.angle(track))
    gap = round(_WINDOW / _STEP / 2)  # windows that hold both sides of a cut say nothing
    places = np.arange(reach + gap, len(phase) - reach - gap)
    if not len(places):
        return ()
    before = np.array([_extended(phase[n - gap - reach : n - gap], reach + gap) for n in places])
    after = np.array([_extended(phase[n + gap + 1 : n + gap + 1 + reach], -gap - 1) for n in places])
    jump = np.abs((after[:, 0] - before[:, 0] + np.pi) % (2 * np.pi) - np.pi)
    scatter = np.sqrt((before[:, 1] ** 2 + after[:, 1] ** 2) / 2)
    times = (places * step + size / 2) / RATE
    return _peaks(times, np.where(jump >= JUMP_NOISE * scatter, jump, 0.0))


def _extended(phase: F64, to: int) -> tuple[float, float]:
    """Return what a straight line through `phase` `[n]` gives at `to`, and the root mean square of what it misses."""
    steps = np.arange(len(phase))
    line = np.polyfit(steps, phase, 1)
    return float(np.polyval(line, to)), float(np.sqrt(np.mean((phase - np.polyval(line, steps)) ** 2)))


def _peaks(times: F64, jumps: F64) -> tuple[float, ...]:
    """Return the times of the highest of `jumps` over `JUMP`, so far apart that none is another's shadow."""
    found: list[float] = []
    for place in np.argsort(jumps)[::-1]:
        if jumps[place] < JUMP:
            break
        if all(abs(times[place] - other) > 1.6 * _REACH for other in found):
            found.append(float(times[place]))
    return tuple(sorted(found))
