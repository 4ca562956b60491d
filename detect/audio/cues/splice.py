"""Traces of cutting: jumps of the hum's phase, changes of the background's spectrum, clicks. Where, not why.

Editing is no forgery: most published recordings are cut. What is told is where to listen again.
"""

from __future__ import annotations

import itertools

import numpy as np

from ....media.extent import Span
from ...cue import Measured
from .cue import F64, AudioCue, Needs, Recording, decibels, framed
from .hum import Hum, hum_of

PIECE = 0.15
"""Seconds of background that are heard at once, where nobody speaks."""
SIDE = 6
"""Pieces on either side of a place whose backgrounds are compared."""
FLOOR_CHANGE = 25.0
"""Decibels, mean over bands, from which the background is called another."""
CLICK = 30.0
"""Times the highest prediction error of the 12 ms around that a click's must be."""
MOST_SPANS = 50
_BANDS = 12
_LEAST_LEVEL = -90.0  # decibels of full scale below which every background counts as the same
_ORDER = 16
_BESIDE = 0.012


def floor_changes(samples: F64, rate: int, speech: tuple[Span, ...]) -> tuple[tuple[Span, float], ...]:
    """Return where the background of `samples` `[n]` may change: from when to when, and decibels, surest first.

    Backgrounds are heard between the stretches of `speech`, in pieces of `PIECE` seconds: the 25th percentile of each
    of 12 bands (100 Hz to 7 kHz) over frames of 32 ms. The median of up to `SIDE` pieces before a place is compared
    with that of as many after; at least two are needed on either side.
    """
    pieces = _quiet(len(samples) / rate, speech)
    floors = [level for piece in pieces if (level := _floor(samples, rate, piece)) is not None]
    if len(floors) < len(pieces) or len(pieces) < 4:
        return ()
    levels = np.array(floors)
    changes: dict[int, tuple[float, float]] = {}
    for place in range(2, len(pieces) - 1):
        before, after = levels[max(0, place - SIDE) : place], levels[place : place + SIDE]
        size = float(np.abs(np.median(before, axis=0) - np.median(after, axis=0)).mean())
        # Where it changed is told best by what the most pieces on both sides say.
        changes[place] = size, size * float(np.sqrt(len(before) * len(after) / (len(before) + len(after))))
    found: list[int] = []
    for place in sorted(changes, key=lambda one: changes[one][1], reverse=True):
        if all(abs(place - other) >= SIDE for other in found):
            found.append(place)
    around = [Span(start=pieces[n - 1].end - PIECE / 2, end=pieces[n].start + PIECE / 2) for n in found]
    return tuple((span, changes[place][0]) for span, place in zip(around, found, strict=True))


def _quiet(length: float, speech: tuple[Span, ...]) -> list[Span]:
    """Return pieces of `PIECE` seconds between the stretches of `speech`, 0.05 s away from them."""
    edges = [(-0.05, -0.05), *((span.start, span.end) for span in speech), (length + 0.05, length + 0.05)]
    pieces = []
    for (_, end), (start, _) in itertools.pairwise(edges):
        room = start - end - 0.1
        pieces += [
            Span(start=end + 0.05 + n * PIECE, end=end + 0.05 + (n + 1) * PIECE)
            for n in range(int(room / PIECE + 1e-6))
        ]
    return pieces


def _floor(samples: F64, rate: int, piece: Span) -> F64 | None:
    """Return the level of the background in 12 bands, in decibels, or `None` where a piece is too short."""
    size = round(0.032 * rate)
    frames = framed(samples[round(piece.start * rate) : round(piece.end * rate)], size, size // 2)
    if len(frames) < 4:
        return None
    edges = np.searchsorted(
        np.fft.rfftfreq(size, 1.0 / rate), np.geomspace(100.0, min(7000.0, 0.45 * rate), _BANDS + 1)
    )
    power = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2 / size
    bands = np.stack([power[:, a : max(b, a + 1)].mean(axis=1) for a, b in itertools.pairwise(edges)], axis=1)
    return np.asarray(np.maximum(np.percentile(decibels(bands), 25, axis=0), _LEAST_LEVEL))


def clicks(samples: F64, rate: int) -> tuple[tuple[float, float], ...]:
    """Return single samples that prediction from their neighbours misses: seconds, and times the error around them.

    The error is what lies in the upper two fifths of the band, where speech is weak. A plosive is followed by its own
    noise and a glottal pulse by the next one, a cut by nothing.
    """
    from scipy.ndimage import maximum_filter1d
    from scipy.signal import firwin, oaconvolve

    taps = firwin(2 * _ORDER + 1, 0.6, pass_zero=False)
    error = np.abs(oaconvolve(samples, taps, mode="same"))
    reach, own = round(_BESIDE * rate), max(2 * _ORDER, round(0.001 * rate))
    highest = maximum_filter1d(error, reach - own)
    shift = (reach + own) // 2  # from a place to the middle of the stretch before or after it
    before = np.concatenate([np.full(shift, np.inf), highest[:-shift]])
    after = np.concatenate([highest[shift:], np.full(shift, np.inf)])
    ratio = error / (np.maximum(before, after) + 1e-5)
    found: list[tuple[float, float]] = []
    for place in np.flatnonzero(ratio >= CLICK / 10):
        when, height = float(place / rate), float(ratio[place])
        if found and when - found[-1][0] < _BESIDE:
            if height > found[-1][1]:
                found[-1] = (when, height)
        else:
            found.append((when, height))
    return tuple(found)


class SpliceDetector(AudioCue):
    """Looks for places where a recording was cut."""

    name = "audio-splice"
    version = "1"
    needs = Needs(seconds=2.0)

    def measure(self, heard: Recording) -> Measured:
        """Return what traces of cutting there are, and where."""
        samples, rate, length = heard.samples, heard.rate, heard.audio.seconds
        hum = hum_of(samples, rate)
        floors = floor_changes(samples, rate, heard.speech)
        every = clicks(samples, rate)
        snaps = [one for one in every if one[1] >= CLICK]
        jumps = hum.jumps if hum is not None else ()
        other = [span for span, size in floors if size >= FLOOR_CHANGE]
        figures = {
            "hum": hum.prominence if hum is not None else 0.0,
            "followed": float(hum is not None and hum.followed),
            "jumps": float(len(jumps)),
            "clicks": float(len(snaps)),
            "clicks_a_minute": 60.0 * len(snaps) / length,
            "click": max((height for _, height in every), default=0.0),
        }
        if floors:
            figures["floor"] = max(size for _, size in floors)
        points = [*((when, 0.2) for when in jumps), *((when, 0.02) for when, _ in snaps)]
        around = [Span(start=max(0.0, when - half), end=min(length, when + half)) for when, half in points]
        spans = tuple(sorted([*around, *other], key=lambda span: span.start)[:MOST_SPANS])
        note = _sentence(hum, [span.start for span in other], [when for when, _ in snaps], compared=bool(floors))
        return Measured(note=note, figures=figures, spans=spans)


def _sentence(hum: Hum | None, floors: list[float], snaps: list[float], *, compared: bool) -> str:
    said = "no hum of the mains to follow"
    if hum is not None:
        jumped = "its phase runs on without a jump" if hum.followed else "too faint to follow its phase"
        if hum.jumps:
            jumped = f"its phase jumps at {_times(hum.jumps)}"
        said = f"a hum of {hum.hertz:.2f} Hz (harmonic {hum.number}, {hum.prominence:.0f} dB), {jumped}"
    floor = "one background" if compared else "too few pauses to compare backgrounds"
    if floors:
        floor = f"the background changes after {_times(floors)}"
    snap = f"{len(snaps)} click{'s' * (len(snaps) != 1)} at {_times(snaps)}" if snaps else "no clicks"
    return f"{said}; {floor}; {snap}"


def _times(times: list[float] | tuple[float, ...]) -> str:
    """Return times in words, the first five."""
    first = ", ".join(f"{when:.2f} s" for when in sorted(times)[:5])
    return first + (f" and {len(times) - 5} more" if len(times) > 5 else "")
