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
FOLLOW = 24.0
"""Decibels from which the phase of a harmonic is followed: below, what a voice adds turns it by as much as a cut."""
LEAST = 4.0
"""Seconds that are needed to part a hum from a voice."""
JUMP = 0.6
"""Radians: a smaller jump of the phase is not told."""
JUMP_NOISE = 4.0
"""Times the scatter of the phase around the lines on either side (root mean square) that a jump must be."""
STEADY = 2.5
"""Times its least strength that a line may reach within the second before, and after, a jump."""
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
    followed: bool
    """Whether a harmonic is clear enough for its phase to be followed."""


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
    clear = [line for line in found if line[2] >= FOLLOW and abs(line[0] / hertz - 1.0) < 0.001]
    tracks = [phase_jumps(slow, line[0] * line[1]) for line in clear]
    seen = sorted((one for track in tracks for one in track), key=lambda one: -one[1])
    return Hum(hertz=hertz, number=number, prominence=prominence, jumps=_apart(seen), followed=bool(clear))


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


def phase_jumps(slow: F64, hertz: float) -> tuple[tuple[float, float], ...]:
    """Return when the phase of the line at `hertz` jumps in `slow` `[n]` at `RATE`: seconds and radians.

    A straight line is laid through the phase of the second before and of the second after; where they meet they must
    differ by `JUMP` and by `JUMP_NOISE` times the phase's scatter around them. The line's own strength must hold
    within `STEADY` on both sides: what a voice adds to it makes it swell.
    """
    size, step, reach = round(_WINDOW * RATE), round(_STEP * RATE), round(_REACH / _STEP)
    turned = slow * np.exp(-2j * np.pi * hertz * np.arange(len(slow)) / RATE)
    window = np.hanning(size)
    track = np.lib.stride_tricks.sliding_window_view(turned, size)[::step] @ (window / window.sum())
    phase, strength = np.unwrap(np.angle(track)), np.abs(track) + 1e-12
    gap = round(_WINDOW / _STEP / 2)  # windows that hold both sides of a cut say nothing
    found = []
    for place in range(reach + gap, len(phase) - reach - gap):
        sides = (slice(place - gap - reach, place - gap), slice(place + gap + 1, place + gap + 1 + reach))
        if any(float(np.ptp(np.log(strength[side]))) > np.log(STEADY) for side in sides):
            continue
        (before, missed), (after, missed_after) = (
            _extended(phase[side], to) for side, to in zip(sides, (reach + gap, -gap - 1), strict=True)
        )
        jump = abs((after - before + np.pi) % (2 * np.pi) - np.pi)
        if jump >= max(JUMP, JUMP_NOISE * float(np.hypot(missed, missed_after))):
            found.append(((place * step + size / 2) / RATE, float(jump)))
    return tuple(found)


def _extended(phase: F64, to: int) -> tuple[float, float]:
    """Return what a straight line through `phase` `[n]` gives at `to`, and the root mean square of what it misses."""
    steps = np.arange(len(phase))
    line = np.polyfit(steps, phase, 1)
    return float(np.polyval(line, to)), float(np.sqrt(np.mean((phase - np.polyval(line, steps)) ** 2)))


def _apart(jumps: list[tuple[float, float]]) -> tuple[float, ...]:
    """Return the times of `jumps`, highest first, so far apart that none is another's shadow, in order."""
    found: list[float] = []
    for when, _ in jumps:
        if all(abs(when - other) > 1.6 * _REACH for other in found):
            found.append(when)
    return tuple(sorted(found))
